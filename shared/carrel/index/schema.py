"""The store's tables, and the way from an older format to this one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from carrel.errors import IncompatibleIndex
from carrel.index import texts

__all__ = ["FORMAT", "ensure_schema", "format_of"]

FORMAT = 2
"""1: texts inside the documents table. 2: texts in checksummed blocks, vectors named by what they encode, a random
number for each commit, counters instead of counting."""

_SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE commits(generation INTEGER PRIMARY KEY, nonce INTEGER NOT NULL, at REAL NOT NULL);
CREATE TABLE documents(
  doc_no INTEGER PRIMARY KEY AUTOINCREMENT, doc_id TEXT NOT NULL UNIQUE, source TEXT NOT NULL,
  source_kind TEXT NOT NULL, media_type TEXT NOT NULL, title TEXT NOT NULL, date TEXT NOT NULL, language TEXT NOT NULL,
  day INTEGER NOT NULL, author_terms TEXT NOT NULL, chars INTEGER NOT NULL, kept_at REAL NOT NULL,
  kept INTEGER NOT NULL, page_starts TEXT NOT NULL, details TEXT NOT NULL);
CREATE INDEX documents_by_source ON documents(source, kept);
CREATE INDEX documents_by_time ON documents(kept);
CREATE TABLE texts(block_no INTEGER PRIMARY KEY, crc INTEGER NOT NULL, content BLOB NOT NULL);
CREATE TABLE collections(
  collection_no INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, analyser TEXT NOT NULL,
  splitter TEXT NOT NULL, language TEXT NOT NULL DEFAULT '', model TEXT NOT NULL DEFAULT '',
  encoder TEXT NOT NULL DEFAULT '', fingerprint TEXT NOT NULL DEFAULT '', documents INTEGER NOT NULL DEFAULT 0,
  passages INTEGER NOT NULL DEFAULT 0, encoded INTEGER NOT NULL DEFAULT 0, vectors INTEGER NOT NULL DEFAULT 0,
  journalled INTEGER NOT NULL DEFAULT 0, horizon INTEGER NOT NULL DEFAULT 0,
  readable INTEGER NOT NULL DEFAULT 0, words_erased INTEGER NOT NULL DEFAULT 0,
  vectors_erased INTEGER NOT NULL DEFAULT 0);
CREATE TABLE members(
  member_no INTEGER PRIMARY KEY, collection_no INTEGER NOT NULL, doc_no INTEGER NOT NULL, tags TEXT NOT NULL,
  passages INTEGER NOT NULL, began INTEGER NOT NULL, ended INTEGER);
CREATE INDEX members_by_document ON members(doc_no, collection_no, began, ended);
CREATE INDEX members_now ON members(collection_no, doc_no) WHERE ended IS NULL;
CREATE INDEX members_past ON members(collection_no, ended) WHERE ended IS NOT NULL;
CREATE TABLE passages(
  passage_id INTEGER PRIMARY KEY AUTOINCREMENT, collection_no INTEGER NOT NULL, doc_no INTEGER NOT NULL,
  start INTEGER NOT NULL, end INTEGER NOT NULL, digest INTEGER NOT NULL, encoded INTEGER NOT NULL DEFAULT 0,
  heading TEXT NOT NULL);
CREATE INDEX passages_by_document ON passages(doc_no, collection_no);
CREATE INDEX passages_by_digest ON passages(digest, collection_no, doc_no);
CREATE INDEX passages_to_encode ON passages(collection_no, passage_id) WHERE encoded = 0;
CREATE TABLE journal(generation INTEGER NOT NULL, collection_no INTEGER NOT NULL, doc_no INTEGER NOT NULL);
CREATE INDEX journal_by_collection ON journal(collection_no, generation);
CREATE INDEX journal_by_generation ON journal(generation, collection_no);
CREATE TABLE files(
  collection_no INTEGER NOT NULL, source TEXT NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
  digest TEXT NOT NULL, parser TEXT NOT NULL, doc_no INTEGER NOT NULL,
  PRIMARY KEY(collection_no, source)) WITHOUT ROWID;
CREATE TABLE jobs(
  job_id TEXT PRIMARY KEY, kind TEXT NOT NULL, collection TEXT NOT NULL, state TEXT NOT NULL,
  done INTEGER NOT NULL, total INTEGER NOT NULL, report TEXT NOT NULL, updated REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE problems(at REAL NOT NULL, words TEXT NOT NULL);
"""
# collections.words_erased, vectors_erased: erasures of which an arm may still hold something. readable: no snapshot
# before this generation answers as it did, for a text of it was erased or its index was made anew.
# passages.encoded: 0 a vector is wanted, 1 it is there, 2 the document has left the collection and none is wanted,
# 3 the encoder failed on it.


