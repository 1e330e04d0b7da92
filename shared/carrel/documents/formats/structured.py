"""I have JSON or JSON Lines: give me its records as readable text.

Each record is a section named by its title, name or id (short ones are lines of a list); nested values are written
with their path, ``address.city: Paris``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from carrel.documents.draft import NO_TEXT, Composer, Draft, Unreadable
from carrel.documents.formats.rows import write_records

__all__ = ["read", "readable_json"]

_MAX_DEPTH = 40
_MAX_PAIRS = 20_000  # of one record


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read JSON, or JSON Lines when it is no single value; raises Unreadable (NO_TEXT for what is neither)."""
    text = data.decode("utf-8", "replace").lstrip("\ufeff")
    out = Composer(max_chars)
    lines = hint in (".jsonl", ".ndjson")
    found = None if lines else _one(text)
    title = ""
    if found is not None:
        records = _records(found[0])
        title = _title(found[0])
        if records is None:
            count = _write_object(out, found[0])
        else:
            _write_pairs(out, _about(found[0]))
            count = write_records(out, map(_pairs, records))
    else:
        count = write_records(out, _lines(text))
    if not count:
        raise Unreadable(NO_TEXT)
    return out.draft(title=title, facts={"extractor": "json", "records": str(count)})


def readable_json(text: str) -> Any:
    """The value of a JSON text, numbers as they are written. Raises ValueError."""
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str, strict=False)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _one(text: str) -> tuple[Any] | None:
    """The one value of the text; None when it is not one JSON value."""
    try:
        return (readable_json(text),)
    except ValueError:
        return None


def _lines(text: str) -> Iterator[list[tuple[str, str]]]:
    """Each line as a record; a line that is damaged is kept as it is. Raises Unreadable when most of the first are."""
    bad = number = 0
    for number, line in enumerate((line for line in text.split("\n") if line.strip()), start=1):
        try:
            yield _pairs(readable_json(line))
        except ValueError:
            bad += 1
            if bad * 2 > max(number, 3):
                raise Unreadable(NO_TEXT) from None
            yield [("", line.strip())]
    if bad * 2 > number:
        raise Unreadable(NO_TEXT)


def _records(value: Any) -> Sequence[Any] | None:
    """The list of records a value is, or holds as its main part; None when it is another thing."""
    if isinstance(value, list):
        return value
    if not isinstance(value, Mapping):
        return [value]
    lists = [v for v in value.values() if isinstance(v, list) and len(v) > 1 and all(isinstance(i, dict) for i in v)]
    others = sum(isinstance(v, dict | list) and bool(v) for v in value.values()) - len(lists)
    return lists[0] if len(lists) == 1 and not others else None


def _about(value: Any) -> list[tuple[str, str]]:
    """What stands beside the list of records."""
    if not isinstance(value, Mapping):
        return []
    return _pairs({name: inner for name, inner in value.items() if not isinstance(inner, list | dict)})


def _title(value: Any) -> str:
    for name in ("title", "name") if isinstance(value, Mapping) else ():
        if isinstance(value.get(name), str):
            return str(value[name])
    return ""


def _write_object(out: Composer, value: Mapping[str, Any]) -> int:
    """Write an object that is no list of records: its plain values, then each of its parts as a section."""
    plain = _about(value)
    _write_pairs(out, plain)
    count = len(plain)
    for name, inner in value.items():
        if not isinstance(inner, dict | list) or not inner:
            continue
        count += 1
        out.heading(str(name), 1)
        if isinstance(inner, list):
            write_records(out, map(_pairs, inner), 2)
        else:
            _write_pairs(out, _pairs(inner))
    return count


def _write_pairs(out: Composer, pairs: Sequence[tuple[str, str]]) -> None:
    """Write pairs as a list, long values as paragraphs."""
    gap = "\n\n"
    for name, value in pairs:
        if len(value) > 200:
            out.block(f"{name}: {value}")
        else:
            out.block(f"- {name}: {' '.join(value.split())}", gap=gap)
        gap = "\n\n" if len(value) > 200 else "\n"


def _pairs(value: Any) -> list[tuple[str, str]]:
    """A value as (path, text) pairs, empty ones left out."""
    pairs: list[tuple[str, str]] = []
    for pair in _flattened("", value, 0):
        pairs.append(pair)
        if len(pairs) >= _MAX_PAIRS:
            break
    return pairs


def _flattened(path: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and depth < _MAX_DEPTH:
        for name, inner in value.items():
            yield from _flattened(f"{path}.{name}" if path else str(name), inner, depth + 1)
    elif isinstance(value, list) and depth < _MAX_DEPTH:
        yield from _listed(path, value, depth)
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    elif value is not None and str(value).strip() and not isinstance(value, Mapping | list):
        yield path, str(value)


def _listed(path: str, value: list[Any], depth: int) -> Iterator[tuple[str, str]]:
    """A list of plain values on one line (sentences as a text), one of nested values numbered."""
    if all(not isinstance(item, dict | list) for item in value):
        words = [str(item) for item in value if item is not None and str(item).strip()]
        if words:
            long = sum(map(len, words)) > 60 * len(words)
            yield path, (" " if long else ", ").join(words)
        return
    for number, item in enumerate(value, start=1):
        yield from _flattened(f"{path}.{number}" if path else str(number), item, depth + 1)
