"""The dense arm: one vector per passage in a LanceDB table, searched exactly while the collection is small.

Exact search over a matrix beats every approximate index below some tens of thousands of passages. For it the table's
newest version is also kept as plain memory-mapped arrays: all processes share their pages, and a first search needs
no LanceDB (whose import takes a second). Above `EXACT_LIMIT` the table's own search answers. Rows are upserts by
passage id, so writing one twice is harmless.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import threading
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carrel.errors import Unavailable
from carrel.index.exact import Matrix, empty, from_table, nearest, read_saved, save

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["EXACT_LIMIT", "DenseArm"]

EXACT_LIMIT = 100_000
"""Passages up to which the vectors are kept in memory (384 dimensions: 150 MB) and searched exactly."""

_KEEP_VERSIONS = timedelta(minutes=30)  # readers in other processes may still hold an older one
_TABLE = "vectors"
_log = logging.getLogger(__name__)


class DenseArm:
    """One collection's vectors. Searching is thread-safe; writing needs the collection's encoding lock held."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._table: Any = None
        self._matrix: Matrix | None = None

    def count(self) -> int:
        """Vectors in the table; 0 when there is none yet."""
        with _damage_told():
            matrix = self._current()
            return int(self._open().count_rows()) if matrix is None else len(matrix.keys)

    def write(self, keys: Sequence[int], documents: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Upsert ``vectors`` (n, dimension), one for each passage id in ``keys``; durable when it returns."""
        import pyarrow as pa

        rows = pa.table(
            {
                "passage": pa.array(keys, pa.int64()),
                "doc": pa.array(documents, pa.string()),
                "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1]),
            }
        )
        with self._lock:
            table = self._open_locked()
            if table is None or table.schema.field("vector").type.list_size != vectors.shape[1]:
                self._table = self._database().create_table(_TABLE, rows, mode="overwrite")
            else:
                merge = table.merge_insert("passage").when_matched_update_all().when_not_matched_insert_all()
                merge.execute(rows)

    def documents(self) -> set[str]:
        """Ids of the documents that have vectors here."""
        import numpy as np

        matrix = self._current()
        if matrix is not None:
            return {name.decode() for name in np.unique(matrix.documents)}
        return set(self._open().search().select(["doc"]).to_arrow().column("doc").unique().to_pylist())

    def remove(self, documents: Sequence[str]) -> None:
        """Drop the vectors of these documents."""
        table = self._open()
        for start in range(0, len(documents) if table is not None else 0, 500):
            names = ",".join(f"'{name}'" for name in documents[start : start + 500])  # base32 ids: nothing to escape
            table.delete(f"doc IN ({names})")
        if documents and table is not None:
            self.save()

    def tidy(self) -> None:
        """Merge small fragments, keeping versions that readers may still use, and `save`."""
        table = self._open()
        if table is not None:
            table.optimize(cleanup_older_than=_KEEP_VERSIONS)
            self.save()

    def save(self) -> None:
        """Write the arrays that a first search maps, if they are not there; failing to is only slower."""
        matrix = self._current()
        if matrix is not None and matrix.version:
            try:
                save(self.folder, matrix)
            except OSError as error:
                _log.warning("the exact vectors were not saved: %s", error.strerror)

    def search(
        self, query: NDArray[np.float32], depth: int, among: Collection[str] | None = None
    ) -> list[tuple[int, float]]:
        """The ``depth`` passages nearest to ``query`` (dimension,) as ``(passage_id, cosine)``, ties by id."""
        if depth < 1 or (among is not None and not among):
            return []
        with _damage_told():
            matrix = self._current()
            if matrix is None:
                return self._search_table(query, depth, among)
        return nearest(matrix, query, depth, among)

    def scores(self, query: NDArray[np.float32], keys: Sequence[int]) -> dict[int, float]:
        """The cosine of each of these passages, those without a vector left out. Exact collections only; else empty."""
        import numpy as np

        matrix = self._current()
        if matrix is None or not len(matrix.keys):
            return {}
        wanted = np.asarray(keys, dtype=np.int64)
        places = np.searchsorted(matrix.keys, wanted)
        places[places == len(matrix.keys)] = 0
        there = matrix.keys[places] == wanted
        cosines = matrix.vectors[places[there]] @ query
        return {int(key): float(score) for key, score in zip(wanted[there], cosines, strict=True)}

    # ------------------------------------------------------------------------------------------------------------------

    def _database(self) -> Any:
        os.environ.setdefault("LANCEDB_LOG", "error")  # it warns on stderr otherwise
        import lancedb

        self.folder.mkdir(parents=True, exist_ok=True)
        # Without a consistency interval a handle never sees what other processes commit.
        return lancedb.connect(str(self.folder), read_consistency_interval=timedelta(0))

    def _open(self) -> Any:
        with self._lock:
            return self._open_locked()

    def _open_locked(self) -> Any:
        if self._table is None and (self.folder / f"{_TABLE}.lance").exists():
            self._table = self._database().open_table(_TABLE)
        return self._table

    def _current(self) -> Matrix | None:
        """The vectors of the table's newest version; None when there are too many to search exactly."""
        with self._lock:
            version = self._version()
            if not version:
                return empty()
            if self._matrix is None or self._matrix.version != version:
                self._matrix = read_saved(self.folder, version) or self._from_table(version)
            return self._matrix

    def _from_table(self, version: str) -> Matrix | None:
        table = self._open_locked()
        if table is None or int(table.count_rows()) > EXACT_LIMIT:
            return None
        return from_table(table.to_arrow(), version)

    def _version(self) -> str:
        """What names the table's state without opening it: Lance writes one manifest file per version."""
        try:
            names = sorted(path.name for path in (self.folder / f"{_TABLE}.lance" / "_versions").iterdir())
        except OSError:
            return ""
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16] if names else ""

    def _search_table(
        self, query: NDArray[np.float32], depth: int, among: Collection[str] | None
    ) -> list[tuple[int, float]]:
        search = self._open().search(query).distance_type("cosine").limit(depth).select(["passage", "_distance"])
        if among is not None:
            search = search.where(f"doc IN ({','.join(repr(name) for name in sorted(among))})", prefilter=True)
        rows = search.to_list()
        return sorted(((row["passage"], 1.0 - row["_distance"]) for row in rows), key=lambda pair: (-pair[1], pair[0]))


@contextlib.contextmanager
def _damage_told() -> Iterator[None]:
    """Turn what LanceDB raises for damaged files into words; hybrid search then goes on by words alone."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        raise Unavailable(
            "the vectors of this collection are damaged; stop the servers, remove the folder 'dense' inside the "
            "collection's folder, and they are made again"
        ) from error
