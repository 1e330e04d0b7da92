"""A query, a collection: the ranking, by all arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from carrel.errors import BadRequest
from carrel.index import Filters, Library
from carrel.records import Ranking
from carrel.retrieve.diversity import diverse
from carrel.retrieve.nouns import Diversity, Signals, Weights
from carrel.retrieve.pooling import Pool, best_first, collect
from carrel.retrieve.reranking import Reranking, reranked, weighed
from carrel.retrieve.shaping import Granularity, shaped
from carrel.retrieve.signals import checked_signals, demand
from carrel.retrieve.stuffing import without_stuffing
from carrel.retrieve.sufficiency import judged, note

__all__ = ["Mode", "checked_queries", "search"]

Mode = Literal["hybrid", "lexical", "dense"]

_ARMS: dict[Mode, tuple[str, ...]] = {"hybrid": ("lexical", "dense"), "lexical": ("lexical",), "dense": ("dense",)}

_USUAL = Weights()
_NO_SIGNALS = Signals()
_COPIES_FOLDED = Diversity()

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
    signals: Signals = _NO_SIGNALS,
    weights: Weights = _USUAL,
    diversity: Diversity = _COPIES_FOLDED,
    reranking: Reranking | None = None,
) -> Ranking:
    """The ``k`` best hits after the first ``offset``, for one query or several fused with equal weight.

    Hits are ordered by score (0..1, comparable within one ranking only), then by reference. ``as_of`` asks the
    snapshot of that generation again (0: the newest); the same snapshot with all its vectors gives the same ranking. In
    hybrid mode a missing encoder is no error: the ranking is lexical and says so; likewise a stage of ``reranking``
    that cannot run, unless its pipeline is strict. Raises BadRequest, NotFound
    (collection, snapshot), Unavailable (``mode="dense"`` without an encoder) or IncompatibleIndex (the collection has
    another encoder's vectors).
    """
    wanted, known = checked_queries(queries), checked_signals(signals)
    words = mode != "dense" or bool(known.must or known.must_not)
    with library.view(collection, as_of=as_of, words=words, meaning=mode != "lexical", sparse=mode == "hybrid") as view:
        demand(view, known, rank_words=mode != "dense")
        pool = collect(view, wanted, filters, weighed(weights, reranking), known)
        whole = granularity in ("document", "section")  # one hit may take many passages
        last = len(pool.fused) if whole else offset + k
        clean, bad = without_stuffing(view, pool, best_first(view, pool), wanted)
        order, stages = reranked(view, pool, clean, wanted, reranking, library.tokens)
        if granularity == "document":  # documents that share a passage are still different documents
            diversity = replace(diversity, duplicates=True)
        arranged = diverse(view, pool, order, diversity, last)
        _put_last(pool, order, bad)
        hits = shaped(granularity, view, pool, [*arranged.order, *bad], wanted, offset + k, arranged.copies)
        coverage = dict(view.coverage)
        arms = (*_ARMS[mode], *(["sparse"] if view.collection.sparse and mode == "hybrid" else []))
        notes = list(view.notes)
        generation = view.generation
        complete = all(coverage.get(arm, 0.0) >= 1.0 for arm in arms)
        sufficiency = judged(view, pool, wanted, words=mode != "dense", complete=complete, ignored=frozenset(bad))
    for arm, made in (("dense", "vectors"), ("sparse", "sparse vectors")):
        if coverage.get(arm, 1.0) < 1.0:
            notes.append(f"{made} are still being made: {int(100 * coverage[arm])} % of the passages have one")
    if said := note(sufficiency, wanted, hits=bool(hits), limited=bool(filters or known.must or known.must_not)):
        notes.append(said)
    ranked = tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits, start=1))
    return Ranking(ranked[offset : offset + k], generation, coverage, tuple(notes), sufficiency, stages)


def _put_last(pool: Pool, order: Sequence[int], bad: Sequence[int]) -> None:
    """Give stuffed passages no more than the least score of the others, whatever stages came between."""
    least = min((pool.fused[key] for key in order), default=1.0) if bad else 0.0
    for key in bad:
        pool.fused[key] = min(pool.fused[key], least)


def checked_queries(queries: Sequence[str]) -> list[str]:
    """The queries without blank ones and repeats. Raises BadRequest when none is left or one is far too long."""
    kept = [query.strip() for query in queries if query.strip()]
    if not kept:
        raise BadRequest("the query is empty; say in a few words what to look for")
    if any(len(query) > _LONGEST_QUERY for query in kept):
        raise BadRequest(f"a query is longer than {_LONGEST_QUERY} characters; ask with the sentence that matters")
    return list(dict.fromkeys(kept))
