"""A query, a collection: the ranking, by both arms."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from carrel.documents import sentences
from carrel.errors import BadRequest, Unavailable
from carrel.fusion import convex
from carrel.index import Filters, Library, terms
from carrel.index.dense import DenseArm
from carrel.index.lexical import LexicalArm
from carrel.models import Encoder
from carrel.records import ArmScore, Document, Hit, Passage, Ranking, Section

__all__ = ["DENSE_WEIGHT", "Granularity", "Mode", "checked_queries", "excerpt", "search"]

Mode = Literal["hybrid", "lexical", "dense"]
Granularity = Literal["document", "section", "passage", "sentence"]

DENSE_WEIGHT = 0.5
"""Share of the dense arm in the convex combination; .5 to .6 was best or near it on scifact's train queries."""
_DEPTH = 200  # candidates per arm and query
_LONGEST_QUERY = 10_000  # characters


@dataclass(frozen=True, slots=True)
class _Arms:
    lexical: LexicalArm | None
    dense: DenseArm | None
    encoder: Encoder | None


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
) -> Ranking:
    """The ``k`` best hits after the first ``offset``, for one query or several fused with equal weight.

    Hits are ordered by score (0..1, comparable within one ranking only), then by reference. In hybrid mode a missing
    encoder is no error: the ranking is lexical and says so. Raises BadRequest, NotFound (collection), Unavailable
    (``mode="dense"`` without an encoder) or IncompatibleIndex (the collection has another encoder's vectors).
    """
    wanted = checked_queries(queries)
    arms, notes = _open_arms(library, collection, mode)
    among = library.matching(collection, filters) if filters else None
    pool = _Pool()
    for query in wanted:
        _collect(arms, query, among, pool, 1.0 / len(wanted))
    hits = _shaped(granularity, library, _hits(library, pool), wanted, offset + k)
    ranked = tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits, start=1))
    coverage = library.coverage(collection)
    if arms.dense is not None and coverage["dense"] < 1.0:
        notes.append(f"vectors are still being made: {int(100 * coverage['dense'])} % of the passages have one")
    used = {name: share for name, share in coverage.items() if getattr(arms, name) is not None}
    return Ranking(ranked[offset : offset + k], library.generation(), used, tuple(notes))


def checked_queries(queries: Sequence[str]) -> list[str]:
    """The queries without blank ones and repeats. Raises BadRequest when none is left or one is far too long."""
    kept = [query.strip() for query in queries if query.strip()]
    if not kept:
        raise BadRequest("the query is empty; say in a few words what to look for")
    if any(len(query) > _LONGEST_QUERY for query in kept):
        raise BadRequest(f"a query is longer than {_LONGEST_QUERY} characters; ask with the sentence that matters")
    return list(dict.fromkeys(kept))


def _open_arms(library: Library, collection: str, mode: Mode) -> tuple[_Arms, list[str]]:
    lexical = library.lexical(collection)  # first: it tells an unknown collection in every mode
    if mode == "lexical":
        return _Arms(lexical, None, None), []
    try:
        dense, encoder = library.dense(collection)
        dense.count()  # damaged files show here
    except Unavailable as error:
        if mode == "dense":
            raise
        return _Arms(lexical, None, None), [f"lexical only: {error}"]
    return _Arms(lexical if mode == "hybrid" else None, dense, encoder), []


def _collect(arms: _Arms, query: str, among: Collection[str] | None, pool: _Pool, share: float) -> None:
    lexical = arms.lexical.search(query, _DEPTH, among) if arms.lexical else []
    dense: list[tuple[int, float]] = []
    cosines: dict[int, float] = {}
    if arms.dense and arms.encoder:
        vector = arms.encoder.encode_queries([query])[0]
        dense = arms.dense.search(vector, _DEPTH, among)
        # Candidates only the words found get their true cosine too, instead of a guess.
        cosines = {**arms.dense.scores(vector, [key for key, _ in lexical]), **dict(dense)}
    weights = [1.0 - DENSE_WEIGHT, DENSE_WEIGHT] if arms.lexical and arms.dense else [1.0, 1.0]
    for key, score in convex([dict(lexical), cosines], weights).items():
        pool.fused[key] = pool.fused.get(key, 0.0) + share * score
    for name, ranking in (("lexical", lexical), ("dense", dense)):
        for rank, (key, score) in enumerate(ranking, start=1):
            known = pool.arms.setdefault(key, {}).get(name)
            if known is None or rank < known.rank:
                pool.arms[key][name] = ArmScore(rank, score)


def _hits(library: Library, pool: _Pool) -> list[Hit]:
    found = library.lookup(sorted(pool.fused))
    hits = [
        Hit(row.passage, 0, pool.fused[key], row.title, row.source, row.date, pool.arms.get(key, {}))
        for key, row in found.items()
    ]
    return sorted(hits, key=_best_first)


def _best_first(hit: Hit) -> tuple[float, str, int]:
    # Rounded, so that the last bits of a sum taken in another order cannot change a ranking.
    return (-round(hit.score, 9), hit.passage.doc_id, hit.passage.start)


def _shaped(
    granularity: Granularity, library: Library, hits: list[Hit], queries: Sequence[str], need: int
) -> list[Hit]:
    """Turn passage hits into hits of the wanted size; each keeps the score of its best passage."""
    if granularity == "passage":
        return hits
    if granularity == "document":
        best: dict[str, Hit] = {}
        for hit in hits:
            best.setdefault(hit.passage.doc_id, hit)
        return list(best.values())
    if granularity == "section":
        return _sections(library, hits, need)
    asked = set(terms(" ".join(queries)))
    return [replace(hit, passage=_best_sentence(hit.passage, asked)) for hit in hits[:need]]


def _sections(library: Library, hits: list[Hit], need: int) -> list[Hit]:
    found: dict[tuple[str, int], Hit] = {}
    documents: dict[str, Document] = {}
    for hit in hits:
        doc_id = hit.passage.doc_id
        document = (
            documents.setdefault(doc_id, library.document(doc_id)) if doc_id not in documents else documents[doc_id]
        )
        section = _section_at(document, hit.passage.start)
        if (doc_id, section.start) not in found:
            text = document.text[section.start : section.end]
            found[doc_id, section.start] = replace(
                hit, passage=Passage(doc_id, section.start, section.end, text, section.path)
            )
        if len(found) >= need:
            break
    return list(found.values())


def _section_at(document: Document, offset: int) -> Section:
    for section in document.sections:
        if section.start <= offset < section.end:
            return section
    return Section("", 0, 0, len(document.text))


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
