"""The store: SQLite in WAL mode. Documents, passages, membership and the journal; the arms derive from it.

One writing transaction is one generation. A document is never changed: its id names its content, so a new text is a
new row. Membership rows carry the generations in which they began and ended, which is what makes a snapshot.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from carrel.errors import IncompatibleIndex, NotFound, Refused, Unavailable
from carrel.records import Document, Link, Passage, Section

__all__ = ["FORMAT", "Row", "Store"]

FORMAT = 1
_BUSY_SECONDS = 60.0
T = TypeVar("T")
_MANY = 500  # host parameters per statement; SQLite's historical limit is 999

_SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents(
  doc_id TEXT PRIMARY KEY, source TEXT NOT NULL, source_kind TEXT NOT NULL, media_type TEXT NOT NULL,
  title TEXT NOT NULL, date TEXT NOT NULL, language TEXT NOT NULL, details TEXT NOT NULL, text TEXT NOT NULL,
  kept_at REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX documents_by_source ON documents(source, kept_at);
CREATE TABLE collections(
  name TEXT PRIMARY KEY, analyser TEXT NOT NULL, splitter TEXT NOT NULL,
  encoder TEXT NOT NULL DEFAULT '', fingerprint TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE members(
  collection TEXT NOT NULL, doc_id TEXT NOT NULL, source TEXT NOT NULL, tags TEXT NOT NULL,
  began INTEGER NOT NULL, ended INTEGER, PRIMARY KEY(collection, doc_id, began)) WITHOUT ROWID;
CREATE INDEX members_by_source ON members(collection, source) WHERE ended IS NULL;
CREATE TABLE passages(
  passage_id INTEGER PRIMARY KEY AUTOINCREMENT, collection TEXT NOT NULL, doc_id TEXT NOT NULL,
  start INTEGER NOT NULL, end INTEGER NOT NULL, heading TEXT NOT NULL, encoded INTEGER NOT NULL DEFAULT 0);
CREATE INDEX passages_by_document ON passages(collection, doc_id);
CREATE INDEX passages_to_encode ON passages(collection, passage_id) WHERE encoded = 0;
CREATE TABLE journal(generation INTEGER NOT NULL, collection TEXT NOT NULL, doc_id TEXT NOT NULL);
CREATE INDEX journal_by_generation ON journal(generation, collection);
CREATE INDEX journal_by_collection ON journal(collection, generation);
CREATE TABLE files(
  collection TEXT NOT NULL, source TEXT NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL, doc_id TEXT NOT NULL,
  PRIMARY KEY(collection, source)) WITHOUT ROWID;
CREATE TABLE jobs(
  job_id TEXT PRIMARY KEY, kind TEXT NOT NULL, collection TEXT NOT NULL, state TEXT NOT NULL,
  done INTEGER NOT NULL, total INTEGER NOT NULL, report TEXT NOT NULL, updated REAL NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A passage with what its document is called."""

    passage: Passage
    title: str
    source: str
    date: str


