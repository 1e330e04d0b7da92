"""The learned-sparse arm: one vector of weighted terms per encoded text, named by the text's digest and its model.

It is made from the store and a model, and made again when it is damaged: nothing else is its truth. It carries the
commit up to which it was compared with the store, so that a copy that is older, or of another history, fills itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from carrel.errors import BadRequest
from carrel.index.dense import DamagedVectors
from carrel.index.dense.arrays import newest_number, read_head, remove, remove_old, write_head
from carrel.index.dense.keeper import damage_told
from carrel.index.dense.sums import checksum
from carrel.index.lexical import Mark
from carrel.index.sparse.arrays import BASE, Head, State, all_digests, append_tail, load, rows_of
from carrel.index.sparse.build import build
from carrel.index.sparse.search import Matches, products

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from carrel.models import SparseVectors

__all__ = ["SparseArm", "SparseReader"]

_TAIL_ROWS = 4096  # a tail may grow to this, or to a part of the base, before both become a new base
_TAIL_SHARE = 8
_TIDY_ROWS = 512  # `tidy` is content with a tail of this or a part of the base
_TIDY_SHARE = 64
_TRIES = 5  # reading the head and mapping its files: a writer may replace both in between
_DAMAGED = "the sparse vectors of this collection are damaged; they are made again in the background"


class SparseReader:
    """Sparse vectors as ``current`` gives them. Thread-safe. Arrays of digests are int64."""

    def __init__(self, current: Callable[[], State]) -> None:
        self._current = current

    def now(self) -> SparseReader:
        """The same as it is at this moment, whatever is written meanwhile. Raises DamagedVectors."""
        state = self._current()
        return SparseReader(lambda: state)

    def head(self) -> Head:
        """How far it has come."""
        return self._current().head

    def count(self) -> int:
        """Digests with a vector."""
        return self._current().count

    def has(self, digests: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the digests have a vector."""
        return rows_of(self._current(), digests) >= 0

    def digests(self) -> NDArray[np.int64]:
        """Every digest that has a vector, in no order."""
        return all_digests(self._current())

    def matches(self, terms: NDArray[np.int32], weights: NDArray[np.float32]) -> Matches:
        """How well everything matches a query of these ``weights`` for these ascending ``terms``.

        Raises DamagedVectors.
        """
        state = self._current()
        try:
            return Matches(state, products(state, terms, weights))
        except IndexError as error:  # a row that there is not, in a part too large to be looked through before
            raise DamagedVectors(_DAMAGED) from error


