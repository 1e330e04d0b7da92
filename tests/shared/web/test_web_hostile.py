"""Hostile servers: what they cost in memory, processor and patience, and that the event loop goes on meanwhile."""

from __future__ import annotations

import gc
import gzip
import json
import socket
import sys
import threading
import time
import zlib
from collections.abc import Sequence

import anyio
import anyio.lowlevel
import pytest

from carrel.errors import CarrelError, TimedOut, Unavailable
from carrel.records import Page
from carrel.web import WebClient
from net_kit import Behaviour, server

PUBLIC = [f"93.184.215.{n}" for n in range(14, 18)]


def answering(body: bytes, *headers: str, status: str = "200 OK") -> Behaviour:
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", ""))
    return lambda connection: connection.sendall(head.encode() + body)


async def ask(behave: Behaviour, **options: object) -> tuple[Page | CarrelError, float, float]:
    """What came of a call, the longest turn of the event loop meanwhile and the CPU of its thread, both in seconds.

    A turn is measured in the thread's own CPU time, so that a busy machine does not count; nor does the collector of
    garbage, which goes through what all earlier tests left."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        before = time.thread_time()
        while True:
            await anyio.lowlevel.checkpoint()
            now = time.thread_time()
            longest = max(longest, now - before)
            before = now
            await anyio.lowlevel.checkpoint()

    with server(behave) as port:
        async with WebClient(allow_hosts=(f"127.0.0.1:{port}",), retries=0) as client:
            url = f"http://127.0.0.1:{port}/"
            client._network()  # the HTTP library is loaded before anything is measured
            gc.collect()
            gc.disable()
            begun = time.thread_time()
            outcome: Page | CarrelError
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watch)
                try:
                    outcome = await client.get(url, robots=False, **options)  # type: ignore[arg-type]
                except CarrelError as error:
                    outcome = error
                finally:
                    gc.enable()
                tasks.cancel_scope.cancel()
            return outcome, longest, time.thread_time() - begun


def bomb(layers: int, size: int) -> bytes:
    engine = zlib.compressobj(9, wbits=31)
    block = b"\0" * 1_000_000
    data = b"".join([*(engine.compress(block) for _ in range(size // len(block))), engine.flush()])
    for _ in range(layers - 1):
        data = gzip.compress(data)
    return data


def tiny_chunks(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 60_000 + b"0\r\n\r\n")


def hints(count: int) -> Behaviour:
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    return lambda connection: connection.sendall(hint * count + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def many_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(200):
        connection.sendall(b"X-A: y\r\n" * 10_000)
    connection.sendall(b"\r\nhello")


LOOP = {
    "a bomb": answering(bomb(1, 300_000_000), "Content-Encoding: gzip"),
    "a bomb in a bomb": answering(bomb(2, 300_000_000), "Content-Encoding: gzip, gzip"),
    "a PDF bomb": answering(bomb(1, 300_000_000), "Content-Encoding: gzip", "Content-Type: application/pdf"),
    "a page of one letter": answering(bomb(1, 4_000_000), "Content-Encoding: gzip"),
    "a million chunks": tiny_chunks,
    "early hints": hints(200_000),
    "two million headers": many_headers,
    "one endless header": answering(b"", "X-A: " + "y" * 50_000_000),
    "a large page": answering(b"x" * 4_900_000),
}


@pytest.mark.parametrize("behave", LOOP.values(), ids=LOOP)
async def test_the_event_loop_goes_on_whatever_comes(behave: Behaviour) -> None:
    _, longest, spent = await ask(behave, deadline=20.0)
    assert longest < 0.05
    assert spent < 1.0


async def test_a_flood_of_early_hints_is_left_and_a_few_are_heard() -> None:
    flooded, _, spent = await ask(hints(200_000))
    assert isinstance(flooded, Unavailable)
    assert spent < 0.5
    page, _, _ = await ask(hints(5))
    assert isinstance(page, Page)
    assert page.body == b"ok"


async def test_early_hints_in_single_bytes_are_heard_too() -> None:
    body = b"HTTP/1.1 103 no\r\n\r\n"

    def drop(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n" + body:
            connection.sendall(bytes([byte]))

    page, _, _ = await ask(drop)
    assert isinstance(page, Page)
    assert page.body == body


async def test_a_header_flood_is_no_answer() -> None:
    for behave in (many_headers, LOOP["one endless header"]):
        outcome, _, _ = await ask(behave)
        assert isinstance(outcome, Unavailable)


async def test_a_body_packed_three_times_is_not_unpacked() -> None:
    outcome, _, _ = await ask(answering(bomb(3, 50_000_000), "Content-Encoding: gzip, gzip, gzip"))
    assert isinstance(outcome, Unavailable)


MEASURED = """
import json, resource, sys, threading, time, socket
import anyio
sys.path.insert(0, sys.argv[1])
from carrel.web import WebClient
from net_kit import server
from pathlib import Path
body = Path(sys.argv[2]).read_bytes()
head = f"HTTP/1.1 200 OK\\r\\nContent-Encoding: {sys.argv[3]}\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n".encode()
small = b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"

