"""I have bytes: give me a document, then its passages."""

from __future__ import annotations

from carrel.documents.media import SUFFIXES
from carrel.documents.parsing import MAX_BYTES, MAX_PDF_BYTES, PARSER_VERSION, parse
from carrel.documents.passages import MAX_CHARS, SPLITTER_VERSION, split
from carrel.documents.reading import (
    OutlineItem,
    Window,
    find_section,
    how_to_cite,
    marked_text,
    outline,
    page_of,
    window,
)
from carrel.documents.sentence import sentences
from carrel.documents.text import clean

__all__ = [
    "MAX_BYTES",
    "MAX_CHARS",
    "MAX_PDF_BYTES",
    "PARSER_VERSION",
    "SPLITTER_VERSION",
    "SUFFIXES",
    "OutlineItem",
    "Window",
    "clean",
    "find_section",
    "how_to_cite",
    "marked_text",
    "outline",
    "page_of",
    "parse",
    "sentences",
    "split",
    "window",
]
