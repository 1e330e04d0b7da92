"""A query, a collection: the ranking, by both arms."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from carrel.documents import sentences
from carrel.errors import BadRequest
from carrel.fusion import convex
from carrel.index import Candidate, Filters, Found, Library, View, terms
from carrel.records import ArmScore, EvidenceRef, Hit, Passage, Ranking, Section

__all__ = ["DENSE_WEIGHT", "Granularity", "Mode", "checked_queries", "excerpt", "search"]

Mode = Literal["hybrid", "lexical", "dense"]
Granularity = Literal["document", "section", "passage", "sentence"]

DENSE_WEIGHT = 0.5
"""Share of the dense arm in the convex combination; .5 to .6 was best or near it on scifact's train queries."""
_DEPTH = 200  # candidates per arm and query
_LONGEST_QUERY = 10_000  # characters


@dataclass(slots=True)
class _Pool:
    """Candidates of all queries: fused score and, per arm, the best rank and score any query gave."""

    fused: dict[int, float] = field(default_factory=dict)
    arms: dict[int, dict[str, ArmScore]] = field(default_factory=dict)


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
        near = view.near(vectors[number], _DEPTH, filters) if vectors is not None else Found()
        words = view.words(query)
        cosines = {key: score for key, _, score in near.hits}
        if vectors is not None:
            # Candidates only the words found get their true cosine too, instead of a guess.
            others = [key for key, _, _ in words.hits if key not in cosines]
            cosines.update(view.cosines(vectors[number], others))
        _fuse(pool, words, near, cosines, 1.0 / len(queries), both=query is not None and vectors is not None)


def _fuse(pool: _Pool, words: Found, near: Found, cosines: Mapping[int, float], share: float, *, both: bool) -> None:
    weights = [1.0 - DENSE_WEIGHT, DENSE_WEIGHT] if both else [1.0, 1.0]
    lexical = {key: score for key, _, score in words.hits}
    for key, score in convex([lexical, cosines], weights).items():
        pool.fused[key] = pool.fused.get(key, 0.0) + share * score
    for name, found in (("lexical", words), ("dense", near)):
        for key, rank, score in found.hits:
            known = pool.arms.setdefault(key, {}).get(name)
            if known is None or rank < known.rank:
                pool.arms[key][name] = ArmScore(rank, score)


def _shaped(granularity: Granularity, view: View, pool: _Pool, queries: Sequence[str], need: int) -> list[Hit]:
    """The best hits of the wanted size; each has the score of its best passage."""
    order = sorted(pool.fused, key=lambda key: _best_first(pool.fused[key], view.rows[key]))
    if granularity == "document":
        order = _first_of_each(order, lambda key: view.rows[key].doc_no)
    if granularity == "section":
        return _sections(view, pool, order, need)
    hits = _hits(view, pool, order[:need])
    if granularity == "sentence":
        asked = set(terms(" ".join(queries)))
        return [replace(hit, passage=_best_sentence(hit.passage, asked)) for hit in hits]
    return hits


def _best_first(score: float, found: Candidate) -> tuple[float, str, int]:
    # Rounded, so that the last bits of a sum taken in another order cannot change a ranking.
    return (-round(score, 9), found.doc_id, found.start)


def _first_of_each(order: Sequence[int], what: Callable[[int], object]) -> list[int]:
    first: dict[object, int] = {}
    for key in order:
        first.setdefault(what(key), key)
    return list(first.values())


def _hits(view: View, pool: _Pool, keys: Sequence[int]) -> list[Hit]:
    rows = view.hydrate(keys)
    return [
        Hit(row.passage, 0, pool.fused[key], row.title, row.source, row.date, pool.arms.get(key, {}), row.page)
        for key, row in ((key, rows[key]) for key in keys)
    ]


def _sections(view: View, pool: _Pool, order: Sequence[int], need: int) -> list[Hit]:
    chosen: dict[tuple[int, int], tuple[int, Section]] = {}
    sections: dict[int, tuple[Section, ...]] = {}
    for key in order:
        found = view.rows[key]
        if found.doc_no not in sections:
            sections[found.doc_no] = view.sections(found.doc_no)
        section = _section_at(sections[found.doc_no], found)
        chosen.setdefault((found.doc_no, section.start), (key, section))
        if len(chosen) >= need:
            break
    hits = {hit.passage.ref: hit for hit in _hits(view, pool, [key for key, _ in chosen.values()])}
    return [_whole_section(view, hits, key, section) for key, section in chosen.values()]


def _whole_section(view: View, hits: Mapping[EvidenceRef, Hit], key: int, section: Section) -> Hit:
    found = view.rows[key]
    text = view.text(found.doc_no, section.start, section.end)
    passage = Passage(found.doc_id, section.start, section.end, text, section.path)
    return replace(hits[EvidenceRef(found.doc_id, found.start, found.end)], passage=passage)


def _section_at(sections: Sequence[Section], found: Candidate) -> Section:
    place = bisect_right(sections, found.start, key=lambda section: section.start) - 1
    return sections[place] if place >= 0 else Section("", 0, found.start, found.end)


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
