"""A query, a collection: the ranking, by both arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from carrel.errors import BadRequest
from carrel.index import Filters, Library
from carrel.records import Ranking
from carrel.retrieve.pooling import best_first, collect
from carrel.retrieve.shaping import Granularity, shaped

__all__ = ["Mode", "checked_queries", "search"]

Mode = Literal["hybrid", "lexical", "dense"]

_LONGEST_QUERY = 10_000  # characters


def search(
    library: Library,
    queries: Sequence[str],
    *,
    collection: str = "default",
    k: int = 10,
    offset: int = 0,
    mode: Mode = "hybrid",
    granularity: Granularity = "passage",
    filters: Filters | None = None,
    as_of: int = 0,
) -> Ranking:
    """The ``k`` best hits after the first ``offset``, for one query or several fused with equal weight.

    Hits are ordered by score (0..1, comparable within one ranking only), then by reference. ``as_of`` asks the
    snapshot of that generation again (0: the newest); the same snapshot with all its vectors gives the same ranking. In
    hybrid mode a missing encoder is no error: the ranking is lexical and says so. Raises BadRequest, NotFound
    (collection, snapshot), Unavailable (``mode="dense"`` without an encoder) or IncompatibleIndex (the collection has
    another encoder's vectors).
    """
    wanted = checked_queries(queries)
    with library.view(collection, as_of=as_of, words=mode != "dense", meaning=mode != "lexical") as view:
        pool = collect(view, wanted, filters)
        hits = shaped(granularity, view, pool, best_first(view, pool), wanted, offset + k)
        coverage = dict(view.coverage)
        notes = list(view.notes)
        generation = view.generation
    if coverage.get("dense", 1.0) < 1.0:
        notes.append(f"vectors are still being made: {int(100 * coverage['dense'])} % of the passages have one")
    ranked = tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits, start=1))
    return Ranking(ranked[offset : offset + k], generation, coverage, tuple(notes))


def checked_queries(queries: Sequence[str]) -> list[str]:
    """The queries without blank ones and repeats. Raises BadRequest when none is left or one is far too long."""
    kept = [query.strip() for query in queries if query.strip()]
    if not kept:
        raise BadRequest("the query is empty; say in a few words what to look for")
    if any(len(query) > _LONGEST_QUERY for query in kept):
        raise BadRequest(f"a query is longer than {_LONGEST_QUERY} characters; ask with the sentence that matters")
    return list(dict.fromkeys(kept))