def format_of(connection: sqlite3.Connection) -> int:
    """The format of an open store; 0 for an empty file."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name='meta'").fetchone() is None:
        return 0
    found = connection.execute("SELECT value FROM meta WHERE key='format'").fetchone()
    return int(found[0]) if found and str(found[0]).isdecimal() else -1


def ensure_schema(connection: sqlite3.Connection, nonce: Callable[[], int], at: float) -> None:
    """Make the tables of an empty store, or bring an older one up to date, in one transaction.

    Raises IncompatibleIndex for a format this program does not know.
    """
    if format_of(connection) == FORMAT:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = format_of(connection)  # another process may have done it while this one waited for the lock
        if found not in (0, 1, FORMAT):
            raise IncompatibleIndex(
                f"the data folder has format {found if found > 0 else 'unknown'} and this program reads {FORMAT} and "
                "older; use the version of Carrel that wrote it, or choose another folder with --data"
            )
        if found == 0:
            _create(connection)
        elif found == 1:
            _from_format_1(connection, nonce, at)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _create(connection: sqlite3.Connection) -> None:
    for statement in _SCHEMA.split(";\n"):
        if statement.strip():
            connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES('format', ?), ('generation', '0')", (str(FORMAT),))


def _from_format_1(connection: sqlite3.Connection, nonce: Callable[[], int], at: float) -> None:
    """Everything but the vectors comes along; the arms are rebuilt from the store as for any that lag behind."""
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='index' AND sql NOTNULL").fetchall():
        connection.execute(f'DROP INDEX "{name}"')
    old = ("meta", "documents", "collections", "members", "passages", "journal", "files", "jobs")
    for name in old:
        connection.execute(f"ALTER TABLE {name} RENAME TO old_{name}")
    connection.execute("DELETE FROM sqlite_sequence")
    _create(connection)
    generation = int(connection.execute("SELECT value FROM old_meta WHERE key='generation'").fetchone()[0])
    _copy_documents(connection)
    _copy_collections(connection)
    connection.execute("UPDATE meta SET value=? WHERE key='generation'", (str(generation),))
    reached = {row[0] for row in connection.execute("SELECT journalled FROM collections")} | {generation}
    connection.executemany("INSERT INTO commits VALUES(?,?,?)", [(each, nonce(), at) for each in reached if each])
    for name in old:
        connection.execute(f"DROP TABLE old_{name}")


def _copy_documents(connection: sqlite3.Connection) -> None:
    rows = connection.execute(
        "SELECT doc_id, source, source_kind, media_type, title, date, language, kept_at, details, text "
        "FROM old_documents ORDER BY kept_at, doc_id"
    )
    for kept, row in enumerate(rows, start=1):
        doc_id, source, kind, media_type, title, date, language, kept_at, details, text = row
        facts: Mapping[str, Any] = json.loads(details)
        doc_no = connection.execute(
            "INSERT INTO documents(doc_id, source, source_kind, media_type, title, date, language, day, "
            "author_terms, chars, kept_at, kept, page_starts, details) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                *(doc_id, source, kind, media_type, title, date, language),
                *(texts.day(date), texts.author_terms(facts["authors"]), len(text), kept_at, kept),
                *(texts.page_list(facts["page_starts"]), details),
            ),
        ).lastrowid
        connection.executemany("INSERT INTO texts VALUES(?,?,?)", texts.blocks(int(doc_no or 0), text))


def _copy_collections(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO collections(name, analyser, splitter, journalled) SELECT name, analyser, splitter, "
        "coalesce((SELECT max(generation) FROM old_journal j WHERE j.collection=c.name), 0) FROM old_collections c "
        "ORDER BY name"
    )
    # Only what is there now: snapshots of the old format were never answered from.
    connection.execute(
        "INSERT INTO members(collection_no, doc_no, tags, passages, began) SELECT c.collection_no, d.doc_no, m.tags, "
        "(SELECT count(*) FROM old_passages p WHERE p.collection=m.collection AND p.doc_id=m.doc_id), m.began "
        "FROM old_members m JOIN collections c ON c.name=m.collection JOIN documents d ON d.doc_id=m.doc_id "
        "WHERE m.ended IS NULL ORDER BY m.began, d.doc_no"
    )
    connection.create_function("passage_digest", 3, texts.digest_of_span, deterministic=True)
    connection.execute(
        "INSERT INTO passages(passage_id, collection_no, doc_no, start, end, digest, heading) SELECT p.passage_id, "
        "c.collection_no, d.doc_no, p.start, p.end, passage_digest(d.title, p.heading, substr(o.text, p.start+1, "
        "p.end-p.start)), p.heading FROM old_passages p JOIN collections c ON c.name=p.collection "
        "JOIN documents d ON d.doc_id=p.doc_id JOIN old_documents o ON o.doc_id=p.doc_id JOIN members m "
        "ON m.collection_no=c.collection_no AND m.doc_no=d.doc_no ORDER BY p.passage_id"
    )
    connection.execute(
        "UPDATE collections SET documents=(SELECT count(*) FROM members m WHERE m.collection_no="
        "collections.collection_no), passages=(SELECT count(*) FROM passages p WHERE p.collection_no="
        "collections.collection_no), horizon=journalled"
    )
    connection.execute(
        "INSERT INTO journal SELECT c.journalled, m.collection_no, m.doc_no FROM members m JOIN collections c "
        "USING(collection_no)"
    )
    connection.execute("INSERT INTO jobs SELECT * FROM old_jobs")
