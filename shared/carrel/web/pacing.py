"""I am about to ask a host: is it my turn?

A bucket per host (the generic cell rate algorithm): a small burst goes at once, then one request per interval. A host
that says "later" is left alone until then, for every URL of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from carrel.errors import RateLimited

__all__ = ["Pacer"]

MAX_HOSTS = 1_000


@dataclass(slots=True)
class _Host:
    due: float = 0.0  # when the bucket would be empty again, on the pacer's clock
    closed_until: float = 0.0
    lanes: anyio.Semaphore = field(default_factory=lambda: anyio.Semaphore(2))


class Pacer:
    """Keeps each host to ``per_second`` requests after a burst of ``burst``, and two at a time.

    ``clock`` is monotonic, in seconds; ``sleep`` waits that many seconds.
    """

    def __init__(
        self, *, per_second: float, burst: int, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._sleep = sleep
        self._hosts: OrderedDict[str, _Host] = OrderedDict()

    @asynccontextmanager
    async def turn(
        self, host: str, *, ends: float, per_second: float | None = None, delay: float = 0.0
    ) -> AsyncIterator[None]:
        """Wait for a turn, then hold a lane. ``delay``: the site's own crawl delay in seconds, which allows no burst.

        Raises RateLimited when the turn would come after ``ends`` (clock time).
        """
        entry = self._entry(host)
        async with entry.lanes:
            now = self._clock()
            interval = max(delay, 1.0 / (per_second or self._per_second))
            wait = self._wait(entry, now, interval, 1 if delay else self._burst)
            if now + wait > ends:
                raise RateLimited(f"{host} asked to be left alone for a while; try again later", retry_after=wait)
            entry.due = max(entry.due, now + wait) + interval
            if wait > 0:
                await self._sleep(wait)
            yield

    def close(self, host: str, seconds: float) -> None:
        """Leave the host alone for that long."""
        entry = self._entry(host)
        entry.closed_until = max(entry.closed_until, self._clock() + seconds)

    def _wait(self, entry: _Host, now: float, interval: float, burst: int) -> float:
        return max(now, entry.closed_until, entry.due - (burst - 1) * interval) - now

    def _entry(self, host: str) -> _Host:
        entry = self._hosts.get(host)
        if entry is None:
            entry = self._hosts[host] = _Host()
            if len(self._hosts) > MAX_HOSTS:
                self._hosts.popitem(last=False)
        self._hosts.move_to_end(host)
        return entry
