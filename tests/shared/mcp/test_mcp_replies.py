"""The reply budget, applied last."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from carrel.mcp import fit, untrusted
from carrel.mcp.replies import cost, text_reply


class Listing(BaseModel):
    """A model with a list."""

    names: list[str]
    omitted: int = 0


def written(model: BaseModel) -> str:
    return json.dumps(model.model_dump(), ensure_ascii=False, separators=(",", ":"))


async def test_a_long_text_is_cut_at_a_line_and_says_so(connect: Any) -> None:
    async with connect() as caller:
        text = await caller.text("repeat_line", line="word " * 10, times=1000)
        lines = text.split("\n")
        assert len(text) <= 2000
        assert set(lines[:-1]) == {"word " * 10}
        assert lines[-1].startswith("[cut here: ")
        assert "of 51,000 characters" in lines[-1]


async def test_a_text_at_its_budget_is_left_alone(connect: Any) -> None:
    async with connect() as caller:
        assert await caller.text("repeat_line", line="a" * 1999, times=1) == "a" * 1999 + "\n"


async def test_a_cjk_character_counts_twice(connect: Any) -> None:
    async with connect() as caller:
        assert await caller.text("repeat_line", line="字" * 999, times=1) == "字" * 999 + "\n"
        text = await caller.text("repeat_line", line="字" * 1000, times=1)
        assert cost(text) <= 2000
        assert "[cut here: " in text


async def test_a_cut_envelope_is_still_closed(connect: Any) -> None:
    async with connect() as caller:
        lines = (await caller.text("repeat_line", line="word", times=1000, wrap=True)).split("\n")
        nonce = lines[0].split()[1]
        assert lines[-2] == f"<<<END UNTRUSTED {nonce}>>>"
        assert lines[-1].startswith("[cut here: ")


async def test_a_record_over_budget_is_refused_with_advice(connect: Any) -> None:
    async with connect() as caller:
        error = await caller.error("list_many", times=1000)
        assert error["kind"] == "invalid"
        assert "ask for less" in error["message"]


async def test_a_list_over_budget_loses_its_tail_and_tells_how_much(connect: Any) -> None:
    async with connect() as caller:
        reply = await caller.call("list_some", times=1000)
        record = reply.structured_content
        assert cost(reply.content[0].text) <= 1000
        assert len(record["items"]) > 20
        assert record["omitted"] == 1000 - len(record["items"])
        assert [item["name"] for item in record["items"]] == [f"item {n}" for n in range(len(record["items"]))]


async def test_a_list_within_budget_is_whole(connect: Any) -> None:
    async with connect() as caller:
        record = (await caller.call("list_some", times=5)).structured_content
        assert (len(record["items"]), record["omitted"]) == (5, 0)


async def test_one_item_over_budget_is_refused_rather_than_dropped(connect: Any) -> None:
    async with connect() as caller:
        assert (await caller.error("list_some", times=3, name="x" * 3000))["kind"] == "invalid"


@given(st.lists(st.text(max_size=30), max_size=60), st.integers(100, 1500))
def test_a_fitted_record_is_within_budget_or_has_one_item(names: list[str], budget: int) -> None:
    fitted = fit(Listing(names=names), "names", budget)
    assert fitted.names == names[: len(fitted.names)]
    assert fitted.omitted == len(names) - len(fitted.names)
    assert len(fitted.names) <= 1 or cost(written(fitted)) <= budget
    if fitted.omitted and len(fitted.names) > 1:
        longer = Listing(names=names[: len(fitted.names) + 1], omitted=len(names))
        assert cost(written(longer)) > budget - 8, "no more was dropped than had to be"


@given(st.text(alphabet=st.characters(codec=None), max_size=80), st.integers(0, 60), st.booleans())
def test_no_text_reply_is_over_budget(text: str, times: int, wrapped: bool) -> None:
    body = untrusted(text * times, source=text) if wrapped else text * times
    sent = text_reply(body, 1000).content[0].text
    assert cost(sent) <= 1000
    sent.encode("utf-8")
    if wrapped:
        assert sent.count("<<<END UNTRUSTED") == 1


def test_a_huge_reply_is_cut_in_linear_time() -> None:
    began = time.thread_time()
    sent = text_reply("字\n" * 5_000_000, 50_000)
    assert cost(sent.content[0].text) <= 50_000
    assert time.thread_time() - began < 5


@pytest.mark.parametrize("wrong", [None, 7, b"bytes", ["text"]])
def test_a_text_tool_that_returns_something_else_is_a_crash_not_a_reply(wrong: object) -> None:
    with pytest.raises(TypeError):
        text_reply(wrong, 1000)
