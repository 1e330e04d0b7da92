"""A query, a few texts: how much does each bear on it, by its words and by its meaning? No index is needed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from carrel.fusion import convex
from carrel.index import terms
from carrel.models import Encoder

__all__ = ["fused", "weigh"]

_K1, _B = 1.2, 0.75  # BM25 with tantivy's constants
_DENSE_WEIGHT = 0.5  # of sentences; whole passages say more to an encoder

Arms = dict[str, dict[int, float]]


def weigh(
    texts: Sequence[str],
    counts: Sequence[Mapping[str, int]],
    query: str,
    *,
    depth: int,
    encoder: Encoder | None = None,
) -> Arms:
    """Scores of the ``depth`` texts that hold most of the query's words, by arm and place: BM25 (``lexical``), and
    cosine (``dense``) where there is an encoder. ``counts``: how often each term stands in each text.

    A text without any word of the query has no score.
    """
    words = _bm25(counts, terms(query))
    best = sorted(words, key=lambda place: (-words[place], place))[:depth]
    arms: Arms = {"lexical": {place: words[place] for place in best}}
    if encoder is not None and best:
        asked = encoder.encode_queries([query])[0]
        vectors = encoder.encode([texts[place] for place in best])
        arms["dense"] = {place: float(asked @ vector) for place, vector in zip(best, vectors, strict=True)}
    return arms


def fused(arms: Arms) -> dict[int, float]:
    """One score for each place, best first; ties by place."""
    scores = convex(list(arms.values()), [1.0] if len(arms) == 1 else [1.0 - _DENSE_WEIGHT, _DENSE_WEIGHT])
    return {place: scores[place] for place in sorted(scores, key=lambda place: (-round(scores[place], 9), place))}


def _bm25(texts: Sequence[Mapping[str, int]], asked: Sequence[str]) -> dict[int, float]:
    """BM25 of each text that holds a query term (Robertson and Zaragoza 2009, idf as in Lucene)."""
    if not texts:
        return {}
    lengths = [sum(text.values()) for text in texts]
    mean = sum(lengths) / len(lengths) or 1.0
    scores: dict[int, float] = {}
    for word in sorted(set(asked)):
        holders = [place for place, text in enumerate(texts) if word in text]
        idf = math.log1p((len(texts) - len(holders) + 0.5) / (len(holders) + 0.5))
        for place in holders:
            count = texts[place][word]
            gain = count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * lengths[place] / mean))
            scores[place] = scores.get(place, 0.0) + idf * gain
    return scores
