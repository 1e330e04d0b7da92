"""CSL-JSON 1.0.2 (https://docs.citationstyles.org): what Zotero, pandoc and citation processors read."""

from __future__ import annotations

from collections.abc import Mapping

from carrel.records import Author, Work
from carrel.scholarly.export.pieces import date_parts, is_group, page_range, particles, standing_note

__all__ = ["csl_item"]

_TYPES: Mapping[str, str] = {
    "article": "article-journal",
    "conference-paper": "paper-conference",
    "preprint": "article",
    "chapter": "chapter",
    "book": "book",
    "thesis": "thesis",
    "report": "report",
    "dataset": "dataset",
    "software": "software",
}


def csl_item(work: Work, key: str) -> dict[str, object]:
    """One item, without empty fields."""
    first, last = page_range(work.pages)
    parts = date_parts(work)
    arxiv = work.identifiers.get("arxiv", "")
    fields: dict[str, object] = {
        "id": key,
        "type": _TYPES.get(work.type, "document"),
        "genre": "Preprint" if work.type == "preprint" else "",
        "title": " ".join(work.title.split()),
        "author": [_name(author) for author in work.authors],
        "issued": {"date-parts": [list(parts)]} if parts else {},
        "container-title": work.venue,
        "publisher": work.publisher,
        "volume": work.volume,
        "issue": work.issue,
        "page": f"{first}-{last}" if last else first,
        "number": f"arXiv:{arxiv}" if arxiv else "",
        "DOI": work.identifiers.get("doi", ""),
        "PMID": work.identifiers.get("pmid", ""),
        "PMCID": work.identifiers.get("pmcid", ""),
        "ISBN": work.identifiers.get("isbn", ""),
        "URL": work.url,
        "language": work.language,
        "abstract": work.abstract,
        "note": standing_note(work),
    }
    return {name: value for name, value in fields.items() if value}


def _name(author: Author) -> dict[str, str]:
    if is_group(author):
        return {"literal": author.family}
    before, family = particles(author.family)
    name = {"family": family, "given": author.given}
    return name | ({"non-dropping-particle": before} if before else {})
