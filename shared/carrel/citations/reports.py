"""I have a report: which statements does it make, and what does each of them cite?

Markdown is read block by block (markdown-it), so code, headings and tables are told from prose; a web page is read
through `carrel.documents`. Every span is of `Report.text`, start inclusive, end exclusive.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from carrel.citations.bibliography import Reference, find_list, implied, read_entries
from carrel.citations.lexicon import content_words
from carrel.citations.marks import CitationMark, find_marks, mask_code, same_url
from carrel.citations.quotes import is_quotable
from carrel.citations.tokens import tokens
from carrel.errors import BadRequest, Refused

__all__ = ["Fault", "FaultKind", "Quotation", "Report", "Statement", "StatementKind", "parse_report"]

MAX_CHARS = 2_000_000
StatementKind = Literal["claim", "heading", "question", "meta", "table", "short"]
FaultKind = Literal["dangling", "unused", "duplicate", "placeholder"]
_QUOTED = re.compile(
    r"“([^“”]{1,5000})”|„([^„“”]{1,5000})[“”]|«([^«»]{1,5000})»|「([^「」]{1,5000})」"
    r"|(?<![\w\"])\"(?=[^\s\"])([^\"\n]{1,5000}?(?:\n[^\"\n]+){0,20}?)\"(?![\w\"])"
)
_BLOCK_MARKER = re.compile(
    r"^[ \t]*(?:>[ \t]?)*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?)?(?:#{1,6}[ \t]+)?", re.M
)
_META = re.compile(
    r"^(?:this (?:report|brief|document|section|answer|summary|review|overview|question|note)|(?:in )?(?:summary|conclusion)\b[,:]?$|"  # noqa: E501
    r"(?:the following|below|here|overall,? we|we (?:now|next|first|will)|i (?:think|believe|would|recommend)|"
    r"note that this|see (?:also|section|figure|table)|as (?:shown|noted|discussed) (?:above|below))\b|"
    r"(?:table|figure|fig\.) \d+[.:])",
    re.I,
)
_MIN_CLAIM_WORDS = 3
_MIN_QUOTE_WORDS = 4


@dataclass(frozen=True, slots=True)
class Quotation:
    """Words a report puts in quotation marks (or in a block quotation): ``text`` stands at ``[start, end)``."""

    start: int
    end: int
    text: str
    block: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence, table row or block quotation. ``text``: its words without marks and markup.

    ``keys``: the references it cites, in order. ``quotations`` are long enough to be looked for. ``needs_citation``: it
    states something a reader may want to check.
    """

    number: int
    start: int
    end: int
    text: str
    kind: StatementKind
    keys: tuple[str, ...]
    quotations: tuple[Quotation, ...]
    needs_citation: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in the apparatus itself, found without opening any source."""

    kind: FaultKind
    key: str
    start: int
    end: int
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report taken apart. ``references`` are in order of the list, those named only in the text after them."""

    text: str
    title: str
    statements: tuple[Statement, ...]
    marks: tuple[CitationMark, ...]
    references: tuple[Reference, ...]
    faults: tuple[Fault, ...]

    def reference(self, key: str) -> Reference | None:
        return next((reference for reference in self.references if reference.key == key), None)


@dataclass(frozen=True, slots=True)
class _Block:
    start: int
    end: int
    kind: Literal["prose", "heading", "table", "quote"]


