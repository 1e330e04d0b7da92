"""I have bytes: give me a document."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from carrel.documents.draft import Draft
from carrel.documents.formats import FORMATS
from carrel.documents.media import HTML, MARKDOWN, METADATA, PDF, PLAIN, RST, decode, media_type_of, suffix_of
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
from carrel.records import Document, Section, SourceKind, document_id

__all__ = ["MAX_BYTES", "MAX_PDF_BYTES", "PARSER_VERSION", "parse"]

PARSER_VERSION = "4"
"""Changes whenever `parse` would give another text for the same bytes: then files are read again."""

MAX_BYTES = 64 * 1024 * 1024
"""Largest text, Markdown or HTML document, in bytes."""

MAX_PDF_BYTES = 50 * 1024 * 1024
"""Largest PDF, in bytes."""

MAX_LINES = 4_000_000
"""Most lines of a document: real text of the largest size has a quarter of it."""

MAX_TITLE = 300


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
    """Read a document from bytes.

    Prose: Markdown, plain text, reStructuredText, HTML, Python package metadata. Paged: PDF, PowerPoint and
    OpenDocument presentations. Office and books: Word, OpenDocument text, EPUB, Excel (.xlsx, .xlsb, .xls) and
    OpenDocument sheets. Data: CSV, TSV, JSON, JSON Lines, BibTeX, RIS. Besides: mail and mailboxes, Jupyter notebooks,
    SVG, journal articles in JATS XML, source code. Zipped formats and PDF, and large files of the others, are read in a
    process of their own under limits.

    The type comes from ``media_type``, else the suffix of ``source``, else the bytes (which always tell zipped formats
    and PDF). ``title`` and ``date`` given here
    win over what the document says of itself. ``base_url`` makes the links of an HTML page absolute.

    Raises BadRequest (empty, not text, protected or broken), Unsupported (a type that cannot be read, no text in it),
    Refused (too large or too costly) and Unavailable (the process that reads could not be started).
    """
    kind = _checked_type(data, source, source_kind, media_type)
    if kind == PDF:
        draft = _read_pdf(data)
    elif kind in FORMATS:
        draft = _read_format(data, kind, suffix_of(source), charset)
    else:
        draft = _read_text(data, kind, charset, base_url)
    if not draft.text.strip():
        raise BadRequest("the document has no readable text; nothing was read from it")
    return Document(
        doc_id=document_id(source, draft.text),
        source=source,
        source_kind=source_kind,
        media_type=kind,
        title=_one_line(title) or _one_line(draft.title) or _first_heading(kind, draft.headings) or _stem(source),
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


def _read_format(data: bytes, kind: str, suffix: str, charset: str) -> Draft:
    from carrel.documents.formats.reading import read_format

    found = FORMATS[kind]
    if len(data) > found.max_bytes:
        raise Refused(f"the {found.words} is larger than {found.max_bytes >> 20} MB; split it and give the parts")
    raw, name = decode(data, charset=charset) if found.text else ("", "")
    _check_lines(raw)
    draft = read_format(found, raw.encode("utf-8", "surrogatepass") if found.text else data, suffix)
    draft = _read_cleaned(raw, kind) if draft is None else draft
    if name:
        draft.facts["charset"] = name
    return draft


def _check_lines(raw: str) -> None:
    if raw.count("\n") + raw.count("\r") > MAX_LINES:
        raise Refused(f"the document has more than {MAX_LINES:,} lines; split it and give the parts")


def _read_text(data: bytes, kind: str, charset: str, base_url: str) -> Draft:
    raw, name = decode(data, charset=charset, html=kind == HTML)
    _check_lines(raw)
    draft = _read_html(raw, base_url) if kind == HTML else _read_cleaned(raw, kind)
    draft.facts["charset"] = name
    return draft


def _read_cleaned(raw: str, kind: str) -> Draft:
    text, removed = clean(raw)
    draft = _READERS.get(kind, _read_plain)(text)
    if removed:
        draft.facts["hidden_chars"] = str(removed)
    return draft


def _read_markdown(text: str) -> Draft:
    fields, body = front_matter(text)
    headings = markdown_headings(text, body)
    title = fields.get("title", "") or next((h.text for h in headings if h.level == 1), "")
    return Draft(
        text,
        title=title,
        headings=headings,
        date=fields.get("date", ""),
        authors=_names(fields.get("authors") or fields.get("author", "")),
        language=fields.get("lang") or fields.get("language", ""),
    )


def _read_rst(text: str) -> Draft:
    return Draft(text, headings=underlined_headings(text))


def _read_prose(text: str) -> Draft:
    return Draft(text, headings=underlined_headings(text, rst=False))


def _read_plain(text: str) -> Draft:
    return Draft(text)


def _read_metadata(text: str) -> Draft:
    from carrel.documents.distribution import read_metadata

    found = read_metadata(text)
    return Draft(found.text, title=found.title, headings=found.headings, authors=found.authors, facts=dict(found.facts))


_READERS = {MARKDOWN: _read_markdown, RST: _read_rst, PLAIN: _read_prose, METADATA: _read_metadata}


def _read_html(raw: str, base_url: str) -> Draft:
    from carrel.documents.html import extract

    content = extract(raw, url=base_url)
    text, removed = clean(content.markdown)  # a second look costs little and changes nothing in clean text
    facts = {key: str(value)[:500] for key, value in content.metadata.items()}
    if removed:
        facts["hidden_chars"] = str(removed + int(facts.get("hidden_chars", "0") or 0))
    return Draft(
        text,
        title=content.title,
        headings=markdown_headings(text),
        date=content.date,
        authors=tuple(content.authors),
        language=content.language,
        links=tuple(content.links),
        facts=facts,
    )


def _read_pdf(data: bytes) -> Draft:
    from carrel.documents.pdf import read_pdf

    found = read_pdf(data)
    return Draft(
        found.text,
        title=found.title,
        headings=found.headings,
        date=found.date,
        authors=found.authors,
        page_starts=found.page_starts,
        facts=dict(found.facts),
    )


def _first_heading(kind: str, headings: Iterable[Heading]) -> str:
    """The first heading, where it may be the title; empty where headings name records, messages or functions."""
    if kind in FORMATS and not FORMATS[kind].titled:
        return ""
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
