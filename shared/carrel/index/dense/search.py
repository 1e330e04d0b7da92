"""The nearest rows of one state of the dense arm.

Rows are found by products of codes or of float32, which round differently from machine to machine; the few that may be
the best are scored again in float64. So a ranking does not depend on where a row lies, and equal vectors always tie.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from carrel.index.dense.arrays import State, rows_of
from carrel.index.dense.codes import ROUNDING, Scanner, scanner
from carrel.index.dense.lists import NEIGHBOURS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["cosines", "nearest", "vectors_at"]

_FEW = 10_000  # allowed rows that are read one by one (2 ms) rather than list by list
_DEAR = 4  # a row read by itself costs two to six times what one read in a stretch does
_ROWS_AT_ONCE = 4096
_GATHERED = 256
_LARGE = 256_000_000  # bytes of vectors of which no process should come to hold all


def nearest(
    state: State, query: NDArray[np.float32], depth: int, allowed: NDArray[np.int64] | None
) -> list[tuple[int, float]]:
    """The ``depth`` rows nearest to the unit vector ``query`` as ``(digest, cosine)``, best first, ties by digest.

    ``allowed``, sorted digests, leaves all others out; when no more than ``depth`` are there, all of them come back.
    """
    import numpy as np

    doubt = ROUNDING
    few = allowed is not None and len(allowed) <= max(min(_FEW, state.count // 8), depth)
    if allowed is not None and (few or not state.head.lists):
        rows, scores = _exactly(state, query, allowed)
    elif state.head.lists:
        rows, scores, doubt = _probe(state, query, depth, allowed)
    else:
        scores = _all_products(state, query)
        rows = np.arange(len(scores))
    return _ranked(state, query, rows[_cut(scores, depth, doubt)], depth)


def cosines(state: State, rows: NDArray[np.int64], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cosine of each row with the unit vector ``query``, independent of where the row lies."""
    import numpy as np

    scores = np.empty(len(rows), np.float32)
    exact = query.astype(np.float64)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[start : start + _ROWS_AT_ONCE]
        scores[start : start + len(part)] = np.vecdot(vectors_at(state, part).astype(np.float64), exact)
    return np.clip(scores, -1.0, 1.0)