def parse_report(text: str, *, media_type: str = "") -> Report:
    """Take a report apart: Markdown, plain text, or HTML (by ``media_type`` or by its first tag).

    Raises BadRequest for an empty text, Refused for one over two million characters.
    """
    if len(text) > MAX_CHARS:
        raise Refused(f"that report is longer than {MAX_CHARS:,} characters; audit it in parts")
    if media_type == "text/html" or re.match(r"\s*<(?:!doctype html|html|head|body)\b", text, re.I):
        text = _from_html(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    if not text.strip():
        raise BadRequest("the report is empty; give its text, or the path of a file that has some")
    lines = _lines(text)
    ranges = find_list(text, lines)
    listed = _first_of_each(read_entries(text, lines, ranges))
    masked = _mask(text, lines, ranges, listed)
    marks = find_marks(masked, {reference.key for reference in listed})
    references, names = _resolve(marks, listed)
    statements = tuple(_statements(text, masked, lines, marks, names))
    faults = tuple(_faults(read_entries(text, lines, ranges), references, marks, names))
    return Report(text, _title(text, lines), statements, tuple(marks), references, faults)


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


# -- what the marks name ----------------------------------------------------------------------------------------------


def _resolve(
    marks: Sequence[CitationMark], listed: Sequence[Reference]
) -> tuple[tuple[Reference, ...], dict[str, str]]:
    """All references, and for each name used in a mark the key of the reference it means."""
    references = {reference.key: reference for reference in listed}
    known = {reference.identity: reference.key for reference in reversed(listed)}
    by_url = {same_url(reference.url): reference.key for reference in reversed(listed) if reference.url}
    names: dict[str, str] = {}
    for mark in marks:
        for name in mark.keys:
            if name in names:
                continue
            if name in references:
                names[name] = name
            elif name.startswith(("url:", "ref:")):
                reference = implied(name, mark.start, mark.end)
                key = by_url.get(same_url(reference.url), "") if reference.url else known.get(reference.identity, "")
                key = key or known.get(reference.identity, "")
                names[name] = key or name
                if not key:
                    references[name] = reference
                    known[reference.identity] = name
            elif "|" in name and (key := _author_year(name, listed)):
                names[name] = key
    return tuple(references.values()), names


def _author_year(name: str, listed: Sequence[Reference]) -> str:
    family, _, year = name.partition("|")
    surname = re.compile(rf"\b{re.escape(family)}\b", re.I)
    for reference in listed:
        head = reference.text[:300]
        if surname.search(head) and year[:4] in reference.text:
            return reference.key
    return ""


def _faults(
    entries: Sequence[Reference],
    references: Sequence[Reference],
    marks: Sequence[CitationMark],
    names: Mapping[str, str],
) -> Iterator[Fault]:
    cited = set(names.values())
    has_list = any(reference.listed for reference in references)
    for mark in marks:
        for name in mark.keys:
            if name not in names and (has_list or mark.kind != "author_year"):
                yield Fault("dangling", name, mark.start, mark.end, "cited, but the reference list has no such entry")
    for key, count in Counter(entry.key for entry in entries).items():
        if count > 1:
            again = [entry for entry in entries if entry.key == key][1]
            yield Fault("duplicate", key, again.start, again.end, "two entries of the reference list have this number")
    first: dict[str, str] = {}
    for reference in references:
        if reference.listed and reference.key not in cited:
            yield Fault(
                "unused", reference.key, reference.start, reference.end, "listed, but nothing in the report cites it"
            )
        if reference.placeholder:
            yield Fault(
                "placeholder",
                reference.key,
                reference.start,
                reference.end,
                "the address is a placeholder, not a source",
            )
        if first.setdefault(reference.identity, reference.key) != reference.key and reference.listed:
            detail = f"the same source as entry {first[reference.identity]}"
            yield Fault("duplicate", reference.key, reference.start, reference.end, detail)


# -- statements -------------------------------------------------------------------------------------------------------


def _title(text: str, lines: Sequence[tuple[int, int]]) -> str:
    for start, end in lines[:40]:
        line = text[start:end].strip()
        if line.startswith("#"):
            return line.strip("# ").strip()
        if line:
            return ""
    return ""


def _blocks(text: str, lines: Sequence[tuple[int, int]]) -> Iterator[_Block]:
    """The blocks that hold words, in order. Inline markup is left alone: only where blocks begin and end is asked."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table").disable("inline")
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
                yield _Block(start, lines[first][1], "table")
        else:
            heading = re.match(r"[ \t>]*(?:[-*+][ \t]+)?#{1,6}[ \t]", text[start:end]) or _UNDERLINED.search(
                text, start, _next_line(lines, last)
            )
            yield _Block(start, end, "heading" if heading else "quote" if depth else "prose")


_UNDERLINED = re.compile(r"\S\n {0,3}(?:=+|-+)[ \t]*\Z")


def _next_line(lines: Sequence[tuple[int, int]], last: int) -> int:
    return lines[min(last, len(lines)) - 1][1]


def _statements(
    text: str, masked: str, lines: Sequence[tuple[int, int]], marks: Sequence[CitationMark], names: Mapping[str, str]
) -> Iterator[Statement]:
    number = 0
    waiting: list[Statement] = []  # block quotations that cite nothing take the citation of the sentence before them
    for block in _blocks(masked, lines):
        for start, end, quotations in _pieces(masked, block, marks):
            keys = _keys(marks, names, start, end)
            if block.kind == "quote" and not keys and waiting:
                keys = waiting[-1].keys
            plain = _plain(text, start, end, marks)
            if not plain:
                continue
            kind = _kind(plain, block)
            needs = kind in ("claim", "table") or bool(keys) or (bool(quotations) and block.kind != "heading")
            statement = Statement(number, start, end, plain, kind, keys, quotations, needs)
            number += 1
            waiting = [statement]
            yield statement


def _pieces(
    masked: str, block: _Block, marks: Sequence[CitationMark]
) -> Iterator[tuple[int, int, tuple[Quotation, ...]]]:
    """The statements of a block: spans that begin and end with something visible, with the quotations inside."""
    view = _without_markers(masked[block.start : block.end])
    if block.kind == "quote":
        yield from _block_quotation(view, block.start, marks)
        return
    quotations = _quotations(view, block.start) if block.kind in ("prose", "table") else []
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
            joined[-1][1] = _rstrip(view, offset, min(begin, end))
            start = begin
        if joined and any(q.start < start < q.end for q in quotations):
            joined[-1][1] = end
        elif start < end and view[start - offset : end - offset].strip():
            joined.append([start + _lead(view[start - offset : end - offset]), end])
    return [(start, end) for start, end in joined]


def _lead(piece: str) -> int:
    return len(piece) - len(piece.lstrip())


def _rstrip(view: str, offset: int, end: int) -> int:
    while end > offset and view[end - offset - 1].isspace():
        end -= 1
    return end


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


def _block_quotation(
    view: str, offset: int, marks: Sequence[CitationMark]
) -> Iterator[tuple[int, int, tuple[Quotation, ...]]]:
    start, end = offset + _lead(view), offset + len(view.rstrip())
    if start >= end:
        return
    said = re.split(r"\n[ \t]*(?:[—–]|--|[-*] )", view.rstrip(), maxsplit=1)[0]
    stop = offset + len(said)
    inside = [mark.start for mark in marks if start < mark.start < stop and not mark.label]
    stop = min([stop, *inside])
    quoted = view[start - offset : stop - offset].strip().strip('"“”„«»')
    good = len(quoted.split()) >= _MIN_QUOTE_WORDS and is_quotable(quoted)
    yield start, end, (Quotation(start, _rstrip(view, offset, stop), quoted, True),) if good else ()


def _quotations(view: str, offset: int) -> list[Quotation]:
    """What stands in quotation marks and is long enough to be a quotation; titles and scare quotes are not."""
    found = []
    for match in _QUOTED.finditer(view):
        quoted = next(group for group in match.groups() if group is not None)
        words = [token for token in tokens(quoted) if token.word[0].isalnum()]
        long_enough = len(words) >= _MIN_QUOTE_WORDS or (
            not quoted.isascii() and is_quotable(quoted) and len(quoted) >= 8
        )
        if long_enough and not _looks_like_title(words) and is_quotable(quoted):
            at = offset + match.start() + match.group().index(quoted)
            found.append(Quotation(at, at + len(quoted), quoted))
    return found


def _looks_like_title(words: Sequence[object]) -> bool:
    content = [t for t in words if len(getattr(t, "raw", "")) > 3]
    capitals = sum(1 for t in content if getattr(t, "raw", "")[:1].isupper())
    return len(content) >= 2 and capitals == len(content) and len(words) <= 20


def _keys(marks: Sequence[CitationMark], names: Mapping[str, str], start: int, end: int) -> tuple[str, ...]:
    found = (names[name] for mark in marks if start <= mark.start < end for name in mark.keys if name in names)
    return tuple(dict.fromkeys(found))


def _plain(text: str, start: int, end: int, marks: Sequence[CitationMark]) -> str:
    """The words of a span: citation marks gone, links as their label, emphasis and block markers off."""
    parts, at = [], start
    for mark in marks:
        if start <= mark.start < end and mark.start >= at:
            parts.append(text[at : mark.start])
            parts.append(mark.label if mark.label else " ")
            at = mark.end
    parts.append(text[at : max(at, end)])
    plain = re.sub(r"^[ \t]*>[ \t]?", "", "".join(parts), flags=re.M)
    plain = re.sub(r"(?<!\w)[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?!\w)|`", "", plain)
    plain = re.sub(r"\s*\|\s*", "; ", plain.strip().strip("|")) if plain.lstrip().startswith("|") else plain
    plain = re.sub(r"\(\s*[,;]*\s*\)", "", plain)
    return re.sub(r"\s+([.,;:!?])", r"\1", " ".join(plain.split())).strip()


def _kind(plain: str, block: _Block) -> StatementKind:
    if block.kind == "heading":
        return "heading"
    if plain.endswith(("?", "？")):
        return "question"
    words = [token.word for token in tokens(plain)]
    if len(content_words(words)) < _MIN_CLAIM_WORDS and len(plain) < 40 and not any(w[0].isdigit() for w in words):
        return "short"
    if _META.match(plain) or plain.endswith(":"):
        return "meta"
    return "table" if block.kind == "table" else "claim"


def spans_in_order(statements: Sequence[Statement]) -> bool:
    """Whether statements neither overlap nor go back (what `parse_report` promises)."""
    return all(one.end <= two.start for one, two in pairwise(statements))
