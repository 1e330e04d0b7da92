"""SQLite: FTS5 for the words, sqlite-vec for the vectors (exact, it has no other search), fused by reciprocal ranks.

Through apsw, because many builds of Python's own sqlite3 module load no extensions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.index.corpus import Made
from benchmarks.index.material import DEPTH, Material, rows_of
from benchmarks.index.measure import Stopwatch
from benchmarks.index.systems.system import Mode, fused
from numpy.typing import NDArray

from carrel.models import Encoder

__all__ = ["Sqlite"]

_CANDIDATES = 100  # of each arm, before fusion
_SCHEMA = """
CREATE TABLE passages(id INTEGER PRIMARY KEY, source TEXT, text TEXT);
CREATE INDEX by_source ON passages(source);
CREATE VIRTUAL TABLE words USING fts5(text, content='passages', content_rowid='id', tokenize='porter unicode61');
CREATE VIRTUAL TABLE vectors USING vec0(id INTEGER PRIMARY KEY, vector FLOAT[{dimension}] distance_metric=cosine);
"""


class Sqlite:
    """One database file."""

    modes: tuple[Mode, ...] = ("hybrid", "lexical", "dense")

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        import apsw
        import sqlite_vec  # type: ignore[import-untyped, unused-ignore]

        self._encoder = encoder
        self._database = apsw.Connection(str(folder / "passages.sqlite"))
        self._database.enable_load_extension(True)
        self._database.load_extension(sqlite_vec.loadable_path())
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-262144", "mmap_size=1073741824"):
            self._database.execute(f"PRAGMA {pragma}")

    def build(self, material: Material) -> dict[str, Any]:
        """Insert in transactions of one slice, then merge the segments of the word index."""
        self._database.execute(_SCHEMA.format(dimension=material.facts["dimension"]))
        with Stopwatch() as watch:
            for part in material.slices():
                with self._database:
                    self._insert(zip(part.rows, part.sources, part.texts, part.vectors, strict=True))
        with Stopwatch() as merging:
            self._database.execute("INSERT INTO words(words) VALUES('optimize')")
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return {"write_s": watch.wall, "index_s": merging.wall}

    def open(self, material: Material) -> None:
        """Nothing to prepare: the file is open."""

    def search(self, query: str, mode: Mode) -> list[tuple[int, str]]:
        """The ten best."""
        arms = []
        if mode != "lexical":
            arms.append(self._nearest(self._encoder.encode_queries([query])[0]))
        if mode != "dense":
            arms.append(self._matching(query))
        best = fused(arms, DEPTH)
        marks = ",".join("?" * len(best))
        texts = dict(self._database.execute(f"SELECT id, text FROM passages WHERE id IN ({marks})", best))
        return [(row, texts[row]) for row in best]

    def rows(self, hits: Sequence[Any]) -> list[int]:
        """Row numbers; what `replace` added has none."""
        return [row for row, _ in hits]

    def texts(self, hits: Sequence[Any]) -> list[str]:
        """Texts."""
        return [text for _, text in hits]

    def replace(self, documents: Sequence[Made]) -> dict[str, float]:
        """One transaction."""
        rows = [row for made in documents for row in rows_of(made)]
        vectors = self._encoder.encode([row.text for row in rows])
        sources = [made.document.source for made in documents]
        with Stopwatch() as watch, self._database:
            (top,) = next(self._database.execute("SELECT max(id) FROM passages"))
            self._delete(sources)
            ids = range(top + 1, top + 1 + len(rows))
            self._insert(
                (number, row.source, row.text, vector) for number, row, vector in zip(ids, rows, vectors, strict=True)
            )
        return {"commit_s": watch.wall}

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _insert(self, rows: Iterable[tuple[int, str, str, NDArray[np.float32]]]) -> None:
        found = list(rows)
        texts = [(row, source, text) for row, source, text, _ in found]
        self._database.executemany("INSERT INTO passages VALUES(?,?,?)", texts)
        words = [(row, text) for row, _, text, _ in found]
        self._database.executemany("INSERT INTO words(rowid, text) VALUES(?,?)", words)
        vectors = [(row, vector.tobytes()) for row, _, _, vector in found]
        self._database.executemany("INSERT INTO vectors(id, vector) VALUES(?,?)", vectors)

    def _delete(self, sources: Sequence[str]) -> None:
        marks = ",".join("?" * len(sources))
        old = list(self._database.execute(f"SELECT id, text FROM passages WHERE source IN ({marks})", sources))
        self._database.executemany("INSERT INTO words(words, rowid, text) VALUES('delete',?,?)", old)
        for table in ("vectors", "passages"):
            self._database.executemany(f"DELETE FROM {table} WHERE id=?", [(row,) for row, _ in old])

    def _nearest(self, vector: NDArray[np.float32]) -> list[int]:
        found = self._database.execute(
            "SELECT id FROM vectors WHERE vector MATCH ? AND k = ? ORDER BY distance", (vector.tobytes(), _CANDIDATES)
        )
        return [row for (row,) in found]

    def _matching(self, query: str) -> list[int]:
        any_word = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", query))
        found = self._database.execute(
            "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?", (any_word, _CANDIDATES)
        )
        return [row for (row,) in found]
