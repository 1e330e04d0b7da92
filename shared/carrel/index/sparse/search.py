"""How well every row matches one query: exact, term by term, in an order that does not depend on where a row lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from carrel.index.sparse.arrays import State, all_digests, rows_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Matches", "products"]


def products(state: State, terms: NDArray[np.int32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The product of each row with the query that has these ``weights`` for these ascending ``terms``.

    Summed in float64 by ascending term, so that equal vectors have equal products, in the base as in the tail.
    """
    import numpy as np

    exact = weights.astype(np.float64)
    sums = np.zeros(state.count, np.float64)
    places = np.searchsorted(state.terms, terms)
    places[places == len(state.terms)] = 0
    for place, there, weight in zip(places.tolist(), _among(state, places, terms), exact.tolist(), strict=True):
        if there:
            part = slice(int(state.offsets[place]), int(state.offsets[place + 1]))
            sums[state.rows[part]] += np.multiply(state.weights[part], weight, dtype=np.float64)
    if state.head.tail and len(terms):
        sums[state.head.rows :] = _tail_products(state, terms, exact)
    return sums.astype(np.float32)


def _among(state: State, places: NDArray[np.int64], terms: NDArray[np.int32]) -> list[bool]:
    if not len(state.terms):
        return [False] * len(terms)
    there: list[bool] = (state.terms[places] == terms).tolist()
    return there


def _tail_products(state: State, terms: NDArray[np.int32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    most = max(int(terms[-1]), int(state.tail_terms.max(initial=0)))
    asked = np.zeros(most + 1, np.bool_)
    asked[terms] = True
    found = np.flatnonzero(asked[state.tail_terms])
    rows = np.searchsorted(state.tail_offsets, found, "right") - 1
    factors = weights[np.searchsorted(terms, state.tail_terms[found])]
    weighed = np.multiply(state.tail_weights[found], factors, dtype=np.float64)
    return np.bincount(rows, weighed, minlength=state.head.tail).astype(np.float64, copy=False)


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """The products of all rows of one state with one query."""

    state: State
    products: NDArray[np.float32]

    def best(self, depth: int, allowed: NDArray[np.int64] | None = None) -> list[tuple[int, float]]:
        """The ``depth`` digests with the greatest products above 0, best first, ties by digest.

        ``allowed``, sorted digests, leaves all others out.
        """
        import numpy as np

        if allowed is None:
            rows = np.flatnonzero(self.products > 0)
        else:
            rows = rows_of(self.state, allowed)
            rows = rows[rows >= 0]
            rows = rows[self.products[rows] > 0]
        scores = self.products[rows]
        if depth < len(rows):
            kept = np.flatnonzero(scores >= np.partition(scores, len(rows) - depth)[len(rows) - depth])
            rows, scores = rows[kept], scores[kept]
        digests = _digests_at(self.state, rows)
        order = np.lexsort((digests, -scores))[:depth]
        return list(zip(digests[order].tolist(), scores[order].tolist(), strict=True))

    def of(self, digests: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Which of the digests have a vector, and the product of each (0 where there is none)."""
        import numpy as np

        rows = rows_of(self.state, digests)
        there = rows >= 0
        return there, np.where(there, self.products[rows], np.float32(0)) if self.state.count else np.zeros(
            len(digests), np.float32
        )


def _digests_at(state: State, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return all_digests(state)[rows] if state.head.tail else state.digests[rows]
