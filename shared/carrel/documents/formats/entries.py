"""I have the fields of a bibliographic entry, whatever format they came in: write it as a section."""

from __future__ import annotations

from dataclasses import dataclass

from carrel.documents.draft import Composer

__all__ = ["Entry", "write_entry"]


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
