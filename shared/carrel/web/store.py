"""I have answers that may be used again: keep them in one file, for every process of this user.

An SQLite file in WAL mode; calls block and belong in a worker thread. A store that cannot be read or written is no
reason to fail: it then finds nothing and keeps nothing, and says so once in the log. hishel's store was not taken: it
keeps answers that can never be used again (no lifetime, no validator), knows no ``max-age`` of the asker (robots.txt
may be a day old at most), reads the wall clock itself, and would keep a body that our own reader found cut off.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["MAX_STORE", "AnswerStore", "Kept"]

MAX_STORE = 1 << 30
MAX_ENTRY = 16 << 20
_ROOM_EVERY = 16  # additions between two looks at the size: the look reads an index of everything kept
_BUSY = 2.0  # seconds another process may hold the file; a page is not worth a longer wait
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
  key TEXT NOT NULL, accept TEXT NOT NULL, status INTEGER NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL,
  asked_at REAL NOT NULL, came_at REAL NOT NULL, used_at REAL NOT NULL, size INTEGER NOT NULL,
  PRIMARY KEY (key, accept)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_by_use ON answers (used_at, size);
"""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored answer: its whole body, decoded. ``accept`` is what was asked with; times are Unix seconds."""

    accept: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    asked_at: float
    came_at: float


class AnswerStore:
    """Answers by URL key and Accept header; the least recently used go when ``max_bytes`` is passed."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_STORE) -> None:
        self._path = path
        self._max = max_bytes
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._broken = False
        self._kept = 0

    def find(self, key: str) -> list[Kept]:
        """Everything kept under a key, newest first."""
        rows = self._run(
            "SELECT accept, status, headers, body, asked_at, came_at FROM answers WHERE key = ? ORDER BY came_at DESC",
            (key,),
        )
        return [Kept(row[0], row[1], json.loads(row[2]), row[3], row[4], row[5]) for row in rows]

    def keep(self, key: str, kept: Kept) -> None:
        """Store an answer in place of the one before."""
        headers = json.dumps(dict(kept.headers))
        size = len(kept.body) + len(headers) + len(key)
        if size > MAX_ENTRY:
            self.drop(key)
            return
        self._run(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (key, kept.accept, kept.status, headers, kept.body, kept.asked_at, kept.came_at, kept.came_at, size),
        )
        self._kept += 1
        if self._kept % _ROOM_EVERY == 1:
            self._make_room()

    def touch(self, key: str, accept: str, now: float) -> None:
        """Note that an answer was used."""
        self._run("UPDATE answers SET used_at = ? WHERE key = ? AND accept = ?", (now, key, accept))

    def drop(self, key: str) -> None:
        """Forget a key."""
        self._run("DELETE FROM answers WHERE key = ?", (key,))

    def close(self) -> None:
        """Close the file; it is opened again when next needed."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _make_room(self) -> None:
        for (total,) in self._run("SELECT total(size) FROM answers", ()):
            if total > self._max:
                self._shrink(total - self._max)

    def _shrink(self, excess: float) -> None:
        self._run(
            "DELETE FROM answers WHERE (key, accept) IN (SELECT key, accept FROM (SELECT key, accept, "
            "sum(size) OVER (ORDER BY used_at, key, accept) - size AS before FROM answers) WHERE before < ?)",
            (excess,),
        )

    def _run(self, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        if self._broken:
            return []
        with self._lock:
            try:
                return self._opened().execute(sql, values).fetchall()
            except sqlite3.OperationalError as error:
                _log.warning("the page store was skipped: %s", error)  # locked or full now, perhaps not next time
            except (sqlite3.DatabaseError, OSError) as error:
                self._broken = True
                _log.warning("the page store cannot be used and is left alone: %s", error)
        return []

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.executescript(_SCHEMA)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection
