"""The guard where sockets are opened, and hostile servers on the loopback address."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Sequence

import anyio
import httpcore2
import pytest

from carrel.errors import CarrelError, Refused, TimedOut, Unavailable
from carrel.web import WebClient
from carrel.web.transport import GuardedBackend
from net_kit import Behaviour, server

PUBLIC = "93.184.215.14"


class Recorder(httpcore2.AsyncNetworkBackend):
    """Notes which addresses are dialled; ``dead`` ones do not answer."""

    def __init__(self, dead: Sequence[str] = ()) -> None:
        self.dialled: list[str] = []
        self.dead = dead

    async def connect_tcp(self, host: str, port: int, *rest: object, **named: object) -> httpcore2.AsyncNetworkStream:
        self.dialled.append(host)
        if host in self.dead:
            raise httpcore2.ConnectError("dead")
        return httpcore2.AsyncMockStream([])


def guarded(
    *answers: Sequence[str], listed: Sequence[tuple[str, int]] = (), dead: Sequence[str] = ()
) -> tuple[GuardedBackend, Recorder]:
    """A backend whose resolver gives ``answers`` one after the other."""
    waiting, recorder = list(answers), Recorder(dead)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return waiting.pop(0)

    return GuardedBackend(lambda h, p: (h, p) in listed, resolver=resolve, inner=recorder), recorder


async def test_what_was_checked_is_what_is_dialled() -> None:
    backend, recorder = guarded([PUBLIC])
    await backend.connect_tcp("example.com", 443)
    assert recorder.dialled == [PUBLIC]


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        [PUBLIC, "127.0.0.1"],
        ["10.0.0.1", PUBLIC],
        [PUBLIC, "::1"],
        ["::ffff:169.254.169.254"],
        ["fe80::1%eth0"],
        ["64:ff9b::a00:1"],
        ["168.63.129.16"],
        ["not an address"],
    ],
)
async def test_one_bad_answer_spoils_all(answers: list[str]) -> None:
    backend, recorder = guarded(answers)
    with pytest.raises(Refused, match="address not allowed") as caught:
        await backend.connect_tcp("example.com", 443)
    assert recorder.dialled == []
    assert not any(answer in str(caught.value) for answer in answers)


async def test_a_name_that_turns_private_later_is_refused_then() -> None:
    backend, recorder = guarded([PUBLIC], ["127.0.0.1"])
    await backend.connect_tcp("rebind.example.com", 443)
    with pytest.raises(Refused):
        await backend.connect_tcp("rebind.example.com", 443)
    assert recorder.dialled == [PUBLIC]


async def test_the_next_address_is_tried_when_the_first_is_dead() -> None:
    backend, recorder = guarded([PUBLIC, "1.1.1.1"], dead=[PUBLIC])
    await backend.connect_tcp("example.com", 80)
    assert recorder.dialled == [PUBLIC, "1.1.1.1"]


@pytest.mark.parametrize("port", [0, 22, 25, 6379, 8080, 65535])
async def test_other_ports_are_not_dialled(port: int) -> None:
    backend, recorder = guarded([PUBLIC])
    with pytest.raises(Refused):
        await backend.connect_tcp("example.com", port)
    assert recorder.dialled == []


async def test_a_listed_host_is_dialled_wherever_it_is() -> None:
    backend, recorder = guarded(["10.0.0.7"], listed=[("wiki.corp", 8080)])
    await backend.connect_tcp("wiki.corp", 8080)
    assert recorder.dialled == ["10.0.0.7"]


async def test_unix_sockets_are_never_opened() -> None:
    backend, _ = guarded()
    with pytest.raises(Refused):
        await backend.connect_unix_socket("/var/run/docker.sock")


async def test_a_client_refuses_a_name_that_resolves_inside() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return [PUBLIC, "127.0.0.1"]

    async with WebClient(resolver=resolve) as client:
        with pytest.raises(Refused, match="address not allowed"):
            await client.read("https://inside.example.com/")


async def test_a_name_without_an_answer_is_unavailable() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    async with WebClient(resolver=resolve) as client:
        with pytest.raises(Unavailable, match="the name could not be resolved"):
            await client.read("https://nowhere.example.com/")


async def test_a_hanging_resolver_does_not_hang_the_call() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        await anyio.sleep_forever()
        return []

    async with WebClient(resolver=resolve) as client:
        with pytest.raises(TimedOut):
            await client.read("https://slow.example.com/", deadline=0.1)


# -- a raw server ----------------------------------------------------------------------------------------------------


async def ask(behave: Behaviour, **options: object) -> object:
    with server(behave) as port:
        async with WebClient(allow_hosts=(f"127.0.0.1:{port}",), retries=0) as client:
            return await client.get(f"http://127.0.0.1:{port}/", robots=False, **options)  # type: ignore[arg-type]


def drip(before: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.sendall(before)
        while True:
            connection.sendall(b"a")
            time.sleep(0.02)

    return behave


@pytest.mark.parametrize(
    "before",
    [b"", b"HTTP/1.1 200 OK\r\nX-", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"],
)
async def test_a_server_that_drips_is_left_at_the_deadline(before: bytes) -> None:
    begun = time.monotonic()
    with pytest.raises((TimedOut, Unavailable)):
        await ask(drip(before), deadline=0.4)
    assert time.monotonic() - begun < 20


async def test_an_endless_body_is_cut_at_the_cap() -> None:
    def behave(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    page = await ask(behave, deadline=10.0)
    assert len(page.body) == 5_000_000  # type: ignore[attr-defined]
    assert page.truncated  # type: ignore[attr-defined]


def once(answer: bytes) -> Behaviour:
    return lambda connection: connection.sendall(answer)


async def test_a_body_shorter_than_announced_is_marked() -> None:
    page = await ask(once(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"))
    assert page.body == b"only this"  # type: ignore[attr-defined]
    assert page.truncated  # type: ignore[attr-defined]


async def test_a_body_longer_than_announced_ends_where_announced() -> None:
    page = await ask(once(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour and more"))
    assert page.body == b"four"  # type: ignore[attr-defined]


async def test_a_packed_body_over_a_real_socket_is_unpacked() -> None:
    packed = gzip.compress(b"hello") + gzip.compress(b" world")
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    page = await ask(once(head + packed))
    assert page.body == b"hello world"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"y" * 400_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nxxxxx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
        b"\0" * 100_000,
    ],
    ids=["nothing", "ssh", "huge header", "negative length", "two lengths", "bad chunk", "zeros"],
)
async def test_a_server_that_speaks_no_http_is_unavailable(answer: bytes) -> None:
    with pytest.raises(Unavailable) as caught:
        await ask(once(answer), deadline=5.0)
    assert "127.0.0.1" in str(caught.value)


async def test_a_closed_port_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with WebClient(allow_hosts=(f"127.0.0.1:{port}",)) as client:
        with pytest.raises(Unavailable, match="could not reach"):
            await client.get(f"http://127.0.0.1:{port}/", robots=False)


async def test_loopback_without_a_listing_is_never_connected() -> None:
    reached: list[int] = []
    with server(lambda connection: reached.append(1)) as port:
        async with WebClient() as client:
            for url in (f"http://127.0.0.1:{port}/", f"http://localhost:{port}/", f"http://[::1]:{port}/"):
                with pytest.raises(CarrelError):
                    await client.get(url, robots=False)
    assert reached == []
