"""I have a URL: give me what it holds, politely and safely."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

import anyio

from carrel.errors import NotRecorded, Refused, TimedOut, Unavailable
from carrel.records import Page
from carrel.web.answers import (
    REDIRECTS,
    Answer,
    TransientError,
    content_type,
    failure,
    network_words,
    read_answer,
    retry_after,
)
from carrel.web.bodies import ACCEPT_ENCODING
from carrel.web.caching import Cache
from carrel.web.pacing import Pacer
from carrel.web.recording import Asked
from carrel.web.robots import KEEP_RULES, MAX_ROBOTS, Robots
from carrel.web.silencing import blind
from carrel.web.urls import WebUrl, check_url, join_location

if TYPE_CHECKING:
    import httpx2

    from carrel.web.recording import Recorder, Recording
    from carrel.web.store import AnswerStore
    from carrel.web.transport import Resolver

__all__ = ["ACCEPT_HTML", "ACCEPT_PAGE", "WebClient"]

Params = Mapping[str, str | int] | Sequence[tuple[str, str | int]]

AGENT = "carrel"
MAX_REDIRECTS = 5
RETRIES = 2
BACKOFF = 0.4  # seconds before the first retry; three times that before the second
CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 15.0
API_PER_SECOND = 10.0
ACCEPT_PAGE = (
    "text/markdown, text/html;q=0.9, application/xhtml+xml;q=0.9, application/pdf;q=0.8, text/plain;q=0.8, */*;q=0.5"
)
ACCEPT_ROBOTS = "text/plain, */*;q=0.5"
ACCEPT_HTML = "text/html, application/xhtml+xml;q=0.9, */*;q=0.5"  # for a browser, which cannot show Markdown
_RETRIED = frozenset({429, 502, 503, 504})
_LONGEST_REST = 3_600.0  # seconds a host may close itself for; a mistaken header must not close it for good


@dataclass(frozen=True, slots=True)
class _Call:
    """What one `get` wants, with the moment it ends on the client's clock."""

    accept: str
    headers: Mapping[str, str]
    max_bytes: int | None
    robots: bool
    ends: float
    per_second: float | None
    delay: float = 0.0
    max_age: float | None = None
    place: list[Asked] = field(default_factory=list)  # what was asked for last
    body: bytes | None = None  # of a POST


@dataclass(slots=True)
class _Trail:
    """The redirects followed so far."""

    start: WebUrl
    passed: list[str] = field(default_factory=list)


