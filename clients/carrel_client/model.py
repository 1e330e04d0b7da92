"""The model commands, run as a program of their own: ``python -m carrel.models … --json``, one JSON object per line."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from carrel_client.desk import Progress
from carrel_client.errors import ClientError

__all__ = ["MODEL_COMMANDS", "encoders", "model_command"]

MODEL_COMMANDS = ("install", "list", "verify")


def model_command(
    action: str,
    environment: Mapping[str, str],
    report: Progress,
    *,
    options: Sequence[str] = (),
    program: Sequence[str] = (sys.executable, "-m", "carrel.models"),
) -> dict[str, Any]:
    """Run one model command and return its last line; ``report`` hears the others.

    Raises ClientError with the program's own words when it fails. The program is stopped when this is interrupted.
    """
    answer: dict[str, Any] = {}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        command = [*program, action, "--json", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=dict(environment)) as process:
            try:
                for line in process.stdout or ():
                    answer = _heard(line, report) or answer
            except BaseException:
                process.terminate()
                raise
        if process.returncode != 0:
            log.seek(0)
            raise ClientError(_reason(answer, log.read()) or f"models {action} failed; run: {' '.join(command)}")
    return answer


def encoders(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The encoders an answer lists."""
    return [one for one in answer.get("encoders") or [] if isinstance(one, dict)]


def _heard(line: str, report: Progress) -> dict[str, Any]:
    """An answer line, or an empty one for progress and for anything that is not JSON."""
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    if not isinstance(value, dict):
        return {}
    if "progress" in value:
        report(float(value["progress"]), 1.0, str(value.get("message", "")))
        return {}
    return value


def _reason(answer: Mapping[str, Any], log: str) -> str:
    error = answer.get("error")
    if isinstance(error, dict) and error.get("message"):
        return str(error["message"])
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1][:400] if lines else ""
