"""Progress of a long call, from the event loop or from any thread, never faster than a reader can follow."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from typing import Protocol

import anyio
from anyio import from_thread
from mcp.server.mcpserver import Context

__all__ = ["ProgressCallback", "progress", "reporting"]

INTERVAL = 0.1  # seconds between two notifications: a spinner's pace, and no flood on the wire

_Report = tuple[float, float | None, str]
Send = Callable[[float, float | None, str | None], Awaitable[None]]


class ProgressCallback(Protocol):
    """Called with how much is done, of how much in all (None when unknown), and a few words."""

    def __call__(self, done: float, total: float | None = None, message: str = "", /) -> None: ...


class _Reporter:
    """The reports of one call on their way to its client; within an interval only the newest is kept."""

    def __init__(self, send: Send, interval: float) -> None:
        self._send = send
        self._interval = interval
        self._loop = asyncio.get_running_loop()
        self._finished = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._lock = threading.Lock()  # guards what follows: reports come from any thread
        self._waiting: _Report | None = None
        self._pumping = False
        self._greatest = float("-inf")

    def report(self, done: float, total: float | None = None, message: str = "", /) -> None:
        """Take a report; returns at once. In a worker thread of a cancelled call it ends the work instead."""
        _stop_if_cancelled()
        with self._lock:
            if done < self._greatest:  # progress must not go back, and threads overtake each other
                return
            self._greatest, self._waiting = done, (done, total, message)
            if self._pumping:
                return
            self._pumping = True
        with contextlib.suppress(RuntimeError):  # the loop closed under an abandoned thread: nobody listens
            self._loop.call_soon_threadsafe(self._start)

    def _start(self) -> None:
        if self._finished.is_set():
            return
        self._pump = asyncio.ensure_future(self._keep_sending())

    async def _keep_sending(self) -> None:
        while await self._send_waiting():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._finished.wait(), self._interval)

    async def _send_waiting(self) -> bool:
        with self._lock:
            waiting, self._waiting = self._waiting, None
            if waiting is None:
                self._pumping = False
                return False
        # A client that has gone cannot be told; that it has gone is the transport's business, not the tool's.
        with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            await self._send(waiting[0], waiting[1], waiting[2] or None)
        return True

    async def finish(self) -> None:
        """Send the last report, after the one under way."""
        self._finished.set()
        if self._pump is not None:
            await self._pump
        await self._send_waiting()

    def abandon(self) -> None:
        """Send no more, for the call has ended."""
        self._finished.set()
        if self._pump is not None:
            self._pump.cancel()


_reporter: ContextVar[_Reporter | None] = ContextVar("carrel_progress", default=None)


@contextlib.asynccontextmanager
async def reporting(ctx: Context, interval: float = INTERVAL) -> AsyncIterator[None]:
    """Carry the reports of the call inside to its client, ``interval`` seconds apart; the last is always sent."""
    reporter = _Reporter(ctx.report_progress, interval)
    token = _reporter.set(reporter)
    try:
        yield
        await reporter.finish()
    finally:
        _reporter.reset(token)
        reporter.abandon()


def progress(ctx: Context) -> ProgressCallback:
    """Return what a tool calls as it goes: ``report(done, total, "words")``, from the loop or from any thread.

    Calling it never waits. Where the client asked for no progress it does nothing, save one thing: in a synchronous
    tool whose call was cancelled it ends the work by raising, so call it between steps that may be left undone.
    """
    reporter = _reporter.get()
    return _nothing if reporter is None else reporter.report


def _nothing(done: float, total: float | None = None, message: str = "", /) -> None:
    return None


def _stop_if_cancelled() -> None:
    try:
        from_thread.check_cancelled()
    except RuntimeError:  # not one of the call's worker threads
        return
