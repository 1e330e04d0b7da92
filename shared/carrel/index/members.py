"""Which documents are in which collection, and when. Every change is a line of the journal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from carrel.index import catalogue, texts
from carrel.index.catalogue import Collection
from carrel.index.store import Store
from carrel.records import Document, Passage

__all__ = [
    "MemberFacts",
    "counted",
    "cut_anew",
    "everyone",
    "facts",
    "find",
    "join",
    "journal_rebuilding",
    "leave",
    "passages",
    "present",
    "prune",
    "spans",
    "touched_since",
]


class MemberFacts(NamedTuple):
    """What a document is called, and what filters look at; ``date`` is yyyymmdd."""

    title: str
    source_kind: str
    media_type: str
    date: int
    authors: tuple[str, ...]
    tags: tuple[str, ...]


def join(
    store: Store,
    generation: int,
    collection: Collection,
    document: Document,
    doc_no: int,
    passages: Sequence[Passage],
    *,
    beside: bool = False,
) -> Literal["added", "replaced", "unchanged"]:
    """Make the document the collection's only one from its source (or one ``beside`` the others), and store its
    passages if they are not there."""
    tags = json.dumps(document.tags, ensure_ascii=False)
    there = store.rows(
        "SELECT m.doc_no, m.tags FROM documents d CROSS JOIN members m ON m.doc_no=d.doc_no AND m.collection_no=? "
        "AND m.ended IS NULL WHERE d.source=?",
        (collection.number, document.source),
    )
    if (doc_no, tags) in there:
        return "unchanged"
    gone = [other for other, _ in there if other == doc_no or not beside]
    for other in gone:
        leave(store, generation, collection.number, other)
    count = _store_passages(store, collection.number, doc_no, document, passages)
    store.run(
        "INSERT INTO members(collection_no, doc_no, tags, passages, began) VALUES(?,?,?,?,?)",
        (collection.number, doc_no, tags, count, generation),
    )
    store.run(
        "UPDATE collections SET documents=documents+1, passages=passages+? WHERE collection_no=?",
        (count, collection.number),
    )
    _journal(store, generation, collection.number, doc_no)
    return "replaced" if gone else "added"


def _store_passages(
    store: Store, collection_no: int, doc_no: int, document: Document, passages: Sequence[Passage]
) -> int:
    there = store.run(
        "UPDATE passages SET encoded=0 WHERE doc_no=? AND collection_no=?", (doc_no, collection_no)
    ).rowcount
    if there:
        return there
    store.run_many(
        "INSERT INTO passages(collection_no, doc_no, start, end, digest, heading) VALUES(?,?,?,?,?,?)",
        [
            (
                *(collection_no, doc_no, p.start, p.end, texts.digest(document.title, p.heading, p.text)),
                json.dumps(p.heading, ensure_ascii=False),
            )
            for p in passages
        ],
    )
    return len(passages)


def leave(store: Store, generation: int, collection_no: int, doc_no: int) -> int:
    """End a document's membership; its text stays readable. Returns how many passages left with it."""
    row = store.row(
        "SELECT passages FROM members WHERE doc_no=? AND collection_no=? AND ended IS NULL", (doc_no, collection_no)
    )
    if row is None:
        return 0
    encoded = store.run(
        "UPDATE passages SET encoded=2 WHERE doc_no=? AND collection_no=? AND encoded=1", (doc_no, collection_no)
    ).rowcount
    store.run("UPDATE passages SET encoded=2 WHERE doc_no=? AND collection_no=? AND encoded=0", (doc_no, collection_no))
    set_aside = store.run(
        "UPDATE passages SET encoded=2 WHERE doc_no=? AND collection_no=? AND encoded=3", (doc_no, collection_no)
    ).rowcount
    if set_aside:
        catalogue.note_set_aside(store, collection_no, -set_aside)
    store.run(
        "UPDATE members SET ended=? WHERE doc_no=? AND collection_no=? AND ended IS NULL",
        (generation, doc_no, collection_no),
    )
    store.run(
        "UPDATE collections SET documents=documents-1, passages=passages-?, encoded=encoded-? WHERE collection_no=?",
        (row[0], encoded, collection_no),
    )
    _journal(store, generation, collection_no, doc_no)
    return int(row[0])


