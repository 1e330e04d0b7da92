"""Query to ranking: the one place where retrieval happens, for searches and for the evidence of a claim."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
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

__all__ = ["Filters", "Granularity", "Mode", "evidence", "excerpt", "search"]

Mode = Literal["hybrid", "lexical", "dense"]
Granularity = Literal["document", "section", "passage", "sentence"]

DENSE_WEIGHT = 0.5
"""Share of the dense arm in the convex combination; .5 to .6 was best or near it on every collection tried."""
_DEPTH = 200  # candidates per arm and query
_LONGEST_QUERY = 10_000  # characters
_K1, _B = 1.2, 0.75  # BM25 with tantivy's constants, for rankings within given documents
_WINDOW = 3  # sentences in the longest window of given documents
_WINDOW_CHARS = 700
_ENCODED_WINDOWS = 48  # windows of given documents worth encoding for one query


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
    wanted = _checked(queries)
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


def _checked(queries: Sequence[str]) -> list[str]:
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


# within given documents -----------------------------------------------------------------------------------------------


def evidence(
    documents: Sequence[Document], query: str, *, k: int = 5, encoder: Encoder | None = None
) -> tuple[Hit, ...]:
    """Rank windows of one to three sentences of the given documents, indexed or not; no two of them overlap.

    BM25 over the windows picks candidates, the encoder (if given) scores them too, and both are fused as in `search`.
    A window that shares no term with the query is never returned. The hits' ``arms`` hold BM25 (``lexical``) and cosine
    (``dense``). Raises BadRequest for an empty query.
    """
    text = _checked([query])[0]
    windows = [window for document in documents for window in _windows(document)]
    words = _bm25([Counter(terms(window.text)) for window in windows], terms(text))
    best = sorted(words, key=lambda place: (-words[place], place))[: max(_ENCODED_WINDOWS, 4 * k)]
    arms = {"lexical": {place: words[place] for place in best}}
    if encoder is not None and best:
        asked = encoder.encode_queries([text])[0]
        vectors = encoder.encode([windows[place].text for place in best])
        arms["dense"] = {place: float(asked @ vector) for place, vector in zip(best, vectors, strict=True)}
    scores = convex(list(arms.values()), [1.0] if len(arms) == 1 else [1.0 - DENSE_WEIGHT, DENSE_WEIGHT])
    titles = {document.doc_id: document for document in documents}
    order = sorted(scores, key=lambda place: (-round(scores[place], 9), place))
    kept = _apart([windows[place] for place in order], k)
    place_of = {windows[place].ref: place for place in order}
    found_by = _arm_scores(arms)
    return tuple(
        Hit(
            window,
            rank,
            scores[place_of[window.ref]],
            titles[window.doc_id].title,
            titles[window.doc_id].source,
            titles[window.doc_id].date,
            found_by[place_of[window.ref]],
        )
        for rank, window in enumerate(kept, start=1)
    )


def _arm_scores(arms: Mapping[str, Mapping[int, float]]) -> dict[int, dict[str, ArmScore]]:
    """For each place, its rank and score on every arm."""
    found: dict[int, dict[str, ArmScore]] = {}
    for name, scores in arms.items():
        order = sorted(scores, key=lambda place: (-scores[place], place))
        for rank, place in enumerate(order, start=1):
            found.setdefault(place, {})[name] = ArmScore(rank, scores[place])
    return found


def _windows(document: Document) -> list[Passage]:
    spans = sentences(document.text)
    sections = list(document.sections) or [Section("", 0, 0, len(document.text))]
    found, at = [], 0
    for first, (start, _) in enumerate(spans):
        while at + 1 < len(sections) and sections[at].end <= start:
            at += 1
        for last in range(first, min(first + _WINDOW, len(spans))):
            end = spans[last][1]
            if last > first and (end - start > _WINDOW_CHARS or end > sections[at].end):
                break
            found.append(Passage(document.doc_id, start, end, document.text[start:end], sections[at].path))
    return found


def _bm25(windows: Sequence[Mapping[str, int]], asked: Sequence[str]) -> dict[int, float]:
    """BM25 of each window that holds a query term (Robertson and Zaragoza 2009, idf as in Lucene)."""
    if not windows:
        return {}
    lengths = [sum(window.values()) for window in windows]
    mean = sum(lengths) / len(lengths) or 1.0
    scores: dict[int, float] = {}
    for word in sorted(set(asked)):
        holders = [place for place, window in enumerate(windows) if word in window]
        idf = math.log1p((len(windows) - len(holders) + 0.5) / (len(holders) + 0.5))
        for place in holders:
            count = windows[place][word]
            gain = count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * lengths[place] / mean))
            scores[place] = scores.get(place, 0.0) + idf * gain
    return scores


def _apart(windows: Sequence[Passage], k: int) -> list[Passage]:
    """The first ``k`` windows that do not overlap an earlier one."""
    kept: list[Passage] = []
    for window in windows:
        if len(kept) == k:
            break
        if all(w.doc_id != window.doc_id or w.end <= window.start or window.end <= w.start for w in kept):
            kept.append(window)
    return kept
