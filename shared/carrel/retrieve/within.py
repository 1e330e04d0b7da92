"""A claim, a few documents: the stretches of their text that bear on it. No index is needed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from carrel.documents import sentences
from carrel.fusion import convex
from carrel.index import terms
from carrel.models import Encoder
from carrel.records import ArmScore, Document, Hit, Passage, Section
from carrel.retrieve.searching import checked_queries

__all__ = ["evidence"]

_K1, _B = 1.2, 0.75  # BM25 with tantivy's constants
_SENTENCES = 3  # in the longest window
_CHARS = 700
_ENCODED = 48  # windows worth encoding for one query
_DENSE_WEIGHT = 0.5  # of sentences; whole passages say more to an encoder


@dataclass(frozen=True, slots=True)
class _Window:
    """One to three sentences of a document, and how often each term stands in them."""

    document: Document
    passage: Passage
    counts: Counter[str]


def evidence(
    documents: Sequence[Document], query: str, *, k: int = 5, encoder: Encoder | None = None
) -> tuple[Hit, ...]:
    """Rank windows of one to three sentences of the given documents, indexed or not; no two of them overlap.

    BM25 over the windows picks candidates, the encoder (if given) scores them too, and both are fused as in `search`.
    A window that shares no term with the query is never returned. The hits' ``arms`` hold BM25 (``lexical``) and cosine
    (``dense``). Raises BadRequest for an empty query.
    """
    text = checked_queries([query])[0]
    windows = [window for document in documents for window in _windows(document)]
    words = _bm25([window.counts for window in windows], terms(text))
    best = sorted(words, key=lambda place: (-words[place], place))[: max(_ENCODED, 4 * k)]
    arms = {"lexical": {place: words[place] for place in best}}
    if encoder is not None and best:
        asked = encoder.encode_queries([text])[0]
        vectors = encoder.encode([windows[place].passage.text for place in best])
        arms["dense"] = {place: float(asked @ vector) for place, vector in zip(best, vectors, strict=True)}
    scores = convex(list(arms.values()), [1.0] if len(arms) == 1 else [1.0 - _DENSE_WEIGHT, _DENSE_WEIGHT])
    order = sorted(scores, key=lambda place: (-round(scores[place], 9), place))
    kept = _apart(order, windows, k)
    found_by = _arm_scores(arms)
    return tuple(_hit(windows[place], rank, scores[place], found_by[place]) for rank, place in enumerate(kept, start=1))


def _hit(window: _Window, rank: int, score: float, arms: Mapping[str, ArmScore]) -> Hit:
    document = window.document
    return Hit(window.passage, rank, score, document.title, document.source, document.date, arms)


def _arm_scores(arms: Mapping[str, Mapping[int, float]]) -> dict[int, dict[str, ArmScore]]:
    """For each place, its rank and score on every arm."""
    found: dict[int, dict[str, ArmScore]] = {}
    for name, scores in arms.items():
        order = sorted(scores, key=lambda place: (-scores[place], place))
        for rank, place in enumerate(order, start=1):
            found.setdefault(place, {})[name] = ArmScore(rank, scores[place])
    return found


def _windows(document: Document) -> Iterator[_Window]:
    spans = sentences(document.text)
    counts = [Counter(terms(document.text[start:end])) for start, end in spans]
    sections = document.sections or (Section("", 0, 0, len(document.text)),)
    at = 0
    for first, (start, _) in enumerate(spans):
        while at + 1 < len(sections) and sections[at].end <= start:
            at += 1
        held: Counter[str] = Counter()
        for last in range(first, min(first + _SENTENCES, len(spans))):
            end = spans[last][1]
            if last > first and (end - start > _CHARS or end > sections[at].end):
                break
            held = held + counts[last]
            passage = Passage(document.doc_id, start, end, document.text[start:end], sections[at].path)
            yield _Window(document, passage, held)


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


def _apart(order: Sequence[int], windows: Sequence[_Window], k: int) -> list[int]:
    """The first ``k`` places whose windows do not overlap an earlier one."""
    kept: list[int] = []
    for place in order:
        if len(kept) == k:
            break
        window = windows[place].passage
        others = (windows[other].passage for other in kept)
        if all(w.doc_id != window.doc_id or w.end <= window.start or window.end <= w.start for w in others):
            kept.append(place)
    return kept
