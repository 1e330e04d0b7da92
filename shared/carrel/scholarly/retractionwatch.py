"""The CSV that Retraction Watch publishes through Crossref, row by row, however large it is."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from carrel.errors import BadRequest, NotFound
from carrel.scholarly.shapes import iso_date
from carrel.scholarly.standing import doi_of, state_of

__all__ = ["Notice", "read_notices"]

_NEEDED = ("OriginalPaperDOI", "OriginalPaperPubMedID", "RetractionDOI", "RetractionNature", "RetractionDate", "Reason")


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice. ``works`` and ``notices`` are the names ("doi:…", "pmid:…") of what it is about and of itself."""

    state: str
    date: str
    reason: str
    works: tuple[str, ...]
    notices: tuple[str, ...]


def read_notices(path: Path) -> Iterator[Notice | str]:
    """Each row as a notice, or the reason why it is none, such as a work without a DOI and a PMID.

    Raises NotFound for a file that is not there, BadRequest for one that is not this CSV.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            rows = csv.DictReader(lines)
            missing = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
            if missing:
                raise BadRequest(f"{path} is not the CSV of Retraction Watch: it has no column {', '.join(missing)}")
            for row in rows:
                yield _notice(row)
    except OSError as error:
        raise NotFound(f"{path} cannot be read ({error.strerror})") from None
    except csv.Error as error:
        raise BadRequest(f"{path} is not the CSV of Retraction Watch: {error}") from None


def _notice(row: Mapping[str, str | None]) -> Notice | str:
    told = {name: (row.get(name) or "").strip() for name in _NEEDED}
    state = state_of(told["RetractionNature"])
    if not state:
        return f"unknown nature {told['RetractionNature'][:60]!r}"
    works = _names(told["OriginalPaperDOI"], told["OriginalPaperPubMedID"])
    if not works:
        return "the work has neither a DOI nor a PMID"
    notices = tuple(n for n in _names(told["RetractionDOI"], row.get("RetractionPubMedID") or "") if n not in works)
    return Notice(state, _date(told["RetractionDate"]), _reason(told["Reason"]), works, notices)


def _names(doi: str, pmid: str) -> tuple[str, ...]:
    """The dataset writes "unavailable" and 0 for what is not known."""
    found = doi_of(doi)
    digits = pmid.strip().removesuffix(".0")
    number = int(digits) if re.fullmatch(r"[0-9]{1,9}", digits) else 0
    return (*((f"{found.scheme}:{found.value}",) if found else ()), *((f"pmid:{number}",) if number else ()))


def _date(value: str) -> str:
    """``3/9/2026 0:00`` has the month first."""
    american = re.match(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})\b", value)
    return iso_date(f"{american[3]}-{int(american[1]):02d}-{int(american[2]):02d}" if american else value)


def _reason(value: str) -> str:
    return "; ".join(reason for part in value.split(";") if (reason := part.strip().removeprefix("+").strip()))[:300]
