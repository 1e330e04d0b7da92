"""The durable truth of the dense arm: a LanceDB table with one row (digest, batch, vector) per encoded text."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["VectorTable", "of_damage"]

_KEEP_VERSIONS = timedelta(minutes=30)  # handles in other processes may still read an older one
_ROWS_AT_ONCE = 8192
_DELETED_AT_ONCE = 4000  # digests named in one condition
_CACHE = 16_000_000  # bytes; by default it keeps every version's list of fragments: 1 GB after 1,500 small commits
_NAME = "vectors"


def of_damage(error: Exception) -> bool:
    """Whether LanceDB or NumPy raised this for damaged files. A manifest that is nearly sound lacks a column, or makes
    LanceDB panic, whose class cannot be imported."""
    return isinstance(error, OSError | RuntimeError | ValueError | LookupError) or type(error).__name__ == "RustPanic"


class VectorTable:
    """The table ``vectors`` in ``folder``. LanceDB is imported by the first call that needs it (about a second)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / f"{_NAME}.lance"
        self._lock = threading.Lock()
        self._handle: Any = None
        self._opened = 0  # the folder's inode then: one that was removed and made again is another table

    def exists(self) -> bool:
        """Whether there is a table, sound or not; without LanceDB."""
        return self._path.is_dir()

    def version(self) -> int:
        """The number of the newest commit."""
        return int(self._open().version)

    def dimension(self) -> int:
        """Width of the vectors."""
        return int(self._open().schema.field("vector").type.list_size)

    def count(self) -> int:
        """Rows, digests that were written twice counted twice."""
        return int(self._open().count_rows())

    def append(
        self, digests: NDArray[np.int64], batch: int, vectors: NDArray[np.float32], *, afresh: bool = False
    ) -> None:
        """Commit ``vectors`` (n, dimension) under ``batch``; ``afresh`` drops what was there in the same commit."""
        import numpy as np
        import pyarrow as pa

        rows = pa.table(
            {
                "digest": pa.array(digests),
                "batch": pa.array(np.full(len(digests), batch, np.int64)),
                "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1]),
            }
        )
        with self._flushed():
            if self.exists() and not afresh:
                self._open().add(rows)
            else:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._database().create_table(_NAME, rows, mode="overwrite")

    def digests(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Every row's digest and batch, in the table's order."""
        import numpy as np

        found = self._open().search().select(["digest", "batch"]).to_batches(batch_size=_ROWS_AT_ONCE * 8)
        parts = [(rows.column("digest").to_numpy(), rows.column("batch").to_numpy()) for rows in found]
        parts.append((np.zeros(0, np.int64), np.zeros(0, np.int64)))
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def rows(self, after: int = 0) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Stream digests and vectors of the batches after ``after``, always in the same order."""
        search = self._open().search().select(["digest", "vector"])
        if after:
            search = search.where(f"batch > {after:d}")
        for rows in search.to_batches(batch_size=_ROWS_AT_ONCE):
            if rows.num_rows:
                flat = rows.column("vector").flatten().to_numpy()
                yield rows.column("digest").to_numpy(), flat.reshape(rows.num_rows, -1)

    def delete(self, digests: NDArray[np.int64]) -> None:
        """Drop the rows of these digests."""
        with self._flushed():
            for start in range(0, len(digests), _DELETED_AT_ONCE):
                named = ",".join(str(digest) for digest in digests[start : start + _DELETED_AT_ONCE].tolist())
                self._open().delete(f"digest IN ({named})")

    def tidy(self) -> None:
        """Merge small fragments; versions that a reader may still hold stay."""
        with self._flushed():
            self._open().optimize(cleanup_older_than=_KEEP_VERSIONS)

    # ------------------------------------------------------------------------------------------------------------------

    def _database(self) -> Any:
        os.environ.setdefault("LANCEDB_LOG", "error")  # it warns on stderr otherwise
        import lancedb

        # Without a consistency interval a handle never sees what other processes commit.
        session = lancedb.Session(index_cache_size_bytes=_CACHE, metadata_cache_size_bytes=_CACHE)
        return lancedb.connect(str(self.folder), read_consistency_interval=timedelta(0), session=session)

    def _open(self) -> Any:
        with self._lock:
            inode = self._path.stat().st_ino
            if self._handle is None or self._opened != inode:
                self._handle, self._opened = self._database().open_table(_NAME), inode
            return self._handle

    @contextlib.contextmanager
    def _flushed(self) -> Iterator[None]:
        """Bring the files that a change adds to the disk: Lance leaves that to the system, a power cut does not."""
        before = self._files()
        yield
        for path in self._files() - before:
            _flush(path)
        for folder in self._folders():
            _flush(folder)

    def _folders(self) -> list[str]:
        names = (self._path / name for name in ("data", "_deletions", "_transactions", "_versions"))
        return [str(path) for path in names if path.is_dir()]

    def _files(self) -> set[str]:
        return {entry.path for folder in self._folders() for entry in os.scandir(folder)}


def _flush(path: str) -> None:
    try:
        handle = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, PermissionError):  # gone again; or a folder on a system that opens none
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
