"""A query, a collection: the ranking, by both arms."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from carrel.documents import sentences
from carrel.errors import BadRequest
from carrel.fusion import convex
from carrel.index import Filters, Found, Library, View, terms
from carrel.index import PassageSpan as Span
from carrel.records import ArmScore, Hit, Passage, Ranking, Section

__all__ = ["DENSE_WEIGHT", "Granularity", "Mode", "checked_queries", "excerpt", "search"]

Mode = Literal["hybrid", "lexical", "dense"]
Granularity = Literal["document", "section", "passage", "sentence"]

DENSE_WEIGHT = 0.5
"""Share of the dense arm in the convex combination; .5 to .6 was best or near it on scifact's train queries."""
_DEPTH = 200  # candidates per arm and query
_LONGEST_QUERY = 10_000  # characters


@dataclass(slots=True)
class _Pool:
    """Candidates of all queries: fused scores, and what each arm found for each query."""

    fused: dict[int, float] = field(default_factory=dict)
    found: list[tuple[str, Found]] = field(default_factory=list)

    def arms(self, key: int) -> dict[str, ArmScore]:
        """Per arm, the best rank any query gave a passage, and its score."""
        best: dict[str, ArmScore] = {}
        for name, found in self.found:
            if key in found and (name not in best or found[key][0] < best[name].rank):
                best[name] = ArmScore(*found[key])
        return best


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
        pool = _Pool()
        _collect(view, wanted, filters, pool)
        hits = _shaped(granularity, view, pool, wanted, offset + k)
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


def _collect(view: View, queries: Sequence[str], filters: Filters | None, pool: _Pool) -> None:
    filters = filters or None
    started = [view.start_words(query, _DEPTH, filters) for query in queries]  # beside the encoding
    vectors = view.encode(queries)
    for number, query in enumerate(started):
        near = view.near(vectors[number], _DEPTH, filters) if vectors is not None else {}
        words = view.words(query)
        cosines = {key: score for key, (_, score) in near.items()}
        if vectors is not None:
            # Candidates only the words found get their true cosine too, instead of a guess.
            cosines.update(view.cosines(vectors[number], [key for key in words if key not in cosines]))
        both = query is not None and vectors is not None
        weights = [1.0 - DENSE_WEIGHT, DENSE_WEIGHT] if both else [1.0, 1.0]
        lexical = {key: score for key, (_, score) in words.items()}
        for key, score in convex([lexical, cosines], weights).items():
            pool.fused[key] = pool.fused.get(key, 0.0) + score / len(queries)
        pool.found += [("lexical", words), ("dense", near)]


def _shaped(granularity: Granularity, view: View, pool: _Pool, queries: Sequence[str], need: int) -> list[Hit]:
    """The best hits of the wanted size; each has the score of its best passage."""
    order = _best_first(view, pool)
    if granularity == "document":
        order = _first_of_each(order, lambda key: view.rows[key].doc_no)
    if granularity == "section":
        return _sections(view, pool, order, need)
    hits = _hits(view, pool, order[:need])
    if granularity == "sentence":
        asked = set(terms(" ".join(queries)))
        return [replace(hit, passage=_best_sentence(hit.passage, asked)) for hit in hits]
    return hits


def _best_first(view: View, pool: _Pool) -> list[int]:
    """Passages by score, then by reference, which is looked up only where scores are equal."""
    import numpy as np

    keys = list(pool.fused)
    # Rounded, so that the last bits of a sum taken in another order cannot change a ranking.
    scores = np.round(np.fromiter(pool.fused.values(), np.float64, len(keys)), 9)
    places = np.argsort(-scores, kind="stable")
    same = np.diff(scores[places]) == 0
    order = [keys[place] for place in places]
    if not same.any():
        return order
    tied = np.concatenate([same, [False]]) | np.concatenate([[False], same])
    spans = view.spans([key for key, one in zip(order, tied, strict=True) if one])
    by_key = dict(zip(keys, scores.tolist(), strict=True))
    return sorted(order, key=lambda key: (-by_key[key], spans.get(key, ())))


def _first_of_each(order: Sequence[int], what: Callable[[int], object]) -> list[int]:
    first: dict[object, int] = {}
    for key in order:
        first.setdefault(what(key), key)
    return list(first.values())


def _hits(view: View, pool: _Pool, keys: Sequence[int]) -> list[Hit]:
    rows = view.hydrate(keys)
    return [
        Hit(row.passage, 0, pool.fused[key], row.title, row.source, row.date, pool.arms(key), row.page)
        for key, row in ((key, rows[key]) for key in keys)
    ]


def _sections(view: View, pool: _Pool, order: Sequence[int], need: int) -> list[Hit]:
    chosen: dict[tuple[int, int], tuple[int, Section]] = {}
    sections: dict[int, tuple[Section, ...]] = {}
    spans = view.spans(order)
    for key in order:
        doc_no = view.rows[key].doc_no
        if doc_no not in sections:
            sections[doc_no] = view.sections(doc_no)
        section = _section_at(sections[doc_no], spans[key])
        chosen.setdefault((doc_no, section.start), (key, section))
        if len(chosen) >= need:
            break
    hits = _hits(view, pool, [key for key, _ in chosen.values()])
    return [
        _whole_section(view, hit, view.rows[key].doc_no, section)
        for hit, (key, section) in zip(hits, chosen.values(), strict=True)
    ]


def _whole_section(view: View, hit: Hit, doc_no: int, section: Section) -> Hit:
    text = view.text(doc_no, section.start, section.end)
    passage = Passage(hit.passage.doc_id, section.start, section.end, text, section.path)
    return replace(hit, passage=passage)


def _section_at(sections: Sequence[Section], span: Span) -> Section:
    place = bisect_right(sections, span.start, key=lambda section: section.start) - 1
    return sections[place] if place >= 0 else Section("", 0, span.start, span.end)


def _best_sentence(passage: Passage, asked: set[str]) -> Passage:
    spans = sentences(passage.text)
    if not spans:
        return passage
    start, end = max(spans, key=lambda span: (len(asked & set(terms(passage.text[span[0] : span[1]]))), -span[0]))
    return Passage(passage.doc_id, passage.start + start, passage.start + end, passage.text[start:end], passage.heading)


def excerpt(text: str, queries: Sequence[str], max_chars: int) -> tuple[int, int]:
    """The span of whole sentences of ``text``, at most ``max_chars`` long, that says most of what the queries ask.

    A single sentence that is longer is cut. Returns ``(start, end)`` into ``text``.
    """
    if len(text) <= max_chars:
        return 0, len(text)
    asked = set(terms(" ".join(queries)))
    spans = sentences(text) or ((0, len(text)),)
    found = [asked & set(terms(text[start:end])) for start, end in spans]
    best, best_value = (spans[0][0], min(spans[0][1], spans[0][0] + max_chars)), -1
    for first, (start, _) in enumerate(spans):
        said: set[str] = set()
        for last in range(first, len(spans)):
            if spans[last][1] - start > max_chars and last > first:
                break
            said |= found[last]
            if len(said) > best_value:
                best, best_value = (start, min(spans[last][1], start + max_chars)), len(said)
    return best
