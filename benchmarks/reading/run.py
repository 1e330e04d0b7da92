"""What does reading a page cost? `read_page` of pages of 100 KB from a local server, by one caller and by sixteen.

    python -m benchmarks.reading.run [--pages 1000]

The site runs in a process of its own and sends gzip. Each call reads a page that was never read before, through the
whole of carrel-web: address check, robots.txt, fetch, extraction, the library, the reply. The pace per host is lifted:
it would be all that is measured.
"""

from __future__ import annotations

import argparse
import gzip
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

import anyio
import anyio.abc
from benchmarks.results import write
from mcp import Client

from carrel.settings import Settings
from carrel.web import WebClient
from carrel_web.server import create_server

WORDS = ("fox", "owl", "river", "mill", "stone", "garden", "letter", "winter", "table", "paper", "engine", "harbour")
CALLERS = 16


def main() -> None:
    """Measure and print; the server's own process is the one that is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=1_000, help="pages to read for each figure")
    parser.add_argument("--site", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.site:
        anyio.run(_site)
        return
    site = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.reading.run", "--site"], stdout=subprocess.PIPE, text=True
    )
    assert site.stdout is not None
    try:
        figures = anyio.run(_measure, int(site.stdout.readline()), options.pages)
    finally:
        site.kill()
        site.wait()
        site.stdout.close()
    for name, value in figures.items():
        print(f"{name:24} {value:9.2f}")
    print(f"written to {write('reading', figures).name}")


async def _measure(port: int, pages: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as scratch:
        hosts = (f"127.0.0.1:{port}",)
        settings = Settings(data=Path(scratch), models=Path(scratch) / "models", encoder="none", allow_hosts=hosts)
        client = WebClient(allow_hosts=hosts, per_second=1e6, burst=1_000_000)
        base = f"http://127.0.0.1:{port}"
        server = create_server(settings, client=client)
        async with Client(server) as host:
            await _read(host, f"{base}/warm", 20)
            alone = [await _timed(host, f"{base}/alone/{number}") for number in range(pages)]
            rate = await _together(host, base, pages)
        fetched = [await _fetched(client, f"{base}/fetched/{number}") for number in range(pages)]
        await server.aclose()
        await client.aclose()
    return {
        "read_page_p50_ms": round(1_000 * median(alone), 2),
        "read_page_p95_ms": round(1_000 * quantiles(alone, n=20)[-1], 2),
        "fetch_only_p50_ms": round(1_000 * median(fetched), 2),
        f"pages_per_s_at_{CALLERS}": round(rate, 1),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


async def _read(host: Client, base: str, count: int) -> None:
    for number in range(count):
        await _timed(host, f"{base}/{number}")


async def _timed(host: Client, url: str) -> float:
    begun = time.perf_counter()
    reply = await host.call_tool("read_page", {"url": url})
    took = time.perf_counter() - begun
    if reply.is_error:
        raise SystemExit(f"a page could not be read: {reply.content}")
    return took


async def _fetched(client: WebClient, url: str) -> float:
    begun = time.perf_counter()
    await client.read(url)
    return time.perf_counter() - begun


async def _together(host: Client, base: str, pages: int) -> float:
    numbers = iter(range(pages))

    async def caller() -> None:
        for number in numbers:
            await _timed(host, f"{base}/together/{number}")

    begun = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for _ in range(CALLERS):
            tasks.start_soon(caller)
    return pages / (time.perf_counter() - begun)


def _page() -> str:
    """A page of 100 KB: a quarter is text, the rest what pages carry around it."""
    chance = random.Random(7)
    paragraphs = []
    while sum(map(len, paragraphs)) < 25_000:
        words = " ".join(chance.choices(WORDS, k=60))
        paragraphs.append(f"<h2>{words[:30]}</h2><p>{words}. <a href='/{len(paragraphs)}'>{words[:12]}</a></p>")
    menu = "".join(f"<li class='nav-item nav-{n}'><a href='/menu/{n}'>Entry {n}</a></li>" for n in range(600))
    script = "<script>" + "var state = {};" * 2_000 + "</script>"
    return (
        f"<html lang=en><head><title>A page</title>{script}</head><body><nav><ul>{menu}</ul></nav>"
        f"<article><h1>A page</h1>{''.join(paragraphs)}</article></body></html>"
    )


async def _site() -> None:
    """Answer every address with the page, its address in it, and say on which port."""
    head, tail = (gzip.compress(half.encode(), mtime=0) for half in _page().split("<article>", 1))

    async def serve(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            waiting = b""
            while True:
                try:
                    waiting += await stream.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    return
                while b"\r\n\r\n" in waiting:
                    request, _, waiting = waiting.partition(b"\r\n\r\n")
                    path = request.split(b" ", 2)[1]
                    missing = path == b"/robots.txt"
                    body = b"" if missing else head + gzip.compress(b"<article><p>" + path + b"</p>", mtime=0) + tail
                    status = b"404 Not Found" if missing else b"200 OK"
                    await stream.send(
                        b"HTTP/1.1 %b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\n"
                        b"Content-Length: %d\r\n\r\n%b" % (status, len(body), body)
                    )

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    print(listener.extra(anyio.abc.SocketAttribute.local_port), flush=True)
    await listener.serve(serve)


if __name__ == "__main__":
    main()
