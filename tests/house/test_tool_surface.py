"""What the four servers publish: small, closed, stable tool definitions that every host accepts.

`CARREL_UPDATE_SNAPSHOTS=1 pytest tests/house/test_tool_surface.py` rewrites the snapshots; read the difference.
"""

from __future__ import annotations

import importlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from carrel.settings import Settings

SERVERS = ("carrel_search", "carrel_web", "carrel_citations", "carrel_scholar")
SNAPSHOTS = Path(__file__).with_name("snapshots")
SERVER_TOKENS, SUITE_TOKENS = 1_750, 5_000  # paid in every conversation; a token is taken as four characters
CUT = 2_048  # characters; hosts cut descriptions and instructions here
NOISE = {"title", "exclusiveMinimum", "exclusiveMaximum", "const", "$ref", "allOf"}

Definition = dict[str, Any]


@pytest.fixture(scope="module")
def surface(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Definition]]:
    """Every server's tool list as a client receives it, in its order."""
    folder = tmp_path_factory.mktemp("surface")
    settings = Settings(data=folder / "data", models=folder / "models", encoder="none")
    return {name: anyio.run(listing, name, settings) for name in SERVERS}


async def listing(name: str, settings: Settings) -> list[Definition]:
    server = importlib.import_module(f"{name}.server").create_server(settings)
    try:
        async with Client(server) as client:
            assert client.instructions, "a server says what it is for"
            assert len(client.instructions) <= CUT
            tools = (await client.list_tools()).tools
    finally:
        await server.aclose()
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]


@pytest.fixture(params=SERVERS)
def tools(request: pytest.FixtureRequest, surface: dict[str, list[Definition]]) -> list[Definition]:
    return surface[request.param]


def compact(value: Any, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), **options)


def tokens(tools: list[Definition]) -> float:
    return len(compact({"tools": tools})) / 4


def schemas(schema: Definition, place: str) -> Iterator[tuple[str, Definition]]:
    """Every schema inside ``schema``, itself included, with its place; property names are not keywords."""
    yield place, schema
    for keyword in ("properties", "$defs"):
        for name, inner in schema.get(keyword, {}).items():
            yield from schemas(inner, f"{place}.{name}")
    for keyword in ("anyOf", "oneOf", "prefixItems"):
        for number, inner in enumerate(schema.get(keyword, [])):
            yield from schemas(inner, f"{place}.{keyword}[{number}]")
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from schemas(schema[keyword], f"{place}.{keyword}")


def test_a_servers_tools_cost_at_most_their_budget_of_tokens(tools: list[Definition]) -> None:
    each = {tool["name"]: round(len(compact(tool)) / 4) for tool in tools}
    assert tokens(tools) <= SERVER_TOKENS, each


def test_the_suites_tools_cost_at_most_their_budget_of_tokens(surface: dict[str, list[Definition]]) -> None:
    each = {name: round(tokens(tools)) for name, tools in surface.items()}
    assert sum(each.values()) <= SUITE_TOKENS, each


def test_schemas_are_closed_and_without_what_hosts_choke_on(tools: list[Definition]) -> None:
    for tool in tools:
        assert "outputSchema" not in tool
        for place, schema in schemas(tool["inputSchema"], tool["name"]):
            assert not NOISE & set(schema), place
            assert {"type": "null"} not in schema.get("anyOf", []), place
            assert schema.get("default", 0) is not None, place
            if schema.get("type") == "object" and "properties" in schema:
                assert schema["additionalProperties"] is False, place


def test_names_are_a_verb_and_an_object_and_unique_in_the_suite(surface: dict[str, list[Definition]]) -> None:
    names = [tool["name"] for tools in surface.values() for tool in tools]
    assert sorted(names) == sorted(set(names))
    for name in names:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", name), name
        assert len(name) <= 40


def test_every_tool_says_how_it_behaves_and_what_it_does(tools: list[Definition]) -> None:
    hints = {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
    for tool in tools:
        assert set(tool["annotations"]) >= hints, tool["name"]
        assert 20 <= len(tool["description"]) <= CUT, tool["name"]
        assert tool["description"].rstrip().endswith((".", ")", "?")), tool["name"]


@pytest.mark.parametrize("name", SERVERS)
def test_the_published_tools_equal_their_snapshot(name: str, surface: dict[str, list[Definition]]) -> None:
    file = SNAPSHOTS / f"{name}.json"
    now = compact(surface[name], sort_keys=True) + "\n"
    if os.environ.get("CARREL_UPDATE_SNAPSHOTS") == "1":
        SNAPSHOTS.mkdir(exist_ok=True)
        file.write_text(now, encoding="utf-8")
    assert file.is_file(), "no snapshot yet; make it with CARREL_UPDATE_SNAPSHOTS=1"
    assert json.loads(file.read_text(encoding="utf-8")) == json.loads(now)
