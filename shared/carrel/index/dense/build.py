"""Lay all vectors of the table out as a new base, streaming: no more than a sample of them is ever in memory."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from carrel.index.dense import lists as vector_lists
from carrel.index.dense.arrays import Head, State, flush_folder, rows_of
from carrel.index.dense.codes import coded, scale_for
from carrel.index.dense.sums import checksum, read_blocks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Source", "build"]

_QUERIES = 256
_SEED = 11_939


@dataclass(frozen=True, slots=True)
class Source:
    """What is laid out: each row's digest in the table's order, their width, the table's state, a way to read it."""

    digests: NDArray[np.int64]
    dimension: int
    batch: int
    version: int
    rows: Callable[[], Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]]


def build(folder: Path, number: int, source: Source, lists_from: int, before: State | None) -> Head:
    """Write the files of base ``number`` into ``folder`` and return the head that puts them in force.

    From ``lists_from`` rows on they are laid out in lists. The lists of ``before`` are kept until the collection has
    doubled or halved since they were made. Raises OSError.
    """
    import numpy as np

    known = np.unique(source.digests)
    centroids, trained = _lists(source, known, lists_from, before)
    labels = _labels(source, known, centroids, before) if len(centroids) else np.zeros(len(known), np.int32)
    offsets = np.zeros(max(1, len(centroids)) + 1, np.int64)
    np.cumsum(np.bincount(labels, minlength=len(offsets) - 1), out=offsets[1:])
    path = folder / f"base-{number}.vectors.npy"
    digests = _place(path, source, known, labels, offsets)
    reading = _measured(path, centroids, offsets, len(known), source.dimension)
    if reading is None:
        centroids = np.zeros((0, source.dimension), np.float32)
    parts: dict[str, NDArray[np.generic]] = {
        "digests": digests,
        "sorted": known.astype("<i8"),
        "order": np.argsort(digests, kind="stable").astype("<i4"),
        "offsets": offsets,
        "centroids": centroids,
    }
    for name, array in parts.items():
        _save(folder / f"base-{number}.{name}.npy", array)
    sums = {name: zlib.crc32(array.data) for name, array in parts.items()}
    scale = scale_for(_chosen(path, len(known))) if len(centroids) else 1.0
    codes = folder / f"base-{number}.codes.npy"
    sums["vectors"], sums["codes"] = _code(path, codes, (len(known), source.dimension), scale if len(centroids) else 0)
    flush_folder(folder)
    head = Head(number, source.dimension, len(known), batch=source.batch, version=source.version, sums=sums)
    head = replace(head, lists=len(centroids), trained=trained, scale=scale)
    return replace(head, **asdict(reading)) if reading else head


def _lists(
    source: Source, known: NDArray[np.int64], lists_from: int, before: State | None
) -> tuple[NDArray[np.float32], int]:
    """Centroids, none for an exact search, and the number of rows they were made for."""
    import numpy as np

    rows = len(known)
    if rows < max(lists_from, 5 * _QUERIES):
        return np.zeros((0, source.dimension), np.float32), 0
    if before is not None and before.head.dimension == source.dimension:
        trained = before.head.trained
        if trained and trained / 2 < rows < trained * 2:
            return before.centroids, trained
    chosen = np.zeros(rows, np.bool_)
    chance = np.random.default_rng(_SEED)
    chosen[chance.choice(rows, vector_lists.sample_size(rows), replace=False)] = True
    return vector_lists.train(_sample(source, known, chosen), vector_lists.list_count(rows)), rows


