"""Is the table readable, and do the arrays beside it say the same?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from carrel.index.dense import arrays
from carrel.index.dense.arrays import State, rows_of
from carrel.index.dense.search import vectors_at
from carrel.index.dense.sums import checksum, read_blocks
from carrel.index.dense.table import VectorTable, of_damage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["codes_sound", "sound", "verify"]

_NO_TABLE = "the table of vectors is gone, while arrays made from it are there; the texts are encoded again"
_TABLE = "the table of vectors cannot be read; remove the collection's folder 'dense', and the texts are encoded again"
_ARRAYS = "the arrays beside the table of vectors are damaged or missing; the next search makes them again"
_STRAY = "{} vectors of the table are not finite numbers of length 1; remove the collection's folder 'dense'"
_AGAIN = "remove the file 'head.json' from the collection's folder 'dense', and the arrays are made again"
_CODES = f"the short forms of the vectors are not what was written; {_AGAIN}"
_MISSING = f"{{}} vectors of the table are not in the arrays; {_AGAIN}"
_OTHER = f"{{}} vectors differ between the table and the arrays; {_AGAIN}"
_MORE = f"the arrays hold {{}} vectors that the table lacks; {_AGAIN}"


def sound(state: State) -> bool:
    """Whether the base's codes and vectors are what was written; reads all of them, leaving the codes in memory."""
    head, total = state.head, 0
    if not head.rows or not codes_sound(state):
        return not head.rows
    try:
        for block in read_blocks(state.folder / f"base-{head.number}.vectors.npy", head.rows, head.dimension):
            total = checksum(block, total)
    except FileNotFoundError:  # a newer base is in force by now
        return True
    except (OSError, ValueError):
        return False
    return total == head.sums.get("vectors", 0)


def codes_sound(state: State) -> bool:
    """Whether the base's codes are what was written; reads all of them."""
    return checksum(state.codes) == state.head.sums.get("codes", 0)


def verify(folder: Path, table: VectorTable) -> list[str]:
    """Compare every row of ``table`` with the arrays in ``folder``; the problems found, in sentences.

    Rows that only the table has because a process was killed are no problem: the next write takes them up.
    """
    raw = arrays.read_head(folder)
    if not table.exists():
        return [_NO_TABLE] if raw else []
    try:
        state = arrays.load(folder, raw)
    except (OSError, ValueError, TypeError):
        state = None
    problems = [_ARRAYS] if state is None else [] if codes_sound(state) else [_CODES]
    try:
        return problems + _compared(table, state)
    except Exception as error:
        if not of_damage(error):
            raise
        return [*problems, _TABLE]


def _compared(table: VectorTable, state: State | None) -> list[str]:
    import numpy as np

    stray = missing = other = 0
    met = np.zeros(state.count if state else 0, np.bool_)
    late = table.version() != (state.head.version if state else 0)
    for digests, vectors in table.rows():
        lengths = np.linalg.norm(vectors, axis=1)
        stray += int(np.count_nonzero(~((np.abs(lengths - 1) < 1e-3) | (lengths == 0))))
        if state:
            rows = rows_of(state, digests)
            missing += int(np.count_nonzero(rows < 0))
            met[rows[rows >= 0]] = True
            other += _differing(state, rows, vectors)
    found = {_STRAY: stray, _MISSING: 0 if late else missing, _OTHER: other, _MORE: int(np.count_nonzero(~met))}
    return [words.format(number) for words, number in found.items() if number]


def _differing(state: State, rows: NDArray[np.int64], vectors: NDArray[np.float32]) -> int:
    import numpy as np

    there = rows >= 0
    if vectors.shape[1] != state.head.dimension:
        return int(np.count_nonzero(there))
    return int(np.count_nonzero((vectors_at(state, rows[there]) != vectors[there]).any(axis=1)))