def _journal(store: Store, generation: int, collection_no: int, doc_no: int) -> None:
    store.run("INSERT INTO journal VALUES(?,?,?)", (generation, collection_no, doc_no))


def journal_rebuilding(store: Store, generation: int, collection_no: int) -> None:
    """Make a generation of the fact that the collection's index is made anew; no document is number 0."""
    _journal(store, generation, collection_no, 0)
    store.run("UPDATE collections SET readable=? WHERE collection_no=?", (generation, collection_no))


def find(store: Store, collection_no: int, *, doc_ids: Sequence[str] = (), source: str = "") -> dict[str, int]:
    """``doc_id -> passages`` of current members with these ids or this source; all of them when neither is given."""
    if doc_ids:
        found: dict[str, int] = dict(
            store.rows(
                "SELECT d.doc_id, m.passages FROM documents d CROSS JOIN members m ON m.doc_no=d.doc_no "
                "AND m.collection_no=? AND m.ended IS NULL WHERE d.doc_id IN (SELECT value FROM json_each(?))",
                (collection_no, json.dumps(list(doc_ids))),
            )
        )
        return {key: int(found[key]) for key in doc_ids if key in found}
    rows = store.rows(
        "SELECT d.doc_id, m.passages FROM members m JOIN documents d USING(doc_no) WHERE m.collection_no=? "
        "AND m.ended IS NULL AND (?='' OR d.source=?) ORDER BY d.doc_id",
        (collection_no, source, source),
    )
    return {str(doc_id): int(count) for doc_id, count in rows}


def present(store: Store, collection_no: int, doc_nos: Iterable[int]) -> set[int]:
    """Those of ``doc_nos`` that are in the collection now."""
    rows = store.rows(
        "SELECT doc_no FROM members WHERE collection_no=? AND ended IS NULL "
        "AND doc_no IN (SELECT value FROM json_each(?))",
        (collection_no, json.dumps(list(doc_nos))),
    )
    return {int(row[0]) for row in rows}


def everyone(store: Store, collection_no: int) -> list[int]:
    """Numbers of the documents that are in the collection now, in the order in which they joined."""
    rows = store.rows(
        "SELECT doc_no FROM members WHERE collection_no=? AND ended IS NULL ORDER BY began, doc_no", (collection_no,)
    )
    return [int(row[0]) for row in rows]


def facts(store: Store, collection_no: int, doc_no: int) -> MemberFacts:
    """What limits can be put on a member."""
    row = store.rows(
        "SELECT d.title, d.source_kind, d.media_type, d.day, d.details, m.tags FROM documents d CROSS JOIN members m "
        "ON m.doc_no=d.doc_no AND m.collection_no=? AND m.ended IS NULL WHERE d.doc_no=?",
        (collection_no, doc_no),
    )[0]
    title, kind, media_type, day, details, tags = row
    return MemberFacts(title, kind, media_type, day, tuple(json.loads(details)["authors"]), tuple(json.loads(tags)))


def passages(store: Store, collection_no: int, doc_no: int) -> list[tuple[int, int, int, tuple[str, ...]]]:
    """``(passage_id, start, end, heading path)`` of a document's passages, in order."""
    rows = store.rows(
        "SELECT passage_id, start, end, heading FROM passages WHERE collection_no=? AND doc_no=? ORDER BY start",
        (collection_no, doc_no),
    )
    return [(key, start, end, tuple(json.loads(heading))) for key, start, end, heading in rows]


