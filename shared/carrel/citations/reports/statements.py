"""Which statements a report makes: one for each sentence, table row and block quotation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from carrel.citations.marks import CitationMark
from carrel.citations.reports.blocks import Block, blocks_of, lead, rstrip_to
from carrel.citations.reports.nouns import Quotation, Statement
from carrel.citations.reports.quotations import block_quotation, find_quotations
from carrel.citations.reports.wording import kind_of, plain_words

__all__ = ["find_statements"]

_BLOCK_MARKER = re.compile(
    r"^[ \t]*(?:>[ \t]?)*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?)?(?:#{1,6}[ \t]+)?", re.M
)


def find_statements(
    text: str, masked: str, lines: Sequence[tuple[int, int]], marks: Sequence[CitationMark], names: Mapping[str, str]
) -> Iterator[Statement]:
    """The statements in order, each with what it cites and quotes."""
    number = 0
    waiting: list[Statement] = []  # block quotations that cite nothing take the citation of the sentence before them
    for block in blocks_of(masked, lines):
        for start, end, quotations in _pieces(masked, block, marks):
            keys = _keys(marks, names, start, end)
            if block.kind == "quote" and not keys and waiting:
                keys = waiting[-1].keys
            plain = plain_words(text, start, end, marks)
            if not plain:
                continue
            kind = kind_of(plain, block)
            needs = kind in ("claim", "table") or bool(keys) or (bool(quotations) and block.kind != "heading")
            statement = Statement(number, start, end, plain, kind, keys, quotations, needs)
            number += 1
            waiting = [statement]
            yield statement


def _pieces(
    masked: str, block: Block, marks: Sequence[CitationMark]
) -> Iterator[tuple[int, int, tuple[Quotation, ...]]]:
    """The statements of a block: spans that begin and end with something visible, with the quotations inside."""
    view = _without_markers(masked[block.start : block.end])
    if block.kind == "quote":
        yield from block_quotation(view, block.start, marks)
        return
    quotations = find_quotations(view, block.start) if block.kind in ("prose", "table") else []
    if block.kind in ("table", "heading"):
        spans = (
            [(block.start + len(view) - len(view.lstrip()), block.start + len(view.rstrip()))]
            if view.strip(" |:-\n")
            else []
        )
    else:
        spans = _sentences(view, block.start, quotations, marks)
    for start, end in spans:
        inside = tuple(q for q in quotations if start <= q.start and q.end <= end)
        yield start, end, inside


def _without_markers(text: str) -> str:
    return _BLOCK_MARKER.sub(lambda match: " " * len(match.group()), text)


def _sentences(
    view: str, offset: int, quotations: Sequence[Quotation], marks: Sequence[CitationMark]
) -> list[tuple[int, int]]:
    """Sentence spans, joined again where a quotation spans several or where only marks follow the full stop."""
    from carrel.documents import sentences

    joined: list[list[int]] = []
    for start, end in sentences(view):
        start, end = start + offset, end + offset
        begin = _after_marks(start, end, marks) if joined else start
        if joined and begin > start:
            joined[-1][1] = rstrip_to(view, offset, min(begin, end))
            start = begin
        if joined and any(q.start < start < q.end for q in quotations):
            joined[-1][1] = end
        elif start < end and view[start - offset : end - offset].strip():
            joined.append([start + lead(view[start - offset : end - offset]), end])
    return [(start, end) for start, end in joined]


def _after_marks(start: int, end: int, marks: Sequence[CitationMark]) -> int:
    """Where the words of a sentence begin, after marks that belong to the sentence before ("… shown. [1] Next …")."""
    at = start
    for mark in marks:
        if mark.start < at or mark.label or mark.kind in ("author_year", "url"):
            continue
        if mark.start - at > 1 or mark.start >= end:
            break
        at = mark.end
    return at


def _keys(marks: Sequence[CitationMark], names: Mapping[str, str], start: int, end: int) -> tuple[str, ...]:
    found = (names[name] for mark in marks if start <= mark.start < end for name in mark.keys if name in names)
    return tuple(dict.fromkeys(found))
