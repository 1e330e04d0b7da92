"""The engine's own programs (``python -m carrel.models``, ``python -m carrel.index``): one JSON object per line."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from carrel_client.desk import Progress
from carrel_client.errors import ClientError

__all__ = ["run_program"]


def run_program(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    report: Progress,
    *,
    program: Sequence[str],
) -> list[dict[str, Any]]:
    """Run ``python -m carrel.…`` and return the lines it answered with; ``report`` hears its progress.

    Raises ClientError with the program's own words when it fails without an answer. The program is stopped when this is
    interrupted.
    """
    answers: list[dict[str, Any]] = []
    command = [*(program or (sys.executable,)), *arguments, "--json"]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=dict(environment)) as process:
            try:
                for line in process.stdout or ():
                    answers += _heard(line, report)
            except BaseException:
                process.terminate()
                raise
        if process.returncode != 0 and (not answers or "error" in answers[-1]):
            log.seek(0)
            what = " ".join([*program[2:], *arguments]) if program else command[0]
            raise ClientError(_reason(answers, log.read()) or f"{what} failed; run: {' '.join(command)}")
    return answers


def _heard(line: str, report: Progress) -> list[dict[str, Any]]:
    """An answer line, or nothing for progress and for anything that is not JSON."""
    try:
        value = json.loads(line)
    except ValueError:
        return []
    if not isinstance(value, dict):
        return []
    if "progress" in value:
        _report(value, report)
        return []
    return [value]


def _report(value: Mapping[str, Any], report: Progress) -> None:
    progress = value["progress"]
    if isinstance(progress, str):
        report(0.0, 0.0, progress)
    else:
        report(float(progress), 1.0, str(value.get("message", "")))


def _reason(answers: Sequence[Mapping[str, Any]], log: str) -> str:
    error = answers[-1].get("error") if answers else None
    if isinstance(error, dict) and error.get("message"):
        return str(error["message"])
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1][:400] if lines else ""
