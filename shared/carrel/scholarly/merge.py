"""Several records, one work: which belong together, and what the merged record says.

Records are joined by a shared strong identifier; failing that, by equal title key, first author's family and years at
most one apart, which never joins two different DOIs unless a record itself relates them (preprint and article).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from carrel.records import Access, Work, WorkStatus
from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.names import same_family
from carrel.scholarly.providers import Record
from carrel.scholarly.titles import compare_titles, title_key

__all__ = ["combine", "group"]

_STRONG = ("doi", "arxiv", "pmid", "pmcid", "openalex", "s2", "corpusid", "openreview")
_GENERIC = 12  # letters; shorter titles ("Editorial") say too little for a weak edge
_BUCKET = 30  # records of one title that are compared pair by pair

# Who is believed first, by field.
_BIBLIOGRAPHIC = (
    "crossref",
    "doi",
    "datacite",
    "pubmed",
    "openalex",
    "arxiv",
    "dblp",
    "doaj",
    "openreview",
    "semanticscholar",
    "europepmc",
    "unpaywall",
)
_ABSTRACT = (
    "pubmed",
    "arxiv",
    "crossref",
    "doi",
    "europepmc",
    "openalex",
    "datacite",
    "doaj",
    "openreview",
    "semanticscholar",
)
_COUNTS = ("openalex", "crossref", "doi", "arxiv", "semanticscholar", "doaj", "datacite", "europepmc")
_ACCESS = ("unpaywall", "openalex", "crossref", "doi", "arxiv", "europepmc", "pubmed")
_PRECEDENCE: Mapping[str, Sequence[str]] = {
    "title": _BIBLIOGRAPHIC,
    "authors": _BIBLIOGRAPHIC,
    "date": _BIBLIOGRAPHIC,
    "venue": _BIBLIOGRAPHIC,
    "publisher": _BIBLIOGRAPHIC,
    "type": _BIBLIOGRAPHIC,
    "volume": _BIBLIOGRAPHIC,
    "issue": _BIBLIOGRAPHIC,
    "pages": _BIBLIOGRAPHIC,
    "language": _BIBLIOGRAPHIC,
    "references": _BIBLIOGRAPHIC,
    "url": _BIBLIOGRAPHIC,
    "abstract": _ABSTRACT,
    "cited_by": _COUNTS,
}


def group(records: Sequence[Record]) -> list[list[int]]:
    """Partition the records by work: lists of places, in order of first appearance."""
    parents = list(range(len(records)))

    def root(at: int) -> int:
        while parents[at] != at:
            parents[at] = parents[parents[at]]
            at = parents[at]
        return at

    def join(one: int, other: int) -> None:
        first, second = sorted((root(one), root(other)))
        parents[second] = first

    _join_strong(records, root, join)
    _join_weak(records, root, join)
    groups: dict[int, list[int]] = defaultdict(list)
    for at in range(len(records)):
        groups[root(at)].append(at)
    return list(groups.values())


def _join_strong(records: Sequence[Record], root: Callable[[int], int], join: Callable[[int, int], None]) -> None:
    """Join what shares an identifier. A shared lesser identifier does not join two DOIs with different titles."""
    seen: dict[tuple[str, str], int] = {}
    for scheme in _STRONG:
        for at, record in enumerate(records):
            value = record.work.identifiers.get(scheme)
            if not value:
                continue
            other = seen.setdefault((scheme, value), at)
            if scheme == "doi" or not _two_dois(records, at, other, root) or _same_title(records[at], records[other]):
                join(at, other)


def _join_weak(records: Sequence[Record], root: Callable[[int], int], join: Callable[[int, int], None]) -> None:
    buckets: dict[str, list[int]] = defaultdict(list)
    for at, record in enumerate(records):
        key = title_key(record.work.title)
        if len(key) >= _GENERIC and record.work.authors:
            buckets[key].append(at)
    for places in buckets.values():
        for position, at in enumerate(places[:_BUCKET]):
            for other in places[:position]:
                if root(at) == root(other) or not _alike(records[at].work, records[other].work):
                    continue
                if not _two_dois(records, at, other, root) or _related(records, at, other, root):
                    join(at, other)


def _same_title(one: Record, other: Record) -> bool:
    return compare_titles(one.work.title, other.work.title).agrees


def _alike(one: Work, other: Work) -> bool:
    years_fit = one.year is None or other.year is None or abs(one.year - other.year) <= 1
    return years_fit and same_family(one.authors[0], other.authors[0])


def _members(records: Sequence[Record], at: int, root: Callable[[int], int]) -> list[Record]:
    home = root(at)
    return [record for place, record in enumerate(records) if root(place) == home]


def _dois(records: Sequence[Record]) -> set[str]:
    return {doi for record in records if (doi := record.work.identifiers.get("doi"))}


def _two_dois(records: Sequence[Record], one: int, other: int, root: Callable[[int], int]) -> bool:
    """Would joining these bring two different DOIs together?"""
    first, second = _dois(_members(records, one, root)), _dois(_members(records, other, root))
    return bool(first) and bool(second) and not first & second


def _related(records: Sequence[Record], one: int, other: int, root: Callable[[int], int]) -> bool:
    first, second = _members(records, one, root), _members(records, other, root)
    names = {i for record in first for i in record.related}, {i for record in second for i in record.related}
    have = _identifiers(first), _identifiers(second)
    return bool(names[0] & have[1]) or bool(names[1] & have[0])


def _identifiers(records: Sequence[Record]) -> set[Identifier]:
    return {Identifier(scheme, value) for record in records for scheme, value in record.work.identifiers.items()}


# --- what the merged record says -------------------------------------------------------------------------------------


def combine(records: Sequence[Record]) -> Work:
    """One work from the records of it, field by field in the order of trust; contradictions are kept as conflicts."""
    if not records:
        raise ValueError("there is nothing to combine")
    chosen: dict[str, object] = {}
    provenance: dict[str, str] = {}
    for name, order in _PRECEDENCE.items():
        ranked = sorted(records, key=lambda record: _place(record, order))
        source = next((record for record in ranked if getattr(record.work, name) not in ("", (), None)), None)
        if source is not None:
            chosen[name] = getattr(source.work, name)
            provenance[name] = source.provider
    status = _status(records)
    if status is not None:
        provenance["status"] = status.provider
    dated = str(chosen.get("date", ""))
    return Work(
        year=int(dated[:4]) if dated else None,
        identifiers=_merged_identifiers(records),
        status=status,
        access=_merged_access(records),
        found_by=tuple(dict.fromkeys(record.provider for record in records)),
        provenance=provenance,
        conflicts=_conflicts(records),
        **({"title": ""} | chosen),  # type: ignore[arg-type]
    )


def _place(record: Record, order: Sequence[str]) -> tuple[int, int]:
    """Trust by provider; among records of one provider the published form comes before the preprint."""
    trust = order.index(record.provider) if record.provider in order else len(order)
    return trust, record.work.type == "preprint"


def _merged_identifiers(records: Sequence[Record]) -> dict[str, str]:
    """The first of each scheme in order of trust; the DOI of a second, preprint record is kept as ``preprint_doi``."""
    merged: dict[str, str] = {}
    for record in sorted(records, key=lambda record: (record.work.type == "preprint", *_place(record, _BIBLIOGRAPHIC))):
        for scheme, value in record.work.identifiers.items():
            if merged.setdefault(scheme, value) != value and scheme == "doi" and record.work.type == "preprint":
                merged.setdefault("preprint_doi", value)
    return {
        scheme: merged[scheme] for scheme in sorted(merged, key=lambda s: (_STRONG.index(s) if s in _STRONG else 99, s))
    }


def _merged_access(records: Sequence[Record]) -> tuple[Access, ...]:
    copies: dict[str, Access] = {}
    for record in sorted(records, key=lambda record: _place(record, _ACCESS)):
        for access in record.work.access:
            copies.setdefault(access.url.split("://")[-1].rstrip("/").lower(), access)
    return tuple(copies.values())[:10]


_GRAVITY = ("retracted", "withdrawn", "reinstated", "expression_of_concern", "corrected", "none_known")


def _status(records: Sequence[Record]) -> WorkStatus | None:
    """The gravest standing anyone reports, Crossref's word first among equals; a reinstatement outranks a bare flag."""
    told = [
        record.work.status
        for record in sorted(records, key=lambda record: _place(record, _BIBLIOGRAPHIC))
        if record.work.status is not None
    ]
    if not told:
        return None
    reinstated = next((status for status in told if status.state == "reinstated"), None)
    return reinstated or min(told, key=lambda s: _GRAVITY.index(s.state) if s.state in _GRAVITY else len(_GRAVITY))


def _conflicts(records: Sequence[Record]) -> tuple[str, ...]:
    found = []
    if not all(compare_titles(records[0].work.title, r.work.title).agrees for r in records[1:] if r.work.title):
        found.append(_conflict("title", records, lambda work: work.title))
    years = {record.work.year for record in records} - {None}
    if len(years) > 1:
        found.append(_conflict("year", records, lambda work: str(work.year or "")))
    if len(_dois(records)) > 1:
        found.append(_conflict("doi", records, lambda work: work.identifiers.get("doi", "")))
    families = [record.work.authors[0] for record in records if record.work.authors]
    if families and not all(same_family(families[0], author) for author in families[1:]):
        found.append(_conflict("first author", records, lambda work: work.authors[0].family if work.authors else ""))
    standings = {record.work.status.state for record in records if record.work.status is not None}
    if len(standings) > 1:
        found.append(_conflict("status", records, lambda work: work.status.state if work.status else ""))
    return tuple(found)


def _conflict(name: str, records: Sequence[Record], value: Callable[[Work], str]) -> str:
    told = dict.fromkeys(f"{record.provider}={value(record.work)[:200]}" for record in records if value(record.work))
    return f"{name}: {'; '.join(told)}"
