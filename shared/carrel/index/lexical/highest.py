"""The most that BM25 can give a passage for a query: what its scores are a share of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

from carrel.index.lexical.analysis import terms

__all__ = ["highest"]

_K1 = 1.2  # tantivy's; no number of repeats in a passage gives a term more than k1 + 1 times its idf
_MOST_COUNTED = 3  # as the query counts repeats
_MOST_TERMS = 64  # as the query reads a long text: its rarest terms
_MOST_READ = 100_000  # characters


def highest(query: str, analyser: str, passages: int, frequency: Callable[[str, str], int]) -> float:
    """The sum over the terms of ``query`` of idf (as in Lucene), k1 + 1 and the term's weight; 0 without a term.

    A term that no passage has counts as well: what is asked for and nowhere written is no evidence.
    ``frequency(field, term)`` tells how many of the ``passages`` have a term.
    """
    counts = Counter(terms(query[:_MOST_READ], analyser))
    held = {word: frequency("text", word) for word in counts}
    if len(held) > _MOST_TERMS:
        rarest = sorted(held, key=lambda word: (held[word] or math.inf, word))[:_MOST_TERMS]
        held = {word: held[word] for word in rarest}
    return (_K1 + 1) * sum(
        min(counts[word], _MOST_COUNTED) * math.log1p((passages - many + 0.5) / (many + 0.5))
        for word, many in sorted(held.items())
    )
