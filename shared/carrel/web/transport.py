"""I have a request: send it, but only to a public address.

The check sits where the socket is opened: a name is resolved once, every answer is checked, and the checked address is
what gets dialled. Redirects, retries, robots.txt and kept-alive connections are covered by construction; the Host
header, SNI and the certificate check stay on the name. Import this module late: it pulls in the HTTP library.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any

import anyio
import httpcore2
import httpx2

from carrel.errors import Refused
from carrel.web.addresses import is_public
from carrel.web.urls import ADDRESS_REFUSED, is_listed

__all__ = ["GuardedBackend", "GuardedTransport", "Resolver", "listed_hosts"]

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

MAX_ADDRESSES = 4  # how many of a name's addresses are tried, in the order the resolver gave them
MAX_LOOKUPS = 8  # a hanging getaddrinfo cannot be cancelled: it may hold this many threads, no more
CONNECT_SHARE = 5.0  # seconds for one address, so that a dead first one leaves time for the next
_SLOT_WAIT = 0.02  # seconds between two looks for a free slot
MAX_INTERIM = 20
MAX_HEAD = 100_000
_INTERIM = re.compile(rb"HTTP/1\.[01] 1\d\d[^\n]*\n(?:[^\n]+\n)*?\r?\n")
UNRESOLVED = "the name could not be resolved"


def _look_up(host: str, port: int) -> list[str]:
    """Ask the system's resolver; addresses in its order. Raises OSError when it has no answer."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class _Lookups:
    """At most ``count`` threads in the resolver. One that was given up on counts until its look-up ends by itself."""

    def __init__(self, count: int) -> None:
        self._slots = threading.Semaphore(count)
        self._limiter = anyio.CapacityLimiter(2 * count)

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        while not self._slots.acquire(blocking=False):  # noqa: ASYNC110 - a thread frees it, perhaps of no loop
            await anyio.sleep(_SLOT_WAIT)
        begun = threading.Lock()  # taken by the thread, or by us when it never begins: whoever has it frees the slot

        def look_up() -> list[str]:
            if not begun.acquire(blocking=False):
                return []
            try:
                return _look_up(host, port)
            finally:
                self._slots.release()

        try:
            found = await anyio.to_thread.run_sync(look_up, abandon_on_cancel=True, limiter=self._limiter)
        finally:
            if begun.acquire(blocking=False):
                self._slots.release()
        return list(dict.fromkeys(found))


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens sockets to public addresses only. ``is_listed`` tells which (host, port) the configuration exempts."""

    def __init__(
        self,
        is_listed: Callable[[str, int], bool],
        *,
        resolver: Resolver | None = None,
        inner: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        self._is_listed = is_listed
        self._resolver = resolver or _Lookups(MAX_LOOKUPS).resolve
        self._inner = inner or httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            with anyio.fail_after(timeout):
                addresses = await self._checked(host, port)
                dialled = await self._dial(addresses, port, local_address, socket_options)
                return _PatientStream(dialled)
        except TimeoutError:
            raise httpcore2.ConnectTimeout("no connection in time") from None

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolver(host, port)
        except (OSError, UnicodeError):
            raise httpcore2.ConnectError(UNRESOLVED) from None
        if not addresses:
            raise httpcore2.ConnectError(UNRESOLVED)
        if not self._is_listed(host, port) and not (
            port in (80, 443) and all(is_public(address) for address in addresses)
        ):
            raise Refused(ADDRESS_REFUSED)
        return addresses[:MAX_ADDRESSES]

    async def _dial(
        self,
        addresses: Sequence[str],
        port: int,
        local_address: str | None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None,
    ) -> httpcore2.AsyncNetworkStream:
        failure: Exception = httpcore2.ConnectError("no address answered")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(address, port, CONNECT_SHARE, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise Refused(ADDRESS_REFUSED)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


class _PatientStream(httpcore2.AsyncNetworkStream):
    """A socket that hears a few interim answers before the one that counts; 200,000 early hints cost seconds of CPU.

    Every write begins a new exchange: from there to the first final status line, ``1xx`` heads are counted.
    """

    def __init__(self, inner: httpcore2.AsyncNetworkStream) -> None:
        self._inner = inner
        self._head: bytes | None = b""
        self._interim = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._inner.read(max_bytes, timeout)
        if self._head is not None:
            self._count(self._head + data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._head, self._interim = b"", 0
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        return _PatientStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def _count(self, head: bytes) -> None:
        while interim := _INTERIM.match(head):
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise httpcore2.RemoteProtocolError("too many interim answers")
            head = head[interim.end() :]
        # what may still become an interim head is kept; anything else ends the counting
        unfinished = b"HTTP/1.".startswith(head[:7]) and head[8:10] in (b"", b" ", b" 1") and len(head) < MAX_HEAD
        self._head = head if unfinished else None


_TRANSLATION: tuple[tuple[type[Exception], type[httpx2.TransportError]], ...] = (
    (httpcore2.ConnectTimeout, httpx2.ConnectTimeout),
    (httpcore2.PoolTimeout, httpx2.PoolTimeout),
    (httpcore2.WriteTimeout, httpx2.WriteTimeout),
    (httpcore2.TimeoutException, httpx2.ReadTimeout),
    (httpcore2.ConnectError, httpx2.ConnectError),
    (httpcore2.NetworkError, httpx2.ReadError),
    (httpcore2.ProtocolError, httpx2.RemoteProtocolError),
)


FAILURES = tuple(theirs for theirs, _ in _TRANSLATION)


def _translate(error: Exception) -> Exception:
    for theirs, kind in _TRANSLATION:
        if isinstance(error, theirs):
            return kind(_words(error))
    return error


def _words(error: Exception) -> str:
    if error.args and isinstance(error.args[0], ssl.SSLError):
        return "no secure connection"
    return UNRESOLVED if str(error) == UNRESOLVED else "no connection"


class _Body(httpx2.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._stream:
                yield part
        except FAILURES as error:
            raise _translate(error) from None

    async def aclose(self) -> None:
        await self._stream.aclose()


class GuardedTransport(httpx2.AsyncBaseTransport):
    """An httpx2 transport over a connection pool whose sockets are opened by `GuardedBackend`.

    No proxy and no proxy variables: a proxy would resolve names itself and so undo the check.
    """

    def __init__(
        self, listed: Callable[[str, int], bool], *, resolver: Resolver | None = None, max_connections: int = 32
    ) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpcore2.default_ssl_context(),
            max_connections=max_connections,
            max_keepalive_connections=16,
            keepalive_expiry=15.0,
            network_backend=GuardedBackend(listed, resolver=resolver),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        outgoing = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            answer = await self._pool.handle_async_request(outgoing)
        except FAILURES as error:
            raise _translate(error) from None
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer.stream), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


def listed_hosts(allow_hosts: Collection[str]) -> Callable[[str, int], bool]:
    """The configuration's exemptions as a question about (host, port), read exactly as `check_url` reads them."""
    return lambda host, port: is_listed(host.strip("[]"), port, allow_hosts)