class Store:
    """A SQLite file and a connection for each thread that asks. Safe for many threads and processes.

    Opening raises Refused when the folder cannot be written, IncompatibleIndex when another program version made it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "store.sqlite"
        self._local = threading.local()
        self._all: dict[threading.Thread, sqlite3.Connection] = {}
        self._lock = threading.Lock()
        self._closed = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._create()
        except (OSError, sqlite3.OperationalError) as error:
            raise Refused(f"the data folder cannot be written ({_words(error)}); choose another with --data") from error
        except sqlite3.DatabaseError as error:
            raise IncompatibleIndex(
                "the store in the data folder is damaged or not Carrel's; choose another folder with --data, or "
                "restore it from a copy"
            ) from error

    def close(self) -> None:
        """Close every connection this process opened. Later calls raise Unavailable."""
        with self._lock:
            self._closed = True
            for connection in self._all.values():
                connection.close()
            self._all.clear()

    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if self._closed:
            raise Unavailable("the library is closed; start the server again")
        if found is None:
            found = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            found.execute("PRAGMA synchronous=FULL")
            found.execute("PRAGMA mmap_size=268435456")
            with self._lock:
                for thread in [each for each in self._all if not each.is_alive()]:
                    self._all.pop(thread).close()
                self._all[threading.current_thread()] = found
            self._local.connection = found
        return found

    def _create(self) -> None:
        connection = self.connection()
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode=WAL")
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name='meta'").fetchone() is None:
            connection.execute("BEGIN IMMEDIATE")
            # Another process may have created it while this one waited for the lock.
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name='meta'").fetchone() is None:
                for statement in _SCHEMA.split(";\n"):
                    if statement.strip():
                        connection.execute(statement)
                connection.execute("INSERT INTO meta VALUES('format', ?), ('generation', '0')", (str(FORMAT),))
            connection.execute("COMMIT")
        found = connection.execute("SELECT value FROM meta WHERE key='format'").fetchone()
        if found is None or found[0] != str(FORMAT):
            raise IncompatibleIndex(
                f"the data folder has format {found[0] if found else 'unknown'} and this program reads {FORMAT}; "
                "use the version of Carrel that wrote it, or choose another folder with --data"
            )

    @contextmanager
    def write(self) -> Iterator[tuple[sqlite3.Connection, int]]:
        """One transaction that becomes one generation, durable on exit; rolled back if the block raises.

        Waits its turn behind writers of other processes. Yields the connection and the new generation's number, which
        is taken only if the block journals a change under it.
        """
        with self.change() as connection:
            generation = self.generation() + 1
            yield connection, generation
            connection.execute(
                "UPDATE meta SET value=? WHERE key='generation' AND EXISTS(SELECT 1 FROM journal WHERE generation=?)",
                (str(generation), generation),
            )

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is no generation: bookkeeping that changes nothing a search can see."""
        connection = self.connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise _cannot_write(error) from error
        try:
            yield connection
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            _roll_back(connection)
            raise _cannot_write(error) from error
        except BaseException:
            _roll_back(connection)
            raise

    def generation(self) -> int:
        """The number of the newest snapshot; 0 for an empty store."""
        return int(self.connection().execute("SELECT value FROM meta WHERE key='generation'").fetchone()[0])

    # documents ----------------------------------------------------------------------------------------------------

    def put_document(self, connection: sqlite3.Connection, document: Document, now: float) -> None:
        """Store a document's text and facts; storing it again only refreshes ``kept_at``."""
        connection.execute(
            "INSERT INTO documents VALUES(?,?,?,?,?,?,?,?,?,?) "
            "ON CONFLICT(doc_id) DO UPDATE SET kept_at=excluded.kept_at",
            (
                document.doc_id,
                document.source,
                document.source_kind,
                document.media_type,
                document.title,
                document.date,
                document.language,
                _details(document),
                document.text,
                now,
            ),
        )

    def document(self, doc_id: str) -> Document:
        """The whole document. Raises NotFound."""
        row = self.connection().execute("SELECT * FROM documents WHERE doc_id=?", (doc_id,)).fetchone()
        if row is None:
            raise NotFound(f"no document {doc_id} in this data folder; search again, or check --data")
        return _document(row)

    def newest_by_source(self, source: str) -> tuple[Document, float] | None:
        """The document last kept from ``source`` and when (Unix seconds), or None when none ever was."""
        row = (
            self.connection()
            .execute("SELECT * FROM documents WHERE source=? ORDER BY kept_at DESC, doc_id LIMIT 1", (source,))
            .fetchone()
        )
        return None if row is None else (_document(row), float(row[9]))

    def forget(self, connection: sqlite3.Connection, doc_id: str) -> int:
        """Erase a document's text if no collection holds it; returns how many were erased (0 or 1)."""
        if connection.execute("SELECT 1 FROM members WHERE doc_id=? AND ended IS NULL", (doc_id,)).fetchone():
            return 0
        connection.execute("DELETE FROM passages WHERE doc_id=?", (doc_id,))
        return connection.execute("DELETE FROM documents WHERE doc_id=?", (doc_id,)).rowcount

    # passages -----------------------------------------------------------------------------------------------------

    def passages(self, collection: str, doc_id: str) -> list[tuple[int, Passage, str]]:
        """``(passage_id, passage, document title)`` of every passage of a document, in order."""
        row = self.connection().execute("SELECT title, text FROM documents WHERE doc_id=?", (doc_id,)).fetchone()
        if row is None:
            return []
        spans = self.connection().execute(
            "SELECT passage_id, start, end, heading FROM passages WHERE collection=? AND doc_id=? ORDER BY start",
            (collection, doc_id),
        )
        return [
            (key, Passage(doc_id, start, end, row[1][start:end], tuple(json.loads(heading))), row[0])
            for key, start, end, heading in spans
        ]

    def lookup(self, passage_ids: Sequence[int]) -> dict[int, Row]:
        """What is known of passages whose document is a member now."""
        found = {}
        for part in _slices(passage_ids):
            rows = (
                self.connection()
                .execute(
                    f"""SELECT p.passage_id, p.doc_id, p.start, p.end, p.heading FROM passages p
                    JOIN members m ON m.collection = p.collection AND m.doc_id = p.doc_id AND m.ended IS NULL
                    WHERE p.passage_id IN ({_marks(part)})""",
                    part,
                )
                .fetchall()
            )
            spans: dict[str, list[tuple[int, int, int, str]]] = {}
            for key, doc_id, start, end, heading in rows:
                spans.setdefault(doc_id, []).append((key, start, end, heading))
            for doc_id, title, source, date, text in self.whole(list(spans)):
                for key, start, end, heading in spans[doc_id]:
                    passage = Passage(doc_id, start, end, text[start:end], tuple(json.loads(heading)))
                    found[int(key)] = Row(passage, title, source, date)
        return found

    def whole(self, doc_ids: Sequence[str]) -> Iterator[tuple[str, str, str, str, str]]:
        """``(doc_id, title, source, date, text)`` of documents, each read once.

        Never join the documents to their passages: finding a row of this table reads all of its text, each time.
        """
        for part in _slices(doc_ids):
            yield from self.connection().execute(
                f"SELECT doc_id, title, source, date, text FROM documents WHERE doc_id IN ({_marks(part)})", part
            )

    def count_passages(self, collection: str) -> int:
        """Passages of the collection's current documents."""
        row = self.connection().execute(
            "SELECT count(*) FROM passages p JOIN members m ON m.collection=p.collection AND m.doc_id=p.doc_id "
            "AND m.ended IS NULL WHERE p.collection=?",
            (collection,),
        )
        return int(row.fetchone()[0])

    # collections --------------------------------------------------------------------------------------------------

    def ensure_collection(self, connection: sqlite3.Connection, name: str, analyser: str, splitter: str) -> None:
        """Make the collection if it is new. Raises IncompatibleIndex if it was made with other parts."""
        connection.execute(
            "INSERT OR IGNORE INTO collections(name, analyser, splitter) VALUES(?,?,?)", (name, analyser, splitter)
        )
        made = connection.execute("SELECT analyser, splitter FROM collections WHERE name=?", (name,)).fetchone()
        if made != (analyser, splitter):
            raise IncompatibleIndex(
                f"collection '{name}' was made with analyser {made[0]} and splitter {made[1]}, this program has "
                f"{analyser} and {splitter}; add the documents to a new collection"
            )

    def collection_names(self) -> list[str]:
        """All names, sorted."""
        return [row[0] for row in self.connection().execute("SELECT name FROM collections ORDER BY name")]

    def collections_of(self, doc_id: str) -> tuple[str, ...]:
        """Names of the collections that hold the document now."""
        rows = self.connection().execute(
            "SELECT collection FROM members WHERE doc_id=? AND ended IS NULL ORDER BY collection", (doc_id,)
        )
        return tuple(row[0] for row in rows)

    def encoder_of(self, collection: str) -> tuple[str, str]:
        """Name and fingerprint of the encoder that made the collection's vectors; empty before the first."""
        row = (
            self.connection()
            .execute("SELECT encoder, fingerprint FROM collections WHERE name=?", (collection,))
            .fetchone()
        )
        return ("", "") if row is None else (str(row[0]), str(row[1]))

    def collection_rows(self) -> list[tuple[str, int, int, int, str, str, str]]:
        """Name, documents, passages, encoded passages, encoder, analyser and splitter of each collection."""
        return (
            self.connection()
            .execute(
                """SELECT c.name,
                     (SELECT count(*) FROM members m WHERE m.collection=c.name AND m.ended IS NULL),
                     count(p.passage_id), coalesce(sum(p.encoded), 0), c.encoder, c.analyser, c.splitter
                   FROM collections c
                   LEFT JOIN members m ON m.collection=c.name AND m.ended IS NULL
                   LEFT JOIN passages p ON p.collection=c.name AND p.doc_id=m.doc_id
                   GROUP BY c.name ORDER BY c.name"""
            )
            .fetchall()
        )

    # files --------------------------------------------------------------------------------------------------------

    def remember_file(
        self, connection: sqlite3.Connection, collection: str, document: Document, stat: tuple[int, int]
    ) -> None:
        """Note the size and modification time (ns) a document's file had."""
        connection.execute(
            "INSERT OR REPLACE INTO files VALUES(?,?,?,?,?)", (collection, document.source, *stat, document.doc_id)
        )

    def known_file(self, collection: str, source: str) -> tuple[int, int] | None:
        """``(size, mtime_ns)`` of a file whose document is in the collection now, or None."""
        row = (
            self.connection()
            .execute(
                "SELECT f.size, f.mtime FROM files f JOIN members m USING(collection, doc_id) "
                "WHERE f.collection=? AND f.source=? AND m.ended IS NULL",
                (collection, source),
            )
            .fetchone()
        )
        return None if row is None else (int(row[0]), int(row[1]))

    # journal ------------------------------------------------------------------------------------------------------

    def members(self, collection: str, doc_ids: Sequence[str]) -> set[str]:
        """Those of ``doc_ids`` that are in the collection now."""
        found: set[str] = set()
        for part in _slices(doc_ids):
            rows = self.connection().execute(
                f"SELECT doc_id FROM members WHERE collection=? AND ended IS NULL AND doc_id IN ({_marks(part)})",
                (collection, *part),
            )
            found.update(row[0] for row in rows)
        return found

    def journalled(self, collection: str) -> int:
        """The last generation that changed the collection; 0 when none did."""
        row = self.connection().execute("SELECT max(generation) FROM journal WHERE collection=?", (collection,))
        return int(row.fetchone()[0] or 0)

    def touched_since(self, collection: str, generation: int) -> list[str]:
        """Documents that joined or left the collection after ``generation``, in order of their first change."""
        rows = self.connection().execute(
            "SELECT doc_id, min(rowid) AS first FROM journal WHERE collection=? AND generation>? "
            "GROUP BY doc_id ORDER BY first",
            (collection, generation),
        )
        return [row[0] for row in rows]


