"""Asking one service, politely: its pace, its cooldown, the deadline, and which answers are answers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio

from carrel.errors import CarrelError, RateLimited, Refused, TimedOut, Unavailable
from carrel.records import Page
from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.providers import Lookup, Record, Shelf, SourceStatus, failed
from carrel.web.getter import Getter

__all__ = ["Clock", "Courier", "Getter", "each", "shelve", "utc_now"]

_MAX_BYTES = 6_000_000
_COOLDOWN = 30.0  # seconds of rest after "too many requests" that named no time
_LONGEST_COOLDOWN = 3_600.0
_DOWN = 15.0  # seconds for which a service that could not be reached is not tried again: offline must be quick
_PATIENT = 3.0  # seconds of waiting after which a silent service counts as unreachable
_RETRIED = frozenset({500, 502, 503, 504})
_PAUSE = 0.5  # seconds before the one retry


@dataclass(frozen=True, slots=True)
class Clock:
    """Monotonic seconds, a way to wait, and today's date."""

    time: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    now: Callable[[], datetime]


@dataclass(slots=True)
class _Lane:
    """Requests of one kind start ``interval`` seconds apart; ``due`` is when the next may start."""

    interval: float
    due: float = float("-inf")


@dataclass(frozen=True, slots=True)
class _Ask:
    """One request."""

    path: str
    kind: str
    ends: float
    params: Mapping[str, str | int] | None
    accept: str
    body: bytes | None


@dataclass(slots=True)
class Courier:
    """Carries requests to one service.

    ``intervals`` maps a kind of request to the seconds between two of them. ``lanes`` requests may be on the way at
    once. ``retries`` 0 or 1.
    """

    service: str
    base: str
    client: Getter
    clock: Clock
    intervals: Mapping[str, float]
    lanes: int = 2
    retries: int = 1
    cooldown: float = _COOLDOWN
    headers: Mapping[str, str] = field(default_factory=dict)
    _lanes: dict[str, _Lane] = field(default_factory=dict)
    _open: anyio.Semaphore | None = None
    _rest_until: float = float("-inf")
    _down: tuple[float, Unavailable] | None = None

    async def ask(
        self,
        path: str,
        *,
        kind: str,
        ends: float,
        params: Mapping[str, str | int] | None = None,
        accept: str = "application/json",
        answers: tuple[int, ...] = (200, 404),
        body: bytes | None = None,
    ) -> Page:
        """GET ``path`` of the service, or POST a JSON ``body`` to it; the answer when its status is in ``answers``.

        Raises RateLimited (told to wait, resting, or no turn before ``ends``), TimedOut, Unavailable.
        """
        for attempt in range(self.retries + 1):
            page = await self._once(_Ask(path, kind, ends, params, accept, body))
            if page.status not in _RETRIED or attempt == self.retries or self.clock.time() + _PAUSE >= ends:
                return self._judge(page, answers)
            await self.clock.sleep(_PAUSE)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _once(self, ask: _Ask) -> Page:
        if self._open is None:
            self._open = anyio.Semaphore(self.lanes)
        # The lane comes before the turn: a turn spent waiting for a lane would let two requests start too close.
        try:
            with anyio.fail_after(max(0.0, ask.ends - self.clock.time())):
                await self._open.acquire()
        except TimeoutError:
            raise TimedOut(f"{self.service} was still busy with other requests; ask again") from None
        try:
            await self._turn(ask.kind, ask.ends)
            return await self._send(ask)
        finally:
            self._open.release()

    async def _send(self, ask: _Ask) -> Page:
        left = ask.ends - self.clock.time()
        if left <= 0:
            raise TimedOut(f"there was no time left to ask {self.service}; try again")
        try:
            page = await self._carry(ask, left)
        except RateLimited as error:
            self._rest(error.retry_after)
            raise
        except Unavailable as error:
            if not isinstance(error, TimedOut) or left >= _PATIENT:
                self._down = (self.clock.time() + _DOWN, error)
            raise
        except Refused:
            raise
        except CarrelError:
            raise Unavailable(f"{self.service} could not be asked; check its address in the settings") from None
        self._learn(ask.kind, page)
        return page

    async def _carry(self, ask: _Ask, left: float) -> Page:
        """The request itself; the pace is kept here, by kind of request, so the client need not keep one."""
        url, much = self.base + ask.path, 1_000.0
        if ask.body is None:
            return await self.client.get(
                url,
                params=ask.params,
                headers=self.headers,
                max_bytes=_MAX_BYTES,
                deadline=left,
                robots=False,
                accept=ask.accept,
                per_second=much,
            )
        headers = {"Content-Type": "application/json", **self.headers}
        return await self.client.post(
            url, ask.body, headers=headers, max_bytes=_MAX_BYTES, deadline=left, accept=ask.accept, per_second=much
        )

    async def _turn(self, kind: str, ends: float) -> None:
        """Take the next start time of this kind; wait for it, or refuse when it comes too late."""
        now = self.clock.time()
        if self._rest_until > now:
            wait = self._rest_until - now
            raise RateLimited(f"{self.service} asked for a rest; try again in {wait:.0f} seconds", retry_after=wait)
        if self._down is not None and self._down[0] > now:
            raise type(self._down[1])(str(self._down[1]))
        lane = self._lanes.setdefault(kind, _Lane(self.intervals[kind]))
        start = max(now, lane.due)
        if start >= ends:
            raise RateLimited(
                f"the pace that {self.service} allows leaves no time in this call; ask for fewer at once",
                retry_after=start - now,
            )
        lane.due = start + lane.interval
        if start > now:
            await self.clock.sleep(start - now)

    def _learn(self, kind: str, page: Page) -> None:
        """Go slower where the service's headers say so (Crossref: ``x-rate-limit-limit`` per ``-interval``)."""
        limit, interval = page.headers.get("x-rate-limit-limit", ""), page.headers.get("x-rate-limit-interval", "")
        if re.fullmatch(r"[1-9]\d{0,5}", limit) and re.fullmatch(r"\d{1,4}s", interval):
            lane = self._lanes[kind]
            lane.interval = min(max(self.intervals[kind], int(interval[:-1]) / int(limit)), 60.0)

    def _rest(self, seconds: float | None) -> float:
        rest = min(self.cooldown if seconds is None else max(seconds, 1.0), _LONGEST_COOLDOWN)
        self._rest_until = max(self._rest_until, self.clock.time() + rest)
        return rest

    def _judge(self, page: Page, answers: tuple[int, ...]) -> Page:
        if page.status in answers:
            return page
        if page.status == 429:
            asked = page.headers.get("retry-after", "")
            rest = self._rest(float(asked) if re.fullmatch(r"\d{1,7}", asked) else None)
            raise RateLimited(
                f"{self.service} asks for fewer requests (HTTP 429); try again in {rest:.0f} seconds", retry_after=rest
            )
        if page.status in (401, 403):
            raise Unavailable(f"{self.service} refused to answer (HTTP {page.status}); check its key or try later")
        if page.status == 400:
            raise Unavailable(f"{self.service} did not understand the request (HTTP 400); put it in other words")
        raise Unavailable(f"{self.service} answered with an error (HTTP {page.status}); try again later")


