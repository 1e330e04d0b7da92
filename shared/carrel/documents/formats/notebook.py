"""I have a Jupyter notebook (nbformat 3 and 4): give me its Markdown, code and what the code printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from carrel.documents.draft import NO_TEXT, Composer, Draft, Unreadable
from carrel.documents.formats.structured import readable_json

__all__ = ["read"]

_MAX_OUTPUT = 2_000  # characters kept of what one cell printed
_ESCAPES = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read a .ipynb; raises Unreadable (NO_TEXT for JSON that is no notebook). The hint is not used."""
    try:
        book = readable_json(data.decode("utf-8", "replace").lstrip("\ufeff"))
    except ValueError as error:
        raise Unreadable(NO_TEXT) from error
    cells = list(_cells(book))
    if not cells:
        raise Unreadable(NO_TEXT)
    language = _language(book)
    out = Composer(max_chars)
    for cell in cells:
        _write(out, cell, language)
    title = next((heading.text for heading in out.headings if heading.level == 1), "")
    return out.draft(title=title, facts={"extractor": "notebook", "cells": str(len(cells)), "code_language": language})


def _cells(book: Any) -> Iterator[Mapping[str, Any]]:
    sheets = [book, *(_list(book, "worksheets"))] if isinstance(book, Mapping) else []
    for sheet in sheets:
        yield from (cell for cell in _list(sheet, "cells") if isinstance(cell, Mapping))


def _list(value: Any, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else []


def _language(book: Mapping[str, Any]) -> str:
    about = book.get("metadata")
    for part, name in (("language_info", "name"), ("kernelspec", "language")):
        inner = about.get(part) if isinstance(about, Mapping) else None
        told = inner.get(name) if isinstance(inner, Mapping) else None
        if isinstance(told, str) and re.fullmatch(r"[A-Za-z0-9+#.-]{1,20}", told):
            return told.lower()
    return ""


def _write(out: Composer, cell: Mapping[str, Any], language: str) -> None:
    source = _text(cell.get("source", cell.get("input")))
    kind = cell.get("cell_type")
    if kind == "code":
        _fence(out, source, language)
        for output in _list(cell, "outputs"):
            _fence(out, _printed(output), "")
    elif kind == "heading":
        level = str(cell.get("level", "1"))
        out.heading(source, int(level) if level in tuple("123456") else 1)
    else:
        out.markdown(_without_pictures(source))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(str(part) for part in value)
    return value if isinstance(value, str) else ""


def _without_pictures(source: str) -> str:
    """Markdown without pictures that are carried in it as data."""
    return re.sub(r"\(data:[^)\s]*", "(", source)


def _fence(out: Composer, text: str, language: str) -> None:
    if not text.strip():
        return
    longest = max((len(run) for run in re.findall("`{3,}", text)), default=0)
    fence = "`" * max(3, min(longest + 1, 50))
    out.block(f"{fence}{language}\n{text.strip(chr(10)).rstrip()}\n{fence}")


def _printed(output: Any) -> str:
    """The text of an output: what was printed, the plain form of a value, the last line of a failure."""
    if not isinstance(output, Mapping):
        return ""
    kind = output.get("output_type")
    if kind in ("error", "pyerr"):
        text = f"{output.get('ename', '')}: {output.get('evalue', '')}"
    elif kind == "stream":
        text = _text(output.get("text"))
    else:
        data = output.get("data")
        text = _text(data.get("text/plain") if isinstance(data, Mapping) else output.get("text"))
    text = _ESCAPES.sub("", text)
    return text if len(text) <= _MAX_OUTPUT else text[:_MAX_OUTPUT].rsplit("\n", 1)[0] + "\n…"
