"""Token vectors of passages, for rerankers of late interaction: a model reads each passage once, not once a process.

They lie in a SQLite file of their own (``tokens.sqlite``), for all of it can be made again: what is damaged is dropped,
and what cannot be written now is made at the next search. A row is named by the model that made it and the digest of
what the passage says, so equal passages share one, in all collections. Vectors tell the text: those of an erased text
go with it, whoever erased it and wherever he was stopped.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from carrel.errors import CarrelError
from carrel.index.store import Store

__all__ = ["TOKEN_ROOM", "TokenShelf"]

TOKEN_ROOM = 4 << 30
"""Bytes of token vectors on disk unless configured otherwise: about 160,000 passages of 200 tokens and 128 numbers."""

_log = logging.getLogger(__name__)
_FORM = 1
_BUSY_SECONDS = 10.0
_FULL = 0.95  # share of the room that may be filled ahead
_FILLED = 0.9  # share of the room that is left filled when the oldest go
_DAY = 86_400  # seconds; when a row was last of use is known by the day

_SCHEMA = (
    "CREATE TABLE facts(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE models(model_no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    "CREATE TABLE vectors(row_no INTEGER PRIMARY KEY, model_no INTEGER NOT NULL, digest INTEGER NOT NULL, "
    "used INTEGER NOT NULL, crc INTEGER NOT NULL, content BLOB NOT NULL, UNIQUE(model_no, digest))",
    "CREATE INDEX vectors_by_use ON vectors(used, row_no)",
    "INSERT INTO facts VALUES('erasures', 0)",
    f"PRAGMA user_version={_FORM}",
)
_NAMED = (
    "FROM json_each(?) k CROSS JOIN vectors v ON v.model_no=(SELECT model_no FROM models WHERE name=?) "
    "AND v.digest=k.value"
)


class TokenShelf:
    """The token vectors of one data folder. Thread-safe; several processes may share it.

    Nothing here fails a search: a shelf that cannot be read is empty, one that cannot be written keeps nothing. Writing
    happens in a thread of its own, where ``store`` shows its newest state and not that of a search under way. ``room``
    is in bytes (0: nothing is kept); what was longest of no use goes first. ``clock`` gives Unix seconds.
    """

    def __init__(self, store: Store, folder: Path, *, room: int, clock: Callable[[], float], read_only: bool) -> None:
        self.path = folder / "tokens.sqlite"
        self._store = store
        self._room = room
        self._clock = clock
        self._writes = room > 0 and not read_only
        self._lock = threading.Lock()
        self._reading: tuple[sqlite3.Connection, int] | None = None
        self._writing: tuple[sqlite3.Connection, int] | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="carrel-tokens")
        if self._writes and self.path.exists():
            self._writer.submit(self._do, lambda connection: None)  # forgets what whoever was killed had erased

    def close(self) -> None:
        """Write what was handed in and close the file."""
        self._writer.shutdown()
        with self._lock:
            for held in (self._reading, self._writing):
                if held is not None:
                    held[0].close()
            self._reading = self._writing = None

    # reading ----------------------------------------------------------------------------------------------------------

    def read(self, model: str, digests: Sequence[int]) -> dict[int, bytes]:
        """What ``model`` made of the passages of these digests, as far as it is there and as it was written."""
        rows = self._rows(f"SELECT v.digest, v.used, v.crc, v.content {_NAMED}", model, digests)
        sound = {digest: content for digest, _, crc, content in rows if _is_sound(content, crc)}
        today = self._today()
        old = [digest for digest, used, _, _ in rows if digest in sound and used != today]
        broken = [row[0] for row in rows if row[0] not in sound]
        if self._writes and (old or broken):
            self._hand_in(lambda connection: _tidy(connection, model, old, broken, today))
        return sound

    def lacking(self, model: str, digests: Sequence[int]) -> list[int]:
        """Those of the digests that ``model`` has made nothing of."""
        there = {row[0] for row in self._rows(f"SELECT v.digest {_NAMED}", model, digests)}
        return [digest for digest in digests if digest not in there]

    def verify(self, *, mend: bool) -> list[str]:
        """What the disk has altered, in words; every byte is read once. Mending drops it: it is made again in time."""
        with self._lock:
            try:
                connection = self._open_to_read()
                if connection is None:
                    return []
                faults = [words for (words,) in connection.execute("PRAGMA integrity_check(3)") if words != "ok"]
                rows = connection.execute("SELECT row_no, crc, content FROM vectors")
                broken = [number for number, crc, content in rows if not _is_sound(content, crc)]
            except (sqlite3.Error, OSError) as error:
                faults, broken = [f"cannot be read ({error})"], []
        if faults and mend:
            self._writer.submit(self._renew).result()
        elif broken and mend:
            self._writer.submit(self._do, lambda connection: _drop(connection, broken)).result()
        return faults or ([f"{len(broken)} of them are damaged"] if broken else [])

    @property
    def room(self) -> int:
        """Bytes that it may take; 0 where nothing can be kept."""
        return self._room if self._writes else 0

    @property
    def spare(self) -> int:
        """Bytes that may be filled ahead, before what is kept pushes out what was kept before."""
        return int(_FULL * self.room) - self.taken()

    def taken(self) -> int:
        """Bytes that it takes."""
        with self._lock, contextlib.suppress(sqlite3.Error, OSError):
            connection = self._open_to_read()
            return 0 if connection is None else _taken(connection)
        return 0

    def _rows(self, sql: str, model: str, digests: Sequence[int]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                connection = self._open_to_read()
                if connection is None:
                    return []
                return connection.execute(sql, (json.dumps(list(digests)), model)).fetchall()
            except (sqlite3.Error, OSError) as error:
                _log.warning("the token vectors cannot be read (%s)", error)
                damaged = _is_damage(error)
        if damaged and self._writes:
            self._hand_in(_damaged)
        return []

    # writing ----------------------------------------------------------------------------------------------------------

    def write(self, model: str, made: Mapping[int, bytes]) -> Future[None] | None:
        """Keep what ``model`` made of passages, by digest, in the background; None where nothing is kept."""
        if not self._writes or not made:
            return None
        return self._hand_in(lambda connection: self._keep(connection, model, made))

    def forget(self) -> None:
        """Drop the vectors of every text that was erased; returns when they are gone."""
        if self._writes and self.path.exists():
            with contextlib.suppress(RuntimeError):  # closed: the next who opens it does it
                self._writer.submit(self._do, lambda connection: None, empty_log=True).result()

    def _hand_in(self, work: Callable[[sqlite3.Connection], None]) -> Future[None] | None:
        with contextlib.suppress(RuntimeError):  # closed meanwhile
            return self._writer.submit(self._do, work)
        return None

    def _do(self, work: Callable[[sqlite3.Connection], None], *, empty_log: bool = False) -> None:
        """One transaction that begins with forgetting what was erased. A damaged file is made anew and tried again."""
        for last in (False, True):
            try:
                connection = self._open_to_write()
                with _transaction(connection):
                    swept = self._catch_up(connection)
                    work(connection)
                if swept or empty_log:  # the log holds what was erased
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                return
            except (sqlite3.Error, OSError, CarrelError) as error:
                _log.warning("token vectors were not kept (%s)", error)
                if last or not _is_damage(error):
                    return
                self._renew()

    def _catch_up(self, connection: sqlite3.Connection) -> bool:
        """Forget what is no passage any more, if anything was erased since it was last looked; whether it was."""
        found = self._store.row("SELECT value FROM meta WHERE key='erasures'")
        erasures = int(found[0]) if found else 0
        if connection.execute("SELECT value FROM facts WHERE key='erasures'").fetchone()[0] == erasures:
            return False
        there = {row[0] for row in self._store.rows("SELECT DISTINCT digest FROM passages")}
        rows = connection.execute("SELECT row_no, digest FROM vectors").fetchall()
        _drop(connection, [number for number, key in rows if key not in there])
        connection.execute("UPDATE facts SET value=? WHERE key='erasures'", (erasures,))
        return True

    def _keep(self, connection: sqlite3.Connection, model: str, made: Mapping[int, bytes]) -> None:
        # Looked up under the lock: a text erased before is not there, one erased later goes when its eraser comes.
        alive = self._store.rows(
            "SELECT DISTINCT k.value FROM json_each(?) k CROSS JOIN passages p ON p.digest=k.value",
            (json.dumps(list(made)),),
        )
        connection.execute("INSERT OR IGNORE INTO models(name) VALUES(?)", (model,))
        number = connection.execute("SELECT model_no FROM models WHERE name=?", (model,)).fetchone()[0]
        today = self._today()
        connection.executemany(
            "INSERT OR REPLACE INTO vectors(model_no, digest, used, crc, content) VALUES(?,?,?,?,?)",
            [(number, digest, today, zlib.crc32(made[digest]), made[digest]) for (digest,) in alive],
        )
        if _taken(connection) > self._room:
            _drop_oldest(connection, int(_FILLED * self._room))

    def _today(self) -> int:
        return int(self._clock()) // _DAY

    # the file ---------------------------------------------------------------------------------------------------------

    def _open_to_read(self) -> sqlite3.Connection | None:
        """Needs the lock; None where there is no file."""
        inode = _inode(self.path)
        if self._reading is not None and self._reading[1] == inode:
            return self._reading[0]
        if self._reading is not None:
            self._reading[0].close()
            self._reading = None
        if not inode:
            return None
        made = self._connect("rw" if os.access(self.path.parent, os.W_OK) else "ro")
        if made.execute("PRAGMA user_version").fetchone()[0] != _FORM:  # of another version, or just being made
            made.close()
            return None
        self._reading = made, inode
        return made

    def _open_to_write(self) -> sqlite3.Connection:
        inode = _inode(self.path)
        if self._writing is not None and self._writing[1] == inode:
            return self._writing[0]
        if self._writing is not None:
            self._writing[0].close()
        made = self._connect("rwc")
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("PRAGMA synchronous=NORMAL")  # the last vectors may be lost with the power, and made again
        made.execute("PRAGMA secure_delete=ON")
        with _transaction(made):
            form = made.execute("PRAGMA user_version").fetchone()[0]
            for statement in _SCHEMA if form == 0 else ():
                made.execute(statement)
        if form not in (0, _FORM):
            made.close()
            raise sqlite3.DatabaseError("of another version")
        self._writing = made, _inode(self.path)
        return made

    def _connect(self, mode: str) -> sqlite3.Connection:
        address = f"{self.path.absolute().as_uri()}?mode={mode}"
        return sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)

    def _renew(self) -> None:
        """Begin with an empty file; whoever has the old one open goes on with it until he looks again."""
        with self._lock:
            for held in (self._reading, self._writing):
                if held is not None:
                    held[0].close()
            self._reading = self._writing = None
            for end in ("-wal", "-shm", ""):
                self.path.with_name(self.path.name + end).unlink(missing_ok=True)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


def _is_damage(error: Exception) -> bool:
    """Whether the file is not what was written; locks, permissions and a full disk are something else."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)


