"""I have the fields of a bibliographic entry, whatever format they came in: write it as a section."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from carrel.documents.draft import Composer

__all__ = ["Entry", "about", "write_entry"]

_YEAR = re.compile(r"(?<!\d)(?:1[4-9]|20)\d\d(?!\d)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One publication as a reference manager keeps it; every field may be empty."""

    title: str = ""
    authors: tuple[str, ...] = ()
    editors: tuple[str, ...] = ()
    year: str = ""
    venue: str = ""
    volume: str = ""
    pages: str = ""
    publisher: str = ""
    doi: str = ""
    url: str = ""
    kind: str = ""
    key: str = ""
    keywords: str = ""
    abstract: str = ""
    notes: str = ""


def about(entries: Sequence[Entry], extractor: str) -> dict[str, Any]:
    """What a file's document says of itself, as fields of a draft.

    A file with one entry is the record of that work: its authors (else editors), year and DOI are the document's. A
    file with several is a bibliography: whoever asks for an author wants to find it by any of theirs, so it has them
    all, first authors first (as many as a document may have), but no one date and no one DOI.
    """
    named = [entry.authors or entry.editors for entry in entries]
    names = dict.fromkeys([*(name for names in named for name in names[:1]), *(n for names in named for n in names)])
    facts = {"extractor": extractor, "entries": str(len(entries))}
    only = entries[0] if len(entries) == 1 else Entry()
    year = _YEAR.search(only.year)
    return {
        "title": only.title,
        "authors": tuple(names),
        "date": year[0] if year else "",
        "facts": facts | {"doi": only.doi},
    }


def write_entry(out: Composer, entry: Entry) -> None:
    """Write an entry under its title (else its key): a list of facts, then its abstract and notes."""
    out.heading(entry.title or entry.key or "Untitled entry", 1)
    facts = (
        ("Authors", "; ".join(entry.authors)),
        ("Editors", "; ".join(entry.editors)),
        ("Year", entry.year),
        ("Venue", entry.venue),
        ("Volume", entry.volume),
        ("Pages", entry.pages),
        ("Publisher", entry.publisher),
        ("DOI", entry.doi),
        ("URL", entry.url),
        ("Type", entry.kind),
        ("Key", entry.key if entry.title else ""),
        ("Keywords", entry.keywords),
    )
    gap = "\n\n"
    for name, value in facts:
        if value and out.block(f"- {name}: {' '.join(value.split())}", gap=gap) is not None:
            gap = "\n"
    if entry.abstract:
        out.block(entry.abstract)
    if entry.notes:
        out.block(f"Notes: {entry.notes}")
