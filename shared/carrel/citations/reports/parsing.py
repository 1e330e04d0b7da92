"""A report taken apart, step by step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from carrel.citations.bibliography import Reference, find_list, read_entries
from carrel.citations.marks import CitationMark, find_marks, mask_code
from carrel.citations.reports.nouns import Report
from carrel.citations.reports.quotations import find_quotations
from carrel.citations.reports.references import find_faults, resolve_marks
from carrel.citations.reports.statements import find_statements
from carrel.errors import BadRequest, Refused

__all__ = ["MAX_CHARS", "parse_report"]

MAX_CHARS = 2_000_000


def parse_report(text: str, *, media_type: str = "") -> Report:
    """Take a report apart: Markdown, plain text, or HTML (by ``media_type`` or by its first tag).

    Raises BadRequest for an empty text, Refused for one over two million characters.
    """
    if len(text) > MAX_CHARS:
        raise Refused(f"that report is longer than {MAX_CHARS:,} characters; audit it in parts")
    if media_type == "text/html" or _is_html(text):
        text = _from_html(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    if not text.strip():
        raise BadRequest("the report is empty; give its text, or the path of a file that has some")
    lines = _lines(text)
    ranges = find_list(text, lines)
    listed = _first_of_each(read_entries(text, lines, ranges))
    masked = _mask(text, lines, ranges, listed)
    marks = _outside_quotations(masked, find_marks(masked, {reference.key for reference in listed}))
    references, names = resolve_marks(marks, listed)
    statements = tuple(find_statements(text, masked, lines, marks, names))
    faults = tuple(find_faults(read_entries(text, lines, ranges), references, marks, names))
    return Report(text, _title(text, lines), statements, tuple(marks), references, faults)


_PAGE = re.compile(r"\s*<(?:!doctype html|html|head|body)\b", re.I)
_FRAGMENT = re.compile(r"\s*<(?:p|div|article|section|main|h[1-6]|ul|ol|table)(?:\s[^<>]{0,300})?>", re.I)
_MARKDOWN_LINE = re.compile(r"^ {0,3}(?:#{1,6}[ \t]|\[\^?\d{1,3}\]|\d{1,3}[.)][ \t]|[-*+>][ \t])", re.M)


def _is_html(text: str) -> bool:
    """A page, or a fragment of one: HTML from the first tag to the last, with no line of Markdown between."""
    if _PAGE.match(text):
        return True
    return bool(_FRAGMENT.match(text)) and text.rstrip()[-1:] == ">" and not _MARKDOWN_LINE.search(text)


def _from_html(html: str) -> str:
    from carrel.documents import parse

    return parse(html.encode("utf-8", "replace"), source="report.html", media_type="text/html", charset="utf-8").text


def _lines(text: str) -> list[tuple[int, int]]:
    """The span of every line, without its line end."""
    spans, start = [], 0
    for line in text.split("\n"):
        spans.append((start, start + len(line)))
        start += len(line) + 1
    return spans


def _first_of_each(entries: Iterable[Reference]) -> list[Reference]:
    kept: dict[str, Reference] = {}
    for entry in entries:
        kept.setdefault(entry.key, entry)
    return list(kept.values())


def _mask(
    text: str, lines: Sequence[tuple[int, int]], ranges: Sequence[tuple[int, int]], listed: Sequence[Reference]
) -> str:
    """The report with code spans and reference list blanked: offsets stay."""
    blanked = list(mask_code(text))
    spans = [(lines[first][0], lines[last - 1][1]) for first, last in ranges if first < last]
    for start, end in [*spans, *((entry.start, entry.end) for entry in listed)]:
        blanked[start:end] = ["\n" if char == "\n" else " " for char in text[start:end]]
    return "".join(blanked)


def _outside_quotations(masked: str, marks: Sequence[CitationMark]) -> list[CitationMark]:
    """An address among the words of a quotation is quoted: who reads the report is not sent there for proof."""
    inside = [q for q in find_quotations(masked, 0) if "\n\n" not in q.text] if "://" in masked else []
    return [mark for mark in marks if mark.kind != "url" or not any(q.start <= mark.start < q.end for q in inside)]


def _title(text: str, lines: Sequence[tuple[int, int]]) -> str:
    for start, end in lines[:40]:
        line = text[start:end].strip()
        if line.startswith("#"):
            return line.strip("# ").strip()
        if line:
            return ""
    return ""
