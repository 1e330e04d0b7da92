"""Bodies: all of an honest one, a bounded part of a hostile one, and the truth about which it was."""

from __future__ import annotations

import gzip
import os
import time
import zlib
from collections.abc import AsyncIterator

import httpx2
import pytest

from carrel.errors import Unavailable
from carrel.records import Page
from carrel.web import WebClient

TEXT = b"The quick brown fox. " * 5000


class Stream(httpx2.AsyncByteStream):
    def __init__(self, parts: list[bytes], error: Exception | None = None) -> None:
        self.parts, self.error = parts, error
        self.taken = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.taken += 1
            yield part
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        self.closed = True


async def fetch(
    body: bytes | Stream, coding: str = "", *, max_bytes: int | None = None, kind: str = "text/html"
) -> Page:
    stream = body if isinstance(body, Stream) else Stream([body[i : i + 65536] for i in range(0, len(body), 65536)])

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-encoding": coding, "content-type": kind}, stream=stream)

    client = WebClient(transport=httpx2.MockTransport(answer), retries=0)
    page = await client.get("https://example.com/", robots=False, max_bytes=max_bytes)
    assert stream.closed
    return page


def raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(data) + engine.flush()


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (TEXT, ""),
        (TEXT, "identity"),
        (gzip.compress(TEXT), "gzip"),
        (gzip.compress(TEXT), "x-gzip"),
        (zlib.compress(TEXT), "deflate"),
        (raw_deflate(TEXT), "deflate"),
        (gzip.compress(gzip.compress(TEXT)), "gzip, gzip"),
        (gzip.compress(zlib.compress(TEXT)), "deflate, gzip"),
        (gzip.compress(TEXT) + b"\0" * 50, "gzip"),
        (b"".join(gzip.compress(TEXT[i : i + 999]) for i in range(0, len(TEXT), 999)), "gzip"),
        (TEXT, "gzip"),
    ],
    ids=[
        "plain",
        "identity",
        "gzip",
        "x-gzip",
        "zlib",
        "raw",
        "twice",
        "mixed",
        "padded",
        "members",
        "not packed at all",
    ],
)
async def test_an_honest_body_comes_whole(body: bytes, coding: str) -> None:
    page = await fetch(body, coding)
    assert page.body == TEXT
    assert not page.truncated


async def test_a_body_in_single_bytes_comes_whole() -> None:
    packed = gzip.compress(TEXT)
    page = await fetch(Stream([packed[i : i + 1] for i in range(len(packed))]), "gzip")
    assert page.body == TEXT
    assert not page.truncated


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_packed_body_that_was_cut_off_says_so(coding: str) -> None:
    noise = os.urandom(40_000)
    packed = gzip.compress(noise) if coding == "gzip" else zlib.compress(noise)
    page = await fetch(packed[:20_000], coding)
    assert page.truncated
    assert noise.startswith(page.body)
    assert len(page.body) > 10_000


async def test_a_damaged_body_keeps_what_came_before() -> None:
    packed = bytearray(gzip.compress(os.urandom(50_000)))
    packed[25_000:25_100] = b"\xff" * 100
    page = await fetch(bytes(packed), "gzip")
    assert page.truncated


async def test_a_connection_that_breaks_in_the_body_says_so() -> None:
    page = await fetch(Stream([TEXT], httpx2.RemoteProtocolError("incomplete body")))
    assert page.body == TEXT
    assert page.truncated


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip, gzip", "gzip, br"])
async def test_a_coding_nobody_asked_for_is_not_guessed(coding: str) -> None:
    with pytest.raises(Unavailable):
        await fetch(b"\x1f\x8b" + b"x" * 100, coding)


def bomb(layers: int, size: int) -> bytes:
    engine = zlib.compressobj(9, wbits=31)
    block = b"\0" * 1_000_000
    data = b"".join([*(engine.compress(block) for _ in range(size // len(block))), engine.flush()])
    for _ in range(layers - 1):
        data = gzip.compress(data)
    return data


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (bomb(1, 500_000_000), "gzip"),
        (bomb(2, 500_000_000), "gzip, gzip"),
        (b"".join([gzip.compress(b"")] * 200_000), "gzip"),
        (gzip.compress(b"".join([gzip.compress(b"")] * 200_000)), "gzip, gzip"),
        (zlib.compress(b"\0" * 50_000_000), "deflate"),
    ],
    ids=["gzip", "gzip in gzip", "empty members", "empty members packed", "deflate"],
)
async def test_a_bomb_is_stopped_at_the_cap(body: bytes, coding: str) -> None:
    begun = time.process_time()
    page = await fetch(body, coding)
    assert len(page.body) <= 5_000_000
    assert page.truncated
    assert time.process_time() - begun < 2.0


async def test_reading_stops_at_the_cap_and_not_at_the_end() -> None:
    stream = Stream([b"x" * 10_000] * 10_000)
    page = await fetch(stream, max_bytes=25_000)
    assert len(page.body) == 25_000
    assert page.truncated
    assert stream.taken == 3


async def test_a_body_of_exactly_the_cap_is_whole() -> None:
    page = await fetch(b"x" * 25_000, max_bytes=25_000)
    assert len(page.body) == 25_000
    assert not page.truncated


async def test_a_pdf_may_be_larger_than_a_page() -> None:
    assert not (await fetch(b"x" * 6_000_000, kind="application/pdf")).truncated
    assert (await fetch(b"x" * 6_000_000)).truncated