def vectors_at(state: State, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """The vectors (n, dimension) of these rows."""
    import numpy as np

    if not state.head.tail or not len(rows) or rows.max() < state.head.rows:
        return _stored(state, rows)
    found = np.empty((len(rows), state.head.dimension), np.float32)
    late = rows >= state.head.rows
    found[~late] = _stored(state, rows[~late])
    found[late] = state.tail_vectors[rows[late] - state.head.rows]
    return found


def _stored(state: State, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Vectors of the base: few of many are read from the file, as each page of the map that is touched would stay,
    with its neighbours, in the memory of this process."""
    import numpy as np

    if state.vectors.nbytes < _LARGE or len(rows) > _ROWS_AT_ONCE // 4:
        return state.vectors[rows]
    found = np.empty((len(rows), state.head.dimension), np.float32)
    width = state.head.dimension * 4
    try:
        with (state.folder / f"base-{state.head.number}.vectors.npy").open("rb", buffering=0) as file:
            start = file.seek(-state.vectors.nbytes, os.SEEK_END)
            for place, row in enumerate(rows.tolist()):
                file.seek(start + row * width)
                if file.readinto(found[place].data) != width:
                    return state.vectors[rows]
    except OSError:  # a newer base is in force by now: the map of this one is still good
        return state.vectors[rows]
    return found


def _digests_at(state: State, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    import numpy as np

    late = rows >= state.head.rows
    found = np.empty(len(rows), np.int64)
    found[~late] = state.digests[rows[~late]]
    found[late] = state.tail_digests[rows[late] - state.head.rows]
    return found


def _exactly(
    state: State, query: NDArray[np.float32], allowed: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """All allowed rows and their products."""
    import numpy as np

    rows = rows_of(state, allowed)
    rows = np.sort(rows[rows >= 0])
    sparse = len(rows) * 4 < state.count
    return rows, _products(state, rows, query) if sparse else _all_products(state, query)[rows]


def _all_products(state: State, query: NDArray[np.float32]) -> NDArray[np.float32]:
    # vecdot and not `@`: as fast where memory is the limit, but on one thread, so that a busy second core costs nothing
    import numpy as np

    scores = np.empty(state.count, np.float32)
    np.vecdot(state.vectors, query, out=scores[: state.head.rows])
    np.vecdot(state.tail_vectors, query, out=scores[state.head.rows :])
    return scores


def _products(state: State, rows: NDArray[np.int64], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """The float32 products of ascending ``rows``."""
    import numpy as np

    scores = np.empty(len(rows), np.float32)
    late = int(np.searchsorted(rows, state.head.rows))
    _gather(state.vectors, rows[:late], query, scores[:late])
    _gather(state.tail_vectors, rows[late:] - state.head.rows, query, scores[late:])
    return scores


def _gather(
    vectors: NDArray[np.float32], rows: NDArray[np.int64], query: NDArray[np.float32], scores: NDArray[np.float32]
) -> None:
    import numpy as np

    block = np.empty((_GATHERED, len(query)), np.float32)  # small enough to stay in the cache
    for start in range(0, len(rows), _GATHERED):
        part = rows[start : start + _GATHERED]
        np.take(vectors, part, axis=0, out=block[: len(part)], mode="clip")  # any other mode copies once more
        np.vecdot(block[: len(part)], query, out=scores[start : start + len(part)])


def _probe(
    state: State, query: NDArray[np.float32], depth: int, allowed: NDArray[np.int64] | None
) -> tuple[NDArray[np.int64], NDArray[np.float32], float]:
    """Candidates from the lists nearest to ``query`` and the whole tail, more lists until there are enough, and how
    far their scores are to be doubted."""
    import numpy as np

    nearness = np.vecdot(state.centroids, query)
    order = np.argsort(-nearness, kind="stable")
    rows, scores = np.arange(state.head.rows, state.count), np.vecdot(state.tail_vectors, query)
    read, probes = 0, min(int(np.count_nonzero(nearness >= nearness.max() - state.head.width)), state.head.probes)
    scan = scanner(state.codes, state.head.scale, state.vectors, query)
    while True:
        more, products = _scan(state, order[read:probes], scan)
        rows, scores, read = np.concatenate([rows, more]), np.concatenate([scores, products]), probes
        found = None if allowed is None else _among(state, rows, scores, depth, allowed, scan.doubt)
        if len(rows if found is None else found) < depth:
            probes = read * 2
        elif found is not None:
            probes = _lists_within_reach(state, scores[found], nearness, depth)
        more_rows = int((state.offsets[1:] - state.offsets[:-1])[order[read:probes]].sum())
        if allowed is not None and more_rows > _DEAR * len(allowed):
            return *_exactly(state, query, allowed), ROUNDING
        if read >= min(probes, len(order)):
            return (rows, scores, scan.doubt) if found is None else (rows[found], scores[found], scan.doubt)


def _lists_within_reach(state: State, scores: NDArray[np.float32], nearness: NDArray[np.float32], depth: int) -> int:
    """Lists that may hold one of the nearest allowed rows, seen from those found so far: a filter moves them away."""
    import numpy as np

    count = min(depth, NEIGHBOURS)
    last = np.partition(scores, len(scores) - count)[len(scores) - count]
    return int(np.count_nonzero(nearness >= last - state.head.reach))


def _scan(state: State, lists: NDArray[np.int64], scan: Scanner) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The rows of these lists and their cosines: each list is one stretch of the map."""
    import numpy as np

    begins, ends = state.offsets[lists], state.offsets[lists + 1]
    places = np.cumsum(ends - begins)
    scores = scan.scores(begins.tolist(), ends.tolist())
    return np.repeat(ends - places, ends - begins) + np.arange(len(scores)), scores


def _among(
    state: State,
    rows: NDArray[np.int64],
    scores: NDArray[np.float32],
    depth: int,
    allowed: NDArray[np.int64],
    doubt: float,
) -> NDArray[np.int64]:
    """Places of the best ``depth`` or more of ``rows`` that are allowed; of all that are when there are fewer.

    Best first: most rows never have to be looked up among the allowed.
    """
    import numpy as np

    wanted = 2 * depth * state.count // max(1, len(allowed)) + 64
    while True:
        best = _cut(scores, wanted, doubt)
        digests = _digests_at(state, rows[best])
        places = np.searchsorted(allowed, digests)
        places[places == len(allowed)] = 0
        kept: NDArray[np.int64] = best[allowed[places] == digests]
        if len(kept) >= depth or wanted >= len(rows):
            return kept
        wanted *= 4


def _cut(scores: NDArray[np.float32], depth: int, doubt: float) -> NDArray[np.int64]:
    """Places of the ``depth`` best scores, and of all that truly may lie before one of them: ``doubt`` behind it."""
    import numpy as np

    if depth >= len(scores):
        return np.arange(len(scores))
    least = np.partition(scores, len(scores) - depth)[len(scores) - depth]
    return np.flatnonzero(scores >= least - doubt)


def _ranked(state: State, query: NDArray[np.float32], rows: NDArray[np.int64], depth: int) -> list[tuple[int, float]]:
    import numpy as np

    scores = cosines(state, rows, query)
    digests = _digests_at(state, rows)
    best = np.lexsort((digests, -scores))[:depth]
    return list(zip(digests[best].tolist(), scores[best].tolist(), strict=True))
