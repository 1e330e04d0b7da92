"""By which other identifiers a work of the local catalogue goes, and how far each dump has been loaded."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from carrel.errors import Unavailable

__all__ = ["Names"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS names(identifier TEXT, source TEXT, PRIMARY KEY(identifier, source)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS collections(name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS loads(
  path TEXT, collection INTEGER, stamp TEXT, lines INTEGER, PRIMARY KEY(path, collection)) WITHOUT ROWID;
"""


class Names:
    """A small database beside the library. What it says is checked against the library, which alone is the truth."""

    def __init__(self, data: Path) -> None:
        self._path = data / "catalogue.sqlite"

    @property
    def there(self) -> bool:
        """Whether any dump was ever loaded here."""
        return self._path.exists()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self._path, timeout=10)
            try:
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise Unavailable(
                f"the catalogue's list of names cannot be used ({error}); remove {self._path.name} from the data "
                "folder and load the dumps again"
            ) from None

    def begin(self, collection: str) -> None:
        """Remember that a collection holds works of dumps."""
        with self._open() as connection:
            connection.executescript(_SCHEMA)
            connection.execute("INSERT OR IGNORE INTO collections VALUES(?)", (collection,))

    def collections(self) -> list[str]:
        """The collections that dumps were loaded into."""
        if not self.there:
            return []
        with self._open() as connection:
            return [str(name) for (name,) in connection.execute("SELECT name FROM collections ORDER BY name")]

    def add(self, names: Sequence[tuple[str, str]]) -> None:
        """Remember ``(identifier, source)`` pairs."""
        with self._open() as connection:
            connection.executemany("INSERT OR IGNORE INTO names VALUES(?,?)", names)

    def sources(self, identifiers: Sequence[str]) -> Mapping[str, list[str]]:
        """The sources of documents that go by each identifier."""
        found: dict[str, list[str]] = {name: [] for name in identifiers}
        with self._open() as connection:
            for name in found:
                rows = connection.execute("SELECT source FROM names WHERE identifier=? ORDER BY source", (name,))
                found[name] = [str(source) for (source,) in rows]
        return found

    def reached(self, path: str, collection: int, stamp: str) -> int:
        """How many lines of this very file were loaded when the last attempt ended before its time."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT lines FROM loads WHERE path=? AND collection=? AND stamp=?", (path, collection, stamp)
            ).fetchone()
        return int(row[0]) if row else 0

    def reach(self, path: str, collection: int, stamp: str, lines: int) -> None:
        """Remember how far it got."""
        with self._open() as connection:
            connection.execute("INSERT OR REPLACE INTO loads VALUES(?,?,?,?)", (path, collection, stamp, lines))

    def finish(self, path: str, collection: int) -> None:
        """The file is loaded: the next time it is read from the start."""
        with self._open() as connection:
            connection.execute("DELETE FROM loads WHERE path=? AND collection=?", (path, collection))