def spans(store: Store, collection_no: int) -> Iterator[tuple[str, int, int, list[str], int]]:
    """``(doc_id, start, end, heading path, digest)`` of every passage of the current members, in a stable order."""
    for doc_no in everyone(store, collection_no):
        rows = store.rows(
            "SELECT d.doc_id, p.start, p.end, p.heading, p.digest FROM passages p JOIN documents d USING(doc_no) "
            "WHERE p.doc_no=? AND p.collection_no=? ORDER BY p.start",
            (doc_no, collection_no),
        )
        yield from ((doc_id, start, end, json.loads(heading), digest) for doc_id, start, end, heading, digest in rows)


def touched_since(store: Store, collection_no: int, generation: int) -> list[int]:
    """Numbers of the documents that joined or left after ``generation``, in order of their first change."""
    rows = store.rows(
        "SELECT doc_no, min(rowid) AS first FROM journal WHERE collection_no=? AND generation>? GROUP BY doc_no "
        "ORDER BY first",
        (collection_no, generation),
    )
    return [int(row[0]) for row in rows]


def counted(store: Store, collection_no: int) -> tuple[int, int, int]:
    """Documents, passages and encoded passages of the current members, counted one by one."""
    documents, passages, encoded = store.rows(
        "SELECT count(DISTINCT m.doc_no), count(p.passage_id), coalesce(sum(p.encoded=1), 0) FROM members m "
        "LEFT JOIN passages p ON p.doc_no=m.doc_no AND p.collection_no=m.collection_no "
        "WHERE m.collection_no=? AND m.ended IS NULL",
        (collection_no,),
    )[0]
    return int(documents), int(passages), int(encoded)


def cut_anew(
    store: Store,
    generation: int,
    collection: Collection,
    doc_no: int,
    document: Document,
    passages: Sequence[Passage],
) -> None:
    """Replace a member's passages. Kept snapshots lose its old ones."""
    tags = store.value(
        "SELECT tags FROM members WHERE doc_no=? AND collection_no=? AND ended IS NULL", (doc_no, collection.number)
    )
    leave(store, generation, collection.number, doc_no)
    store.run("DELETE FROM passages WHERE doc_no=? AND collection_no=?", (doc_no, collection.number))
    tagged = replace(document, tags=tuple(json.loads(tags)))
    join(store, generation, collection, tagged, doc_no, passages)


def prune(store: Store, collection: Collection, keep: int, kept: Sequence[int]) -> int:
    """Forget what only snapshots before the last ``keep`` ones need, and return the oldest snapshot still kept.

    ``kept`` are the generations of which the lexical arm has a snapshot, the last is the one it has reached: what it
    still finds is never forgotten. Commits that came together have one snapshot between them.
    """
    horizon = _oldest_needed(store, collection, keep, kept)
    oldest = next(each for each in kept if each >= max(horizon, collection.readable) or each == kept[-1])
    if oldest > collection.oldest:
        store.run("UPDATE collections SET readable=? WHERE collection_no=?", (oldest, collection.number))
    if horizon <= collection.horizon:
        return oldest
    past = (collection.number, horizon)
    store.run(
        "DELETE FROM passages WHERE collection_no=?1 AND doc_no IN (SELECT doc_no FROM members WHERE collection_no=?1 "
        "AND ended<=?2) AND NOT EXISTS(SELECT 1 FROM members m WHERE m.doc_no=passages.doc_no AND m.collection_no=?1 "
        "AND coalesce(m.ended, ?2+1)>?2)",
        past,
    )
    store.run("DELETE FROM members WHERE collection_no=? AND ended<=?", past)
    store.run("DELETE FROM journal WHERE collection_no=? AND generation<=?", past)
    store.run("UPDATE collections SET horizon=? WHERE collection_no=?", (horizon, collection.number))
    return oldest


def _oldest_needed(store: Store, collection: Collection, keep: int, kept: Sequence[int]) -> int:
    horizon = kept[-1]
    for _ in range(keep - 1):
        older = store.value(
            "SELECT max(generation) FROM journal WHERE collection_no=? AND generation<?", (collection.number, horizon)
        )
        if older is None:
            return collection.horizon
        horizon = int(older)
    return max(min(horizon, kept[-keep:][0]), collection.horizon)
