"""What was answered before stands for a new answer exactly as long as RFC 9111 lets it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx2
import pytest

from carrel.errors import NotFound, Refused
from carrel.web import WebClient
from carrel.web.store import AnswerStore

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
URL = "https://example.com/page"


def date(seconds: float = 0.0) -> str:
    return format_datetime(BEGIN + timedelta(seconds=seconds), usegmt=True)


class Site:
    """One page with headers, a wall clock, and a list of what was asked."""

    def __init__(self, path: Path) -> None:
        self.store = AnswerStore(path)
        self.now = 0.0
        self.set_back = 0.0
        self.asked: list[httpx2.Request] = []
        self.headers: dict[str, str] = {"date": date()}
        self.body = b"first"
        self.status = 200
        self.robots = httpx2.Response(404)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/robots.txt":
            return self.robots
        self.asked.append(request)
        etag = self.headers.get("etag")
        if etag is not None and request.headers.get("if-none-match") == etag:
            return httpx2.Response(304, headers={**self.headers, "x-confirmed": "yes"})
        return httpx2.Response(self.status, content=self.body, headers=self.headers)

    def client(self, **options: object) -> WebClient:
        return WebClient(
            transport=httpx2.MockTransport(self),
            store=self.store,
            clock=lambda: self.now,
            now=lambda: BEGIN + timedelta(seconds=self.now - self.set_back),
            burst=1000,
            retries=0,
            **options,  # type: ignore[arg-type]
        )

    async def get(self, url: str = URL, **options: object) -> httpx2.Response:
        return await self.client().get(url, **options)  # type: ignore[arg-type, return-value]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path / "web" / "answers.sqlite")
    yield site
    site.store.close()


async def used_again(site: Site, after: float, **options: object) -> bool:
    """Whether a second call, ``after`` seconds later, asks nobody."""
    await site.get()
    asked = len(site.asked)
    site.now += after
    await site.get(**options)
    return len(site.asked) == asked


@pytest.mark.parametrize(
    ("headers", "after", "expected"),
    [
        ({"cache-control": "max-age=60"}, 59, True),
        ({"cache-control": "max-age=60"}, 60, False),
        ({"cache-control": 'MAX-AGE="60"'}, 59, True),
        ({"cache-control": "private, max-age=60"}, 59, True),
        ({"cache-control": "s-maxage=600, max-age=60"}, 100, False),
        ({"cache-control": "max-age=60, max-age=6000"}, 100, False),
        ({"cache-control": "max-age=60", "age": "30"}, 29, True),
        ({"cache-control": "max-age=60", "age": "30"}, 31, False),
        ({"cache-control": "max-age=60", "date": date(-30)}, 31, False),
        ({"cache-control": "max-age=60", "expires": date(6000)}, 100, False),
        ({"expires": date(60)}, 59, True),
        ({"expires": date(60)}, 61, False),
        ({"expires": "0"}, 0, False),
        ({"expires": date(60), "date": "yesterday"}, 1, False),
        ({"last-modified": date(-1000)}, 99, True),
        ({"last-modified": date(-1000)}, 101, False),
        ({"last-modified": date(-100 * 24 * 3600)}, 24 * 3600 - 1, True),
        ({"last-modified": date(-100 * 24 * 3600)}, 24 * 3600 + 1, False),
        ({"last-modified": date(500)}, 1, False),
        ({"cache-control": "no-store, max-age=60"}, 1, False),
        ({"cache-control": "no-cache, max-age=60"}, 1, False),
        ({"cache-control": "max-age=sixty"}, 1, False),
        ({"cache-control": "max-age=-5"}, 1, False),
        ({"cache-control": "max-age=60", "vary": "*"}, 1, False),
        ({"cache-control": "max-age=60", "vary": "Accept, User-Agent"}, 1, True),
        ({}, 1, False),
    ],
    ids=str,
)
async def test_an_answer_stands_as_long_as_its_headers_say(
    site: Site, headers: dict[str, str], after: float, expected: bool
) -> None:
    site.headers = {"date": date(), **headers}
    assert await used_again(site, after) is expected


async def test_a_clock_that_was_set_back_makes_no_answer_young(site: Site) -> None:
    site.headers["cache-control"] = "max-age=60"
    await site.get()
    site.set_back = 3_600.0
    await site.get()
    assert len(site.asked) == 2


@pytest.mark.parametrize(("status", "expected"), [(404, True), (410, True), (301, True), (302, False), (500, False)])
async def test_only_some_answers_stand_without_saying_so(site: Site, status: int, expected: bool) -> None:
    site.status = status
    site.headers = {"date": date(), "last-modified": date(-10_000)}
    assert await used_again(site, 10) is expected


async def test_a_stored_page_says_when_it_came_and_from_where(site: Site) -> None:
    site.headers = {"date": date(), "cache-control": "max-age=60", "set-cookie": "a=b", "content-type": "text/html"}
    first = await site.client().get(URL)
    site.now += 30
    second = await site.client().get(URL)
    assert (first.origin, second.origin) == ("network", "store")
    assert second.fetched_at == first.fetched_at == "2030-01-01T00:00:00+00:00"
    assert (second.body, second.media_type, second.status) == (b"first", "text/html", 200)
    assert "set-cookie" not in second.headers


async def test_a_stale_page_is_confirmed_without_its_body(site: Site) -> None:
    site.headers = {"date": date(), "cache-control": "max-age=60", "etag": '"1"', "x-age": "old"}
    await site.get()
    site.now += 100
    site.headers = {"date": date(100), "cache-control": "max-age=60", "etag": '"1"', "x-age": "new"}
    page = await site.client().get(URL)
    assert (page.origin, page.body, page.status) == ("confirmed", b"first", 200)
    assert page.headers["x-age"] == "new"
    assert page.fetched_at == "2030-01-01T00:01:40+00:00"
    site.now += 30
    assert (await site.client().get(URL)).origin == "store"
    assert len(site.asked) == 2


async def test_a_changed_page_replaces_the_stored_one(site: Site) -> None:
    site.headers = {"date": date(), "cache-control": "no-cache", "etag": '"1"'}
    await site.get()
    site.headers = {"date": date(), "cache-control": "max-age=60", "etag": '"2"'}
    site.body = b"second"
    assert (await site.client().get(URL)).body == b"second"
    assert (await site.client().get(URL)).origin == "store"


async def test_a_304_for_another_body_is_not_believed(site: Site) -> None:
    site.headers = {"date": date(), "etag": '"1"'}
    await site.get()

    def odd(request: httpx2.Request) -> httpx2.Response:
        if "if-none-match" in request.headers:
            return httpx2.Response(304, headers={"etag": '"other"'})
        return httpx2.Response(200, content=b"anew")

    client = WebClient(transport=httpx2.MockTransport(odd), store=site.store, retries=0)
    page = await client.get(URL, robots=False)
    assert (page.status, page.body) == (200, b"anew")


async def test_fresh_asks_the_site_and_keeps_what_it_says(site: Site) -> None:
    site.headers = {"date": date(), "cache-control": "max-age=60", "etag": '"1"'}
    assert not await used_again(site, 1, fresh=True)
    assert site.asked[-1].headers["cache-control"] == "no-cache"
    site.headers = {**site.headers, "etag": '"2"'}
    site.body = b"second"
    await site.get(fresh=True)
    assert (await site.client().get(URL)).body == b"second"


async def test_other_readers_get_their_own_answer(site: Site) -> None:
    site.headers = {"date": date(), "cache-control": "max-age=60", "vary": "Accept"}
    await site.get(accept="text/html")
    site.body = b"second"
    assert (await site.client().get(URL, accept="application/json")).body == b"second"
    assert (await site.client().get(URL, accept="text/html")).body == b"first"
    assert len(site.asked) == 2


async def test_a_redirect_that_stands_is_followed_without_asking(site: Site) -> None:
    site.status = 301
    site.headers = {"date": date(), "cache-control": "max-age=60", "location": "/page2"}
    answers = {"/page": 301, "/page2": 200}

    def answer(request: httpx2.Request) -> httpx2.Response:
        site.asked.append(request)
        return httpx2.Response(answers[request.url.path], headers=site.headers, content=b"there")

    client = WebClient(transport=httpx2.MockTransport(answer), store=site.store, now=lambda: BEGIN)
    for _ in range(2):
        page = await client.get(URL, robots=False)
        assert (page.final_url, page.body) == ("https://example.com/page2", b"there")
    assert len(site.asked) == 2


async def test_what_was_cut_off_is_never_kept_and_a_smaller_cap_still_holds(site: Site) -> None:
    site.headers = {"date": date(), "cache-control": "max-age=60"}
    site.body = b"x" * 1000
    assert (await site.client().get(URL, max_bytes=500)).truncated
    whole = await site.client().get(URL)
    assert (len(whole.body), whole.truncated, whole.origin) == (1000, False, "network")
    part = await site.client().get(URL, max_bytes=500)
    assert (len(part.body), part.truncated, part.origin) == (500, True, "store")


async def test_calls_with_headers_of_their_own_leave_no_trace(site: Site) -> None:
    site.headers = {"date": date(), "cache-control": "max-age=60"}
    for _ in range(2):
        await site.get(headers={"Authorization": "Bearer secret"}, robots=False)
    assert len(site.asked) == 2
    site.store.close()
    assert not site.store._path.exists()


async def test_no_check_is_skipped_for_a_stored_page(site: Site) -> None:
    site.headers = {"date": date(), "cache-control": "max-age=60"}
    inside = "http://wiki.corp.example/"
    await site.client(allow_hosts=("wiki.corp.example",)).get(inside, robots=False)
    await site.client().get(inside, robots=False)
    assert len(site.asked) == 2, "what a listed host said must not answer for an unlisted one"
    with pytest.raises(Refused):
        await site.client().get("http://127.0.0.1/", robots=False)
    await site.get()
    site.robots = httpx2.Response(200, text="User-agent: *\nDisallow: /")
    with pytest.raises(Refused, match=r"robots\.txt"):
        await site.get()


async def test_robots_rules_are_a_day_old_at_most_whatever_their_site_says(site: Site) -> None:
    site.headers = {"date": date(), "cache-control": "max-age=60"}
    long = {"date": date(), "cache-control": "max-age=31536000"}
    site.robots = httpx2.Response(200, text="User-agent: *\nDisallow:", headers=long)
    client = site.client()
    await client.get(URL)
    site.robots = httpx2.Response(200, text="User-agent: *\nDisallow: /", headers={**long, "date": date(90_000)})
    site.now += 3600
    await site.client().get(URL)
    site.now += 24 * 3600
    with pytest.raises(Refused):
        await site.client().get(URL)


async def test_a_page_that_is_gone_stays_gone_as_long_as_the_site_says(site: Site) -> None:
    site.status = 404
    site.headers = {"date": date(), "cache-control": "max-age=60"}
    for _ in range(2):
        with pytest.raises(NotFound):
            await site.client().read(URL)
    assert len(site.asked) == 1


# -- the file --------------------------------------------------------------------------------------------------------


async def test_the_store_stays_below_its_cap_and_keeps_what_was_used_last(tmp_path: Path, site: Site) -> None:
    site.store = AnswerStore(tmp_path / "small.sqlite", max_bytes=40_000)
    site.headers = {"date": date(), "cache-control": "max-age=6000"}
    site.body = b"x" * 1000
    for number in range(200):
        site.now += 1
        await site.get(f"https://example.com/{number}")
        await site.get("https://example.com/0")
    asked = len(site.asked)
    assert asked == 200
    await site.get("https://example.com/199")
    assert len(site.asked) == asked
    await site.get("https://example.com/1")
    assert len(site.asked) == asked + 1
    site.store.close()
    with sqlite3.connect(tmp_path / "small.sqlite") as file:
        (total,) = file.execute("SELECT sum(size) FROM answers").fetchone()
    file.close()
    assert total < 40_000 + 16 * 1_600


@pytest.mark.parametrize("spoil", ["garbage", "folder", "table"])
async def test_a_store_that_cannot_be_used_costs_no_page(tmp_path: Path, site: Site, spoil: str) -> None:
    path = tmp_path / "spoiled.sqlite"
    if spoil == "garbage":
        path.write_bytes(b"this is no database" * 1000)
    elif spoil == "folder":
        path.mkdir()
    else:
        with sqlite3.connect(path) as file:
            file.execute("CREATE TABLE answers (other TEXT)")
        file.close()
    site.store = AnswerStore(path)
    site.headers = {"date": date(), "cache-control": "max-age=60"}
    for _ in range(2):
        assert (await site.client().get(URL)).body == b"first"
    assert len(site.asked) == 2


async def test_a_store_locked_by_another_process_costs_no_page(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carrel.web.store._BUSY", 0.01)
    site.headers = {"date": date(), "cache-control": "max-age=60"}
    await site.get()
    site.store.close()
    holder = sqlite3.connect(site.store._path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    page = await site.client().get("https://example.com/other")
    holder.execute("ROLLBACK")
    holder.close()
    assert page.body == b"first"


WRITER = """
import sys
from pathlib import Path
from carrel.web.store import AnswerStore, Kept
store = AnswerStore(Path(sys.argv[1]))
for number in range(150):
    store.keep(f"{sys.argv[2]}-{number}", Kept("*/*", 200, {}, sys.argv[2].encode() * 500, 1.0, float(number)))
    store.keep("shared", Kept("*/*", 200, {}, sys.argv[2].encode() * 500, 1.0, float(number)))
store.close()
"""


def test_several_processes_share_one_store(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "abc"]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    store = AnswerStore(path)
    for name in "abc":
        assert all(store.find(f"{name}-{number}")[0].body == name.encode() * 500 for number in range(150))
    (shared,) = store.find("shared")
    assert shared.body[:1] * 500 == shared.body
    store.close()
