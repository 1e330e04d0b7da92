"""Memory, disk and latencies of the process that asks."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["Stopwatch", "disk_mb", "memory", "percentiles", "progress"]


class Stopwatch:
    """Adds up wall and processor seconds of the stretches it is entered for."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self._began = (0.0, 0.0)

    def __enter__(self) -> Stopwatch:
        self._began = (time.perf_counter(), time.process_time())
        return self

    def __exit__(self, *error: object) -> None:
        self.wall += time.perf_counter() - self._began[0]
        self.cpu += time.process_time() - self._began[1]


def memory() -> dict[str, int]:
    """Resident MB of this process: ``peak_mb`` ever, ``rss_mb`` now, ``anonymous_mb`` of it not backed by a file.

    What is mapped from files counts as resident and is given back under pressure. Without /proc only the peak is told.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        scale = 1 if sys.platform == "darwin" else 1024
        return {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale >> 20}
    said = dict(line.split(":", 1) for line in lines)
    names = {"VmHWM": "peak_mb", "VmRSS": "rss_mb", "RssAnon": "anonymous_mb"}
    return {name: int(said[key].split()[0]) >> 10 for key, name in names.items() if key in said}


def disk_mb(folder: Path) -> float:
    """MB on disk under a folder; a file linked twice counts once, one that vanishes meanwhile not at all."""
    blocks = {}
    for path in folder.rglob("*"):
        with suppress(OSError):
            facts = path.lstat()
            blocks[facts.st_dev, facts.st_ino] = facts.st_blocks
    return round(sum(blocks.values()) * 512 / 1e6, 1)


def percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    """The middle one, the one that 99 of 100 do not exceed, and the worst."""
    ordered = sorted(milliseconds)
    return {
        "p50_ms": round(ordered[len(ordered) // 2], 2),
        "p99_ms": round(ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)], 2),
        "worst_ms": round(ordered[-1], 2),
    }


def progress(text: str) -> None:
    """A line for whoever waits at a terminal; figures go to standard output."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text:<78}")
        sys.stderr.flush()