def _marks(part: Sequence[object]) -> str:
    return ",".join("?" * len(part))


def _slices(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _MANY):
        yield items[start : start + _MANY]


def _details(document: Document) -> str:
    return json.dumps(
        {
            "sections": [[s.heading, s.level, s.start, s.end, s.path] for s in document.sections],
            "authors": document.authors,
            "tags": document.tags,
            "page_starts": document.page_starts,
            "links": [[link.url, link.text, link.context] for link in document.links],
            "metadata": dict(document.metadata),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _document(row: Sequence[str]) -> Document:
    doc_id, source, kind, media_type, title, date, language, details, text = row[:9]
    facts = json.loads(details)
    return Document(
        doc_id=doc_id,
        source=source,
        source_kind=kind,  # type: ignore[arg-type]  # written from a Document, so one of the literals
        media_type=media_type,
        title=title,
        text=text,
        sections=tuple(Section(h, lv, s, e, tuple(p)) for h, lv, s, e, p in facts["sections"]),
        date=date,
        authors=tuple(facts["authors"]),
        tags=tuple(facts["tags"]),
        language=language,
        page_starts=tuple(facts["page_starts"]),
        links=tuple(Link(*link) for link in facts["links"]),
        metadata=facts["metadata"],
    )


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _words(error: Exception) -> str:
    return error.strerror or "unknown reason" if isinstance(error, OSError) else "no permission, or the disk is full"


def _cannot_write(error: sqlite3.OperationalError) -> Unavailable | Refused:
    if "locked" in str(error) or "busy" in str(error):
        return Unavailable("another process is writing to the data folder; try again in a minute", retry_after=30)
    if "full" in str(error):
        return Unavailable("the disk of the data folder is full; free some space and try again")
    return Refused("the data folder cannot be written; check its permissions, or choose another with --data")
