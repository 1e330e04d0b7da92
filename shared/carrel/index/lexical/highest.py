"""The most that BM25 can give a passage for a query: what its scores are a share of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

from carrel.index.lexical.analysis import terms
from carrel.index.lexical.query import LONGEST_QUERY, MOST_COUNTED, MOST_READ, QUOTED_WEIGHT, quoted_in

__all__ = ["highest"]

_K1 = 1.2  # tantivy's; no number of repeats in a passage gives a term more than k1 + 1 times its idf


def highest(query: str, analyser: str, passages: int, frequency: Callable[[str, str], int]) -> float:
    """The sum over the terms of ``query``, and of its quoted phrases, of idf (as in Lucene), k1 + 1 and the weight that
    `question` gives them; 0 without a term.

    A term that no passage has counts as well: what is asked for and nowhere written is no evidence.
    ``frequency(field, term)`` tells how many of the ``passages`` have a term.
    """
    counts = Counter(terms(query[:MOST_READ], analyser))
    held = {word: frequency("text", word) for word in counts}
    if len(held) > LONGEST_QUERY:
        rarest = sorted(held, key=lambda word: (held[word] or math.inf, word))[:LONGEST_QUERY]
        held = {word: held[word] for word in rarest}
    weights = {word: float(min(counts[word], MOST_COUNTED)) for word in held}
    for quoted in quoted_in(query):
        for word in terms(quoted, analyser):
            held.setdefault(word, frequency("text", word))
            weights[word] = weights.get(word, 0.0) + QUOTED_WEIGHT
    return (_K1 + 1) * sum(
        weights[word] * math.log1p((passages - many + 0.5) / (many + 0.5)) for word, many in sorted(held.items())
    )
