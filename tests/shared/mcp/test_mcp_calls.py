"""What a client sees when it calls a tool rightly and wrongly."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from carrel.errors import BadRequest
from carrel.mcp import CarrelServer
from carrel.settings import Settings


@contextlib.asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    with anyio.fail_after(seconds):
        yield


async def test_a_record_comes_as_structured_content_and_as_the_same_compact_text(connect: Any) -> None:
    async with connect() as caller:
        reply = await caller.call("count_items", limit=1)
        text = reply.content[0].text
        assert text == '{"total":1,"items":[{"name":"né0"}],"ratio":1.0,"omitted":0}'
        assert reply.structured_content == json.loads(text)


async def test_a_text_tool_replies_in_text_only(connect: Any) -> None:
    async with connect() as caller:
        reply = await caller.call("repeat_line", line="a", times=2)
        assert [content.text for content in reply.content] == ["a\na\n"]
        assert reply.structured_content is None


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("count_items", {"lmit": 3}, "unknown argument 'lmit', did you mean 'limit'?"),
        ("count_items", {"zzz": 3}, "unknown argument 'zzz', known: limit, prefix, after, mode"),
        ("count_items", {"l" * 5000: 3}, "unknown argument (not a name), known: limit, prefix, after, mode"),
        ("print_noise", {"x": 1}, "unknown argument 'x', this takes none"),
        ("weigh_pairs", {"pairs": [{"clam": "a"}]}, "unknown argument 'clam' in pairs[0], did you mean 'claim'?"),
        (
            "walk_tree",
            {"tree": {"name": "a", "children": [{"name": "b", "kids": []}]}},
            "unknown argument 'kids' in tree.children[0], known: name, children",
        ),
        ("pick_one", {"what": {"clam": "a"}}, "unknown argument 'clam' in what, did you mean 'claim'?"),
        ("count_items", {"limit": 51}, "limit: must be at most 50"),
        ("count_items", {"limit": 0}, "limit: must be at least 1"),
        ("count_items", {"limit": "many"}, "limit: must be a whole number"),
        ("count_items", {"limit": 2.5}, "limit: must be a whole number"),
        ("count_items", {"limit": 10**400}, "limit: must be at most 50"),
        ("count_items", {"limit": [1]}, "limit: must be a whole number"),
        ("count_items", {"prefix": 7}, "prefix: must be text"),
        ("count_items", {"mode": "loud"}, "mode: must be one of 'plain' or 'noted'"),
        ("repeat_line", {"line": "a", "times": 1, "wrap": "perhaps"}, "wrap: must be true or false"),
        ("repeat_line", {}, "line: is required; times: is required"),
        ("weigh_pairs", {"pairs": []}, "pairs: must not be empty"),
        ("weigh_pairs", {"pairs": [{"claim": "a"}] * 4}, "pairs: must have at most 3 items"),
        ("weigh_pairs", {"pairs": [{"claim": ""}]}, "pairs[0].claim: must not be empty"),
        ("weigh_pairs", {"pairs": [{"claim": "a", "weight": 0}]}, "pairs[0].weight: must be more than 0"),
        ("weigh_pairs", {"pairs": "nonsense"}, "pairs: must be a list"),
        ("weigh_pairs", {"pairs": [7]}, "pairs[0]: must be an object"),
        ("pick_one", {"what": 7}, "what: must be text or must be an object"),
    ],
)
async def test_a_wrong_argument_is_told_in_one_sentence(
    connect: Any, name: str, arguments: dict[str, Any], message: str
) -> None:
    async with connect() as caller:
        error = await caller.error(name, **arguments)
        assert error == {"kind": "invalid", "message": message, "retryable": False}


async def test_a_complaint_never_repeats_what_was_sent(connect: Any) -> None:
    async with connect() as caller:
        for arguments in ({"limit": "SECRET" * 1000}, {"mode": "SECRET" * 1000}, {"SECRET-" * 10: 1}):
            assert "SECRET" not in (await caller.error("count_items", **arguments))["message"]


async def test_a_list_sent_as_json_text_is_read_and_checked_as_a_list(connect: Any) -> None:
    async with connect() as caller:
        reply = await caller.call("weigh_pairs", pairs='[{"claim": "a", "weight": 5}]')
        assert reply.structured_content["total"] == 5
        error = await caller.error("weigh_pairs", pairs='[{"clam": "a"}]')
        assert error["message"] == "unknown argument 'clam' in pairs[0], did you mean 'claim'?"


async def test_null_for_an_optional_argument_means_left_out(connect: Any) -> None:
    async with connect() as caller:
        assert (await caller.call("count_items", after=None)).structured_content["total"] == 3


async def test_an_unknown_tool_is_a_protocol_error_that_names_the_nearest(connect: Any) -> None:
    async with connect() as caller:
        with pytest.raises(MCPError, match="did you mean 'count_items'") as raised:
            await caller.call("count_itms")
        assert raised.value.error.code == INVALID_PARAMS


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("missing", {"kind": "not_found", "message": "there is no such thing; ask for another", "retryable": False}),
        (
            "limited",
            {
                "kind": "rate_limited",
                "message": "the service asks for patience; try again later",
                "retryable": True,
                "retry_after": 7.5,
            },
        ),
        (
            "refused",
            {
                "kind": "refused",
                "message": "that folder is not among the roots; start the server with --root",
                "retryable": False,
            },
        ),
        ("group", {"kind": "not_found", "message": "there is no such thing", "retryable": False}),
    ],
)
async def test_an_error_carries_its_kind_and_whether_to_retry(
    connect: Any, how: str, expected: dict[str, object]
) -> None:
    async with connect() as caller:
        assert await caller.error("fail_with", how=how) == expected


@pytest.mark.parametrize("how", ["crash", "mixed"])
async def test_a_crash_tells_the_log_everything_and_the_model_nothing(
    connect: Any, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    async with connect() as caller:
        error = await caller.error("fail_with", how=how)
        assert error["kind"] == "internal"
        assert "passwd" not in json.dumps(error)
        assert "secret /etc/passwd" in caplog.text
        assert await caller.text("repeat_line", line="alive", times=1) == "alive\n"


async def test_a_lone_surrogate_cannot_end_the_connection(connect: Any) -> None:
    async with connect() as caller:
        assert await caller.text("broken_text") == "a\ufffdb"


async def test_what_json_cannot_say_becomes_null(connect: Any) -> None:
    async with connect() as caller:
        reply = await caller.call("broken_record")
        assert reply.structured_content == {"total": 1, "items": [{"name": "a\ufffdb"}], "ratio": None, "omitted": 0}


async def test_more_calls_than_threads_all_get_their_answer(connect: Any) -> None:
    replies: list[str] = []

    async def one(caller: Any, number: int) -> None:
        replies.append(await caller.text("repeat_line", line=str(number), times=1))

    async with connect() as caller, anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(one, caller, number)
    assert sorted(replies, key=int) == [f"{number}\n" for number in range(50)]


async def test_a_cancelled_call_ends_its_thread_and_frees_its_place(
    fixture_server: ModuleType, settings: Settings, gate: threading.Event
) -> None:
    server = fixture_server.create_server(settings, gate=gate)
    async with Client(server, mode="legacy") as client, within(30):
        for _ in range(20):  # more than there are threads
            started = anyio.Event()

            async def note(done: float, total: float | None, message: str | None, event: anyio.Event = started) -> None:
                event.set()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: client.call_tool("wait_here", {}, progress_callback=note))
                await started.wait()
                tasks.cancel_scope.cancel()
        # No place is left taken, and `gate` was never opened: the threads ended because their calls did.
        assert (await client.call_tool("repeat_line", {"line": "free", "times": 1})).content[0].text == "free\n"
        await server.aclose(patience=5)
        assert server.idle


async def test_a_thread_that_ignores_its_cancellation_keeps_its_place(
    fixture_server: ModuleType, settings: Settings, gate: threading.Event
) -> None:
    server = fixture_server.create_server(settings, gate=gate)
    async with Client(server, mode="legacy") as client, within(30):
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(client.call_tool, "wait_stubbornly", {})
            await anyio.to_thread.run_sync(fixture_server.STUBBORN.wait)
            tasks.cancel_scope.cancel()
        with anyio.move_on_after(0.2) as scope:
            await client.call_tool("repeat_line", {"line": "late", "times": 1})
        assert scope.cancelled_caught
        gate.set()
        assert (await client.call_tool("repeat_line", {"line": "now", "times": 1})).content[0].text == "now\n"


async def test_a_missing_resource_and_a_busy_one_are_told_apart(connect: Any) -> None:
    async with connect() as caller:
        with pytest.raises(MCPError, match="no such thing") as missing:
            await caller.client.read_resource("carrel://things/missing")
        assert missing.value.error.code == INVALID_PARAMS
        assert missing.value.error.data["kind"] == "not_found"
        with pytest.raises(MCPError, match="try again later") as busy:
            await caller.client.read_resource("carrel://things/busy")
        assert busy.value.error.code == INTERNAL_ERROR
        assert busy.value.error.data["retryable"] is True


async def test_a_resource_is_read_and_an_unknown_or_hostile_address_is_not(connect: Any) -> None:
    async with connect() as caller:
        contents = (await caller.client.read_resource("carrel://things/a")).contents
        assert [each.text for each in contents] == ["thing a"]
        for uri in ("carrel://nothing", "carrel://things/../etc", "carrel://things/%2e%2e%2fetc", "file:///etc/passwd"):
            with pytest.raises(MCPError, match="there is no such resource") as raised:
                await caller.client.read_resource(uri)
            assert raised.value.error.code == INVALID_PARAMS


async def test_a_resource_of_lone_surrogates_is_still_sent(connect: Any) -> None:
    async with connect() as caller:
        contents = (await caller.client.read_resource("carrel://things/broken")).contents
        assert contents[0].text == "thing \ufffd"


async def test_a_crash_in_a_resource_or_a_prompt_says_nothing_of_its_insides(connect: Any) -> None:
    async with connect() as caller:
        for attempt in (
            lambda: caller.client.read_resource("carrel://things/crash"),
            lambda: caller.client.get_prompt("ask_about", {"topic": "crash"}),
        ):
            with pytest.raises(MCPError, match="the server failed at this") as raised:
                await attempt()
            assert "passwd" not in str(raised.value.error)


async def test_a_prompt_is_rendered_and_its_mistakes_are_named(connect: Any) -> None:
    async with connect() as caller:
        prompt = await caller.client.get_prompt("ask_about", {"topic": "tea"})
        assert prompt.messages[0].content.text == "Tell me about tea."
        for name, arguments, words in (
            ("ask_abuot", {"topic": "tea"}, "did you mean 'ask_about'"),
            ("ask_about", {}, "missing argument: topic"),
            ("ask_about", {"topic": "missing"}, "nothing is known"),
        ):
            with pytest.raises(MCPError, match=words) as raised:
                await caller.client.get_prompt(name, arguments)
            assert raised.value.error.code == INVALID_PARAMS


async def test_a_read_only_server_has_no_tool_that_writes(fixture_server: ModuleType, tmp_path: Any) -> None:
    settings = Settings(data=tmp_path, models=tmp_path, read_only=True)
    server = fixture_server.create_server(settings)
    async with Client(server) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert "store_thing" not in names
        with pytest.raises(MCPError, match="unknown tool"):
            await client.call_tool("store_thing", {"name": "a"})
    with pytest.raises(BadRequest, match="store_thing writes"):
        server.restrict(only=["store_thing"])
    server.restrict(without=["store_thing"])  # leaving out what is left out already is no mistake


async def test_tools_can_be_chosen_and_left_out_by_name(fixture_server: ModuleType, settings: Settings) -> None:
    server = fixture_server.create_server(settings)
    server.restrict(only=["count_items", "walk_tree", "fail_with"], without=["fail_with"])
    async with Client(server) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["count_items", "walk_tree"]
    with pytest.raises(BadRequest, match="there is no tool fial_with; the tools are count_items, walk_tree"):
        server.restrict(without=["fial_with"])


def test_creating_a_server_leaves_the_programs_logging_alone(fixture_server: ModuleType, settings: Settings) -> None:
    before = list(logging.getLogger().handlers)
    fixture_server.create_server(settings)
    assert logging.getLogger().handlers == before


def test_a_reply_budget_that_hosts_would_hide_is_refused_at_registration(settings: Settings) -> None:
    server = CarrelServer("x", instructions="", settings=settings)
    with pytest.raises(ValueError, match="max_chars must be between"):
        server.tool(max_chars=60_000)