async def each(
    courier: Courier,
    identifiers: Sequence[Identifier],
    one: Callable[[Identifier], Awaitable[Record | None]],
) -> Lookup:
    """Look identifiers up side by side; ``one`` gives None for "no record" and raises when it cannot tell."""
    found: dict[Identifier, Record] = {}
    absent: set[Identifier] = set()
    errors: list[CarrelError] = []
    started = courier.clock.time()

    async def look_up(identifier: Identifier) -> None:
        try:
            record = await one(identifier)
        except CarrelError as error:
            errors.append(error)
            return
        if record is None:
            absent.add(identifier)
        else:
            found[identifier] = record

    async with anyio.create_task_group() as group:
        for identifier in identifiers:
            group.start_soon(look_up, identifier)
    ms = round((courier.clock.time() - started) * 1000)
    if errors:
        status = failed(courier.service, errors[0], ms)
    else:
        status = SourceStatus(courier.service, "ok" if found else "empty", "", ms)
    return Lookup(status, found, frozenset(absent))


async def shelve(courier: Courier, ask: Callable[[], Awaitable[tuple[tuple[Record, ...], int | None]]]) -> Shelf:
    """What ``ask`` finds, or why it could not look. It gives the records and the service's own count of all."""
    started = courier.clock.time()
    try:
        records, total = await ask()
    except CarrelError as error:
        return Shelf(failed(courier.service, error, round((courier.clock.time() - started) * 1000)))
    ms = round((courier.clock.time() - started) * 1000)
    return Shelf(SourceStatus(courier.service, "ok" if records else "empty", "", ms), records, total)


def utc_now() -> datetime:
    """The wall clock, for callers that hand none in."""
    return datetime.now(UTC)
