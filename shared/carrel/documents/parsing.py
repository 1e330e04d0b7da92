"""I have bytes: give me a document."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from carrel.documents.media import HTML, MARKDOWN, METADATA, PDF, PLAIN, RST, decode, media_type_of
from carrel.documents.sections import (
    Heading,
    front_matter,
    markdown_headings,
    plain_heading,
    sections_of,
    underlined_headings,
)
from carrel.documents.text import clean
from carrel.errors import BadRequest, Refused
from carrel.records import Document, Link, Section, SourceKind, document_id

__all__ = ["MAX_BYTES", "MAX_PDF_BYTES", "parse"]

MAX_BYTES = 64 * 1024 * 1024
"""Largest text, Markdown or HTML document, in bytes."""

MAX_PDF_BYTES = 50 * 1024 * 1024
"""Largest PDF, in bytes."""

MAX_LINES = 4_000_000
"""Most lines of a document: real text of the largest size has a quarter of it."""

MAX_TITLE = 300


@dataclass(slots=True)
class _Draft:
    """What a format's reader found: clean text and whatever the document says of itself."""

    text: str
    title: str = ""
    headings: tuple[Heading, ...] = ()
    date: str = ""
    authors: tuple[str, ...] = ()
    language: str = ""
    page_starts: tuple[int, ...] = ()
    links: tuple[Link, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)


def parse(
    data: bytes,
    *,
    source: str,
    source_kind: SourceKind = "file",
    media_type: str = "",
    charset: str = "",
    title: str = "",
    date: str = "",
    tags: tuple[str, ...] = (),
    base_url: str = "",
) -> Document:
    """Read a document from bytes: Markdown, plain text, reStructuredText, HTML, PDF, Python package metadata, code.

    The type comes from ``media_type``, else the suffix of ``source``, else the bytes. ``title`` and ``date`` given here
    win over what the document says of itself. ``base_url`` makes the links of an HTML page absolute.

    Raises BadRequest (empty, not text, encrypted or broken PDF), Unsupported (a type that cannot be read, a PDF without
    text), Refused (too large or too costly) and, for a PDF that takes too long, TimedOut.
    """
    kind = _checked_type(data, source, source_kind, media_type)
    draft = _read_pdf(data) if kind == PDF else _read_text(data, kind, charset, base_url)
    if not draft.text.strip():
        raise BadRequest("the document has no readable text; nothing was read from it")
    return Document(
        doc_id=document_id(source, draft.text),
        source=source,
        source_kind=source_kind,
        media_type=kind,
        title=_one_line(title) or _one_line(draft.title) or _first_heading(draft.headings) or _stem(source),
        text=draft.text,
        sections=sections_of(draft.text, draft.headings) or (Section("", 0, 0, len(draft.text)),),
        date=date.strip() or draft.date,
        authors=draft.authors,
        tags=tuple(tags),
        language=draft.language,
        page_starts=draft.page_starts,
        links=draft.links,
        metadata=draft.facts,
    )


def _checked_type(data: bytes, source: str, source_kind: SourceKind, media_type: str) -> str:
    if not data.strip(b" \t\r\n\0"):
        raise BadRequest("the document is empty; there is nothing to read in it")
    if len(data) > MAX_BYTES:
        raise Refused(f"the document is larger than {MAX_BYTES >> 20} MB; split it and give the parts")
    if source_kind == "text" and not media_type:
        media_type = MARKDOWN  # what hosts and people paste
    kind = media_type_of(data, source=source, media_type=media_type)
    if kind == PDF and len(data) > MAX_PDF_BYTES:
        raise Refused(f"the PDF is larger than {MAX_PDF_BYTES >> 20} MB; split it and give the parts")
    return kind


def _read_text(data: bytes, kind: str, charset: str, base_url: str) -> _Draft:
    raw, name = decode(data, charset=charset, html=kind == HTML)
    if raw.count("\n") + raw.count("\r") > MAX_LINES:
        raise Refused(f"the document has more than {MAX_LINES:,} lines; split it and give the parts")
    if kind == HTML:
        draft = _read_html(raw, base_url)
    else:
        text, removed = clean(raw)
        draft = _READERS.get(kind, _read_plain)(text)
        if removed:
            draft.facts["hidden_chars"] = str(removed)
    draft.facts["charset"] = name
    return draft


def _read_markdown(text: str) -> _Draft:
    fields, body = front_matter(text)
    headings = markdown_headings(text, body)
    title = fields.get("title", "") or next((h.text for h in headings if h.level == 1), "")
    return _Draft(
        text,
        title=title,
        headings=headings,
        date=fields.get("date", ""),
        authors=_names(fields.get("authors") or fields.get("author", "")),
        language=fields.get("lang") or fields.get("language", ""),
    )


def _read_rst(text: str) -> _Draft:
    return _Draft(text, headings=underlined_headings(text))


def _read_prose(text: str) -> _Draft:
    return _Draft(text, headings=underlined_headings(text, rst=False))


def _read_plain(text: str) -> _Draft:
    return _Draft(text)


def _read_metadata(text: str) -> _Draft:
    from carrel.documents.distribution import read_metadata

    found = read_metadata(text)
    return _Draft(
        found.text, title=found.title, headings=found.headings, authors=found.authors, facts=dict(found.facts)
    )


_READERS = {MARKDOWN: _read_markdown, RST: _read_rst, PLAIN: _read_prose, METADATA: _read_metadata}


def _read_html(raw: str, base_url: str) -> _Draft:
    from carrel.documents.html import extract

    content = extract(raw, url=base_url)
    text, removed = clean(content.markdown)  # a second look costs little and changes nothing in clean text
    facts = {key: str(value)[:500] for key, value in content.metadata.items()}
    if removed:
        facts["hidden_chars"] = str(removed + int(facts.get("hidden_chars", "0") or 0))
    return _Draft(
        text,
        title=content.title,
        headings=markdown_headings(text),
        date=content.date,
        authors=tuple(content.authors),
        language=content.language,
        links=tuple(content.links),
        facts=facts,
    )


def _read_pdf(data: bytes) -> _Draft:
    from carrel.documents.pdf import read_pdf

    found = read_pdf(data)
    return _Draft(
        found.text,
        title=found.title,
        headings=found.headings,
        date=found.date,
        authors=found.authors,
        page_starts=found.page_starts,
        facts=dict(found.facts),
    )


def _first_heading(headings: Iterable[Heading]) -> str:
    return next((heading.text for heading in headings if heading.text), "")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip()[:200] for name in re.split(r",|;|\band\b", text) if name.strip())[:50]


def _one_line(title: str) -> str:
    return " ".join(clean(title[: 4 * MAX_TITLE])[0].split())[:MAX_TITLE]


def _stem(source: str) -> str:
    """What a source is called when it does not say: the last part of its path without suffix, else the source."""
    plain = re.split(r"[?#]", source, maxsplit=1)[0] if "://" in source else source
    path = PurePosixPath(plain.replace("\\", "/"))
    stem = path.stem if len(path.stem) > 1 else path.name
    return _one_line(plain_heading(stem.replace("_", " "))) or _one_line(source) or "untitled"
