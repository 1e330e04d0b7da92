"""``carrel web-search``, ``carrel crawl`` and ``carrel fetch --goal``, over a pretend internet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

SITE = "https://docs.example.com"
PAGES = {
    f"{SITE}/": "<title>Home</title><h1>Home</h1><p>The ferry leaves at noon. The harbour is deep and wide.</p>"
    "<p><a href=/boats>All the boats of the fleet</a></p>",
    f"{SITE}/app": "<title>App</title><div id=root></div><script>root.textContent = 'Tides'</script>",
    f"{SITE}/boats": "<title>Boats</title><h1>Boats</h1><p>Each boat of the fleet carries forty people.</p>",
}


@pytest.fixture
def site(internet: list[Any]) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        page = PAGES.get(str(request.url))
        return httpx2.Response(200, text=page, headers={"content-type": "text/html"}) if page else httpx2.Response(404)

    internet.append(answer)


@pytest.mark.usefixtures("site")
def test_a_site_is_crawled_and_found(carrel: Callable[..., Any]) -> None:
    ran = carrel("crawl", f"{SITE}/")
    assert ran.code == 0, ran.err
    assert "docs.example.com" not in ran.err
    assert [line.split() for line in ran.out.splitlines() if "added" in line] == [["added", "2"]]
    assert "forty people" in carrel("search", "how many people does a boat carry").out
    record = carrel("crawl", f"{SITE}/", "--json").json
    assert (record["added"], record["unchanged"], record["state"]) == (0, 2, "done")
    assert carrel("crawl", record["job"], "--json").json["job"] == record["job"]


@pytest.mark.usefixtures("site")
def test_a_site_that_cannot_be_crawled_is_an_error(carrel: Callable[..., Any]) -> None:
    ran = carrel("crawl", f"{SITE}/none")
    assert ran.code != 0
    assert "no page at that address" in ran.err
    assert carrel("crawl", "job_00000000").code != 0


@pytest.mark.usefixtures("site")
def test_a_page_is_fetched_with_a_goal(carrel: Callable[..., Any]) -> None:
    ran = carrel("fetch", f"{SITE}/", "--goal", "when does the ferry leave")
    assert ran.code == 0
    assert "leaves at noon" in ran.out


@pytest.mark.usefixtures("site")
def test_no_script_is_run_where_fetch_is_told_not_to(carrel: Callable[..., Any]) -> None:
    ran = carrel("fetch", f"{SITE}/app", "--render", "never")
    assert ran.code == 1
    assert "JavaScript, which is not run here" in ran.err
    assert carrel("fetch", f"{SITE}/app", "--render", "seldom").code == 2


def test_without_a_search_engine_the_command_says_how_to_have_one(carrel: Callable[..., Any]) -> None:
    ran = carrel("web-search", "ferries")
    assert ran.code != 0
    assert "CARREL_URL_SEARXNG" in ran.err


def test_results_of_search_engines_are_shown(
    tmp_path: Any, internet: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    from mcp import Client

    from carrel.settings import Settings
    from carrel.web import WebClient
    from carrel_client.cli import Session, run_command
    from carrel_web.server import create_server

    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.url.params["q"] == "ferries of the harbour"
        row = {"url": f"{SITE}/", "title": "Fer\x1b[31mries", "content": "They leave at noon."}
        return httpx2.Response(200, json={"results": [row]})

    settings = Settings(
        data=tmp_path / "d", models=tmp_path, encoder="none", provider_urls={"searxng": "https://search.example.com"}
    )
    client = WebClient(transport=httpx2.MockTransport(answer))
    session = Session(connect=lambda name: Client(create_server(settings, client=client)))
    assert run_command(["web-search", "ferries", "of", "the", "harbour"], session) == 0
    out = capsys.readouterr().out
    assert "They leave at noon." in out
    assert f"{SITE}/" in out
    assert "\x1b[31m" not in out
