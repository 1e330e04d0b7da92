"""Which documents are in which collection: joining, leaving, finding. Every change is a line of the journal."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from carrel.records import Document, Passage, SourceKind

__all__ = ["Filters", "find", "join", "leave", "matching"]


@dataclass(frozen=True, slots=True)
class Filters:
    """Limits on the documents searched; empty means no limit.

    Dates are ISO prefixes (``2024``, ``2024-05``): ``after`` includes its own first day, ``before`` excludes it. A
    document without a date passes neither. Of several tags, media types or kinds, one is enough.
    """

    source_kinds: tuple[SourceKind, ...] = ()
    media_types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    after: str = ""
    before: str = ""

    def __bool__(self) -> bool:
        return any((self.source_kinds, self.media_types, self.tags, self.after, self.before))


def join(
    connection: sqlite3.Connection,
    generation: int,
    collection: str,
    document: Document,
    passages: Sequence[Passage],
) -> Literal["added", "replaced", "unchanged"]:
    """Make the document the collection's only one from its source, and store its passages if they are not there."""
    tags = json.dumps(document.tags, ensure_ascii=False)
    there = connection.execute(
        "SELECT doc_id, tags FROM members WHERE collection=? AND source=? AND ended IS NULL",
        (collection, document.source),
    ).fetchall()
    if (document.doc_id, tags) in there:
        return "unchanged"
    for doc_id, _ in there:
        leave(connection, generation, collection, doc_id)
    connection.execute(
        "INSERT OR REPLACE INTO members VALUES(?,?,?,?,?,NULL)",
        (collection, document.doc_id, document.source, tags, generation),
    )
    connection.execute("INSERT INTO journal VALUES(?,?,?)", (generation, collection, document.doc_id))
    _store_passages(connection, collection, document.doc_id, passages)
    return "replaced" if there else "added"


def _store_passages(connection: sqlite3.Connection, collection: str, doc_id: str, passages: Sequence[Passage]) -> None:
    if connection.execute(
        "SELECT 1 FROM passages WHERE collection=? AND doc_id=? LIMIT 1", (collection, doc_id)
    ).fetchone():
        return
    connection.executemany(
        "INSERT INTO passages(collection, doc_id, start, end, heading) VALUES(?,?,?,?,?)",
        ((collection, doc_id, p.start, p.end, json.dumps(p.heading, ensure_ascii=False)) for p in passages),
    )


def leave(connection: sqlite3.Connection, generation: int, collection: str, doc_id: str) -> None:
    """End a document's membership; its passages lose their vectors, its text stays readable."""
    connection.execute(
        "UPDATE members SET ended=? WHERE collection=? AND doc_id=? AND ended IS NULL", (generation, collection, doc_id)
    )
    connection.execute("UPDATE passages SET encoded=0 WHERE collection=? AND doc_id=?", (collection, doc_id))
    connection.execute("INSERT INTO journal VALUES(?,?,?)", (generation, collection, doc_id))


def find(
    connection: sqlite3.Connection, collection: str, *, doc_ids: Sequence[str] = (), source: str = ""
) -> dict[str, int]:
    """``doc_id -> passages`` of current members with these ids or this source; all of them when neither is given."""
    rows = connection.execute(
        "SELECT m.doc_id, (SELECT count(*) FROM passages p WHERE p.collection=m.collection AND p.doc_id=m.doc_id) "
        "FROM members m WHERE m.collection=? AND m.ended IS NULL AND (?='' OR m.source=?) ORDER BY m.doc_id",
        (collection, source, source),
    )
    found = {str(row[0]): int(row[1]) for row in rows}
    return {key: found[key] for key in doc_ids if key in found} if doc_ids else found


def matching(connection: sqlite3.Connection, collection: str, filters: Filters) -> set[str]:
    """Current members that pass the filters."""
    rows = connection.execute(
        "SELECT m.doc_id, m.tags, d.source_kind, d.media_type, d.date FROM members m JOIN documents d USING(doc_id) "
        "WHERE m.collection=? AND m.ended IS NULL",
        (collection,),
    )
    return {row[0] for row in rows if _passes(filters, json.loads(row[1]), row[2], row[3], row[4])}


def _passes(filters: Filters, tags: Sequence[str], kind: str, media_type: str, date: str) -> bool:
    return (
        (not filters.source_kinds or kind in filters.source_kinds)
        and (not filters.media_types or media_type in filters.media_types)
        and (not filters.tags or bool(set(tags) & set(filters.tags)))
        and (not filters.after or (bool(date) and date >= filters.after))
        and (not filters.before or (bool(date) and date < filters.before))
    )
