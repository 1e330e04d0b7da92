"""I started a process that starts others: how much memory do they hold, and how do I end them all?"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Process", "end_family", "family", "resident_bytes"]

_PROC = Path("/proc")
_ROUNDS, _PAUSE = 100, 0.02  # a family may grow while it is being ended, and takes a moment to die


@dataclass(frozen=True, slots=True)
class Process:
    """``parent`` and ``group`` are numbers like ``pid``; ``resident`` is memory, in pages."""

    pid: int
    parent: int
    group: int
    resident: int


def family(pid: int) -> list[Process]:
    """A process and its descendants; none where there is no /proc."""
    children: dict[int, list[Process]] = {}
    found: list[Process] = []
    for process in _processes():
        children.setdefault(process.parent, []).append(process)
        if process.pid == pid:
            found.append(process)
    for process in found:  # grows as it goes
        found += children.get(process.pid, ())
    return found


def resident_bytes(pid: int) -> int:
    """Memory of a process and its descendants, shared pages counted for each; 0 where there is no /proc."""
    return sum(process.resident for process in family(pid)) * _page_bytes()


def end_family(pid: int) -> None:
    """Kill a process that leads its own group, and every group that its descendants are in; wait until they are gone.

    Without /proc only its own group is reached; a browser then ends by itself, as its pipe breaks.
    """
    own = os.getpgrp() if hasattr(os, "getpgrp") else 0
    groups = {pid}
    for _ in range(_ROUNDS):
        groups |= {process.group for process in family(pid)} - {own, 0, 1}
        for group in groups:
            _kill_group(group)
        if not any(process.group in groups for process in _processes()):
            return
        time.sleep(_PAUSE)


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(group, signal.SIGKILL)
        else:
            os.kill(group, signal.SIGTERM)


def _processes() -> Iterator[Process]:
    """Every live process (proc(5), /proc/PID/stat); zombies hold nothing and are left out."""
    if not _PROC.is_dir():
        return
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):  # it ended meanwhile
            fields = (entry / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
            if fields[0] != "Z":
                yield Process(int(entry.name), int(fields[1]), int(fields[2]), int(fields[21]))


def _page_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
