"""Synchronous tools in worker threads: a bounded number, and a cancelled call waits for none of them."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

__all__ = ["Workers"]

T = TypeVar("T")


class Workers:
    """Runs functions in threads, at most ``limit`` at a time.

    A call that is cancelled returns at once; its thread keeps its place until it really ends, so a client that
    cancels in a loop cannot pile up threads.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._limiters: dict[int, anyio.CapacityLimiter] = {}
        self._idle = threading.Condition()
        self._busy = 0

    async def call(self, function: Callable[[], T]) -> T:
        """Return ``function()`` from a worker thread."""
        slot = _Slot(self._limiter())
        await slot.take()
        try:
            return await anyio.to_thread.run_sync(
                lambda: self._run(slot, function), abandon_on_cancel=True, limiter=anyio.CapacityLimiter(math.inf)
            )
        finally:
            slot.give_back_unless_claimed()

    def _run(self, slot: _Slot, function: Callable[[], T]) -> T:
        if not slot.claim():
            raise RuntimeError("the call was cancelled before its thread began")
        with self._idle:
            self._busy += 1
        try:
            return function()
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()
            slot.give_back()

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait for running functions to end, at most ``seconds``; tell whether all have."""
        deadline = time.monotonic() + seconds
        with self._idle:
            return self._idle.wait_for(lambda: self._busy == 0, max(0.0, deadline - time.monotonic()))

    def _limiter(self) -> anyio.CapacityLimiter:
        # A limiter belongs to one event loop, and one server may be used under several in turn.
        loop = id(asyncio.get_running_loop())
        if loop not in self._limiters:
            self._limiters.clear()
            self._limiters[loop] = anyio.CapacityLimiter(self._limit)
        return self._limiters[loop]


class _Slot:
    """A place under the limit, given back exactly once: by the thread that claimed it, else by the call."""

    def __init__(self, limiter: anyio.CapacityLimiter) -> None:
        self._limiter = limiter
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._claimed = False

    async def take(self) -> None:
        await self._limiter.acquire_on_behalf_of(self)

    def claim(self) -> bool:
        with self._lock:
            first, self._claimed = not self._claimed, True
            return first

    def give_back(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed, and the limiter with it
            self._loop.call_soon_threadsafe(self._limiter.release_on_behalf_of, self)

    def give_back_unless_claimed(self) -> None:
        if self.claim():
            self._limiter.release_on_behalf_of(self)
