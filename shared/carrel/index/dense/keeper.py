"""Keeping the memory-mapped arrays in step with the table they are made from.

The table is the truth. Every change of the arrays is made under one lock over all threads and processes; who only reads
takes it when the arrays are missing or damaged, to make them again.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from carrel.errors import Unavailable
from carrel.index.dense import arrays
from carrel.index.dense.arrays import Head, State
from carrel.index.dense.build import Source, build
from carrel.index.dense.table import VectorTable, of_damage
from carrel.index.dense.verify import sound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ArrayKeeper", "DamagedVectors", "cannot_write", "damage_told"]

_TAIL_ROWS = 8192  # a tail may grow to this, or to a part of the base, before both become a new base
_TAIL_SHARE = 4  # of the base: while much is encoded, searches read a longer tail rather than wait for new lists
_TIDY_ROWS = 512  # `settle` is content with a tail of this or a part of the base: one new document costs no new base
_TIDY_SHARE = 64
_WAIT = 120.0  # seconds for another process that arranges the arrays
_TRIES = 5  # reading the head and mapping its files: a writer may replace both in between
_log = logging.getLogger(__name__)


class ArrayKeeper:
    """The arrays in ``folder`` of what ``table`` holds, in lists from ``lists_from`` rows on."""

    def __init__(self, folder: Path, table: VectorTable, lists_from: int) -> None:
        self.folder = folder
        self._lists_from = lists_from
        self._table = table
        self._writing = threading.RLock()
        self._state: State | None = None
        self._patience = 0  # tail rows before the next attempt at a base, after one that failed

    def current(self) -> State:
        """The newest state that was put in force; the arrays are made again from the table when they do not serve."""
        if not self._table.exists():
            return _nothing()
        state = self._loaded()
        return self._repaired() if state is None else state

    def _loaded(self) -> State | None:
        """The state that the head names; None when it or its files are missing or damaged."""
        for _ in range(_TRIES):
            try:
                raw, state = arrays.read_head(self.folder), self._state
                if state is None or state.raw != raw:
                    state = self._state = arrays.load(self.folder, raw, state)
                return state  # not self._state: another thread may just have put an older one there
            except FileNotFoundError:
                continue  # replaced between the two looks, or gone
            except (OSError, ValueError, TypeError):
                return None
        return None

    def _repaired(self) -> State:
        with damage_told():
            try:
                with self.exclusive():
                    return self._loaded() or self.publish(None)
            except OSError as error:
                if not cannot_write(error):
                    raise
                return self._in_passing()

    def _in_passing(self) -> State:
        """The table's vectors for this process alone, where nothing can be written beside them."""
        with tempfile.TemporaryDirectory(prefix="carrel-") as name:
            folder, raw = Path(name), arrays.read_head(self.folder)
            head = build(folder, 1, self._source(), self._lists_from, None)
            arrays.write_head(folder, head)
            self._state = replace(arrays.load(folder, arrays.read_head(folder)), raw=raw)
            return self._state

    def read_all(self) -> State:
        """The newest state, every vector of it read and found to be what was written."""
        state = self.current()
        if not sound(state):
            with damage_told(), self.exclusive():
                self._state = None
                state = self.publish(None)
        return state

    def in_step(self) -> State:
        """The newest state, with what a process wrote to the table before it was killed, or restored, taken up."""
        if not self._table.exists():
            return _nothing()
        state = self._loaded()
        if state is None:
            return self.publish(None)
        version = self._table.version()
        if state.head.version == version:
            return state
        if self._table.dimension() != state.head.dimension:
            return self.publish(None)
        if self._table.count() == state.count:  # fragments were merged
            arrays.write_head(self.folder, replace(state.head, version=version))
            return self._loaded() or self.publish(None)
        return self.publish(state)

    def empty(self, dimension: int, batch: int) -> State:
        """A base without rows, to write a first tail behind."""
        import numpy as np

        self.folder.mkdir(parents=True, exist_ok=True)
        source = Source(np.zeros(0, np.int64), dimension, batch - 1, 0, lambda: iter(()))
        number = arrays.newest_number(self.folder) + 1
        head = build(self.folder, number, source, self._lists_from, None)
        return replace(_nothing(), head=head)

    def grow(self, state: State, digests: NDArray[np.int64], vectors: NDArray[np.float32], batch: int) -> None:
        """Put rows that the table has into the tail, and both into a new base when the tail is long."""
        head = state.head
        longer = arrays.append_tail(self.folder, head, digests, vectors)
        tail = longer.tail
        arrays.write_head(self.folder, replace(longer, batch=batch, version=self._table.version()))
        if tail > max(_TAIL_ROWS, head.rows // _TAIL_SHARE, self._patience):
            try:
                self.publish(self._loaded())
                self._patience = 0
            except OSError as error:
                self._patience = tail + _TAIL_ROWS
                _log.warning("the arrays of the vectors were not merged: %s", error.strerror)

    def settle(self) -> None:
        """Merge a tail of some size into the base. The caller keeps other writers out."""
        state = self.in_step()
        if state.head.tail > max(_TIDY_ROWS, state.head.rows // _TIDY_SHARE):
            self.publish(state)

    def publish(self, before: State | None) -> State:
        """Lay the table's newest state out as a new base and put it in force. The caller keeps other writers out."""
        number = arrays.newest_number(self.folder) + 1
        try:
            head = build(self.folder, number, self._source(), self._lists_from, before)
        except OSError:
            arrays.remove(self.folder, number)  # what fills the disk
            raise
        arrays.write_head(self.folder, head)
        self._state = arrays.load(self.folder, arrays.read_head(self.folder))
        arrays.remove_old(self.folder, number)
        return self._state

    def _source(self) -> Source:
        version, dimension = self._table.version(), self._table.dimension()
        digests, batches = self._table.digests()
        newest = int(batches.max()) if len(batches) else 0
        return Source(digests, dimension, newest, version, self._table.rows)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other threads and processes from changing the arrays. Raises OSError where nothing can be written."""
        from filelock import FileLock, Timeout

        with self._writing:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / "arrays.lock", timeout=_WAIT)
            try:
                lock.acquire()
            except Timeout as error:
                raise Unavailable(
                    "another process is arranging the vectors of this collection; try again in a minute",
                    retry_after=60.0,
                ) from error
            try:
                yield
            finally:
                lock.release()


class DamagedVectors(Unavailable):
    """The table itself cannot be read: the vectors must be made again."""


_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CANNOT_WRITE = {errno.EACCES, errno.EPERM, errno.EROFS, *_DISK_FULL}


def _nothing() -> State:
    import numpy as np

    none, flat = np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
    codes, order = np.zeros((0, 0), np.int8), np.zeros(0, np.int32)
    return State(Path(), b"", Head(0, 0, 0), none, flat, none, order, none, flat, codes, none, flat, none)


def cannot_write(error: Exception) -> bool:
    """Whether an error says that the disk is full or may not be written."""
    return isinstance(error, OSError) and error.errno in _CANNOT_WRITE


@contextlib.contextmanager
def damage_told() -> Iterator[None]:
    """Turn what LanceDB raises for damaged files into words; hybrid search then goes on by words alone."""
    try:
        yield
    except Exception as error:
        if not of_damage(error):
            raise
        full = any(os.strerror(number) in str(error) for number in _DISK_FULL)  # Lance: in a RuntimeError's text
        if full or cannot_write(error):
            raise Unavailable(
                "the vectors cannot be written: the disk is full or the data folder is closed to us; free some "
                "space or make it writable, and try again"
            ) from error
        raise DamagedVectors(
            "the vectors of this collection are damaged; they are made again in the background, or by `carrel doctor "
            "--repair`"
        ) from error
