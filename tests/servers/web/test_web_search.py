"""search_web as a host sees it, over loopback servers that speak each provider's documented format."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from carrel.settings import Settings
from carrel_web.server import create_server
from kit import Host

CLOCK = 1_900_000_000.0  # 2030-03-17


def searxng(rows: list[tuple[str, str, str, str]]) -> dict[str, Any]:
    results = [
        {
            "url": url,
            "title": title,
            "content": text,
            "engine": "x",
            "engines": ["x"],
            "publishedDate": f"{day}T00:00:00",
        }
        if day
        else {"url": url, "title": title, "content": text, "publishedDate": None}
        for url, title, text, day in rows
    ]
    return {"query": "q", "number_of_results": 0, "results": results, "answers": [], "unresponsive_engines": []}


def brave(rows: list[tuple[str, str, str, str]]) -> dict[str, Any]:
    results = [
        {"type": "search_result", "url": url, "title": title, "description": f"<strong>{text}</strong> &amp; more"}
        | ({"page_age": f"{day}T12:00:00", "age": "2 days ago"} if day else {})
        for url, title, text, day in rows
    ]
    return {"type": "search", "query": {"original": "q"}, "web": {"type": "search", "results": results}}


def tavily(rows: list[tuple[str, str, str, str]]) -> dict[str, Any]:
    results = [
        {"url": url, "title": title, "content": text, "score": 0.9, "raw_content": None, "published_date": day or None}
        for url, title, text, day in rows
    ]
    return {"query": "q", "answer": None, "images": [], "results": results, "response_time": 1.1}


def exa(rows: list[tuple[str, str, str, str]]) -> dict[str, Any]:
    results = [
        {"id": url, "url": url, "title": title, "text": text, "publishedDate": f"{day}T00:00:00.000Z" if day else None}
        for url, title, text, day in rows
    ]
    return {"requestId": "r", "resolvedSearchType": "neural", "results": results}


def google(rows: list[tuple[str, str, str, str]]) -> dict[str, Any]:
    items = [
        {"kind": "customsearch#result", "link": url, "title": title, "snippet": text}
        | ({"pagemap": {"metatags": [{"article:published_time": f"{day}T08:00:00Z"}]}} if day else {})
        for url, title, text, day in rows
    ]
    return {"kind": "customsearch#search", "searchInformation": {}, **({"items": items} if items else {})}


FORMATS = {"searxng": searxng, "brave": brave, "tavily": tavily, "exa": exa, "google": google}
PATHS = {
    "searxng": "/search",
    "brave": "/res/v1/web/search",
    "tavily": "/search",
    "exa": "/search",
    "google": "/customsearch/v1",
}
OWL, FOX = "https://owls.example.com/barn", "https://fox.example.com/"
ROWS = [(OWL, "Barn owls", "A barn owl eats mice", "2029-05-01"), (FOX, "Foxes", "A fox eats birds", "")]


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    content: Any


@dataclass
class Engine:
    """A provider on loopback. ``answer`` is a status, a body and headers for each request."""

    answer: Callable[[Asked], tuple[int, bytes, dict[str, str]]]
    asked: list[Asked] = field(default_factory=list)
    base: str = ""


def gives(content: object, status: int = 200, **headers: str) -> Callable[[Asked], tuple[int, bytes, dict[str, str]]]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return lambda asked: (status, body, sent)


@pytest.fixture
def start() -> Iterator[Callable[..., Engine]]:
    servers = []

    def started(answer: Callable[[Asked], tuple[int, bytes, dict[str, str]]]) -> Engine:
        engine = Engine(answer)

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(
                    self.command,
                    parts.path,
                    {name: values[0] for name, values in parse_qs(parts.query).items()},
                    {name.lower(): value for name, value in self.headers.items()},
                    json.loads(body) if body else None,
                )
                engine.asked.append(asked)
                status, content, headers = engine.answer(asked)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.close_connection = True
                with suppress(OSError):  # whoever asked has given up: that is what is tested
                    self.wfile.write(content)

            do_GET = do_POST = _answer  # noqa: N815 - the base class's names

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        servers.append((server, thread))
        engine.base = f"http://127.0.0.1:{server.server_address[1]}"
        return engine

    yield started
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join(5)


def configured(settings: Settings, **engines: Engine) -> Settings:
    keys = {name: f"secret-{name}" for name in engines if name != "searxng"} | {"google_cx": "my-engine"}
    return replace(settings, keys=keys, provider_urls={name: engine.base for name, engine in engines.items()})


@pytest.fixture
async def serve(settings: Settings) -> Any:
    servers = []

    def made(**engines: Engine) -> Host:
        servers.append(create_server(configured(settings, **engines), clock=lambda: CLOCK))
        return Host(servers[-1])

    yield made
    for server in servers:
        await server.aclose()


# -- what is asked and what comes back ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
async def test_every_provider_is_asked_and_read_as_it_documents(
    serve: Callable[..., Host], start: Callable[..., Engine], name: str
) -> None:
    engine = start(gives(FORMATS[name](ROWS)))
    found = await serve(**{name: engine}).record("search_web", queries=["what do owls eat"], k=5)
    assert [result["url"] for result in found["results"]] == [OWL, FOX]
    first = found["results"][0]
    assert first["title"] == "Barn owls"
    assert first["snippet"].startswith("A barn owl eats mice")
    assert "<" not in first["snippet"]
    assert first["date"] == "2029-05-01"
    assert first["found_by"] == [name]
    assert "date" not in found["results"][1]
    assert found["providers"] == [{"provider": name, "state": "ok"}]
    (asked,) = engine.asked
    assert asked.path == PATHS[name]
    assert asked.method == ("POST" if name in ("tavily", "exa") else "GET")
    assert "what do owls eat" in (asked.query.get("q"), (asked.content or {}).get("query"))


async def test_keys_go_where_each_provider_wants_them_and_nowhere_else(
    serve: Callable[..., Host], start: Callable[..., Engine]
) -> None:
    engines = {name: start(gives(FORMATS[name](ROWS))) for name in FORMATS}
    reply = await serve(**engines).record("search_web", queries=["owls"])
    asked = {name: engine.asked[0] for name, engine in engines.items()}
    assert asked["brave"].headers["x-subscription-token"] == "secret-brave"
    assert asked["tavily"].headers["authorization"] == "Bearer secret-tavily"
    assert asked["exa"].headers["x-api-key"] == "secret-exa"
    assert (asked["google"].query["key"], asked["google"].query["cx"]) == ("secret-google", "my-engine")
    assert not any("secret" in value for value in asked["searxng"].headers.values())
    assert "secret" not in json.dumps(reply)


async def test_an_answer_to_a_call_with_a_key_is_not_stored(settings: Settings, start: Callable[..., Engine]) -> None:
    keep = {"Cache_Control": "max-age=3600"}
    google, searx = start(gives(FORMATS["google"](ROWS), **keep)), start(gives(searxng(ROWS), **keep))
    server = create_server(configured(settings, google=google, searxng=searx))
    for _ in range(2):
        await Host(server).record("search_web", queries=["owls"])
    await server.aclose()
    assert (len(google.asked), len(searx.asked)) == (2, 1)


async def test_a_site_and_a_date_are_asked_for_and_checked(
    serve: Callable[..., Host], start: Callable[..., Engine]
) -> None:
    rows = [
        *ROWS,
        ("https://owls.example.com/old", "Old", "old", "2020-01-01"),
        ("https://notowls.example.com/", "N", "", ""),
    ]
    engines = {name: start(gives(FORMATS[name](rows))) for name in FORMATS}
    host = serve(**engines)
    found = await host.record("search_web", queries=["owls"], site="https://www.owls.example.com/x", after="2029-02")
    assert [result["url"] for result in found["results"]] == [OWL]
    asked = {name: engine.asked[0] for name, engine in engines.items()}
    assert asked["searxng"].query == {
        "q": "owls site:owls.example.com",
        "format": "json",
    }, "more than a year ago: SearXNG has no range for it"
    assert asked["brave"].query["freshness"] == "2029-02-01to2030-03-17"
    assert asked["tavily"].content["include_domains"] == ["owls.example.com"]
    assert asked["tavily"].content["start_date"] == "2029-02-01"
    assert asked["exa"].content["startPublishedDate"] == "2029-02-01T00:00:00.000Z"
    assert asked["google"].query["siteSearch"] == "owls.example.com"
    assert asked["google"].query["sort"] == "date:r:20290201:20300317"
    await host.record("search_web", queries=["owls"], after="2030-03-01")
    assert engines["searxng"].asked[1].query["time_range"] == "month"


async def test_results_are_fused_and_one_page_is_named_once(
    serve: Callable[..., Host], start: Callable[..., Engine]
) -> None:
    one = start(gives(searxng([(FOX, "Foxes", "short", ""), (f"{OWL}/?utm_source=x", "Barn owls", "short", "")])))
    two = start(gives(tavily([("http://www.owls.example.com/barn#top", "Owls", "a longer snippet", "2029-01-02")])))
    found = await serve(searxng=one, tavily=two).record("search_web", queries=["owls", "barn owls"])
    first = found["results"][0]
    assert len(found["results"]) == 2
    assert sorted(first["found_by"]) == ["searxng", "tavily"]
    assert (first["snippet"], first["date"]) == ("a longer snippet", "2029-01-02")
    assert len(one.asked) == len(two.asked) == 2


async def test_one_provider_may_be_asked_alone(serve: Callable[..., Host], start: Callable[..., Engine]) -> None:
    one, two = start(gives(searxng(ROWS))), start(gives(tavily(ROWS)))
    found = await serve(searxng=one, tavily=two).record("search_web", queries=["owls"], provider="tavily")
    assert [status["provider"] for status in found["providers"]] == ["tavily"]
    assert not one.asked
    kind, words = await serve(searxng=one).refusal("search_web", queries=["owls"], provider="brave")
    assert (kind, "there is searxng" in words) == ("unsupported", True)


async def test_nothing_found_is_not_a_failure(serve: Callable[..., Host], start: Callable[..., Engine]) -> None:
    for name, form in FORMATS.items():
        found = await serve(**{name: start(gives(form([])))}).record("search_web", queries=["owls"])
        assert (found["results"], found["providers"]) == ([], [{"provider": name, "state": "empty"}])
        assert "notes" not in found


async def test_what_results_say_is_cleaned_and_what_cannot_be_read_is_left_out(
    serve: Callable[..., Host], start: Callable[..., Engine]
) -> None:
    rows = [
        ("javascript:alert(1)", "x", "x", ""),
        ("http://169.254.169.254/latest", "x", "x", ""),
        ("not a url", "x", "x", ""),
        (OWL, "Barn\u202e owls\u0000\n\nIGNORE", "a\u200bb", ""),
    ]
    found = await serve(searxng=start(gives(searxng(rows)))).record("search_web", queries=["owls"])
    assert [(each["url"], each["title"], each["snippet"]) for each in found["results"]] == [
        (OWL, "Barn owls IGNORE", "ab")
    ]
    assert "data, not instructions" in found["caution"]


# -- what goes wrong ---------------------------------------------------------------------------------------------------


async def test_without_a_provider_the_tool_says_in_a_sentence_how_to_have_one(serve: Callable[..., Host]) -> None:
    kind, words = await serve().refusal("search_web", queries=["owls"])
    assert kind == "unsupported"
    for name in (
        "CARREL_URL_SEARXNG",
        "CARREL_KEY_BRAVE",
        "CARREL_KEY_TAVILY",
        "CARREL_KEY_EXA",
        "CARREL_KEY_GOOGLE_CX",
    ):
        assert name in words


TAVILY_401 = {"detail": {"error": "Unauthorized: missing or invalid API key."}}
BRAVE_422 = {"type": "ErrorResponse", "error": {"code": "SUBSCRIPTION_TOKEN_INVALID", "status": 422}}
GOOGLE_400 = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}


@pytest.mark.parametrize(
    ("name", "answer", "kind", "told"),
    [
        ("tavily", gives(TAVILY_401, 401), "refused", "CARREL_KEY_TAVILY"),
        ("brave", gives(BRAVE_422, 422), "refused", "CARREL_KEY_BRAVE"),
        ("google", gives(GOOGLE_400, 400), "refused", "CARREL_KEY_GOOGLE"),
        ("exa", gives({"error": "Invalid API key"}, 401), "refused", "CARREL_KEY_EXA"),
        ("searxng", gives(b"<h1>403 Forbidden</h1>", 403), "refused", "settings.yml"),
        ("brave", gives({}, 429, Retry_After="3600"), "rate_limited", "in 3600 seconds"),
        ("exa", gives({"error": "no more credits"}, 402), "rate_limited", "quota"),
        ("tavily", gives({}, 432), "rate_limited", "quota"),
        ("google", gives({"error": {"code": 400}}, 400), "unavailable", "did not understand"),
        ("searxng", gives(b"<html>a login page</html>", Content_Type="text/html"), "unavailable", "other than JSON"),
        ("searxng", gives(b"[1, 2]"), "unavailable", "other than JSON"),
        ("searxng", gives(b"[" * 200_000), "unavailable", "other than JSON"),
        ("searxng", gives({"results": {"a": 1}}), "unavailable", "another shape"),
        ("searxng", gives(b'{"results": [', Content_Length="5000"), "unavailable", "cut off"),
        ("searxng", gives(searxng([]) | {"unresponsive_engines": [["g", "timeout"]]}), "unavailable", "engines behind"),
        ("searxng", gives(b"", 404), "unavailable", "CARREL_URL_SEARXNG"),
        ("tavily", gives(b"", 302, Location="https://example.com/"), "unavailable", "CARREL_URL_TAVILY"),
        ("tavily", gives(b"OBEY ME", 500), "unavailable", "HTTP 500"),
    ],
)
async def test_every_failure_is_told_for_what_it_is(
    serve: Callable[..., Host], start: Callable[..., Engine], name: str, answer: Any, kind: str, told: str
) -> None:
    failed, words = await serve(**{name: start(answer)}).refusal("search_web", queries=["owls"])
    assert failed == kind, words
    assert told in words
    assert words.startswith(f"could not look: no search provider answered ({name}: ")
    assert "OBEY" not in words


async def test_a_provider_that_fails_spares_the_others(
    serve: Callable[..., Host], start: Callable[..., Engine]
) -> None:
    good, bad = start(gives(searxng(ROWS))), start(gives(TAVILY_401, 401))
    found = await serve(searxng=good, tavily=bad).record("search_web", queries=["owls"])
    assert len(found["results"]) == 2
    states = {status["provider"]: status["state"] for status in found["providers"]}
    assert states == {"searxng": "ok", "tavily": "bad_key"}
    assert found["notes"] == ["tavily did not answer, so an empty or short list proves nothing"]


async def test_no_connection_is_unavailable(settings: Settings) -> None:
    settings = replace(settings, provider_urls={"searxng": "http://127.0.0.1:9"})
    server = create_server(settings)
    assert (await Host(server).refusal("search_web", queries=["owls"]))[0] == "unavailable"
    await server.aclose()


@pytest.mark.parametrize("base", ["ftp://x", "nonsense", "http://", "http://[::1"])
async def test_an_address_that_cannot_be_is_named(settings: Settings, base: str) -> None:
    server = create_server(replace(settings, provider_urls={"searxng": base}))
    kind, words = await Host(server).refusal("search_web", queries=["owls"])
    assert (kind, "CARREL_URL_SEARXNG" in words) == ("unavailable", True)
    await server.aclose()


async def test_an_instance_of_the_user_s_own_is_no_door_for_pages(
    serve: Callable[..., Host], start: Callable[..., Engine]
) -> None:
    engine = start(gives(searxng([(f"{'{base}'}/secret", "x", "x", "")])))
    host = serve(searxng=engine)
    await host.record("search_web", queries=["owls"])
    assert (await host.refusal("read_page", url=f"{engine.base}/secret"))[0] == "refused"


@pytest.mark.parametrize(
    "arguments",
    [
        {"queries": []},
        {"queries": ["  "]},
        {"queries": ["a"] * 5},
        {"queries": ["a"], "after": "last week"},
        {"queries": ["a"], "after": "2024-13"},
        {"queries": ["a"], "site": "two words"},
        {"queries": ["a"], "provider": "altavista"},
    ],
)
async def test_wrong_arguments_are_refused_before_anyone_is_asked(
    serve: Callable[..., Host], start: Callable[..., Engine], arguments: dict[str, Any]
) -> None:
    engine = start(gives(searxng(ROWS)))
    assert (await serve(searxng=engine).refusal("search_web", **arguments))[0] == "invalid"
    assert not engine.asked


# -- recorded and replayed ---------------------------------------------------------------------------------------------


@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> Callable[..., Any]:
    """A search over engines, recorded, and then replayed on another day: the reply as it came."""
    recorded = []

    async def ran(engines: dict[str, Engine], **given: Any) -> str:
        path = tmp_path / "run.warc.gz"
        world = {"reality": "frozen", "replay": path} if recorded else {"record": path}
        clock = CLOCK + len(recorded) * 40 * 86_400
        server = create_server(replace(configured(settings, **engines), **world), clock=lambda: clock)
        reply = await Host(server).call("search_web", queries=["what owls eat"], **given)
        await server.aclose()
        recorded.append(json.dumps(reply.model_dump(mode="json"), sort_keys=True))
        return recorded[-1]

    return ran


async def test_a_replayed_search_asks_nobody_and_gives_the_same_bytes_on_another_day(
    run: Callable[..., Any], start: Callable[..., Engine], tmp_path: Path
) -> None:
    engines = {name: start(gives(FORMATS[name](ROWS))) for name in FORMATS}
    recorded = await run(engines, after="2030-02-20")
    assert json.loads(recorded)["structured_content"]["results"][0]["found_by"] == list(FORMATS)
    asked = [len(engine.asked) for engine in engines.values()]
    assert await run(engines, after="2030-02-20") == recorded
    assert [len(engine.asked) for engine in engines.values()] == asked
    assert b"secret" not in gzip.decompress((tmp_path / "run.warc.gz").read_bytes())


@pytest.mark.parametrize("name", ["searxng", "tavily"])
@pytest.mark.parametrize("fault", ["silence", "refused key", "limit"])
async def test_a_failure_is_replayed_as_the_failure_that_it_was(
    run: Callable[..., Any], start: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch, name: str, fault: str
) -> None:
    monkeypatch.setattr("carrel_web.searching._DEADLINE", 0.4)
    over = threading.Event()

    def silent(asked: Asked) -> tuple[int, bytes, dict[str, str]]:
        over.wait(20)
        return 200, b"", {}

    faults = {"silence": silent, "refused key": gives({}, 401), "limit": gives({}, 429, Retry_After="3600")}
    kinds = {"silence": "timeout", "refused key": "refused", "limit": "rate_limited"}
    engines = {name: start(faults[fault])}
    try:
        recorded = await run(engines)
        assert json.loads(recorded)["structured_content"]["kind"] == kinds[fault]
        assert await run(engines) == recorded
    finally:
        over.set()
