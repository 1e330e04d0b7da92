"""Whom to ask more once a work is found: the rule for each provider that can add to what the others said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.providers import Record
from carrel.scholarly.titles import compare_titles

__all__ = ["FIRST_HAND", "HURRIED", "another_name", "strays_from"]

# Schemes for which a provider is asked at once, though others read them too: MEDLINE's numbers are these services'.
FIRST_HAND: Mapping[str, tuple[str, ...]] = {"pubmed": ("pmid", "pmcid"), "europepmc": ("pmid", "pmcid")}
HURRIED = frozenset(("pubmed", "europepmc", "unpaywall"))  # they add to a good answer, and may not hold it up


def another_name(provider: str, records: Sequence[Record]) -> Identifier | None:
    """The identifier by which ``provider`` should be asked of a work with these records; None when it adds nothing."""
    if not records:
        return None
    if provider in ("crossref", "unpaywall"):  # retractions; open copies
        return _first(records, "doi")
    if provider == "pubmed":  # the standing that MEDLINE records, and the abstract
        return _first(records, "pmid")
    if provider == "europepmc" and not any(record.work.abstract for record in records):
        return _first(records, "doi")
    return None


def strays_from(record: Record, records: Sequence[Record]) -> bool:
    """Is this another work than the records that led to it: another DOI, and no title that agrees?"""
    doi, known = record.work.identifiers.get("doi"), {r.work.identifiers.get("doi") for r in records} - {None}
    if not record.work.title or (doi is not None and doi in known):
        return False
    return not any(compare_titles(record.work.title, r.work.title).agrees for r in records if r.work.title)


def _first(records: Sequence[Record], scheme: str) -> Identifier | None:
    value = next((value for record in records if (value := record.work.identifiers.get(scheme))), "")
    return Identifier(scheme, value) if value else None
