"""The model commands: ``python -m carrel.models``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from carrel_client.desk import Progress
from carrel_client.programs import run_program

__all__ = ["MODEL_COMMANDS", "encoders", "model_command"]

MODEL_COMMANDS = ("install", "list", "verify")


def model_command(
    action: str,
    environment: Mapping[str, str],
    report: Progress,
    *,
    options: Sequence[str] = (),
    program: Sequence[str] = (sys.executable, "-P", "-m", "carrel.models"),
) -> dict[str, Any]:
    """Run one model command and return its answer; ``report`` hears its progress. Raises ClientError."""
    answers = run_program([action, *options], environment, report, program=program)
    return answers[-1] if answers else {}


def encoders(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The encoders an answer lists."""
    return [one for one in answer.get("encoders") or [] if isinstance(one, dict)]
