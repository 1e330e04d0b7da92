"""Reading vectors: the newest state each time, or one state for as long as a search takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from carrel.errors import BadRequest, IncompatibleIndex
from carrel.index.dense import search as vector_search
from carrel.index.dense.arrays import State, rows_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DenseFacts", "VectorReader"]


@dataclass(frozen=True, slots=True)
class DenseFacts:
    """``rows`` in all, ``tail`` of them outside the base; ``lists`` 0 means exact.

    ``recall`` of the ten nearest was measured with ``probes`` lists read per query, on mixtures of stored vectors.
    """

    rows: int
    dimension: int
    lists: int
    probes: int
    recall: float
    tail: int


class VectorReader:
    """Vectors as ``current`` gives them. Thread-safe. Arrays of digests are int64."""

    def __init__(self, current: Callable[[], State]) -> None:
        self._current = current

    def now(self) -> VectorReader:
        """The same as it is at this moment, whatever is written meanwhile."""
        state = self._current()
        return VectorReader(lambda: state)

    def count(self) -> int:
        """Digests with a vector; 0 when there is none yet."""
        return self._current().count

    def lacks(self, vectors: int, batch: int | None) -> bool:
        """Whether fewer vectors are here than ``vectors``, or none of a batch as late as ``batch``: files are gone, or
        were replaced by an older copy."""
        state = self._current()
        return state.count < vectors or (batch is not None and state.head.batch < batch)

    def batch(self) -> int:
        """The number of the last batch that was written."""
        return self._current().head.batch

    def facts(self) -> DenseFacts:
        """What there is and how it is searched."""
        state = self._current()
        head = state.head
        return DenseFacts(state.count, head.dimension, head.lists, head.probes, head.recall, head.tail)

    def has(self, digests: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the digests have a vector."""
        return rows_of(self._current(), digests) >= 0

    def digests(self) -> NDArray[np.int64]:
        """Every digest that has a vector, in no order."""
        import numpy as np

        state = self._current()
        return np.concatenate([state.digests, state.tail_digests])

    def vectors(self, digests: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Those of the digests that have a vector, and their vectors (n, dimension)."""
        state = self._current()
        rows = rows_of(state, digests)
        return digests[rows >= 0], vector_search.vectors_at(state, rows[rows >= 0])

    def search(
        self, query: NDArray[np.float32], depth: int, allowed: NDArray[np.int64] | None = None
    ) -> list[tuple[int, float]]:
        """The ``depth`` vectors nearest to ``query`` (dimension,) as ``(digest, cosine)``, best first, ties by digest.

        ``allowed`` holds the sorted, distinct digests that count. When fewer than ``depth`` of them have a vector all
        come back; small sets are searched exactly. Raises IncompatibleIndex for a query of another dimension.
        """
        state = self._current()
        if depth < 1 or not state.count or (allowed is not None and not len(allowed)):
            return []
        return vector_search.nearest(state, _unit(query, state), depth, allowed)


def _unit(query: NDArray[np.float32], state: State) -> NDArray[np.float32]:
    import numpy as np

    query = np.ascontiguousarray(query, np.float32)
    if query.shape != (state.head.dimension,):
        raise IncompatibleIndex(
            "the vectors of this collection come from another encoder; encode the collection again with this one"
        )
    length = float(np.linalg.norm(query.astype(np.float64)))
    if not np.isfinite(length):
        raise BadRequest("the encoder gave a vector that is not finite numbers; use another encoder")
    return query if abs(length - 1) < 1e-6 or not length else (query / length).astype(np.float32)
