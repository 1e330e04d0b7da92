"""The dense arm: one vector per encoded text, named by the text's digest, kept for as long as the text is.

A LanceDB table is the durable truth. Beside it lie memory-mapped arrays (`carrel.index.dense.arrays`) that all
processes share, so that searching needs no LanceDB: a *base*, searched exactly while it is small and by lists of near
vectors above `LISTS_FROM` rows, and a *tail* of what was written since, searched exactly. A digest has one vector for
ever: writing it twice changes nothing, and a restored table cannot give a wrong one. Whatever is missing or damaged
beside the table is made again from it.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from carrel.errors import BadRequest
from carrel.index.dense.arrays import rows_of
from carrel.index.dense.keeper import ArrayKeeper, DamagedVectors, cannot_write, damage_told
from carrel.index.dense.reader import DenseFacts, VectorReader
from carrel.index.dense.table import VectorTable
from carrel.index.dense.verify import verify

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LISTS_FROM", "DamagedVectors", "DenseArm", "DenseFacts"]

LISTS_FROM = 30_000
"""Rows from which lists are made; an exact search of 30,000 rows of 384 numbers takes 1.3 to 4 ms."""

_log = logging.getLogger(__name__)


class DenseArm(VectorReader):
    """One collection's vectors. Searching is thread-safe; writing needs the collection's encoding lock held.

    ``allowed`` and other arrays of digests are int64. Methods raise Unavailable when files are damaged.
    """

    def __init__(self, folder: Path, *, lists_from: int = LISTS_FROM) -> None:
        self.folder = folder
        self._table = VectorTable(folder)
        self._keeper = ArrayKeeper(folder, self._table, lists_from)
        super().__init__(self._keeper.current)

    def warm(self) -> None:
        """Read every vector and compare their checksum, so that first searches wait for no disk and altered vectors
        are made again from the table (1 M rows: about a second)."""
        self._keeper.read_all()

    def remake(self) -> None:
        """Make the arrays again from the table. Raises DamagedVectors when that cannot be read."""
        if self._table.exists():
            with damage_told(), self._keeper.exclusive():
                self._keeper.publish(None)

    # ------------------------------------------------------------------------------------------------------------------

    def write(self, digests: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Add ``vectors`` (n, dimension), one for each digest; durable when it returns.

        Digests that have a vector keep it. Vectors of another dimension than the table's start it afresh. Lengths are
        brought to 1. Raises BadRequest for vectors that are no finite numbers or do not fit the digests.
        """
        import numpy as np

        digests, vectors = _checked(digests, vectors)
        if not len(digests):
            return
        with damage_told(), self._keeper.exclusive():
            state = self._keeper.in_step()
            afresh = bool(state.head.dimension) and state.head.dimension != vectors.shape[1]
            if not afresh:
                new = np.sort(np.unique(digests, return_index=True)[1])
                new = new[rows_of(state, digests[new]) < 0]
                digests, vectors = digests[new], vectors[new]
            if not len(digests):
                return
            batch = state.head.batch + 1
            if afresh or not self._table.exists():
                state = self._keeper.empty(vectors.shape[1], batch)
            self._table.append(digests, batch, vectors, afresh=afresh)
            self._keeper.grow(state, digests, vectors, batch)

    def discard(self, digests: NDArray[np.int64]) -> None:
        """Drop these vectors, from the files too as old versions of them go (the whole base is written anew)."""
        with damage_told(), self._keeper.exclusive():
            state = self._keeper.in_step()
            there = digests[rows_of(state, digests) >= 0]
            if len(there):
                self._table.delete(there)
                self._keeper.publish(state)

    def tidy(self) -> None:
        """Merge the table's fragments, keeping versions readers may hold; a tail of some size goes into the base."""
        if not self._table.exists():
            return
        with damage_told(), self._keeper.exclusive():
            self._table.tidy()
            self._keeper.settle()

    def publish(self) -> None:
        """Bring the arrays up to the table's newest state, if they are not; failing to is only slower."""
        if not self._table.exists():
            return
        with damage_told():
            try:
                with self._keeper.exclusive():
                    self._keeper.in_step()
            except OSError as error:
                if not cannot_write(error):
                    raise
                _log.warning("the arrays of the vectors were not written: %s", error.strerror)

    def verify(self) -> list[str]:
        """What is wrong with the vectors, in sentences; none when all is sound. Reads everything."""
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):  # read-only: look without keeping writers out
                stack.enter_context(self._keeper.exclusive())
            return verify(self.folder, self._table)


def _checked(digests: NDArray[np.int64], vectors: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    import numpy as np

    digests = np.ascontiguousarray(digests, np.int64)
    vectors = np.ascontiguousarray(vectors, np.float32)
    if digests.ndim != 1 or vectors.ndim != 2 or len(vectors) != len(digests) or (len(vectors) and not vectors.size):
        raise BadRequest("give one vector for each digest")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all():
        raise BadRequest("the encoder gave vectors that are not finite numbers; use another encoder")
    stray = np.abs(lengths - 1) > 1e-4
    if stray.any():
        vectors = np.where(stray & (lengths > 0), vectors / np.where(lengths > 0, lengths, 1), vectors)
    return digests, vectors.astype(np.float32, copy=False)
