"""Reading somebody else's JSON without trusting its shape: a wrong type reads as absent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from carrel.errors import Unavailable
from carrel.records import Page

__all__ = ["first", "iso_date", "items", "json_object", "number", "parse_json", "table", "tables", "text"]

Json = Mapping[str, object]


def text(value: object) -> str:
    """The string, else empty; a number becomes its digits (volumes and issues come as both).

    JSON may hold half a surrogate pair, which no UTF-8 store or reply can: it becomes a question mark.
    """
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8").strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def items(value: object) -> Sequence[object]:
    """The list, else empty."""
    return value if isinstance(value, list) else ()


def table(value: object) -> Json:
    """The object, else empty."""
    return value if isinstance(value, dict) else {}


def tables(value: object) -> list[Json]:
    """The objects of a list."""
    return [item for item in items(value) if isinstance(item, dict)]


def first(value: object) -> str:
    """A string, or the first non-empty string of a list: CSL writes one where Crossref writes a list."""
    return text(value) or next((text(item) for item in items(value) if text(item)), "")


def number(value: object) -> int | None:
    """The whole number, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15 else None


def parse_json(page: Page, service: str) -> object:
    """The JSON value of an answer. Raises Unavailable when it is cut off, empty or not JSON (a throttle page)."""
    if page.truncated:
        raise Unavailable(f"{service} sent more than can be read or broke off; ask for less or try again later")
    if not page.body.strip():
        raise Unavailable(f"{service} sent an empty answer; try again later")
    try:
        value: object = json.loads(page.body)
    except (ValueError, RecursionError):
        raise Unavailable(f"{service} sent something that is not JSON, such as a block page; try again later") from None
    return value


def json_object(page: Page, service: str) -> Json:
    """The JSON object of an answer; what `parse_json` raises, and Unavailable for any other JSON value."""
    value = parse_json(page, service)
    if not isinstance(value, dict):
        raise Unavailable(f"{service} answered in an unknown form; try again later")
    return value


def iso_date(value: str) -> str:
    """``YYYY-MM-DD``, ``YYYY-MM`` or ``YYYY`` from the start of a timestamp, else empty."""
    match = re.match(r"(?:1[4-9]|20)\d\d(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?(?![\d])", value)
    return match[0] if match else ""