class SparseArm(SparseReader):
    """One collection's sparse vectors of one model. Writing needs the collection's encoding lock held.

    Methods raise DamagedVectors when files are missing or damaged, Unavailable when they cannot be written.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder = folder
        self.fingerprint = fingerprint
        self._state: State | None = None
        super().__init__(self._newest)

    def _newest(self) -> State:
        for _ in range(_TRIES):
            try:
                raw, state = read_head(self.folder), self._state
                if not raw:
                    return _nothing(self.fingerprint)
                if state is None or state.raw != raw:
                    state = self._state = self._loaded(raw, state)
                if state.head.fingerprint != self.fingerprint:
                    raise ValueError("of another model")
                return state
            except FileNotFoundError:
                continue  # replaced between the two looks, or gone
            except (OSError, ValueError) as error:
                raise DamagedVectors(_DAMAGED) from error
        raise DamagedVectors(_DAMAGED)

    def _loaded(self, raw: bytes, before: State | None) -> State:
        try:
            return load(self.folder, raw, before)
        except ValueError:
            if before is None:
                raise
            return load(self.folder, raw)  # the arm was made anew: its tail does not go on where the old one ended

    def write(self, digests: NDArray[np.int64], vectors: SparseVectors, mark: Mark, lacking: int) -> None:
        """Add vectors, one for each digest, and note that ``lacking`` passages of commit ``mark`` are left without;
        durable when it returns. The digests are distinct and have no vector yet.

        Raises BadRequest for weights that are no finite numbers above 0 or do not fit the digests.
        """
        vectors = _checked(digests, vectors)
        if not len(digests):
            return
        with damage_told():
            self.folder.mkdir(parents=True, exist_ok=True)
            head = append_tail(self.folder, self._newest().head, digests, vectors)
            write_head(self.folder, replace(head, mark=mark, lacking=lacking))
            if head.tail > max(_TAIL_ROWS, head.rows // _TAIL_SHARE):
                self._merge()

    def note(self, mark: Mark, lacking: int, *, covered: Mark, erased: int) -> None:
        """Note how far it has come; see `Head`."""
        before = self._newest().head
        head = replace(before, mark=mark, lacking=lacking, covered=covered, erased=erased)
        if head != before:
            with damage_told():
                self.folder.mkdir(parents=True, exist_ok=True)
                write_head(self.folder, head)

    def discard(self, digests: NDArray[np.int64]) -> None:
        """Drop these vectors, from the files too: those of the base before go as well."""
        with damage_told():
            self._merge(without=digests)
            remove(self.folder, self._newest().head.number - 1)

    def take(self, other: SparseArm, wanted: NDArray[np.int64]) -> None:
        """Become a copy of what ``other`` has of these digests, compared with no commit yet, unless there is something
        here already."""
        import numpy as np

        if self.count():
            return
        state = other._newest()
        with damage_told():
            self.folder.mkdir(parents=True, exist_ok=True)
            head = build(self.folder, 1, state, np.isin(all_digests(state), wanted))
            write_head(self.folder, Head(1, head.fingerprint, head.rows, head.terms, head.postings, sums=head.sums))

    def tidy(self) -> None:
        """Merge a tail of some size into the base."""
        head = self._newest().head
        if head.tail > max(_TIDY_ROWS, head.rows // _TIDY_SHARE):
            with damage_told():
                self._merge()

    def verify(self) -> list[str]:
        """What is wrong with the vectors, in sentences; none when all is sound. Reads everything."""
        import numpy as np

        try:
            state = self._newest()
            sums = {part: checksum(getattr(state, part)) for part in BASE} if state.head.rows else {}
        except DamagedVectors:
            return ["the files are damaged; they are made again in the background"]
        if any(each != state.head.sums.get(part, 0) for part, each in sums.items()):
            return ["the weights are not what was written"]
        if not (np.diff(state.digests) > 0).all() or (len(state.rows) and int(state.rows.max()) >= state.head.rows):
            return ["the files do not fit each other"]
        return []

    def _merge(self, without: NDArray[np.int64] | None = None) -> None:
        import numpy as np

        state = self._newest()
        keep = np.ones(state.count, np.bool_)
        if without is not None:
            keep = ~np.isin(all_digests(state), without)
        number = newest_number(self.folder) + 1
        try:
            head = build(self.folder, number, state, keep)
        except OSError:
            remove(self.folder, number)  # what fills the disk
            raise
        except IndexError as error:
            raise DamagedVectors(_DAMAGED) from error
        write_head(self.folder, head)
        remove_old(self.folder, number)


def _nothing(fingerprint: str) -> State:
    import numpy as np

    none, first = np.zeros(0, np.int64), np.zeros(1, np.int64)
    terms, weights = np.zeros(0, np.int32), np.zeros(0, np.float16)
    head = Head(0, fingerprint)
    return State(b"", head, none, terms, first, terms, weights, none, first, terms, weights, none)


def _checked(digests: NDArray[np.int64], vectors: SparseVectors) -> SparseVectors:
    """The vectors with weights as they are stored; those too small to be stored are left out."""
    import numpy as np

    from carrel.models import SparseVectors
    from carrel.models.sparse import sound_sparse

    vectors = sound_sparse(vectors, len(digests))
    with np.errstate(over="ignore"):
        weights = vectors.weights.astype(np.float16)
    if not np.isfinite(weights).all():
        raise BadRequest("the model gave weights that are too great to be stored; use another model")
    rows = np.repeat(np.arange(len(digests)), np.diff(vectors.offsets))
    kept = weights > 0
    offsets = np.zeros(len(digests) + 1, np.int64)
    np.cumsum(np.bincount(rows[kept], minlength=len(digests)), out=offsets[1:])
    return SparseVectors(offsets, vectors.terms[kept], weights[kept].astype(np.float32))
