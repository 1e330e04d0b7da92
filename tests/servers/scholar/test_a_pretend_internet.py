"""carrel-scholar over a pretend internet: every service on loopback, over real sockets, behaving as it is told to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client

from carrel.scholarly import Scholar
from carrel.settings import Settings
from carrel.web import OpenWeb
from carrel_scholar.server import create_server

HOSTS = {
    "crossref": "api.crossref.org",
    "openalex": "api.openalex.org",
    "arxiv": "export.arxiv.org",
    "doi": "doi.org",
    "semanticscholar": "api.semanticscholar.org",
    "datacite": "api.datacite.org",
    "dblp": "dblp.org",
    "doaj": "doaj.org",
    "openreview": "api2.openreview.net",
    "pubmed": "eutils.ncbi.nlm.nih.gov",
    "europepmc": "www.ebi.ac.uk",
    "unpaywall": "api.unpaywall.org",
}
SEARCHED = [name for name in HOSTS if name not in ("doi", "unpaywall")]
DOI, TITLE = "10.5555/widgets.one", "On the bending of crooked widgets under moonlight"


@contextmanager
def on_loopback(internet: Any) -> Iterator[dict[str, str]]:
    """Serve each pretend service from a port of its own: one that is throttled must not make the others rest."""
    with ExitStack() as ports:
        yield {name: ports.enter_context(_port(internet, host)) for name, host in HOSTS.items()}


@contextmanager
def _port(internet: Any, host: str) -> Iterator[str]:
    """One service; an exception as its answer is a connection that is torn down."""

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the standard library's name
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = [(key, value) for key, value in self.headers.items() if key.lower() != "host"]
            request = httpx2.Request(self.command, f"https://{host}{self.path}", headers=headers, content=body)
            try:
                answer = anyio.run(internet, request)
            except httpx2.TransportError:
                with suppress(OSError):  # whoever asked has left already
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("content-type", "text/html"))
            if wait := answer.headers.get("retry-after"):
                self.send_header("Retry-After", wait)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_POST = do_GET  # noqa: N815 - the standard library's name

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def settings_for(folder: Path, here: dict[str, str]) -> Settings:
    return Settings(
        folder / "data",
        folder / "models",
        encoder="none",
        contact="someone@example.org",
        provider_urls={name: f"http://{address}" for name, address in here.items()},
        allow_hosts=tuple(here.values()),
    )


def stock(internet: Any, shapes: Any) -> None:
    internet.crossref[DOI] = shapes["crossref"](DOI, TITLE)
    internet.openalex.append(shapes["openalex"](9_001, TITLE, DOI))
    internet.arxiv["1901.00001"] = shapes["arxiv"]("1901.00001", TITLE)
    internet.semanticscholar.append(shapes["semanticscholar"](77, TITLE, DOI=DOI))
    internet.datacite["10.5555/data"] = shapes["datacite"]("10.5555/data", "Crooked widgets, the data")


async def call(settings: Settings, tool: str, **arguments: Any) -> Any:
    async with Client(create_server(settings)) as client:
        return await client.call_tool(tool, arguments)


def states(sources: list[dict[str, Any]]) -> dict[str, str]:
    return {source["provider"]: source["state"] for source in sources}


def reset(request: httpx2.Request) -> Exception:
    return httpx2.ReadError("reset", request=request)


def robot(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, text="<!DOCTYPE html><html><body>Are you a robot?</body></html>")


def throttled(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(429, text="Rate exceeded.", headers={"retry-after": "20"})


async def test_ten_services_answer_one_search_over_real_sockets(internet: Any, shapes: Any, tmp_path: Path) -> None:
    stock(internet, shapes)
    with on_loopback(internet) as here:
        reply = await call(settings_for(tmp_path, here), "find_papers", query="crooked widgets", sources=SEARCHED)
    told = reply.structured_content
    assert set(states(told["sources"]).values()) <= {"ok", "empty"}
    assert sorted(states(told["sources"])) == sorted(SEARCHED)
    assert told["papers"][0]["title"] == TITLE
    assert {"crossref", "openalex", "semanticscholar"} <= set(told["papers"][0]["found_by"].split())


async def test_a_search_with_two_services_down_and_one_throttled_says_which(
    internet: Any, shapes: Any, tmp_path: Path
) -> None:
    stock(internet, shapes)
    internet.faults |= {"openalex": reset, "doaj": robot, "arxiv": throttled}
    with on_loopback(internet) as here:
        reply = await call(settings_for(tmp_path, here), "find_papers", query="crooked widgets", sources=SEARCHED)
    told = states(reply.structured_content["sources"])
    assert (told.pop("openalex"), told.pop("doaj"), told.pop("arxiv")) == ("unavailable", "unavailable", "rate_limited")
    assert set(told.values()) <= {"ok", "empty"}
    assert reply.structured_content["papers"][0]["title"] == TITLE


async def test_services_that_never_answer_do_not_hold_the_reply(internet: Any, shapes: Any, tmp_path: Path) -> None:
    stock(internet, shapes)
    released = threading.Event()

    def hold(request: httpx2.Request) -> Exception:
        released.wait()
        return reset(request)

    internet.faults |= {"crossref": hold, "openalex": hold}
    with on_loopback(internet) as here:
        try:
            settings = settings_for(tmp_path, here)
            web = OpenWeb(settings)
            asking = web.client(retries=0)
            scholar = Scholar(asking, urls=settings.provider_urls, deadline=0.5)
            async with Client(create_server(settings, scholar=scholar)) as client:
                reply = await client.call_tool("find_papers", {"query": "crooked widgets"})
            assert not released.is_set()  # the reply came while both were still silent
            await asking.aclose()
            web.close()
        finally:
            released.set()
    told = json.dumps(reply.structured_content or reply.content[0].text)
    assert "crossref" in told
    assert "timeout" in told


async def test_nobody_there_is_a_failure_and_never_an_empty_list(internet: Any, tmp_path: Path) -> None:
    internet.faults |= dict.fromkeys(HOSTS, robot)
    with on_loopback(internet) as here:
        settings = settings_for(tmp_path, here)
        found = await call(settings, "find_papers", query="crooked widgets")
        got = await call(settings, "get_papers", ids=[DOI, "pmid:4242", "1901.00001"])
        matched = await call(settings, "match_reference", citation=f"Quill A. {TITLE}. 2019. doi:{DOI}")
    assert found.is_error
    assert "could not look" in found.content[0].text
    assert [paper["state"] for paper in got.structured_content["papers"]] == ["unavailable"] * 3
    assert matched.structured_content["verdict"] == "unavailable"


@pytest.mark.parametrize("down", [("openalex", "semanticscholar"), ("crossref", "datacite"), ("unpaywall", "arxiv")])
async def test_a_work_is_found_and_its_reference_matched_while_two_services_are_down(
    internet: Any, shapes: Any, tmp_path: Path, down: tuple[str, str]
) -> None:
    stock(internet, shapes)
    internet.faults |= dict.fromkeys(down, robot)
    with on_loopback(internet) as here:
        settings = settings_for(tmp_path, here)
        got = await call(settings, "get_papers", ids=[DOI])
        matched = await call(settings, "match_reference", citation=f"Quill A, Øster B. {TITLE}. 2019. doi:{DOI}")
    (paper,) = got.structured_content["papers"]
    assert (paper["state"], paper["title"]) == ("found", TITLE)
    asked = {name for name, _, _ in internet.asked} & set(down)
    assert {s["provider"] for s in paper.get("unanswered") or []} <= asked
    assert matched.structured_content["verdict"] in ("verified", "verified_with_corrections")
