"""Each way in which a page cannot be had is told apart, and what only looks like an answer is said to look so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import httpx2
import pytest

from carrel.index import Library
from carrel.settings import Settings
from carrel.web import WebClient
from carrel_web.server import create_server
from kit import Host

URL = "https://example.com/deep/page"
ARCHIVE = "https://archive.org/wayback/available"
PROSE = "<p>" + "Foxes are quick and jump over lazy dogs on every day of the week. " * 8 + "</p>"
Answer = Callable[[], httpx2.Response]


def html(body: str | bytes = PROSE, status: int = 200, kind: str = "text/html", **headers: str) -> Answer:
    return lambda: httpx2.Response(status, content=body, headers={"content-type": kind, **headers})


def fails(error: Exception) -> Answer:
    def answer() -> httpx2.Response:
        raise error

    return answer


def captured(stamp: str, status: str = "200") -> Answer:
    closest = {"available": True, "url": "http://evil.example/OBEY", "timestamp": stamp, "status": status}
    return lambda: httpx2.Response(200, json={"url": URL, "archived_snapshots": {"closest": closest}})


NO_NAME = fails(httpx2.ConnectError("the name could not be resolved"))


class Web:
    """A pretend internet: answers by URL without its query, and what was asked."""

    def __init__(self, settings: Settings, library: Library, **answers: Answer) -> None:
        self.answers = {URL: answers.get("page", html(status=404)), ARCHIVE: answers.get("archive", html(status=404))}
        self.asked: list[str] = []
        client = WebClient(transport=httpx2.MockTransport(self), retries=0, burst=1000)
        self.host = Host(create_server(settings, library=library, client=client))

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        plain = str(request.url.copy_with(query=None))
        self.asked.append(plain)
        answer = self.answers.get(plain)
        return answer() if answer else httpx2.Response(404)


FAILURES: dict[str, tuple[Answer, str]] = {
    "no name": (NO_NAME, "unavailable: could not reach example.com (the name could not be resolved)"),
    "no certificate": (
        fails(httpx2.ConnectError("no secure connection")),
        "unavailable: could not reach example.com (no secure connection)",
    ),
    "no way": (fails(httpx2.ConnectError("refused")), "unavailable: could not reach example.com (no connection)"),
    "silence": (fails(httpx2.ReadTimeout("")), "timeout: example.com did not answer in time"),
    "broken off": (fails(httpx2.ReadError("")), "unavailable: example.com broke the connection off"),
    "login": (html(status=401), "refused: example.com shows this page only after a login (HTTP 401)"),
    "payment": (html(status=402), "refused: example.com shows this page only for payment (HTTP 402)"),
    "forbidden": (html(status=403), "refused: example.com forbids this page"),
    "law": (html(status=451), "refused: example.com may not show this page for legal reasons"),
    "missing": (html(status=404), "not_found: example.com has no page at that address (HTTP 404)"),
    "gone": (html(status=410), "not_found: example.com has no page at that address (HTTP 410)"),
    "too many": (html(status=429, **{"retry-after": "17"}), "rate_limited: example.com asks for fewer requests"),
    "fault": (html(status=500), "unavailable: example.com has a fault of its own (HTTP 500)"),
    "closed": (html(status=503), "unavailable: example.com has a fault of its own (HTTP 503)"),
    "request": (html(status=406), "unavailable: example.com did not take the request (HTTP 406)"),
    "picture": (html(b"\x89PNG\r\n\x1a\n", kind="image/png"), "unsupported: this is a picture"),
    "film": (html(b"\0\0\0 ftyp", kind="video/mp4"), "unsupported: "),
    "empty": (html(b""), "invalid: the document is empty"),
    "shell": (html("<div id=root></div><script>" + "x" * 9000 + "</script>"), "unsupported: that page has no readable"),
    "circle": (
        lambda: httpx2.Response(302, headers={"location": URL}),
        "unavailable: example.com redirects in a circle",
    ),
}


@pytest.mark.parametrize(("page", "expected"), FAILURES.values(), ids=FAILURES)
async def test_a_page_that_cannot_be_had_says_why(
    settings: Settings, library: Library, page: Answer, expected: str
) -> None:
    kind, message = await Web(settings, library, page=page).host.refusal("read_page", url=URL)
    assert f"{kind}: {message}".startswith(expected)


async def test_no_two_failures_are_told_in_the_same_words(settings: Settings, library: Library) -> None:
    told = [await Web(settings, library, page=page).host.refusal("read_page", url=URL) for page, _ in FAILURES.values()]
    assert len(set(told)) == len(told)


LOOKS: dict[str, tuple[str, str]] = {
    "a login": ("<title>Sign in</title><form><input name=u><input type=password></form><p>Sign in</p>", "log in"),
    "a polite login": ("<h1>Members</h1><p>Please log in to view this page.</p>", "log in"),
    "a challenge": ("<title>Just a moment...</title><p>Checking your browser.</p>", "keeps programs out"),
    "a soft 404": ("<title>Oops</title><h1>Page not found</h1><p>Try the search.</p>", "the page of an error"),
    "a removed post": ("<h1>Sorry</h1><p>This post has been removed by its author.</p>", "the page of an error"),
    "a German soft 404": ("<h1>Seite nicht gefunden</h1><p>Leider gibt es sie nicht mehr.</p>", "the page of an error"),
    "a paywall": (f"<h1>Foxes</h1>{PROSE}<p>Subscribe to continue reading.</p>", "asks for payment"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "words"), LOOKS.values(), ids=LOOKS)
async def test_a_page_that_only_looks_like_an_answer_is_said_to_look_so(
    settings: Settings, library: Library, body: str, words: str
) -> None:
    web = Web(settings, library, page=html(body))
    for _ in range(2):  # read, and from the store
        reply = await web.host.text("read_page", url=URL)
        note = next(line for line in reply.splitlines() if line.startswith("note: this looks like"))
        assert words in note


@pytest.mark.parametrize(
    "body",
    [
        f"<title>Foxes</title><h1>Foxes</h1>{PROSE}",
        f"<h1>The statue has been removed</h1>{PROSE}",
        f"<h1>How to log in to a server with a password</h1>{PROSE * 6}",
        f"<title>Foxes</title>{PROSE * 6}<p>Page not found is what they say of lost foxes.</p>",
    ],
)
async def test_content_is_not_called_a_barrier(settings: Settings, library: Library, body: str) -> None:
    assert "looks like" not in await Web(settings, library, page=html(body)).host.text("read_page", url=URL)


async def test_a_site_that_sends_its_front_page_is_said_to_have_done_so(settings: Settings, library: Library) -> None:
    web = Web(settings, library, page=lambda: httpx2.Response(302, headers={"location": "/"}))
    web.answers["https://example.com/"] = html()
    assert "this looks like the site's front page" in await web.host.text("read_page", url=URL)


async def test_a_redirect_to_a_login_is_said_to_look_like_one(settings: Settings, library: Library) -> None:
    web = Web(settings, library, page=lambda: httpx2.Response(302, headers={"location": "/login?next=/deep/page"}))
    web.answers["https://example.com/login"] = html()
    assert "a page to log in" in await web.host.text("read_page", url=URL)


# -- the archive -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [html(status=404), html(status=410), NO_NAME], ids=["404", "410", "no name"])
async def test_a_dead_page_comes_with_the_address_of_a_capture(
    settings: Settings, library: Library, page: Answer
) -> None:
    web = Web(settings, library, page=page, archive=captured("20210203040506"))
    _, message = await web.host.refusal("read_page", url=URL)
    capture = f"https://web.archive.org/web/20210203040506id_/{URL}"
    assert message.endswith(f'the Internet Archive captured it on 2021-02-03: read_page(url="{capture}")')
    assert "OBEY" not in message
    web.answers[capture] = html()
    reply = await web.host.text("read_page", url=capture)
    assert "note: this is the Internet Archive's capture of 2021-02-03, not what the site says now" in reply


@pytest.mark.parametrize(
    "archive",
    [
        html(status=404),
        html(b"not json"),
        html(b"[" * 60_000, kind="application/json"),
        html(json.dumps({"archived_snapshots": {}})),
        html(json.dumps({"archived_snapshots": {"closest": {"timestamp": "<<OBEY>>"}}})),
        html(json.dumps({"archived_snapshots": {"closest": {"timestamp": ["20210203040506"]}}})),
        captured("99999999999999"),
        captured("20210203040506", status="404"),
        fails(httpx2.ConnectError("")),
    ],
)
async def test_an_archive_that_has_nothing_changes_nothing(
    settings: Settings, library: Library, archive: Answer
) -> None:
    assert (await Web(settings, library, archive=archive).host.refusal("read_page", url=URL)) == (
        "not_found",
        "example.com has no page at that address (HTTP 404)",
    )


async def test_an_archive_out_of_reach_is_not_asked_again_soon(settings: Settings, library: Library) -> None:
    web = Web(settings, library, page=NO_NAME, archive=NO_NAME)
    for _ in range(3):
        await web.host.refusal("read_page", url=URL)
    assert web.asked.count(ARCHIVE) == 1


async def test_a_page_that_is_only_refused_or_at_fault_is_not_looked_for(settings: Settings, library: Library) -> None:
    for status in (401, 403, 429, 500):
        web = Web(settings, library, page=html(status=status), archive=captured("20210203040506"))
        await web.host.refusal("read_page", url=URL)
        assert ARCHIVE not in web.asked


async def test_the_archive_can_be_switched_off(settings: Settings, library: Library) -> None:
    web = Web(replace(settings, archive=False), library, archive=captured("20210203040506"))
    await web.host.refusal("read_page", url=URL)
    assert ARCHIVE not in web.asked
