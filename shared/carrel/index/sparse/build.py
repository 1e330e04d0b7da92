"""Lay base and tail out as a new base, some millions of weights at a time."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from carrel.index.dense.arrays import flush_folder
from carrel.index.sparse.arrays import BASE, Head, State, all_digests

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["build"]

_AT_ONCE = 4_000_000  # weights put in order together: 100 MB


def build(folder: Path, number: int, state: State, keep: NDArray[np.bool_]) -> Head:
    """Write the rows of ``state`` that ``keep`` (one for each row) marks as the files of base ``number``, and return
    the head that puts them in force. Raises OSError."""
    import numpy as np

    kept = all_digests(state)[keep]
    digests = np.sort(kept)
    places = np.full(state.count, -1, np.int64)
    places[keep] = np.searchsorted(digests, kept)
    found, counts, sums = [], [], dict.fromkeys(BASE, 0)
    with ExitStack() as stack:
        files = {part: stack.enter_context((folder / f"base-{number}.{part}.bin").open("wb")) for part in BASE}

        def write(part: str, array: NDArray[np.generic]) -> None:
            content = np.ascontiguousarray(array, BASE[part])
            sums[part] = zlib.crc32(content.data, sums[part])
            files[part].write(content.data)

        for block in _blocks(state):
            rows = places[block.rows]
            order = np.lexsort((rows, block.terms))
            order = order[rows[order] >= 0]
            terms, sizes = np.unique(block.terms[order], return_counts=True)
            found.append(terms)
            counts.append(sizes)
            write("rows", rows[order])
            write("weights", block.weights[order])
        terms = np.concatenate([np.zeros(0, np.int32), *found])
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate([np.zeros(0, np.int64), *counts]))])
        for part, array in (("digests", digests), ("terms", terms), ("offsets", offsets)):
            write(part, array)
        for file in files.values():
            file.flush()
            os.fsync(file.fileno())
    flush_folder(folder)
    head = replace(state.head, number=number, rows=len(digests), terms=len(terms), postings=int(offsets[-1]))
    return replace(head, tail=0, tail_postings=0, sums=sums)


class _Block(NamedTuple):
    """Weights of some terms, all that there are of each."""

    terms: NDArray[np.int32]
    rows: NDArray[np.int64]
    weights: NDArray[np.float16]


def _blocks(state: State) -> Iterator[_Block]:
    """All weights of base and tail, in ascending blocks of terms."""
    import numpy as np

    order = np.argsort(state.tail_terms, kind="stable")
    late = state.tail_terms[order]
    late_rows = np.repeat(np.arange(state.head.tail), np.diff(state.tail_offsets))[order] + state.head.rows
    terms = np.union1d(state.terms, late)
    old = np.zeros(len(terms), np.int64)
    old[np.searchsorted(terms, state.terms)] = np.diff(state.offsets)
    new = np.searchsorted(late, terms, "right") - np.searchsorted(late, terms, "left")
    ends = np.cumsum(old + new)
    cuts = np.searchsorted(ends, np.arange(_AT_ONCE, ends[-1] if len(ends) else 0, _AT_ONCE), "right")
    bounds = np.unique(np.concatenate([[0], cuts, [len(terms)]]))
    old_ends, new_ends = (np.concatenate([[0], np.cumsum(each)]) for each in (old, new))
    for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        base = slice(old_ends[first], old_ends[last])
        tail = slice(new_ends[first], new_ends[last])
        yield _Block(
            np.concatenate([np.repeat(terms[first:last], old[first:last]), late[tail]]),
            np.concatenate([state.rows[base].astype(np.int64), late_rows[tail]]),
            np.concatenate([state.weights[base], state.tail_weights[order[tail]]]),
        )
