"""A browser wants a connection: it gets the one that our own check would have opened, or none.

The browser knows no other way out than this proxy on loopback, so what `carrel.web.transport` promises holds for every
sub-request, WebSocket, worker and prefetch: a name is resolved once per connection, every answer is checked, and the
checked address is dialled. It is open for one page at a time and to public addresses only, so it asks for no password.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import h11
import httpcore2
from anyio.abc import SocketAttribute, SocketStream

from carrel.errors import BadRequest, Refused
from carrel.web.transport import GuardedBackend, Resolver
from carrel.web.urls import ADDRESS_REFUSED, WebUrl, check_url, is_listed

__all__ = ["Traffic", "guarding_proxy"]

MAX_TRAFFIC = 30_000_000  # bytes over the wire for one page, both ways; the median page has 2.5 MB, pictures included
MAX_CONNECTIONS = 100  # at once; a browser opens 32 through a proxy and up to 255 WebSockets
MAX_SENT = 1_000_000  # bytes of one request's body
CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 20.0
PIECE = 65_536
_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"),
        *(b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    }
)


@dataclass(slots=True)
class Traffic:
    """What went through. ``refused``: hosts asked for that the address rule forbids."""

    bytes: int = 0
    refused: set[str] = field(default_factory=set)

    @property
    def over(self) -> bool:
        return self.bytes > MAX_TRAFFIC


@asynccontextmanager
async def guarding_proxy(
    page: WebUrl, allow_hosts: Collection[str], *, resolver: Resolver | None = None
) -> AsyncIterator[tuple[int, Traffic]]:
    """An HTTP proxy for what ``page`` loads: its port on 127.0.0.1 and its tally; all connections end with the block.

    Of ``allow_hosts`` only the page's own host counts: the exemption is for what the user asks.
    """
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    server = _Proxy(page, allow_hosts, resolver)
    async with listener, server.pool, anyio.create_task_group() as group:
        group.start_soon(listener.serve, server.serve)
        yield listener.extra(SocketAttribute.local_port), server.traffic
        group.cancel_scope.cancel()


class _OverError(Exception):
    """The page has loaded all that it may."""


_ENDS = (
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
    h11.ProtocolError,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    _OverError,
    TimeoutError,
)


class _Proxy:
    def __init__(self, page: WebUrl, allow_hosts: Collection[str], resolver: Resolver | None) -> None:
        self._page = page
        self._allow_hosts = allow_hosts
        self._lanes = anyio.Semaphore(MAX_CONNECTIONS)
        self._backend = GuardedBackend(self._is_listed, resolver=resolver)
        self.pool = httpcore2.AsyncConnectionPool(network_backend=self._backend, max_connections=MAX_CONNECTIONS)
        self.traffic = Traffic()

    async def serve(self, browser: SocketStream) -> None:
        async with browser, self._lanes:
            with contextlib.suppress(*_ENDS):
                await self._answer(browser)

    async def _answer(self, browser: SocketStream) -> None:
        wire = h11.Connection(h11.SERVER, max_incomplete_event_size=PIECE)
        with anyio.fail_after(READ_TIMEOUT):
            request = await self._event(browser, wire)
        if not isinstance(request, h11.Request):
            return
        try:
            if request.method == b"CONNECT":
                await self._tunnel(browser, wire, request)
            else:
                await self._forward(browser, wire, request)
        except (Refused, BadRequest):
            await _tell(browser, 403)
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
            await _tell(browser, 502)

    async def _tunnel(self, browser: SocketStream, wire: h11.Connection, request: h11.Request) -> None:
        place = self._checked(f"https://{request.target.decode('ascii', 'replace')}/")
        site = await self._backend.connect_tcp(place.host, place.port, CONNECT_TIMEOUT)
        try:
            await browser.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            if early := wire.trailing_data[0]:
                await site.write(self._counted(early))
            async with anyio.create_task_group() as group:
                group.start_soon(self._up, browser, site, group.cancel_scope)
                group.start_soon(self._down, browser, site, group.cancel_scope)
        finally:
            with anyio.CancelScope(shield=True):
                await site.aclose()

    async def _up(self, browser: SocketStream, site: httpcore2.AsyncNetworkStream, scope: anyio.CancelScope) -> None:
        with contextlib.suppress(*_ENDS):
            while True:
                await site.write(self._counted(await browser.receive(PIECE)))
        scope.cancel()

    async def _down(self, browser: SocketStream, site: httpcore2.AsyncNetworkStream, scope: anyio.CancelScope) -> None:
        with contextlib.suppress(*_ENDS):
            while part := await site.read(PIECE):
                await browser.send(self._counted(part))
        scope.cancel()

    async def _forward(self, browser: SocketStream, wire: h11.Connection, request: h11.Request) -> None:
        """One plain request and its answer, each framed anew: no byte of one connection is taken for another's."""
        target = request.target.decode("ascii", "replace")
        if not target.startswith("http://"):
            raise Refused(ADDRESS_REFUSED)
        place = self._checked(target)
        outgoing = httpcore2.Request(
            request.method,
            place.text,
            headers=[(b"Host", place.authority.encode()), *_end_to_end(request.headers, b"host")],
            content=await self._body(browser, wire),
            extensions={"timeout": {"connect": CONNECT_TIMEOUT, "read": READ_TIMEOUT, "write": READ_TIMEOUT}},
        )
        answer = await self.pool.handle_async_request(outgoing)
        try:
            headers = [*_end_to_end(answer.headers), (b"Connection", b"close")]
            await browser.send(wire.send(h11.Response(status_code=answer.status, headers=headers)) or b"")
            async for part in answer.aiter_stream():
                await browser.send(wire.send(h11.Data(data=self._counted(part))) or b"")
            await browser.send(wire.send(h11.EndOfMessage()) or b"")
        finally:
            with anyio.CancelScope(shield=True):
                await answer.aclose()

    async def _body(self, browser: SocketStream, wire: h11.Connection) -> bytes:
        parts = bytearray()
        while isinstance(event := await self._event(browser, wire), h11.Data):
            parts += event.data
            if len(parts) > MAX_SENT:
                raise Refused("a request of the page is too long")
        return bytes(parts)

    async def _event(self, browser: SocketStream, wire: h11.Connection) -> h11.Event | type[h11.PAUSED]:
        while (event := wire.next_event()) is h11.NEED_DATA:
            wire.receive_data(self._counted(await browser.receive(PIECE)))
        return event  # type: ignore[return-value]

    def _checked(self, url: str) -> WebUrl:
        try:
            place = check_url(url, allow_hosts=self._allow_hosts)
            if place.listed and place.host != self._page.host:
                raise Refused(ADDRESS_REFUSED)
        except (Refused, BadRequest):
            self.traffic.refused.add(url)
            raise
        return place

    def _is_listed(self, host: str, port: int) -> bool:
        return host == self._page.host and is_listed(host, port, self._allow_hosts)

    def _counted(self, part: bytes) -> bytes:
        self.traffic.bytes += len(part)
        if self.traffic.over:
            raise _OverError
        return part


def _end_to_end(headers: object, *others: bytes) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() not in (*_HOP, *others)]  # type: ignore[attr-defined]


async def _tell(browser: SocketStream, status: int) -> None:
    await browser.send(b"HTTP/1.1 %d no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
