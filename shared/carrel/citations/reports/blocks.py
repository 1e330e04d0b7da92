"""Where the headings, paragraphs, table rows and block quotations of a report begin and end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Block", "blocks_of", "lead", "rstrip_to"]


@dataclass(frozen=True, slots=True)
class Block:
    start: int
    end: int
    kind: Literal["prose", "heading", "table", "quote"]


def blocks_of(text: str, lines: Sequence[tuple[int, int]]) -> Iterator[Block]:
    """The blocks that hold words, in order. Inline markup is left alone: only where blocks begin and end is asked.

    HTML blocks are read as paragraphs: what stands in ``<div>`` or a comment is said, and so audited.
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table").disable(["inline", "html_block"])
    depth, table = 0, False
    rows: set[int] = set()
    for token in parser.parse(text):
        depth += {"blockquote_open": 1, "blockquote_close": -1}.get(token.type, 0)
        table = token.type != "table_close" and (table or token.type == "table_open")
        if token.type != "inline" or token.map is None or not token.content.strip():
            continue
        first, last = token.map
        start, end = lines[first][0], lines[min(last, len(lines)) - 1][1]
        if table:
            if first not in rows:
                rows.add(first)
                yield Block(start, lines[first][1], "table")
        else:
            heading = re.match(r"[ \t>]*(?:[-*+][ \t]+)?#{1,6}[ \t]", text[start:end]) or _UNDERLINED.search(
                text, start, _next_line(lines, last)
            )
            yield Block(start, end, "heading" if heading else "quote" if depth else "prose")


_UNDERLINED = re.compile(r"\S\n {0,3}(?:=+|-+)[ \t]*\Z")


def _next_line(lines: Sequence[tuple[int, int]], last: int) -> int:
    return lines[min(last, len(lines)) - 1][1]


def lead(piece: str) -> int:
    """How much white space a piece begins with."""
    return len(piece) - len(piece.lstrip())


def rstrip_to(view: str, offset: int, end: int) -> int:
    """``end`` moved back over white space; ``view`` begins at ``offset``."""
    while end > offset and view[end - offset - 1].isspace():
        end -= 1
    return end
