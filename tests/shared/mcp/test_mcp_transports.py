"""The same server over every transport, in both protocol eras, as real processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.sse import sse_client
from mcp_types import INVALID_REQUEST

from carrel.settings import Settings

FIXTURE = str(Path(__file__).with_name("mcp_fixture_server.py"))
TOKEN = "a-token-of-some-length"
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def call(number: int, name: str, **arguments: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Any]:
    with (tmp_path / "log").open("w") as file:
        yield file


@contextlib.asynccontextmanager
async def client_over(transport: str, mode: str, served: Any, server: Any, log: Any) -> AsyncIterator[Client]:
    if transport == "memory":
        target: Any = server
    elif transport == "stdio":
        command = StdioServerParameters(command=sys.executable, args=["-W", "error", FIXTURE])
        target = stdio_client(command, errlog=log)
    elif transport == "sse":
        target = sse_client(served["sse"].url())
    else:
        target = served["http"].url()
    async with Client(target, mode=mode) as client:
        yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("transport", ["memory", "stdio", "http", "sse"])
async def test_every_transport_and_era_gives_the_same_answers(
    transport: str, mode: str, served: Any, fixture_server: Any, settings: Settings, log: Any
) -> None:
    async with client_over(transport, mode, served, fixture_server.create_server(settings), log) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        assert tools[:2] == ["count_items", "read_text"]
        good = await client.call_tool("count_items", {"limit": 1})
        assert good.structured_content == {"total": 1, "items": [{"name": "né0"}], "ratio": 1.0, "omitted": 0}
        assert json.loads(good.content[0].text) == good.structured_content
        bad = await client.call_tool("count_items", {"lmit": 1})
        assert (bad.is_error, bad.structured_content["kind"]) == (True, "invalid")
        assert (await client.call_tool("print_noise", {})).content[0].text == "quiet"
        assert "<<<UNTRUSTED" in (await client.call_tool("read_text", {"source": "s", "text": "t"})).content[0].text
        with pytest.raises(MCPError, match="unknown tool"):
            await client.call_tool("count_itms", {})
        with pytest.raises(MCPError, match="no such thing"):
            await client.read_resource("carrel://things/missing")
        seen: list[float] = []

        async def note(done: float, total: float | None, message: str | None) -> None:
            seen.append(done)

        assert (await client.call_tool("work_long", {"steps": 50}, progress_callback=note)).content[0].text == "50 done"
        assert seen[-1] == 50


def test_stdout_carries_nothing_but_the_protocol(start: Callable[..., Any]) -> None:
    process = start()
    process.send(HELLO, INITIALIZED, call(2, "print_noise"), "this is not JSON", "{", call(3, "fail_with", how="crash"))
    out = process.receive(2, 3)
    # Warming up begins after the first list, once; that it fails is only logged.
    process.send(
        {"jsonrpc": "2.0", "id": 4, "method": "tools/list"}, {"jsonrpc": "2.0", "id": 5, "method": "tools/list"}
    )
    out += process.receive(4, 5)
    process.wait_for("no model here")
    process.popen.stdin.close()
    assert process.end() == 0
    assert process.popen.stdout.read() == ""
    errors = "".join(process.errors)
    for noise in ("noise from Python", "noise from C", "secret /etc/passwd"):
        assert noise in errors
        assert noise not in json.dumps(out)
    assert errors.count("warmed up") == 1
    assert errors.count("closed\n") == 1


def test_every_line_that_can_be_answered_is(start: Callable[..., Any]) -> None:
    process = start()
    half_an_emoji = json.dumps(call(2, "repeat_line", line="cut \ud83d", times=1))
    process.send(HELLO, INITIALIZED, half_an_emoji, {"jsonrpc": "2.0", "id": 3, "metod": "x"}, "[]", "junk", "")
    process.send('{"a":' * 100_000, '"' * 1_000, call(4, "repeat_line", line="x" * 3_000_000, times=1))
    answers = {message["id"]: message for message in process.receive(1, 2, 3, 4) if message["id"] is not None}
    assert answers[2]["result"]["content"][0]["text"] == "cut \ufffd\n"
    assert answers[3]["error"]["code"] == INVALID_REQUEST
    assert len(answers[4]["result"]["content"][0]["text"]) <= 2_000
    process.popen.stdin.close()
    assert process.end() == 0


def test_the_server_ends_when_stdin_closes_although_a_call_and_a_thread_still_run(start: Callable[..., Any]) -> None:
    process = start()
    process.send(HELLO, INITIALIZED, call(2, "wait_stubbornly"), call(3, "count_items"))
    process.receive(3)
    began = time.monotonic()
    process.popen.stdin.close()
    assert process.end() == 0
    assert time.monotonic() - began < 15
    assert "closed\n" in process.errors


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_server_that_waits_for_stdin(start: Callable[..., Any], number: int) -> None:
    process = start()
    process.send(HELLO)
    process.receive(1)
    process.popen.send_signal(number)
    assert process.end() == 0
    assert "closed\n" in process.errors


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_signal_ends_a_server_with_an_open_event_stream(start: Callable[..., Any]) -> None:
    process = start("--transport", "sse", "--port", "0")
    with httpx2.Client() as web, web.stream("GET", process.url()) as stream:
        next(stream.iter_lines())
        process.popen.send_signal(signal.SIGTERM)
        assert process.end() == 0
    assert "closed\n" in process.errors


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example:80"}, 421),
        ({"host": "localhost:80@evil.example"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://localhost.evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://localhost:6274"}, 200),
        ({"host": "localhost"}, 200),
    ],
)
@pytest.mark.parametrize("transport", ["http", "sse"])
def test_every_route_checks_host_and_origin(served: Any, transport: str, headers: dict[str, str], status: int) -> None:
    url = served[transport].url()
    base = url.rsplit("/", 1)[0]
    with httpx2.Client() as web:
        assert web.get(f"{base}/healthz", headers=headers).status_code == status
        if status == 200:
            return
        assert web.get(url, headers=headers).status_code == status
        assert web.post(url, headers=headers, json=HELLO).status_code == status
        assert web.post(f"{base}/messages/?session_id=0", headers=headers, json=HELLO).status_code == status


def test_with_a_token_every_request_but_the_health_check_must_bear_it(start: Callable[..., Any]) -> None:
    arguments = ["--transport", "http", "--host", "0.0.0.0", "--port", "0", "--allow-host", "Search:8000"]
    process = start(*arguments, environment={**os.environ, "CARREL_TOKEN": TOKEN})
    url = process.url().replace("0.0.0.0", "127.0.0.1")
    accept = {"accept": "application/json, text/event-stream"}
    with httpx2.Client() as web:
        for wrong in (
            {},
            {"authorization": "Bearer no"},
            {"authorization": f"Basic {TOKEN}"},
            {"authorization": TOKEN},
        ):
            reply = web.post(url, json=HELLO, headers=accept | wrong)
            assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
        assert web.post(url, json=HELLO, headers=accept | {"authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert web.get(url.replace("/mcp", "/healthz")).status_code == 200
        assert web.get(url.replace("/mcp", "/healthz"), headers={"host": "search:9"}).status_code == 200
        assert web.get(url.replace("/mcp", "/healthz"), headers={"host": "other:8000"}).status_code == 421
        assert web.get(url.replace("/mcp", "/elsewhere")).status_code == 401
    process.popen.send_signal(signal.SIGINT)
    assert process.end() == 0


def test_an_oversized_body_is_refused(served: Any) -> None:
    headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    with httpx2.Client() as web:
        reply = web.post(served["http"].url(), content=b" " * (17 * 1024 * 1024), headers=headers)
        assert reply.status_code == 413
