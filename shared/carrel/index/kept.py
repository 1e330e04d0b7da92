"""Documents as evidence: stored once, read by reference for ever, in collections or in none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from carrel.errors import NotFound
from carrel.index import texts
from carrel.index.store import Store
from carrel.records import Document, Link, Section

__all__ = ["document", "erase", "newest_by_source", "numbers", "put", "sections", "span", "spans", "versions"]

_FACTS = "doc_no, doc_id, source, source_kind, media_type, title, date, language, details, page_starts, kept_at"


def put(store: Store, document: Document, now: float) -> int:
    """Store a document's text and facts and return its number; storing it again only makes it its source's newest."""
    # A count and not the clock says which is the newest: clocks go back.
    kept = int(store.value("SELECT coalesce(max(kept), 0) FROM documents")) + 1
    there = store.row("SELECT doc_no FROM documents WHERE doc_id=?", (document.doc_id,))
    if there is not None:
        store.run("UPDATE documents SET kept_at=?, kept=? WHERE doc_no=?", (now, kept, there[0]))
        return int(there[0])
    cursor = store.run(
        "INSERT INTO documents(doc_id, source, source_kind, media_type, title, date, language, day, author_terms, "
        "chars, kept_at, kept, page_starts, details) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            *(document.doc_id, document.source, document.source_kind, document.media_type, document.title),
            *(document.date, document.language, texts.day(document.date), texts.author_terms(document.authors)),
            *(len(document.text), now, kept, texts.page_list(document.page_starts), _details(document)),
        ),
    )
    doc_no = int(cursor.lastrowid or 0)
    store.run_many("INSERT INTO texts VALUES(?,?,?)", texts.blocks(doc_no, document.text))
    return doc_no


def document(store: Store, doc_id: str) -> Document:
    """The whole document. Raises NotFound, or IncompatibleIndex when the disk has altered its text."""
    row = store.row(f"SELECT {_FACTS} FROM documents WHERE doc_id=?", (doc_id,))
    if row is None:
        raise NotFound(f"no document {doc_id} in this data folder; search again, or check --data")
    return _document(store, row)


def newest_by_source(store: Store, source: str) -> tuple[Document, float] | None:
    """The document last kept from ``source`` and when (Unix seconds), or None when none ever was."""
    row = store.row(f"SELECT {_FACTS} FROM documents WHERE source=? ORDER BY kept DESC LIMIT 1", (source,))
    return None if row is None else (_document(store, row), float(row[10]))


def versions(store: Store, source: str) -> list[tuple[str, float]]:
    """``(doc_id, kept_at)`` of every text ever kept from a source, newest first."""
    found = store.rows("SELECT doc_id, kept_at FROM documents WHERE source=? ORDER BY kept DESC", (source,))
    return [(str(doc_id), float(kept_at)) for doc_id, kept_at in found]


def span(store: Store, doc_no: int, start: int, end: int | None = None) -> str:
    """A stretch of a document's text, without reading the rest."""
    first, last = texts.block_range(doc_no, start, end)
    rows = store.rows(
        "SELECT block_no, crc, content FROM texts WHERE block_no BETWEEN ? AND ? ORDER BY block_no", (first, last)
    )
    return texts.joined(rows, start, end)


def spans(store: Store, places: Sequence[tuple[int, int, int]]) -> list[str]:
    """The texts of spans ``(doc_no, start, end)``, read together."""
    ranges = [texts.block_range(*place) for place in places]
    wanted = sorted({block for first, last in ranges for block in range(first, last + 1)})
    rows = store.rows(
        "SELECT block_no, crc, content FROM json_each(?) k CROSS JOIN texts ON block_no=k.value", (json.dumps(wanted),)
    )
    found = {row[0]: row for row in rows}
    return [
        texts.joined([found[block] for block in range(first, last + 1) if block in found], start, end)
        for (first, last), (_, start, end) in zip(ranges, places, strict=True)
    ]


def sections(store: Store, doc_no: int) -> tuple[Section, ...]:
    """A document's sections, without its text."""
    row = store.row("SELECT details FROM documents WHERE doc_no=?", (doc_no,))
    return _sections(json.loads(row[0])) if row else ()


def numbers(store: Store, doc_ids: Sequence[str]) -> dict[str, int]:
    """``doc_id -> doc_no`` of those that are stored."""
    return dict(
        store.rows(
            "SELECT doc_id, doc_no FROM documents WHERE doc_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(doc_ids)),),
        )
    )


def erase(store: Store, doc_no: int, generation: int) -> int:
    """Erase a document's text, as part of commit ``generation``, if no collection holds it now; how many were (0 or 1).

    Snapshots that had it answer no more: without it they would answer otherwise than they did.
    """
    if store.row("SELECT 1 FROM members WHERE doc_no=? AND ended IS NULL", (doc_no,)):
        return 0
    store.run(
        "UPDATE collections SET words_erased=words_erased+1, vectors_erased=vectors_erased+1, readable=CASE WHEN "
        "EXISTS(SELECT 1 FROM members m WHERE m.collection_no=collections.collection_no AND m.doc_no=?1 AND "
        "m.ended=?2) THEN ?2 ELSE journalled END WHERE collection_no IN (SELECT collection_no FROM passages "
        "WHERE doc_no=?1)",
        (doc_no, generation),
    )
    store.run(
        "UPDATE meta SET value=CAST(value AS INTEGER)+1 WHERE key IN (SELECT 'sparse erased of '||collection_no FROM "
        "passages WHERE doc_no=?)",
        (doc_no,),
    )
    first, last = texts.block_range(doc_no, 0, None)
    store.run("DELETE FROM texts WHERE block_no BETWEEN ? AND ?", (first, last))
    store.run("DELETE FROM passages WHERE doc_no=?", (doc_no,))
    store.run("DELETE FROM members WHERE doc_no=?", (doc_no,))
    store.run("DELETE FROM files WHERE doc_no=?", (doc_no,))
    store.run("INSERT INTO meta VALUES('erasures', '1') ON CONFLICT(key) DO UPDATE SET value=CAST(value AS INTEGER)+1")
    return store.run("DELETE FROM documents WHERE doc_no=?", (doc_no,)).rowcount


def _details(document: Document) -> str:
    return json.dumps(
        {
            "sections": [[s.heading, s.level, s.start, s.end, s.path] for s in document.sections],
            "authors": document.authors,
            "tags": document.tags,
            "links": [[link.url, link.text, link.context] for link in document.links],
            "metadata": dict(document.metadata),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _sections(facts: Mapping[str, Any]) -> tuple[Section, ...]:
    return tuple(Section(h, lv, s, e, tuple(p)) for h, lv, s, e, p in facts["sections"])


def _document(store: Store, row: Sequence[object]) -> Document:
    doc_no, doc_id, source, kind, media_type, title, date, language, details, page_starts = row[:10]
    facts = json.loads(str(details))
    return Document(
        doc_id=str(doc_id),
        source=str(source),
        source_kind=kind,  # type: ignore[arg-type]  # written from a Document, so one of the literals
        media_type=str(media_type),
        title=str(title),
        text=span(store, int(str(doc_no)), 0),
        sections=_sections(facts),
        date=str(date),
        authors=tuple(facts["authors"]),
        tags=tuple(facts["tags"]),
        language=str(language),
        page_starts=tuple(json.loads(str(page_starts) or "[]")),
        links=tuple(Link(*link) for link in facts["links"]),
        metadata=facts["metadata"],
    )
