"""A run of tools over loopback, recorded, gives byte-equal replies when it is replayed without the network."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from carrel.errors import BadRequest
from carrel.mcp import CarrelServer
from carrel.settings import Settings
from carrel_citations.server import create_server as citations
from carrel_scholar.server import create_server as scholar
from carrel_search.server import create_server as search
from carrel_web.server import create_server as web
from kit import Host

STORY = "".join(f"<h2>Part {n}</h2><p>Foxes of part {n} are quick. They jump over {n} dogs.</p>" for n in range(1, 30))
ARTICLE = f"<html><head><title>Of Foxes</title></head><body><article><h1>Of Foxes</h1>{STORY}</article></body></html>"
WORK = {
    "status": "ok",
    "message-type": "work",
    "message": {
        "DOI": "10.1234/foxes",
        "title": ["On the speed of foxes"],
        "author": [{"family": "Byron", "given": "Ada"}],
        "issued": {"date-parts": [[2021]]},
        "type": "journal-article",
        "abstract": "<jats:p>Foxes run at 48 kilometres per hour over open ground, which was measured twice.</jats:p>",
    },
}


class Site(BaseHTTPRequestHandler):
    """Pages, a page that changes, failures, and a register of works."""

    protocol_version = "HTTP/1.1"
    visits = 0

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        status, kind, body = self._found(path)
        self.send_response(status)
        if path == "/packed":
            body = gzip.compress(body, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        if path == "/moved":
            self.send_header("Location", "/foxes")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _found(self, path: str) -> tuple[int, str, bytes]:
        if path == "/robots.txt":
            return 200, "text/plain", b"User-agent: *\nDisallow: /private\nCrawl-delay: 0"
        if path in ("/foxes", "/packed"):
            return 200, "text/html; charset=utf-8", ARTICLE.encode()
        if path == "/news":
            type(self).visits += 1
            return 200, "text/html", f"<h1>News</h1><p>This is edition {self.visits} of the news.</p>".encode()
        if path == "/moved":
            return 301, "text/html", b""
        if path == "/picture":
            return 200, "image/png", b"\x89PNG\r\n\x1a\n" + b"\0" * 50
        if path.startswith("/works/"):
            return 200, "application/json", json.dumps(WORK).encode()
        return {"/login": 401, "/wall": 403, "/fault": 500}.get(path, 404), "text/html", b"<p>no</p>"

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def site() -> Iterator[int]:
    Site.visits = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def run_of(port: int) -> list[tuple[Callable[[Settings], CarrelServer], list[tuple[str, dict[str, Any]]]]]:
    """The calls of a small piece of research, by server."""
    base = f"http://127.0.0.1:{port}"
    reads: list[dict[str, Any]] = [
        {"url": f"{base}/foxes", "max_chars": 900},
        {"url": f"{base}/foxes", "view": "outline"},
        {"url": f"{base}/moved", "view": "metadata"},
        {"url": f"{base}/packed"},
        {"url": f"{base}/news"},
        {"url": f"{base}/news"},
        {"url": f"{base}/news", "fresh": True},
        *({"url": f"{base}{path}"} for path in ("/gone", "/login", "/wall", "/fault", "/picture", "/private/x")),
        {"url": "http://169.254.169.254/latest/meta-data/"},
    ]
    return [
        (web, [("read_page", read) for read in reads]),
        (
            scholar,
            [
                ("get_papers", {"ids": ["10.1234/foxes", "10.1234/none", "arXiv:2101.00001"]}),
                ("find_papers", {"query": "speed of foxes"}),
                ("match_reference", {"citation": "Byron A. On the speed of foxes. 2021. doi:10.1234/foxes"}),
            ],
        ),
        (citations, [("check_quote", {"quote": "Foxes of part 3 are quick.", "source": f"{base}/foxes"})]),
    ]


async def replies(settings: Settings, port: int) -> list[str]:
    said = []
    for create, calls in run_of(port):
        server = create(settings)
        host = Host(server)
        for tool, arguments in calls:
            reply = await host.call(tool, **arguments)
            said.append(json.dumps(reply.model_dump(mode="json"), sort_keys=True))
        await server.aclose()
    return said


@pytest.fixture
def settings_of(tmp_path: Path) -> Callable[..., Settings]:
    def make(port: int, name: str, **options: Any) -> Settings:
        base = f"http://127.0.0.1:{port}"
        return Settings(
            data=tmp_path / name,
            models=tmp_path / "models",
            encoder="none",
            contact="me@example.org",
            allow_hosts=(f"127.0.0.1:{port}",),
            provider_urls=dict.fromkeys(
                ("crossref", "openalex", "arxiv", "doi", "datacite", "pubmed", "europepmc", "unpaywall"), base
            ),
            archive=False,
            **options,
        )

    return make


async def test_a_replayed_run_gives_the_same_bytes(settings_of: Callable[..., Settings], tmp_path: Path) -> None:
    path = tmp_path / "run.warc.gz"
    with site() as port:
        recorded = await replies(settings_of(port, "recorded", record=path), port)
    assert any("edition 1" in reply for reply in recorded)
    assert any("edition 2" in reply for reply in recorded)
    assert any("48 kilometres" in reply for reply in recorded)
    for turn in ("first", "second"):
        replayed = await replies(settings_of(port, turn, reality="frozen", replay=path), port)
        assert replayed == recorded
    assert b"me@example.org" not in gzip.decompress(await _read(path))


async def _read(path: Path) -> bytes:
    import anyio

    return await anyio.Path(path).read_bytes()


async def test_a_frozen_server_says_what_was_not_recorded(settings_of: Callable[..., Settings], tmp_path: Path) -> None:
    path = tmp_path / "run.warc.gz"
    with site() as port:
        server = web(settings_of(port, "recorded", record=path))
        await Host(server).text("read_page", url=f"http://127.0.0.1:{port}/foxes")
        await server.aclose()
        frozen = web(settings_of(port, "frozen", reality="frozen", replay=path))
        kind, message = await Host(frozen).refusal("read_page", url=f"http://127.0.0.1:{port}/packed")
        assert kind == "unavailable"
        assert "not in the recording" in message
        await frozen.aclose()


async def test_a_page_added_to_the_library_comes_from_the_recording(
    settings_of: Callable[..., Settings], tmp_path: Path
) -> None:
    path = tmp_path / "run.warc.gz"
    with site() as port:
        for turn in ({"record": path}, {"reality": "frozen", "replay": path}):
            server = search(settings_of(port, str(turn.get("reality")), **turn))
            reply = await Host(server).record("add_documents", sources=[f"http://127.0.0.1:{port}/news"])
            assert reply["added"] == 1, reply
            found = await Host(server).record("search_library", queries=["edition"])
            assert "edition 1" in json.dumps(found)
            await server.aclose()
    assert Site.visits == 1


async def test_live_asks_each_time_and_cached_within_the_hour_does_not(settings_of: Callable[..., Settings]) -> None:
    with site() as port:
        for reality, editions in (("live", (1, 2)), ("cached", (3, 3))):
            server = web(settings_of(port, reality, reality=reality))
            for edition in editions:
                assert f"edition {edition} " in await Host(server).text(
                    "read_page", url=f"http://127.0.0.1:{port}/news"
                )
            await server.aclose()


@pytest.mark.parametrize(
    "wrong",
    [{"reality": "frozen"}, {"replay": Path("x")}, {"reality": "warm"}, {"record": Path("a"), "replay": Path("b")}],
)
def test_a_reality_that_cannot_be_is_refused_at_the_start(settings: Settings, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        web(replace(settings, **wrong))