async def main():
    async def read(answer):
        with server(lambda connection: connection.sendall(answer)) as port:
            async with WebClient(allow_hosts=(f"127.0.0.1:{port}",), retries=0) as client:
                return await client.get(f"http://127.0.0.1:{port}/", robots=False)
    await read(small)
    base, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    page = await read(head + body)
    spent = time.process_time() - begun
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base
    print(json.dumps([len(page.body), page.truncated, grown / 1024, spent]))
anyio.run(main)
"""


@pytest.mark.parametrize(
    ("layers", "size", "coding"), [(1, 400_000_000, "gzip"), (2, 400_000_000, "gzip, gzip")], ids=["once", "twice"]
)
async def test_a_bomb_costs_little_memory_and_time(tmp_path: anyio.Path, layers: int, size: int, coding: str) -> None:
    file = anyio.Path(tmp_path) / "bomb"
    await file.write_bytes(bomb(layers, size))
    tests = str(await anyio.Path(__file__).parent.parent.parent.resolve())
    done = await anyio.run_process([sys.executable, "-c", MEASURED, tests, str(file), coding])
    kept, truncated, megabytes, seconds = json.loads(done.stdout)
    assert kept <= 5_000_000
    assert truncated
    assert megabytes <= 32
    assert seconds <= 1.0


# -- names -----------------------------------------------------------------------------------------------------------


async def test_names_that_hang_take_few_threads_and_no_longer_than_their_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release, hanging = threading.Event(), threading.Semaphore(8)
    most = []

    def hang(host: str, *rest: object, **named: object) -> Sequence[object]:
        assert hanging.acquire(blocking=False), "more than eight look-ups at once"
        most.append(host)
        release.wait(30)
        hanging.release()
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    told: list[CarrelError] = []

    async def one(client: WebClient, number: int) -> None:
        try:
            await client.get(f"https://slow{number}.example.com/", robots=False, deadline=0.3)
        except CarrelError as error:
            told.append(error)

    try:
        async with WebClient(retries=0) as client, anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(one, client, number)
    finally:
        release.set()
    assert len(told) == 20
    assert all(isinstance(error, TimedOut) for error in told)
    assert len(most) <= 8


async def test_a_dead_first_address_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each address gets a share of the time, and four are tried at most."""
    from carrel.web import transport

    monkeypatch.setattr(transport, "CONNECT_SHARE", 0.01)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return PUBLIC * 10

    tried: list[str] = []

    class Dead(transport.httpcore2.AnyIOBackend):
        async def connect_tcp(self, host: str, port: int, timeout: float | None = None, *rest: object) -> object:  # type: ignore[override]
            tried.append(host)
            with anyio.move_on_after(timeout):
                await anyio.sleep_forever()
            raise transport.httpcore2.ConnectTimeout("dead")

    backend = transport.GuardedBackend(lambda host, port: False, resolver=resolve, inner=Dead())
    with pytest.raises(transport.httpcore2.ConnectTimeout):
        await backend.connect_tcp("example.com", 443, timeout=5.0)
    assert tried == PUBLIC
