"""Exact nearest neighbours over memory-mapped arrays."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Matrix", "empty", "from_table", "nearest", "read_saved", "save"]

_PARTS = ("keys", "documents", "vectors")


@dataclass(frozen=True, slots=True)
class Matrix:
    """Row i of ``vectors`` (n, dimension) belongs to passage ``keys[i]`` of document ``documents[i]``; keys ascend."""

    version: str
    keys: NDArray[np.int64]
    documents: NDArray[np.bytes_]
    vectors: NDArray[np.float32]


def empty() -> Matrix:
    """A matrix of no vectors."""
    import numpy as np

    return Matrix("", np.zeros(0, np.int64), np.zeros(0, "S16"), np.zeros((0, 0), np.float32))


def from_table(rows: Any, version: str) -> Matrix:
    """Make a matrix of an Arrow table with columns ``passage``, ``doc`` and ``vector``."""
    import numpy as np

    rows = rows.combine_chunks()
    if not rows.num_rows:
        return Matrix(version, *_arrays(empty()))
    keys = rows.column("passage").to_numpy()
    order = np.argsort(keys, kind="stable")
    flat = rows.column("vector").combine_chunks().flatten().to_numpy()
    documents = np.array(rows.column("doc").to_pylist(), "S16")
    return Matrix(version, keys[order], documents[order], np.ascontiguousarray(flat.reshape(len(keys), -1)[order]))


def _arrays(matrix: Matrix) -> tuple[Any, Any, Any]:
    return matrix.keys, matrix.documents, matrix.vectors


def save(folder: Path, matrix: Matrix) -> None:
    """Keep a matrix as ``exact-VERSION.PART.npy`` files, in place of those of other versions. Raises OSError."""
    import numpy as np

    if _path(folder, matrix.version, _PARTS[-1]).exists():
        return
    for part, array in zip(_PARTS, _arrays(matrix), strict=True):
        path = _path(folder, matrix.version, part)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        with draft.open("wb") as file:
            np.save(file, array)
        draft.replace(path)
    for old in folder.glob("exact-*"):
        if matrix.version not in old.name:
            old.unlink(missing_ok=True)  # processes that have it mapped keep it until they let go


def read_saved(folder: Path, version: str) -> Matrix | None:
    """Map the matrix saved for ``version``, or None when there is none."""
    import numpy as np

    try:
        saved = Matrix(version, *(np.load(_path(folder, version, part), mmap_mode="r") for part in _PARTS))
    except Exception:  # noqa: BLE001 - numpy raises EOFError, SyntaxError, TokenError … for a damaged file
        return None
    return saved if len(saved.keys) == len(saved.documents) == len(saved.vectors) else None


def _path(folder: Path, version: str, part: str) -> Path:
    return folder / f"exact-{version}.{part}.npy"


def nearest(
    matrix: Matrix, query: NDArray[np.float32], depth: int, among: Collection[str] | None
) -> list[tuple[int, float]]:
    """The ``depth`` rows with the greatest dot product, as ``(key, product)``, best first, ties by key."""
    import numpy as np

    cosines = matrix.vectors @ query if len(matrix.keys) else np.zeros(0, np.float32)
    rows = np.arange(len(cosines))
    if among is not None:
        rows = np.flatnonzero(np.isin(matrix.documents, np.array(sorted(among), "S16")))
    if not len(rows):
        return []
    take = min(depth, len(rows))
    best = rows[np.argpartition(-cosines[rows], take - 1)[:take]]
    order = best[np.lexsort((matrix.keys[best], -cosines[best]))]
    return [(int(matrix.keys[i]), float(cosines[i])) for i in order]
