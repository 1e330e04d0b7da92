"""The store: SQLite in WAL mode. Documents, passages, membership and the journal; the arms derive from it.

One writing transaction is one generation, and each has a random number beside its own: an arm that has reached
generation 7 of another history (a store restored from a copy, or cut short by the disk) is told apart from one that
has reached ours. A document is never changed: its id names its content, so a new text is a new row. Membership rows
carry the generations in which they began and ended, which is what makes a snapshot.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carrel.errors import CarrelError, IncompatibleIndex, Refused, Unavailable
from carrel.index import schema
from carrel.index.lexical import Mark

__all__ = ["Store"]

_BUSY_SECONDS = 60.0
_ROOM = 262_144  # bytes on a disk without which SQLite cannot begin
_CACHE_KIB = 32_768  # of pages, per connection
_CLOSING = 2.0  # seconds for the statement in hand of another thread

_CLOSED = "the library is closed; start the server again"

# No file, disk or lock causes these: they are mistakes of ours, and stay visible.
_MISTAKES = (sqlite3.ProgrammingError, sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError)

Row = tuple[Any, ...]
Parameters = Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Held:
    """A thread's connection to the file of this inode. ``using`` is held for each statement, so that no other thread
    closes the connection under it: SQLite does not survive that."""

    connection: sqlite3.Connection
    inode: int
    using: threading.Lock

    def execute(self, sql: str, parameters: Parameters = ()) -> sqlite3.Cursor:
        with self.using:
            return self.connection.execute(sql, parameters)

    def close(self) -> None:
        """Close it after the statement in hand; while one takes long, leave it to its thread, with which it goes."""
        if self.using.acquire(timeout=_CLOSING):
            try:
                self.connection.close()
            finally:
                self.using.release()


class Store:
    """A SQLite file and a connection for each thread that asks. Safe for many threads and processes.

    ``clock`` gives Unix seconds. ``create=False`` opens an existing store of this format, without writing anything.
    Opening raises Refused when the folder cannot be written (or, without ``create``, holds no store) and
    IncompatibleIndex when another program version made it. Any later call may raise IncompatibleIndex (the file is
    damaged), Unavailable (locked for long, disk full, gone) or Refused (no permission).
    """

    def __init__(self, folder: Path, clock: Callable[[], float], *, create: bool = True) -> None:
        self.path = folder / "store.sqlite"
        self._clock = clock
        self._local = threading.local()
        self._all: dict[threading.Thread, _Held] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._create = create
        try:
            if create:
                folder.mkdir(parents=True, exist_ok=True)
                self._prepare()
            else:
                self._check()
        except (OSError, sqlite3.Error) as error:
            raise _cannot_open(error, folder, create) from error

    def close(self) -> None:
        """Close every connection this process opened. Later calls raise Unavailable."""
        with self._lock:
            self._closed = True
            for held in self._all.values():
                held.close()
            self._all.clear()

    # reading ----------------------------------------------------------------------------------------------------------

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads of this thread inside the block see one state; a no-op inside another block."""
        try:
            held = self._held()
        except sqlite3.Error as error:
            raise self._told(error) from error
        if held.connection.in_transaction:
            yield
            return
        self.run("BEGIN")
        try:
            yield
        finally:
            _roll_back(held)

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Every row of a query."""
        try:
            held = self._held()
            with held.using:
                return held.connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._told(error) from error

    def row(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row of a query, or None when there is none."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        """The first column of a query's first row; the query has one."""
        return self.rows(sql, parameters)[0][0]

    def generation(self) -> int:
        """The number of the newest commit; 0 for an empty store."""
        found = self.row("SELECT value FROM meta WHERE key='generation'")
        if found is None:
            raise IncompatibleIndex("the store in the data folder is damaged; run `carrel doctor --repair`")
        return int(found[0])

    def knows(self, mark: Mark) -> bool:
        """Whether a commit with this number and nonce is in this store's history (0, 0 is every store's beginning)."""
        return mark == (0, 0) or bool(
            self.row("SELECT 1 FROM commits WHERE generation=? AND nonce=?", (mark.generation, mark.nonce))
        )

    def mark(self, generation: int) -> Mark:
        """A generation with its nonce."""
        found = self.row("SELECT generation, nonce FROM commits WHERE generation=?", (generation,))
        return Mark(*found) if found else Mark(0, 0)

    # writing ----------------------------------------------------------------------------------------------------------

    @contextmanager
    def write(self) -> Iterator[int]:
        """One transaction that becomes one generation, durable on exit; rolled back if the block raises.

        Waits its turn behind writers of other processes. Yields the new generation's number, which is taken only if
        the block journals a change under it.
        """
        with self.change():
            generation = self.generation() + 1
            yield generation
            changed = self.rows("SELECT DISTINCT collection_no FROM journal WHERE generation=?", (generation,))
            if changed:
                numbers = json.dumps([number for (number,) in changed])
                self.run(
                    "UPDATE collections SET journalled=? WHERE collection_no IN (SELECT value FROM json_each(?))",
                    (generation, numbers),
                )
                self.run("UPDATE meta SET value=? WHERE key='generation'", (str(generation),))
                self.run("INSERT INTO commits VALUES(?,?,?)", (generation, secrets.randbits(62), self._clock()))

    @contextmanager
    def change(self) -> Iterator[None]:
        """A transaction that is no generation: bookkeeping that changes nothing a search can see."""
        if not self._create:
            raise Refused("this server may only read the data folder; start it without --read-only to change anything")
        try:
            held = self._held()
            held.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise self._told(error) from error
        try:
            yield
            held.execute("COMMIT")
        except sqlite3.Error as error:
            _roll_back(held)
            raise self._told(error) from error
        except BaseException:
            _roll_back(held)
            raise

    def run(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        """Execute one statement inside `write` or `change`."""
        try:
            return self._held().execute(sql, parameters)
        except sqlite3.Error as error:
            raise self._told(error) from error

    def run_many(self, sql: str, rows: Iterator[Sequence[object]] | Sequence[Sequence[object]]) -> None:
        """Execute one statement for each row of parameters inside `write` or `change`."""
        try:
            held = self._held()
            with held.using:
                held.connection.executemany(sql, rows)
        except sqlite3.Error as error:
            raise self._told(error) from error

    def empty_log(self) -> None:
        """Move the log into the file and cut it to nothing, as far as readers let go of it: it holds erased texts."""
        with contextlib.suppress(CarrelError):
            self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    # problems ---------------------------------------------------------------------------------------------------------

    def note_problem(self, words: str) -> None:
        """Remember something that went wrong with the data until someone has been told; said twice it is kept once."""
        with self.change():
            self.run("DELETE FROM problems WHERE words=?", (words,))
            self.run("INSERT INTO problems VALUES(?,?)", (self._clock(), words))

    def problems(self) -> list[str]:
        """What went wrong with the data and was not yet cleared, oldest first."""
        return [words for (words,) in self.rows("SELECT words FROM problems ORDER BY rowid")]

    def clear_problems(self) -> None:
        """Forget the problems: they were told, and mended."""
        with self.change():
            self.run("DELETE FROM problems")

    def reindex(self) -> None:
        """Make SQLite's own indexes anew: what can be mended of a damaged file without a copy."""
        with contextlib.suppress(CarrelError):
            self.run("REINDEX")

    def verify(self) -> list[str]:
        """What SQLite itself finds wrong with the file, in words; empty when it is sound."""
        try:
            found = [str(words) for (words,) in self.rows("PRAGMA integrity_check(20)")]
        except CarrelError as error:
            return [str(error)]
        return [] if found == ["ok"] else [f"the store is damaged: {len(found)} faults found by SQLite"]

    # ------------------------------------------------------------------------------------------------------------------

    def _told(self, error: sqlite3.Error) -> CarrelError:
        return Unavailable(_CLOSED) if self._closed and isinstance(error, sqlite3.ProgrammingError) else _told(error)

    def _held(self) -> _Held:
        """This thread's connection; a new one when the file was replaced by another under it."""
        if self._closed:
            raise Unavailable(_CLOSED)
        found: _Held | None = getattr(self._local, "held", None)
        if found is not None and found.connection.in_transaction:
            return found
        try:
            inode = os.stat(self.path).st_ino  # noqa: PTH116 - called for each question
        except (FileNotFoundError, NotADirectoryError):
            raise Unavailable(
                "the store has vanished from the data folder; put it back, or restart the server to begin a new one"
            ) from None
        except OSError as error:
            raise _cannot_open(error, self.path.parent, create=False) from error
        if found is None or found.inode != inode:
            found = self._local.held = self._connect(inode)
        return found

    def _connect(self, inode: int) -> _Held:
        # mode=rw: a store that was deleted under a running server must not come back empty.
        made = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{self._mode()}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        made.execute("PRAGMA synchronous=FULL")
        made.execute("PRAGMA secure_delete=ON")  # an erased text is not left in free pages
        made.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        # No mmap_size: a file cut short under a map kills the process.
        held = _Held(made, inode, threading.Lock())
        with self._lock:
            for thread in [each for each in self._all if not each.is_alive()]:
                self._all.pop(thread).close()
            old = self._all.get(threading.current_thread())
            if old is not None:
                old.close()
            self._all[threading.current_thread()] = held
        return held

    def _mode(self) -> str:
        if self._create or os.access(self.path.parent, os.W_OK):
            return "mode=rw"
        # Where nothing can be written there can be no shared memory either; without a log there is nothing to share.
        log = self.path.with_name(f"{self.path.name}-wal")
        return "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"

    def _prepare(self) -> None:
        lost = not self.path.exists() or not self.path.stat().st_size
        if lost and any(self.path.parent.glob("collections/*/lexical")):
            raise IncompatibleIndex(
                "the store is gone from the data folder while its indexes are there; restore store.sqlite from a copy, "
                "choose another folder with --data, or run `carrel doctor --repair` to hear what is left"
            )
        if not self.path.exists():
            self.path.touch()
        connection = self._held().connection
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode=WAL")
        schema.ensure_schema(connection, lambda: secrets.randbits(62), self._clock())

    def _check(self) -> None:
        if not self.path.exists():
            raise Refused("there is no library in the data folder and --read-only makes none; check --data")
        found = schema.format_of(self._held().connection)
        if found != schema.FORMAT:
            raise IncompatibleIndex(
                f"the data folder has format {found} and this program reads {schema.FORMAT}; open it once without "
                "--read-only to bring it up to date"
            )


def _roll_back(held: _Held) -> None:
    with contextlib.suppress(sqlite3.ProgrammingError):  # closed meanwhile, which has rolled it back
        if held.connection.in_transaction:
            held.execute("ROLLBACK")


def _cannot_open(error: Exception, folder: Path, create: bool) -> CarrelError:
    if isinstance(error, _MISTAKES):
        raise error
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return IncompatibleIndex(
            "the store in the data folder is damaged or not Carrel's; run `carrel doctor --repair`, choose another "
            "folder with --data, or restore it from a copy"
        )
    with contextlib.suppress(OSError):
        if shutil.disk_usage(folder).free < _ROOM or getattr(error, "errno", 0) == errno.ENOSPC:
            return Unavailable("the data folder's disk is full; free some space and try again")
    why = error.strerror or "unknown reason" if isinstance(error, OSError) else "no permission, or the disk is full"
    what = "written" if create else "read"
    return Refused(f"the data folder cannot be {what} ({why}); choose another with --data")


def _told(error: sqlite3.Error) -> CarrelError:
    if isinstance(error, _MISTAKES):
        raise error
    words = str(error)
    if "locked" in words or "busy" in words:
        return Unavailable("another process is writing to the data folder; try again in a minute", retry_after=30)
    if "full" in words or "disk I/O" in words:
        return Unavailable("the data folder's disk is full or failing; free some space and try again")
    if "readonly" in words or "read-only" in words or "unable to open" in words:
        return Refused("the data folder cannot be written; check its permissions, or choose another with --data")
    if isinstance(error, sqlite3.DatabaseError):
        return IncompatibleIndex(
            "the store in the data folder is damaged; run `carrel doctor --repair`, or restore it from a copy"
        )
    return Unavailable("the store did not answer; try again, or start the server again")
