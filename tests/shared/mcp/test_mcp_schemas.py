"""The shape of tool definitions as hosts receive them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from carrel.mcp import CarrelServer
from carrel.settings import Settings


class Node(BaseModel):
    """A node."""

    title: str
    next: list[Node] = []


async def definitions(server: CarrelServer) -> dict[str, dict[str, Any]]:
    return {tool.name: tool.model_dump(by_alias=True, exclude_none=True) for tool in await server.list_tools()}


def schemas(value: Any) -> Iterator[dict[str, Any]]:
    """Every schema inside ``value``, itself included; names of properties are not taken for keywords."""
    yield value
    for keyword in ("properties", "$defs"):
        for inner in value.get(keyword, {}).values():
            yield from schemas(inner)
    for keyword in ("anyOf", "oneOf", "allOf"):
        for inner in value.get(keyword, []):
            yield from schemas(inner)
    if isinstance(value.get("items"), dict):
        yield from schemas(value["items"])


async def test_schemas_are_closed_and_free_of_what_hosts_choke_on(connect: Any) -> None:
    async with connect() as caller:
        for tool in (await caller.client.list_tools()).tools:
            for schema in schemas(tool.input_schema):
                assert not {"title", "exclusiveMinimum", "exclusiveMaximum", "const", "allOf"} & set(schema)
                assert {"type": "null"} not in schema.get("anyOf", [])
                if schema.get("type") == "object":
                    assert schema["additionalProperties"] is False
            assert tool.output_schema is None


async def test_annotations_and_the_whole_docstring_are_published(fixture_server: Any, settings: Settings) -> None:
    tools = await definitions(fixture_server.create_server(settings))
    assert tools["count_items"]["description"] == "Count items.\n\nSecond paragraph, kept whole."
    assert tools["count_items"]["title"] == "Count items"
    hints = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
    assert tools["count_items"]["annotations"] == hints
    assert tools["read_text"]["annotations"] == hints | {"openWorldHint": True}
    assert tools["store_thing"]["annotations"] == hints | {
        "readOnlyHint": False,
        "destructiveHint": True,
        "idempotentHint": False,
    }


async def test_an_optional_argument_loses_its_null_and_keeps_the_rest(fixture_server: Any, settings: Settings) -> None:
    tools = await definitions(fixture_server.create_server(settings))
    properties = tools["count_items"]["inputSchema"]["properties"]
    assert properties["after"] == {"type": "string"}
    assert properties["limit"] == {
        "default": 3,
        "description": "How many",
        "maximum": 50,
        "minimum": 1,
        "type": "integer",
    }


async def test_definitions_are_inlined_and_recursion_survives(settings: Settings) -> None:
    server = CarrelServer("x", instructions="", settings=settings)

    @server.tool(text=True)
    def walk_nodes(node: Node, others: list[Node], title: str = "") -> str:
        """Walk."""
        return title

    schema = (await definitions(server))["walk_nodes"]["inputSchema"]
    assert list(schema["$defs"]) == ["Node"]
    assert schema["properties"]["node"]["properties"]["next"]["items"] == {"$ref": "#/$defs/Node"}
    assert schema["properties"]["title"] == {"default": "", "type": "string"}, "an argument may be called title"
    assert schema["properties"]["node"]["required"] == ["title"]
    plain = (await definitions_of(settings))["inputSchema"]
    assert "$ref" not in json.dumps(plain)


async def definitions_of(settings: Settings) -> dict[str, Any]:
    server = CarrelServer("x", instructions="", settings=settings)

    class _Unused(BaseModel):
        pass

    @server.tool(text=True)
    def weigh(leaf: Leaf, leaves: list[Leaf]) -> str:
        """Weigh."""
        return ""

    return (await definitions(server))["weigh"]


class Leaf(BaseModel):
    """A leaf."""

    kind: Literal["only"] = "only"
    size: Annotated[int, Field(gt=0, lt=10)] = 1


async def test_a_single_literal_and_open_bounds_are_said_another_way(settings: Settings) -> None:
    leaf = (await definitions_of(settings))["inputSchema"]["properties"]["leaf"]["properties"]
    assert leaf["kind"] == {"default": "only", "type": "string", "enum": ["only"]}
    assert leaf["size"] == {"default": 1, "type": "integer", "minimum": 1, "maximum": 9}


def test_an_open_bound_on_a_fraction_is_refused_at_registration(settings: Settings) -> None:
    server = CarrelServer("x", instructions="", settings=settings)

    def measure(share: Annotated[float, Field(gt=0)]) -> str:
        """Measure."""
        return ""

    with pytest.raises(TypeError, match="write ge= or le="):
        server.tool(text=True)(measure)


async def test_the_tool_list_is_in_order_equal_each_time_and_may_be_cached(connect: Any, fixture_server: Any) -> None:
    async with connect() as caller:
        first = await caller.client.list_tools()
        again = await caller.client.list_tools(cache_mode="bypass")
        assert first.tools == again.tools
        assert [tool.name for tool in first.tools][:3] == ["count_items", "read_text", "weigh_pairs"]
        if caller.client.protocol_version >= "2026":
            assert first.ttl_ms == 3_600_000
