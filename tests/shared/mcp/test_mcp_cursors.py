"""Cursors: opaque, and tied to their question."""

from __future__ import annotations

import pytest

from carrel.errors import BadRequest
from carrel.mcp import next_cursor, read_cursor


def test_a_cursor_continues_its_own_question_where_it_stopped() -> None:
    assert read_cursor(next_cursor(40, "tea", ("a", "b")), "tea", ("a", "b")) == 40
    assert read_cursor("", "tea") == 0


@pytest.mark.parametrize("cursor", [next_cursor(40, "coffee"), "junk", "ü", "=", "a" * 10_000, "NDA", "\ud800"])
def test_a_cursor_of_another_question_or_of_none_is_refused(cursor: str) -> None:
    with pytest.raises(BadRequest, match="repeat the call"):
        read_cursor(cursor, "tea")
