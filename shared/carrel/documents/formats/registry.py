"""Which reader reads which media type, and what it may cost."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from carrel.documents.draft import Draft

__all__ = ["FORMATS", "Format", "Reader", "reader_of"]

Reader = Callable[[bytes, str, int], Draft]

_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Format:
    """How one media type is read.

    ``reader`` is a module of this folder, ``words`` what people call the format. ``text``: the charset is found first
    and the reader gets UTF-8; what it cannot make sense of is read as plain text. ``contained``: always read in a
    process of its own, which other formats need only when they are large. ``titled``: its first heading may serve as
    its title, being more than the name of its first record. Sizes in bytes and characters.
    """

    reader: str
    words: str
    text: bool = True
    contained: bool = False
    max_bytes: int = 64 * _MB
    max_chars: int = 64_000_000
    memory: int = 768 * _MB
    titled: bool = False


def _zipped(reader: str, words: str) -> Format:
    return Format(reader, words, text=False, contained=True, max_chars=16_000_000, memory=512 * _MB, titled=True)


def _sheets(reader: str) -> Format:
    return Format(reader, "spreadsheet", text=False, contained=True, max_chars=32_000_000)


_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
_WORKBOOK = _sheets("workbook")

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        _OFFICE + "wordprocessingml.document": _zipped("docx", "Word document"),
        _OFFICE + "presentationml.presentation": _zipped("pptx", "presentation"),
        _OFFICE + "spreadsheetml.sheet": _sheets("xlsx"),
        "application/vnd.ms-excel": _WORKBOOK,
        "application/vnd.ms-excel.sheet.binary.macroenabled.12": _WORKBOOK,
        _OPEN + "spreadsheet": _WORKBOOK,
        _OPEN + "text": _zipped("opendocument", "OpenDocument text"),
        _OPEN + "presentation": _zipped("opendocument", "OpenDocument presentation"),
        "application/epub+zip": _zipped("epub", "EPUB book"),
        "text/csv": Format("delimited", "table"),
        "text/tab-separated-values": Format("delimited", "table"),
        "application/json": Format("structured", "JSON file"),
        "application/x-ndjson": Format("structured", "JSON Lines file"),
        "application/x-ipynb+json": Format("notebook", "notebook", max_chars=16_000_000),
        "application/x-bibtex": Format("bibtex", "BibTeX file"),
        "application/x-research-info-systems": Format("ris", "RIS file"),
        "message/rfc822": Format("mail", "mail", text=False, max_chars=16_000_000),
        "application/mbox": Format("mail", "mailbox", text=False),
        "image/svg+xml": Format("svg", "drawing", text=False, max_bytes=16 * _MB, max_chars=16_000_000),
        "application/jats+xml": Format("jats", "article", text=False, max_chars=16_000_000, titled=True),
        "text/x-code": Format("code", "source code", max_chars=16_000_000),
    }
)
"""Media type to format."""

_MODULES = frozenset(found.reader for found in FORMATS.values())


def reader_of(name: str) -> Reader:
    """The reader of that name. Raises KeyError for another."""
    if name not in _MODULES:
        raise KeyError(name)
    return cast(Reader, importlib.import_module(f"carrel.documents.formats.{name}").read)
