"""Several providers' rankings of one query, one list of works."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from carrel.records import Work
from carrel.scholarly.merge import combine, group
from carrel.scholarly.names import fold
from carrel.scholarly.providers import Query, Shelf, SourceStatus
from carrel.scholarly.titles import title_in_text, title_words

__all__ = ["Search", "fuse"]

_RANK_CONSTANT = 60  # Cormack, Clarke and Büttcher 2009
# What Crossref registers besides works: figures, issues, reviews of one paper.
_PARTS = frozenset(("component", "journal", "journal-issue", "journal-volume", "peer-review", "grant"))


@dataclass(frozen=True, slots=True)
class Search:
    """The works of one page of all providers, fused; ``more`` if any provider may have another page."""

    works: tuple[Work, ...]
    statuses: tuple[SourceStatus, ...]
    more: bool


def fuse(query: Query, shelves: Sequence[Shelf]) -> Search:
    """Merge the shelves; score a work by the sum over providers of 1 / (60 + its best rank there)."""
    records = [record for shelf in shelves for record in shelf.records]
    ranks = [rank for shelf in shelves for rank, _ in enumerate(shelf.records, start=1)]
    words = title_words(query.text[:2_000])
    scored: list[tuple[float, float, str, Work]] = []
    for places in group(records):
        work = combine([records[at] for at in places])
        best: dict[str, int] = {}
        for at in places:
            best[records[at].provider] = min(ranks[at], best.get(records[at].provider, ranks[at]))
        score = sum(1 / (_RANK_CONSTANT + rank) for rank in best.values())
        if work.title and _wanted(query, work):
            scored.append((-_agreement(query, words, work), -score, str(sorted(work.identifiers.items())), work))
    scored.sort(key=lambda entry: entry[:3])
    more = any(len(shelf.records) >= query.limit for shelf in shelves)
    return Search(tuple(entry[3] for entry in scored), tuple(shelf.status for shelf in shelves), more)


def _wanted(query: Query, work: Work) -> bool:
    """Does the merged record keep to the filters? A provider's own filter sees only that provider's record."""
    if work.type in _PARTS and work.type not in query.types:
        return False
    if work.year is not None and not (query.year_from or 0) <= work.year <= (query.year_to or 9999):
        return False
    if query.open_access and not work.access:
        return False
    kinds = {"article", "conference-paper"}  # OpenAlex calls both article
    loose = set(query.types) | (kinds if kinds & set(query.types) and work.found_by == ("openalex",) else set())
    return not query.types or not work.type or work.type in loose


def _agreement(query: Query, words: tuple[str, ...], work: Work) -> float:
    """How much the query reads like this very work: its title in it, then its first author, then its year."""
    if query.title:
        return float(title_in_text(work.title, title_words(query.title)))
    if not title_in_text(work.title, words) or len(title_words(work.title)) < 3:
        return 0.0
    folded = set(words)
    author = bool(work.authors) and bool(set(re.findall(r"\w+", fold(work.authors[0].family))) & folded)
    return 1.0 + author + 0.5 * (str(work.year) in folded)