def _sample(source: Source, known: NDArray[np.int64], chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The vectors of the ``chosen`` ones of the ``known`` digests, in order of digest."""
    import numpy as np

    place = np.cumsum(chosen) - 1
    sample = np.zeros((int(chosen.sum()), source.dimension), np.float32)
    for digests, vectors in source.rows():
        positions = np.searchsorted(known, digests)
        taken = chosen[positions]
        sample[place[positions[taken]]] = vectors[taken]
    return sample


def _labels(
    source: Source, known: NDArray[np.int64], centroids: NDArray[np.float32], before: State | None
) -> NDArray[np.int32]:
    """The list of each of the ``known`` digests; rows that lay in the same lists before stay where they were."""
    import numpy as np

    labels = np.full(len(known), -1, np.int32)
    if before is not None and before.centroids is centroids:
        rows = rows_of(before, known)
        old = (rows >= 0) & (rows < before.head.rows)
        labels[old] = np.searchsorted(before.offsets, rows[old], "right") - 1
        new = rows >= before.head.rows
        labels[new] = vector_lists.assign(before.tail_vectors, centroids)[rows[new] - before.head.rows]
    if (labels >= 0).all():
        return labels
    for digests, vectors in source.rows():
        positions = np.searchsorted(known, digests)
        missing = labels[positions] < 0
        if missing.any():
            labels[positions[missing]] = vector_lists.assign(vectors[missing], centroids)
    return labels


def _place(
    path: Path, source: Source, known: NDArray[np.int64], labels: NDArray[np.int32], offsets: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Write the vectors list by list, each digest once, and return the digest of each row.

    With `os.pwrite`-like writes and not through a map: pages of a map that wait to be written count as memory.
    """
    import numpy as np

    digests_by_row = np.zeros(len(known), "<i8")
    placed = np.zeros(len(known), np.bool_)
    free = offsets[:-1].copy()
    width = source.dimension * 4
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (len(known), source.dimension)}
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        for digests, vectors in source.rows():
            positions = np.searchsorted(known, digests)
            positions, first = np.unique(positions, return_index=True)
            positions, first = positions[~placed[positions]], first[~placed[positions]]
            placed[positions] = True
            by_list = np.argsort(labels[positions], kind="stable")
            lists, begins, sizes = np.unique(labels[positions][by_list], return_index=True, return_counts=True)
            ordered = vectors[first[by_list]].astype("<f4", copy=False)
            names = known[positions[by_list]]
            for one, begin, size in zip(lists.tolist(), begins.tolist(), sizes.tolist(), strict=True):
                row = int(free[one])
                file.seek(start + row * width)
                file.write(ordered[begin : begin + size].data)
                digests_by_row[row : row + size] = names[begin : begin + size]
                free[one] += size
        file.flush()
        os.fsync(file.fileno())
    if not placed.all():
        raise ValueError("the table changed while it was read")
    return digests_by_row


def _measured(
    path: Path, centroids: NDArray[np.float32], offsets: NDArray[np.int64], rows: int, dimension: int
) -> vector_lists.Reading | None:
    """How to read the lists of the vectors at ``path``; None without lists or where they do not pay."""
    import numpy as np

    if not len(centroids):
        return None
    queries = vector_lists.make_queries(_chosen(path, rows))
    nearest, scores = vector_lists.truth(queries, read_blocks(path, rows, dimension))
    places = np.searchsorted(offsets, nearest, "right") - 1
    return vector_lists.choose_reading(queries, scores, places, centroids, rows)


def _chosen(path: Path, rows: int) -> NDArray[np.float32]:
    """Stored vectors chosen by lot, always the same ones."""
    import numpy as np

    chosen = np.random.default_rng(_SEED).choice(rows, 5 * _QUERIES, replace=False)
    vectors: NDArray[np.float32] = np.load(path, mmap_mode="r")[chosen].view(np.ndarray)
    return vectors


def _code(vectors: Path, codes: Path, shape: tuple[int, int], scale: float) -> tuple[int, int]:
    """Write the codes of the stored vectors, none for a ``scale`` of 0; the checksums of both."""
    import numpy as np

    sums = (0, 0)
    with codes.open("wb") as file:
        header = {"descr": "|i1", "fortran_order": False, "shape": shape if scale else (0, shape[1])}
        np.lib.format.write_array_header_1_0(file, header)
        for block in read_blocks(vectors, *shape):
            sums = checksum(block, sums[0]), sums[1]
            if scale:
                rows = coded(block, scale)
                sums = sums[0], checksum(rows, sums[1])
                file.write(rows.data)
        file.flush()
        os.fsync(file.fileno())
    return sums


def _save(path: Path, array: NDArray[np.generic]) -> None:
    import numpy as np

    with path.open("wb") as file:
        np.save(file, array)
        file.flush()
        os.fsync(file.fileno())
