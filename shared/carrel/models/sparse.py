"""What every learned-sparse encoder offers: weighted terms, those a text has and those it implies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from carrel.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SparseEncoder", "SparseVectors", "joined", "sound_sparse", "sparse_vectors"]

_MOST_TERM = 2**24  # more terms than any vocabulary has


@dataclass(frozen=True, slots=True, eq=False)
class SparseVectors:
    """n sparse vectors: that of text i has ``weights[offsets[i]:offsets[i + 1]]`` for the ``terms`` at the same places.

    Terms are numbers from 0, ascending within a text; weights are above 0.
    """

    offsets: NDArray[np.int64]
    terms: NDArray[np.int32]
    weights: NDArray[np.float32]


class SparseEncoder(Protocol):
    """Text to sparse vectors, whose product says how well they match. Safe to call from several threads at once.

    ``fingerprint`` names everything a vector depends on: vectors of equal fingerprints may share an index.
    """

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    def encode(self, texts: Sequence[str]) -> SparseVectors:
        """Encode passages, in the order of ``texts``. Raises Unavailable when the model fails on them."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> SparseVectors:
        """Encode queries: like ``encode``, by the query's side of the model."""
        ...


def sparse_vectors(matrix: NDArray[np.floating], most: int) -> SparseVectors:
    """The rows of ``matrix`` (n, vocabulary) with the ``most`` greatest weights above 0 of each."""
    import numpy as np

    if matrix.shape[1] > most:
        least = np.partition(matrix, -most, axis=1)[:, -most:].min(axis=1, keepdims=True)
        matrix = np.where(matrix >= least, matrix, 0)
    rows, terms = np.nonzero(matrix > 0)
    offsets = np.zeros(len(matrix) + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=len(matrix)), out=offsets[1:])
    return SparseVectors(offsets, terms.astype(np.int32), matrix[rows, terms].astype(np.float32))


def sound_sparse(made: SparseVectors, texts: int) -> SparseVectors:
    """What a model gave for so many texts. Raises BadRequest unless it is as `SparseVectors` says; weights of 0 may be
    there."""
    import numpy as np

    offsets, terms, weights = map(np.asarray, (made.offsets, made.terms, made.weights))
    kinds = "".join(each.dtype.kind for each in (offsets, terms, weights))
    if any(each.ndim != 1 for each in (offsets, terms, weights)) or kinds != "iif" or len(offsets) != texts + 1:
        raise BadRequest("the model gave sparse vectors of another number or kind than asked; use another model")
    lengths = np.diff(offsets)
    if offsets[0] or (lengths < 0).any() or not offsets[-1] == len(terms) == len(weights):
        raise BadRequest("the model gave sparse vectors whose parts do not fit each other; use another model")
    rows = np.repeat(np.arange(texts), lengths)
    ascending = (np.diff(terms) > 0) | (np.diff(rows) > 0)
    if not np.isfinite(weights).all() or (weights < 0).any() or not ascending.all():
        raise BadRequest("the model gave weights that are no finite numbers of ascending terms; use another model")
    if len(terms) and not 0 <= int(terms.min()) <= int(terms.max()) < _MOST_TERM:
        raise BadRequest("the model gave terms that no vocabulary has; use another model")
    return SparseVectors(offsets, terms, weights)


def joined(parts: Sequence[SparseVectors]) -> SparseVectors:
    """All vectors of the parts, one after the other."""
    import numpy as np

    lengths = [np.diff(part.offsets) for part in parts]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate([np.zeros(0, np.int64), *lengths]))])
    terms = np.concatenate([np.zeros(0, np.int32), *(part.terms for part in parts)])
    weights = np.concatenate([np.zeros(0, np.float32), *(part.weights for part in parts)])
    return SparseVectors(offsets, terms, weights)
