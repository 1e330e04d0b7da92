"""A query, a few texts: how much does each bear on it, by its words and by its meaning? No index is needed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from carrel.fusion import convex
from carrel.index import terms
from carrel.models import Encoder

__all__ = ["Words", "fused", "weigh", "words_of"]

_K1, _B = 1.2, 0.75  # BM25 with tantivy's constants
_DENSE_WEIGHT = 0.5  # of sentences; whole passages say more to an encoder

Arms = dict[str, dict[int, float]]


@dataclass(frozen=True, slots=True)
class Words:
    """What BM25 asks of a text: how many terms it has, and how often those of the query stand in it."""

    length: int
    counts: Mapping[str, int]

    def __add__(self, other: Words) -> Words:
        if not self.counts or not other.counts:
            return Words(self.length + other.length, self.counts or other.counts)
        return Words(self.length + other.length, Counter(self.counts) + Counter(other.counts))


def words_of(text: str, asked: Collection[str]) -> Words:
    """Count the terms of a text; ``asked`` are those of the query."""
    found = terms(text)
    there = [term for term in found if term in asked]
    return Words(len(found), Counter(there) if there else {})


def weigh(
    texts: Sequence[str],
    words: Sequence[Words],
    query: str,
    *,
    depth: int,
    encoder: Encoder | None = None,
) -> Arms:
    """Scores of the ``depth`` texts that hold most of the query's words, by arm and place: BM25 (``lexical``), and
    cosine (``dense``) where there is an encoder. ``words`` are those of each text.

    A text without any word of the query has no score.
    """
    scores = _bm25(words, terms(query))
    best = sorted(scores, key=lambda place: (-scores[place], place))[:depth]
    arms: Arms = {"lexical": {place: scores[place] for place in best}}
    if encoder is not None and best:
        asked = encoder.encode_queries([query])[0]
        vectors = encoder.encode([texts[place] for place in best])
        arms["dense"] = {place: float(asked @ vector) for place, vector in zip(best, vectors, strict=True)}
    return arms


def fused(arms: Arms) -> dict[int, float]:
    """One score for each place, best first; ties by place."""
    scores = convex(list(arms.values()), [1.0] if len(arms) == 1 else [1.0 - _DENSE_WEIGHT, _DENSE_WEIGHT])
    return {place: scores[place] for place in sorted(scores, key=lambda place: (-round(scores[place], 9), place))}


def _bm25(texts: Sequence[Words], asked: Sequence[str]) -> dict[int, float]:
    """BM25 of each text that holds a query term (Robertson and Zaragoza 2009, idf as in Lucene)."""
    if not texts:
        return {}
    mean = sum(text.length for text in texts) / len(texts) or 1.0
    scores: dict[int, float] = {}
    for word in sorted(set(asked)):
        holders = [place for place, text in enumerate(texts) if word in text.counts]
        idf = math.log1p((len(texts) - len(holders) + 0.5) / (len(holders) + 0.5))
        for place in holders:
            count = texts[place].counts[word]
            gain = count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * texts[place].length / mean))
            scores[place] = scores.get(place, 0.0) + idf * gain
    return scores
