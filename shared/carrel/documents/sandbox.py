"""I have bytes that may be hostile: read them in a process that no file can make run away.

The reader runs in a child process under limits of time, memory and output, and is killed when it overruns: a file of
2 KB can otherwise take gigabytes or hours, and a library written in C can be cancelled in no other way.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carrel.documents.draft import BROKEN, TOO_BIG, Unreadable
from carrel.errors import Unavailable

__all__ = ["Limits", "ask_child"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may cost: wall clock and processor seconds, bytes of address space (beyond twice the file's
    own) and of output, pages, characters.

    Processor time is what bounds a hostile file; the wall clock leaves room for a busy machine.
    """

    seconds: int = 25
    cpu_seconds: int = 10
    memory: int = 512 * 1024 * 1024
    output: int = 128 * 1024 * 1024
    pages: int = 5000
    chars: int = 16_000_000


def ask_child(reader: str, data: bytes, limits: Limits, hint: str = "") -> dict[str, Any]:
    """What the reader of that name (see `carrel.documents.document_child`) makes of these bytes.

    Raises Unreadable (TOO_BIG when a limit ended it, or as the reader says) and Unavailable (the process could not be
    started). Files rather than pipes carry the bytes: the kernel then bounds what it may write.
    """
    life = limits.seconds + 5  # should this process die, nobody else would end the child
    bounds = (life, limits.cpu_seconds, limits.memory + 2 * len(data), limits.output, limits.pages, limits.chars)
    # -P keeps this folder off the child's path, where html.py would stand in for the standard library's
    command = [
        sys.executable,
        "-P",
        str(Path(__file__).with_name("document_child.py")),
        reader,
        hint,
        *map(str, bounds),
    ]
    try:
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer:
            given.write(data)
            given.seek(0)
            status = _run(command, given, answer, limits.seconds)
            answer.seek(0)
            reply = answer.read(limits.output)
    except OSError as error:
        raise Unavailable(
            "the process that reads documents could not be started; check free disk space and memory, then retry"
        ) from error
    try:
        found = json.loads(reply)
    except (ValueError, RecursionError) as error:  # it was killed by a limit, or failed, before it could answer
        raise Unreadable(BROKEN if status > 0 else TOO_BIG) from error
    if not isinstance(found, dict):
        raise Unreadable(BROKEN)
    if problem := found.get("problem"):
        raise Unreadable(str(problem))
    return found


def _run(command: Sequence[str], given: Any, answer: Any, seconds: int) -> int:
    """Run the child to its end; returns its exit status, which is negative when a signal ended it."""
    with subprocess.Popen(
        command, stdin=given, stdout=answer, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise Unreadable(TOO_BIG) from error
        finally:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
