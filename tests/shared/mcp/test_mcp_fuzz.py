"""Whatever a client sends, it gets a reply it can read, and the server lives on."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import anyio
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from mcp import Client

from carrel.settings import Settings

TOOLS = ["count_items", "weigh_pairs", "walk_tree", "pick_one", "repeat_line", "list_some", "read_text", "store_thing"]
NAMES = ["limit", "prefix", "mode", "pairs", "claim", "weight", "tree", "children", "what", "line", "times", "name"]

text = st.text(max_size=20)
scalars = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | text
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | text, inner, max_size=4),
    max_leaves=12,
)
arguments = st.dictionaries(st.sampled_from(NAMES) | text, values, max_size=4)


@examples(max_examples=25, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(TOOLS), arguments), min_size=5, max_size=5))
def test_any_arguments_get_a_reply_of_the_right_shape(
    fixture_server: ModuleType, settings: Settings, calls: list[tuple[str, dict[str, Any]]]
) -> None:
    async def play() -> None:
        async with Client(fixture_server.create_server(settings)) as client:
            for name, given_arguments in calls:
                reply = await client.call_tool(name, given_arguments)
                (content,) = reply.content
                sent = content.text
                sent.encode("utf-8")
                assert len(sent) <= 50_000
                if reply.is_error:
                    error = json.loads(sent)
                    assert error["kind"] == "invalid", (name, given_arguments, error)
                    assert "\n" not in error["message"]
                    assert "pydantic" not in error["message"]
                    assert len(error["message"]) < 500

    anyio.run(play)
