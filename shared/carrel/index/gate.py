"""Queries go first: whoever makes vectors in the background waits while any process of the data folder encodes one."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["QueryGate"]

_RECENT = 0.05  # seconds after a query in another process during which the next one is likely
_LONGEST = 0.25  # seconds a batch waits at most: steady queries must not stop the encoding for ever
_STEP = 0.01
_RENEWED = _RECENT / 2  # seconds after which a sign is given anew; giving one takes a disk up to a millisecond


class QueryGate:
    """Counts the queries under way here, and leaves a sign (a file's time) for the other processes."""

    def __init__(self, folder: Path) -> None:
        self._sign = folder / "asked"
        self._lock = threading.Lock()
        self._here = 0
        self._signed = -_RENEWED

    @contextlib.contextmanager
    def query(self) -> Iterator[None]:
        """Hold this while a query is encoded."""
        with self._lock:
            self._here += 1
        now = time.monotonic()
        if now - self._signed >= _RENEWED:
            self._signed = now
            with contextlib.suppress(OSError):
                os.utime(self._sign)
        try:
            yield
        finally:
            with self._lock:
                self._here -= 1

    def wait(self, stop: threading.Event) -> None:
        """Return when no query is under way, after a quarter of a second at the latest, or once ``stop`` is set."""
        with contextlib.suppress(OSError):
            if not self._sign.exists():
                self._sign.parent.mkdir(parents=True, exist_ok=True)
                self._sign.touch()
        ends = time.monotonic() + _LONGEST
        while (self._here or self._recent()) and time.monotonic() < ends:
            if stop.wait(_STEP):
                return

    def _recent(self) -> bool:
        try:
            return abs(time.time() - self._sign.stat().st_mtime) < _RECENT
        except OSError:
            return False
