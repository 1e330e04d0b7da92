"""Lists of near vectors (IVF): spherical k-means on a sample, and how many lists a query must read.

Sivic and Zisserman 2003 brought inverted lists to vectors; Dhillon and Modha 2001 the spherical k-means. Everything is
seeded by a constant: equal vectors in equal order give equal lists.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ENOUGH", "GOOD", "NEIGHBOURS", "Reading", "assign", "choose_reading", "list_count", "make_queries"]
__all__ += ["sample_size", "train", "truth"]

NEIGHBOURS = 10
"""Recall is measured over this many nearest rows."""

ENOUGH, GOOD = 0.985, 0.995
"""Recall that the lists must give, and that they should give where reading more of them is cheap."""

_CHEAP = 16_000  # rows, read in half a millisecond

_REACHED = 0.99  # of the nearest rows, by the lists that a filtered search reads
_MORE = 2.5  # times the lists that all queries would need alike, at most, for one that lies between many

_ROUNDED = 1e-6  # products of one pair may differ by, when they are taken in another order
_ROUNDS = 6  # of k-means; two more change recall by less than .002
_SAMPLED_PER_LIST = 40
_BLOCK = 4096  # rows multiplied with all centroids at once: 32 MB for 2,048 lists
_SEED = 20_417


def list_count(rows: int) -> int:
    """Lists for a collection of this size: 4√n while that is cheap to train, never under 2√n."""
    root = math.sqrt(rows)
    return max(2, round(max(min(4 * root, 2048), 2 * root)))


def sample_size(rows: int) -> int:
    """Rows to train the lists of a collection of this size on."""
    return min(rows, list_count(rows) * _SAMPLED_PER_LIST)


def train(sample: NDArray[np.float32], lists: int) -> NDArray[np.float32]:
    """Centroids (lists, dimension) of unit length for ``sample`` (m, dimension), m ≥ lists."""
    import numpy as np

    chance = np.random.default_rng(_SEED)
    centroids = sample[chance.choice(len(sample), lists, replace=False)].copy()
    for _ in range(_ROUNDS):
        labels = assign(sample, centroids)
        sizes = np.bincount(labels, minlength=lists)
        filled = np.flatnonzero(sizes)
        starts = np.cumsum(sizes[filled]) - sizes[filled]
        sums = sample[chance.choice(len(sample), lists)]  # a list that lost all its rows starts again elsewhere
        sums[filled] = np.add.reduceat(sample[np.argsort(labels, kind="stable")], starts, axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centroids = np.divide(sums, lengths, out=sums, where=lengths > 0)
    return centroids


def assign(vectors: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.int32]:
    """The list of each vector (n, dimension): the one whose centroid has the greatest product with it."""
    import numpy as np

    labels = np.empty(len(vectors), np.int32)
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK]
        labels[start : start + len(block)] = np.argmax(block @ centroids.T, axis=1)
    return labels


def make_queries(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Held-out queries (q, dimension) of ``rows`` (5q, dimension): each a row, and twice the sum of six others with
    what all rows share taken out.

    They lie far from all rows, between neighbourhoods, as short questions do, and need as many lists: plain mixtures of
    a few rows would need half of that, a row with a little noise a sixth.
    """
    import numpy as np

    count = len(rows) // 5
    others = np.random.default_rng(_SEED).integers(count, len(rows), (6, count))
    mixed: NDArray[np.float32] = rows[:count] + 2 * (rows[others].sum(axis=0) - 6 * rows.mean(axis=0))
    lengths = np.linalg.norm(mixed, axis=1, keepdims=True)
    np.divide(mixed, lengths, out=mixed, where=lengths > 0)
    return mixed


def truth(
    queries: NDArray[np.float32], blocks: Iterable[NDArray[np.float32]]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The rows (q, `NEIGHBOURS`) nearest to each query among those of ``blocks``, read in turn, and their products."""
    import numpy as np

    best = np.full((len(queries), NEIGHBOURS), -np.inf, np.float32)
    rows = np.zeros((len(queries), NEIGHBOURS), np.int64)
    start = 0
    for block in blocks:
        scores = queries @ block.T
        taken = np.argpartition(-scores, min(NEIGHBOURS, len(block)) - 1, axis=1)[:, :NEIGHBOURS]
        best = np.concatenate([best, np.take_along_axis(scores, taken, 1)], axis=1)
        rows = np.concatenate([rows, taken + start], axis=1)
        taken = np.argpartition(-best, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        best, rows = np.take_along_axis(best, taken, 1), np.take_along_axis(rows, taken, 1)
        start += len(block)
    return rows, best


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read the lists: those whose centroid's product with the query is at most ``width`` below the greatest one,
    ``probes`` of them at most, give ``recall``.

    Nearly all (`_REACHED`) of the nearest rows lie in lists whose centroid's product with the query is at most
    ``reach`` below that of the last of the nearest rows itself.
    """

    probes: int
    recall: float
    reach: float
    width: float


def choose_reading(
    queries: NDArray[np.float32],
    scores: NDArray[np.float32],
    lists: NDArray[np.int64],
    centroids: NDArray[np.float32],
    rows: int,
) -> Reading | None:
    """The fewest lists that give `ENOUGH`, a few more if need be for `GOOD`; None when half of all are too few.

    A query that lies within one neighbourhood needs a third of the lists of one that lies between many, so how far
    their centroids are decides, and their number only where they are very many: the same recall by half the rows, in
    the median. ``rows`` are there in all. ``scores`` and ``lists``
    (q, `NEIGHBOURS`) say what each true neighbour's product is and in which list it lies: it is found when that list is
    read.
    """
    import numpy as np

    nearness = queries @ centroids.T
    order = np.argsort(-nearness, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(len(centroids)), order.shape), axis=1)
    needed = np.take_along_axis(rank, lists, axis=1) + 1
    wanted = [int(np.sort(needed, axis=None)[math.ceil(share * needed.size) - 1]) for share in (ENOUGH, GOOD)]
    alike = max(wanted[0], min(wanted[1], len(centroids) // 8, len(centroids) * _CHEAP // rows))
    probes = min(math.ceil(_MORE * alike), len(centroids))
    own = np.take_along_axis(nearness, lists, axis=1)
    away = np.where(needed <= probes, nearness.max(axis=1, keepdims=True) - own, np.inf)
    found = int(np.count_nonzero(needed <= alike))
    width = float(np.sort(away, axis=None)[found - 1]) + _ROUNDED
    recall = float(np.mean(away <= width))
    reading = Reading(probes, recall, float(np.quantile(scores.min(axis=1, keepdims=True) - own, _REACHED)), width)
    return reading if alike <= len(centroids) / 2 else None