def _damaged(connection: sqlite3.Connection) -> None:
    raise sqlite3.DatabaseError("a reader found it damaged")


def _is_sound(content: object, crc: int) -> bool:
    return isinstance(content, bytes) and zlib.crc32(content) == crc


def _taken(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        int(connection.execute(f"PRAGMA {what}").fetchone()[0])
        for what in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _tidy(connection: sqlite3.Connection, model: str, used: Sequence[int], broken: Sequence[int], today: int) -> None:
    """Note the day on which rows were of use, and drop those that the disk has altered."""
    rows = f"(SELECT v.row_no {_NAMED})"
    connection.execute(f"UPDATE vectors SET used=? WHERE row_no IN {rows}", (today, json.dumps(list(used)), model))
    connection.execute(f"DELETE FROM vectors WHERE row_no IN {rows}", (json.dumps(list(broken)), model))


def _drop(connection: sqlite3.Connection, rows: Sequence[int]) -> None:
    connection.executemany("DELETE FROM vectors WHERE row_no=?", [(number,) for number in rows])


def _drop_oldest(connection: sqlite3.Connection, goal: int) -> None:
    """Delete what was longest of no use until at most ``goal`` bytes are taken."""
    while (taken := _taken(connection)) > goal:
        count = connection.execute("SELECT count(*) FROM vectors").fetchone()[0]
        if not count:
            return
        most = max(1, count * (taken - goal) // taken)
        connection.execute(
            "DELETE FROM vectors WHERE row_no IN (SELECT row_no FROM vectors ORDER BY used, row_no LIMIT ?)", (most,)
        )


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