class WebClient:
    """Reads pages and APIs over http and https; an async context manager, safe for concurrent calls of one event loop.

    Only public addresses are dialled, except exact ``allow_hosts`` (``host`` or ``host:port``) of the user's own
    configuration. ``transport`` replaces the network (tests hand in a pretend one). ``per_second`` and ``burst`` pace
    pages of one host; calls with ``robots=False`` (APIs) may go at ten per second unless they say otherwise.
    ``store`` keeps answers for as long as they stand, but none to a URL that carries one of ``keys``; ``recorder``
    writes down whatever the network says, and with a ``recording`` nothing but what it holds is answered. ``clock`` is
    monotonic seconds, ``now`` the wall clock, ``chance`` a number in [0, 1).
    """

    def __init__(
        self,
        *,
        user_agent: str = "",
        contact: str = "",
        allow_hosts: Collection[str] = (),
        transport: httpx2.AsyncBaseTransport | None = None,
        resolver: Resolver | None = None,
        per_second: float = 2.0,
        burst: int = 6,
        retries: int = RETRIES,
        store: AnswerStore | None = None,
        keys: Collection[str] = (),
        recorder: Recorder | None = None,
        recording: Recording | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._agent = user_agent or _user_agent(contact)
        self._allow_hosts = tuple(allow_hosts)
        self._transport = transport
        self._recorder = recorder
        self._recording = recording
        self._resolver = resolver
        self._retries = retries
        self._clock = clock
        self._sleep = sleep
        self._now = now
        self._chance = chance
        self._pacer = Pacer(per_second=per_second, burst=burst, clock=clock, sleep=sleep)
        self._robots = Robots(AGENT, clock=clock)
        self._cache = Cache(store, now=now) if store is not None else None
        self._keys = frozenset(keys)

    @property
    def agent(self) -> str:
        """How sites are told who asks."""
        return self._agent

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    @property
    def recorded(self) -> bool:
        """True when all answers come from a recording, or go into one."""
        return self._recording is not None or self._recorder is not None

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock of the world this client asks: of the recording, where it asks one."""
        return self._now

    async def aclose(self) -> None:
        """Close every connection; the client may be used again and then opens new ones."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()
        if self._cache is not None:
            await self._cache.aclose()

    async def get(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        deadline: float = 20.0,
        robots: bool = True,
        accept: str = "*/*",
        per_second: float | None = None,
        fresh: bool = False,
    ) -> Page:
        """GET a URL and return whatever HTTP status it has.

        Redirects (five at most) are followed, each checked anew; ``headers`` go to the first origin only. 429, 502,
        503, 504, timeouts and dropped connections are tried twice more while the deadline allows. ``deadline`` is in
        seconds for everything together. ``max_bytes`` bounds the decoded body (5 MB, PDF 30 MB); a longer one comes
        back ``truncated``. ``fresh`` asks the site even where a stored copy would do.

        Raises BadRequest (malformed URL), Refused (address, port, robots.txt), RateLimited, TimedOut, Unavailable.
        """
        target = check_url(_with_params(url, params), allow_hosts=self._allow_hosts)
        rate = per_second if per_second is not None or robots else API_PER_SECOND
        ends = self._clock() + deadline
        call = _Call(accept, dict(headers or {}), max_bytes, robots, ends, rate, max_age=0.0 if fresh else None)
        async with self._until(deadline, target, call):
            return await self._follow(target, call)

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        deadline: float = 20.0,
        accept: str = "*/*",
        per_second: float | None = None,
    ) -> Page:
        """POST ``body`` to an API that changes nothing by it, and return whatever HTTP status it has.

        Retried like `get`; a redirect is not followed but returned. Raises what `get` raises, robots.txt aside.
        """
        target = check_url(url, allow_hosts=self._allow_hosts)
        rate = per_second or API_PER_SECOND
        call = _Call(accept, dict(headers or {}), max_bytes, False, self._clock() + deadline, rate, body=body)
        async with self._until(deadline, target, call):
            return self._page(_Trail(target), target, await self._exchange(target, call))

    async def read(
        self,
        url: str,
        *,
        max_bytes: int | None = None,
        deadline: float = 20.0,
        robots: bool = True,
        accept: str = ACCEPT_PAGE,
        fresh: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """GET a page to be read: only a 2xx answer comes back, and a 304 where ``headers`` ask for what is new.

        Raises, besides what `get` raises, NotFound (404, 410), RateLimited (429), Refused (401, 402, 403, 451) and
        Unavailable (anything else).
        """
        page = await self.get(
            url, headers=headers, max_bytes=max_bytes, deadline=deadline, robots=robots, accept=accept, fresh=fresh
        )
        if 200 <= page.status < 300 or (page.status == 304 and headers):
            return page
        raise failure(page, check_url(page.final_url, allow_hosts=self._allow_hosts).host, self._now())

    @asynccontextmanager
    async def _until(self, deadline: float, target: WebUrl, call: _Call) -> AsyncIterator[None]:
        """End a call after so many seconds; a recording is told of it."""
        try:
            with anyio.fail_after(deadline):
                yield
        except TimeoutError:
            if self._recorder is not None and call.place:
                await anyio.to_thread.run_sync(self._recorder.failure, call.place[0], self._now(), "deadline")
            raise TimedOut(f"{target.host} did not answer within {deadline:g} seconds; try again later") from None

    async def _follow(self, target: WebUrl, call: _Call) -> Page:
        trail = _Trail(target)
        hop = target
        while True:
            delay = await self._obey(hop, call) if call.robots else 0.0
            headers = call.headers if hop.origin == target.origin else {}
            answer = await self._answer(hop, replace(call, headers=headers, delay=delay))
            location = answer.headers.get("location", "")
            if answer.status not in REDIRECTS or not location:
                return self._page(trail, hop, answer)
            hop = self._next(trail, hop, location)

    def _next(self, trail: _Trail, hop: WebUrl, location: str) -> WebUrl:
        following = check_url(join_location(hop, location), allow_hosts=self._allow_hosts)
        if following.listed and following.host != trail.start.host:
            # the exemption is for what the user asks, not for where another site sends us
            raise Refused(f"{hop.host} redirects to an address that is not allowed")
        trail.passed.append(hop.text)
        if len(trail.passed) > MAX_REDIRECTS or following.text in trail.passed:
            raise Unavailable(f"{trail.start.host} redirects in a circle or too often, so no page was reached")
        return following

    async def _obey(self, hop: WebUrl, call: _Call) -> float:
        async def fetch(url: str) -> Page:
            target = check_url(url, allow_hosts=self._allow_hosts)
            asked = replace(call, headers={}, robots=False, max_bytes=MAX_ROBOTS, accept=ACCEPT_ROBOTS)
            try:
                return await self._follow(target, replace(asked, max_age=KEEP_RULES))
            except NotRecorded:  # nobody is asked, so nobody's rules can be broken
                return Page(url, url, 404, "", "", b"", {}, "", origin="recording")

        return await self._robots.obey(hop, fetch)

    async def _answer(self, hop: WebUrl, call: _Call) -> Answer:
        """What the store has where it may be used, else what the site says. Calls with a key or with headers of their
        own, which may be one: nothing of them is kept."""

        async def ask(conditions: Mapping[str, str]) -> Answer:
            anew = {"Cache-Control": "no-cache"} if call.max_age == 0 else {}
            return await self._exchange(hop, replace(call, headers={**call.headers, **anew, **conditions}))

        if self._cache is None or call.headers or blind(hop.text, self._keys) != hop.text:
            return await ask({})
        return await self._cache.answer(hop, call.accept, ask, max_bytes=call.max_bytes, max_age=call.max_age)

    async def _exchange(self, hop: WebUrl, call: _Call) -> Answer:
        """Ask once, and again where that may help."""
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            pause = BACKOFF * 3**attempt * (0.75 + 0.5 * self._chance())
            try:
                async with self._pacer.turn(
                    hop.authority, ends=call.ends, per_second=call.per_second, delay=call.delay
                ):
                    answer = await self._ask(hop, call)
            except TransientError as error:
                if last or self._clock() + pause > call.ends:
                    raise error.told from None
                await self._sleep(pause)
                continue
            if answer.status not in _RETRIED:
                return answer
            pause = self._heed(hop, answer, pause)
            if last or self._clock() + pause > call.ends:
                return answer
            await self._sleep(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _heed(self, hop: WebUrl, answer: Answer, pause: float) -> float:
        """Close the host for as long as it asked; the pause in seconds."""
        asked = retry_after(answer.headers, self._now())
        if asked is not None:
            self._pacer.close(hop.authority, min(asked, _LONGEST_REST))
        return pause if asked is None else max(asked, pause)

    async def _ask(self, hop: WebUrl, call: _Call) -> Answer:
        request = self._request(hop, call)
        call.place[:] = [Asked.of(request)]
        with network_words(hop.host):
            async with self._sent(request) as response:
                at = response.extensions.get("carrel_at") or self._now()
                answer = await read_answer(response, call.max_bytes, at=at)
                return replace(answer, origin=response.extensions.get("carrel_origin", "network"))

    def _request(self, hop: WebUrl, call: _Call) -> httpx2.Request:
        import httpx2

        timeout = {"connect": CONNECT_TIMEOUT, "read": READ_TIMEOUT, "write": READ_TIMEOUT, "pool": READ_TIMEOUT}
        headers = {
            "User-Agent": self._agent,
            "Accept": call.accept,
            "Accept-Encoding": ACCEPT_ENCODING,
            **call.headers,
        }
        url = httpx2.URL(hop.text)
        if url.raw_host.decode("ascii") != hop.host or (url.port or hop.port) != hop.port:
            raise Refused("that URL can be read in two ways, so it is not fetched")
        method = "GET" if call.body is None else "POST"
        return httpx2.Request(method, url, headers=headers, content=call.body, extensions={"timeout": timeout})

    @asynccontextmanager
    async def _sent(self, request: httpx2.Request) -> AsyncIterator[httpx2.Response]:
        response = await self._network().handle_async_request(request)
        try:
            yield response
        finally:
            with anyio.CancelScope(shield=True):
                await response.stream.aclose()  # type: ignore[union-attr]

    def _network(self) -> httpx2.AsyncBaseTransport:
        """What answers requests: the recording, or the network, with somebody who writes along where that is wanted."""
        if self._transport is None and self._recording is None:
            from carrel.web.transport import GuardedTransport, listed_hosts

            self._transport = GuardedTransport(listed_hosts(self._allow_hosts), resolver=self._resolver)
        if self._recording is None and self._recorder is None:
            assert self._transport is not None
            return self._transport
        from carrel.web.playing import RecordingTransport, ReplayTransport

        if self._recording is not None:
            return ReplayTransport(self._recording)
        assert self._transport is not None
        assert self._recorder is not None
        return RecordingTransport(self._transport, self._recorder, now=self._now)

    def _page(self, trail: _Trail, hop: WebUrl, answer: Answer) -> Page:
        media_type, charset = content_type(answer.headers.get("content-type", ""))
        return Page(
            url=trail.start.text,
            final_url=hop.text,
            status=answer.status,
            media_type=media_type,
            charset=charset,
            body=answer.body,
            headers=answer.headers,
            fetched_at=answer.at.astimezone(UTC).isoformat(timespec="seconds"),
            redirects=tuple(trail.passed),
            truncated=answer.truncated,
            origin=answer.origin,
        )


def _with_params(url: str, params: Params | None) -> str:
    if not params:
        return url
    pairs = params.items() if isinstance(params, Mapping) else params
    base, mark, fragment = url.partition("#")
    return f"{base}{'&' if '?' in base else '?'}{urlencode(list(pairs))}{mark}{fragment}"


def _user_agent(contact: str) -> str:
    """The robot's name, and whom to write to where that is configured."""
    reach = f" (+mailto:{contact})" if contact and contact.isascii() and contact.isprintable() else ""
    return f"{AGENT}/0.1{reach}"
