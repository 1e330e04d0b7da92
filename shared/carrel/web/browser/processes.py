"""I started a process that starts others: how much memory do they hold, and how do I end them all?"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["end_family", "resident_bytes"]

_PROC = Path("/proc")
_ROUNDS = 5  # a family may grow while it is being ended


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    group: int
    resident: int  # pages


def resident_bytes(pid: int) -> int:
    """Memory of a process and its descendants, shared pages counted for each; 0 where there is no /proc."""
    return sum(process.resident for process in _family(pid)) * _page_bytes()


def end_family(pid: int) -> None:
    """Kill a process that leads its own group, and every group that its descendants are in.

    Without /proc only its own group is reached; a browser then ends by itself, as its pipe breaks.
    """
    own = os.getpgrp() if hasattr(os, "getpgrp") else 0
    for _ in range(_ROUNDS):
        groups = {pid, *(process.group for process in _family(pid))} - {own, 0, 1}
        for group in groups:
            _kill_group(group)
        if not _PROC.is_dir() or not any(process.group in groups for process in _processes()):
            return


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(group, signal.SIGKILL)
        else:
            os.kill(group, signal.SIGTERM)


def _family(pid: int) -> list[_Process]:
    children: dict[int, list[_Process]] = {}
    found: list[_Process] = []
    for process in _processes():
        children.setdefault(process.parent, []).append(process)
        if process.pid == pid:
            found.append(process)
    for process in found:  # grows as it goes
        found += children.get(process.pid, ())
    return found


def _processes() -> Iterator[_Process]:
    """Every live process (proc(5), /proc/PID/stat); zombies hold nothing and are left out."""
    if not _PROC.is_dir():
        return
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):  # it ended meanwhile
            fields = (entry / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
            if fields[0] != "Z":
                yield _Process(int(entry.name), int(fields[1]), int(fields[2]), int(fields[21]))


def _page_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
