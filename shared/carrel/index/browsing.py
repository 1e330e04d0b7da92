"""Every passage of a collection in turn, for work that reads them all once."""

from __future__ import annotations

import json
from collections.abc import Iterator

from carrel.index import kept
from carrel.index.store import Store
from carrel.index.view import Row
from carrel.records import Passage

__all__ = ["passages"]

_AT_ONCE = 256
_NEXT = """SELECT p.passage_id, p.digest, p.doc_no, p.start, p.end, p.heading, d.doc_id, d.title, d.source, d.date
FROM passages p JOIN documents d USING(doc_no)
WHERE p.collection_no=? AND p.passage_id>? AND p.encoded<>2 ORDER BY p.passage_id LIMIT ?"""  # 2: it has left


def passages(store: Store, collection_no: int) -> Iterator[list[tuple[int, Row]]]:
    """The passages of a collection's current documents with their digests, a few hundred at a time, as they are when
    their turn comes."""
    after = 0
    while True:
        with store.snapshot():
            found = store.rows(_NEXT, (collection_no, after, _AT_ONCE))
            texts = kept.spans(store, [(row[2], row[3], row[4]) for row in found])
        if not found:
            return
        after = found[-1][0]
        yield [
            (digest, Row(Passage(doc_id, start, end, text, tuple(json.loads(heading))), title, source, date))
            for (_, digest, _, start, end, heading, doc_id, title, source, date), text in zip(found, texts, strict=True)
        ]
