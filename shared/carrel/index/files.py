"""Which files a collection's documents came from, and what they looked like then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from carrel.index.store import Store

__all__ = ["KnownFile", "known_files", "remember", "touch"]


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as it was last read: ``size`` bytes, ``mtime`` in ns, ``digest`` in hex (BLAKE2b, 128 bits)."""

    doc_id: str
    size: int
    mtime: int
    digest: str


def known_files(store: Store, collection_no: int, parser: str, under: str = "") -> dict[str, KnownFile]:
    """``source -> file`` for sources beginning with ``under`` whose document is in the collection now.

    A file that another version of the parser read has size -1 and no digest: it is known, and counts as changed.
    """
    found = store.rows(
        "SELECT f.source, d.doc_id, f.size, f.mtime, f.digest, f.parser FROM files f JOIN documents d USING(doc_no) "
        "WHERE f.collection_no=? AND f.source>=? AND (?='' OR f.source<?) AND EXISTS(SELECT 1 FROM "
        "members m WHERE m.collection_no=f.collection_no AND m.doc_no=f.doc_no AND m.ended IS NULL)",
        (collection_no, under, under, _after(under)),
    )
    return {
        str(source): KnownFile(str(doc_id), size, mtime, digest) if by == parser else KnownFile(str(doc_id), -1, -1, "")
        for source, doc_id, size, mtime, digest, by in found
    }


def _after(prefix: str) -> str:
    """The least text that is greater than every text with this prefix (that a path can be)."""
    return prefix + "\U0010ffff"


def remember(store: Store, collection_no: int, doc_no: int, source: str, file: KnownFile, parser: str) -> None:
    """Note what a document's file looked like."""
    store.run(
        "INSERT OR REPLACE INTO files(collection_no, source, size, mtime, digest, parser, doc_no) "
        "VALUES(?,?,?,?,?,?,?)",
        (collection_no, source, file.size, file.mtime, file.digest, parser, doc_no),
    )


def touch(store: Store, collection_no: int, files: Mapping[str, KnownFile], parser: str) -> None:
    """Note that files look different but say the same."""
    store.run_many(
        "UPDATE files SET size=?, mtime=?, digest=?, parser=? WHERE collection_no=? AND source=?",
        [(file.size, file.mtime, file.digest, parser, collection_no, source) for source, file in files.items()],
    )
