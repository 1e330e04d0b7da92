"""RIS (Research Information Systems, 2011 tag list): what EndNote, Mendeley and library catalogues read."""

from __future__ import annotations

from collections.abc import Mapping

from carrel.records import Author, Work
from carrel.scholarly.export.pieces import date_parts, page_range, standing_note

__all__ = ["ris_record"]

_TYPES: Mapping[str, str] = {
    "article": "JOUR",
    "conference-paper": "CPAPER",
    "preprint": "UNPB",
    "chapter": "CHAP",
    "book": "BOOK",
    "thesis": "THES",
    "report": "RPRT",
    "dataset": "DATA",
    "software": "COMP",
}


def ris_record(work: Work, key: str) -> str:
    """One record; every value on one line, since a line that begins like a tag would be one."""
    first, last = page_range(work.pages)
    parts = date_parts(work)
    arxiv = work.identifiers.get("arxiv", "")
    lines = [
        ("TY", _TYPES.get(work.type, "GEN")),
        *(("AU", _name(author)) for author in work.authors),
        ("TI", work.title),
        ("T2", work.venue),
        ("PB", work.publisher),
        ("PY", str(parts[0]) if parts else ""),
        ("DA", _date(parts) if len(parts) > 1 else ""),
        ("VL", work.volume),
        ("IS", work.issue),
        ("SP", first),
        ("EP", last),
        ("DO", work.identifiers.get("doi", "")),
        ("M3", "Preprint" if work.type == "preprint" else ""),
        ("AN", f"arXiv:{arxiv}" if arxiv else ""),
        ("SN", work.identifiers.get("isbn", "")),
        ("UR", work.url),
        ("LA", work.language),
        ("AB", work.abstract),
        ("N1", standing_note(work)),
        ("ID", key),
    ]
    told = (f"{tag}  - {line}" for tag, value in lines if (line := " ".join(value.split())))
    return "\n".join([*told, "ER  - "])


def _name(author: Author) -> str:
    """``Family, Given``; a comma tells the two apart, so a group's name has none."""
    if not author.given:
        return author.family.replace(",", "")
    return f"{author.family.replace(',', '')}, {author.given.replace(',', '')}"


def _date(parts: tuple[int, ...]) -> str:
    padded = [f"{part:02d}" for part in parts[1:]] + [""] * (3 - len(parts))
    return f"{parts[0]:04d}/{padded[0]}/{padded[1]}/"
