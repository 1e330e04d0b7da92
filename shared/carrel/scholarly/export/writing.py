"""Works in one of the formats, with what whoever uses them should know."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from carrel.records import Work
from carrel.scholarly.evidence import best_identifier
from carrel.scholarly.export.bibtex import bibtex_entry
from carrel.scholarly.export.csl import csl_item
from carrel.scholarly.export.keys import citation_keys
from carrel.scholarly.export.pieces import standing_note
from carrel.scholarly.export.ris import ris_record
from carrel.scholarly.export.styled import printed

__all__ = ["ExportFormat", "Exported", "export_works"]

_AUTHORS = 100  # of one work; a collaboration's three thousand are no use in a bibliography

ExportFormat = Literal["bibtex", "csl-json", "ris", "text"]


@dataclass(frozen=True, slots=True)
class Exported:
    """The works as one text, their keys in order, and warnings: a retraction, a field that is not known."""

    text: str
    keys: tuple[str, ...]
    warnings: tuple[str, ...]


def export_works(works: Sequence[Work], form: ExportFormat, *, style: str = "apa") -> Exported:
    """Write the works down in their order. Raises what `printed` does for ``text``."""
    keys = citation_keys(works)
    paired = [(replace(work, authors=work.authors[:_AUTHORS]), key) for work, key in zip(works, keys, strict=True)]
    if form == "bibtex":
        text = "\n\n".join(bibtex_entry(work, key) for work, key in paired)
    elif form == "ris":
        text = "\n\n".join(ris_record(work, key) for work, key in paired)
    else:
        items = [csl_item(work, key) for work, key in paired]
        text = _json(items) if form == "csl-json" else "\n".join(printed(items, style))
    warnings = (_warning(work, key) for work, key in zip(works, keys, strict=True))
    return Exported(text, tuple(keys), tuple(said for said in warnings if said))


def _json(items: Sequence[dict[str, object]]) -> str:
    return "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in items) + "\n]"


def _warning(work: Work, key: str) -> str:
    lacking = [
        name for name, value in (("authors", work.authors), ("year", work.year), ("title", work.title)) if not value
    ]
    if work.type in ("article", "conference-paper", "chapter") and not work.venue:
        lacking.append("venue")
    said = [note] if (note := standing_note(work)) else []
    said += [f"no {', '.join(lacking)} known"] if lacking else []
    said += [f"only the first {_AUTHORS} of {len(work.authors):,} authors"] if len(work.authors) > _AUTHORS else []
    said += ["sources disagree; see conflicts in get_papers"] if work.conflicts else []
    return f"{key} ({best_identifier(work) or work.url}): {'; '.join(said)}" if said else ""
