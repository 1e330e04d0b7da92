"""The vectors of passages that references name, wherever the documents are: in this collection or only kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from carrel.documents import split
from carrel.errors import BadRequest, NotFound
from carrel.index import kept, texts
from carrel.index.store import Store
from carrel.index.trials import asked
from carrel.records import EvidenceRef, Passage, parse_ref

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from carrel.index.dense.reader import VectorReader
    from carrel.index.gate import QueryGate
    from carrel.models import Encoder

__all__ = ["named_digests", "named_vectors"]

_MOST_PASSAGES = 64  # of one reference that count
_MOST_ENCODED = 4  # of those, when they have to be encoded first


def named_digests(store: Store, collection_no: int, references: Sequence[str]) -> list[tuple[EvidenceRef, list[int]]]:
    """Each reference with the digests of its passages in a collection, none where it has no part there.

    Raises BadRequest for what is no reference, or reaches past its document's end, and NotFound for a document that is
    not in this data folder.
    """
    refs = [parse_ref(each) for each in dict.fromkeys(references)]
    numbers = kept.numbers(store, [ref.doc_id for ref in refs])
    return [(ref, _digests(store, collection_no, ref, numbers.get(ref.doc_id))) for ref in refs]


def _digests(store: Store, collection_no: int, ref: EvidenceRef, doc_no: int | None) -> list[int]:
    row = store.row("SELECT chars FROM documents WHERE doc_no=?", (doc_no,)) if doc_no is not None else None
    if row is None:
        raise NotFound(f"no document {ref.doc_id} in this data folder; give references as a search or read reply does")
    start, end = ref.start or 0, row[0] if ref.end is None else ref.end
    if end > row[0]:
        raise BadRequest(f"the span of {ref} ends after the document, which has {row[0]} characters")
    rows = store.rows(
        "SELECT digest FROM passages WHERE doc_no=? AND collection_no=? AND start<? AND end>? ORDER BY start LIMIT ?",
        (doc_no, collection_no, end, start, _MOST_PASSAGES),
    )
    return [int(digest) for (digest,) in rows]


def named_vectors(
    store: Store, dense: VectorReader, encoder: Encoder, gate: QueryGate, named: Sequence[tuple[EvidenceRef, list[int]]]
) -> NDArray[np.float32]:
    """One vector for each reference (n, dimension), the mean over its passages: those the dense arm has, or where it
    has none, vectors made now. Raises BadRequest for a reference to nothing but white space."""
    import numpy as np

    found = []
    for ref, digests in named:
        there, vectors = dense.vectors(np.array(list(dict.fromkeys(digests)), np.int64))
        if not len(there):
            said = _texts(store, ref)
            with gate.query():
                vectors = asked(encoder.encode, said, encoder.dimension)
        found.append(vectors.mean(axis=0, dtype=np.float64))
    return np.stack(found).astype(np.float32)


def _texts(store: Store, ref: EvidenceRef) -> list[str]:
    """What there is to encode for a reference: the passages of its document that it overlaps, cut to it."""
    document = kept.document(store, ref.doc_id)
    start, end = ref.start or 0, len(document.text) if ref.end is None else ref.end
    cut = [_cut(passage, start, end) for passage in split(document) if passage.end > start and passage.start < end]
    told = [texts.encoded_text(document.title, heading, text) for heading, text in cut if text.strip()]
    if not told:
        raise BadRequest(f"there is no text at {ref} for hits to be like; give a reference that a reply shows")
    return told[:_MOST_ENCODED]


def _cut(passage: Passage, start: int, end: int) -> tuple[tuple[str, ...], str]:
    return passage.heading, passage.text[max(start - passage.start, 0) : end - passage.start]
