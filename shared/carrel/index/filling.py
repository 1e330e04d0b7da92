"""What is encoded for the arms of vectors, a little at a time, so that queries may overtake."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence

from carrel.index import kept, texts
from carrel.index.gate import QueryGate
from carrel.index.store import Store

__all__ = ["BATCH", "WANTED", "said", "slices"]

BATCH = 256
"""Passages encoded between two commits of an arm."""

WANTED = "p.passage_id, p.digest, p.doc_no, p.start, p.end, p.heading, d.title"
"""What `said` is given of a passage p and its document d."""

_SLICE = 32  # passages encoded between two looks at the queries


def said(store: Store, rows: Sequence[Sequence[object]]) -> dict[int, str]:
    """What is encoded for each of these passages (as `WANTED` names them), by its digest.

    A text erased since the rows were read is left out: its digest must not get the vector of what is left of it.
    """
    found = {int(str(row[1])): _text(store, row) for row in {row[1]: row for row in rows}.values()}
    return {digest: text for digest, text in found.items() if texts.named(text) == digest}


def _text(store: Store, row: Sequence[object]) -> str:
    _, _, doc_no, start, end, heading, title = row
    span = kept.span(store, int(str(doc_no)), int(str(start)), int(str(end)))
    return texts.encoded_text(str(title), json.loads(str(heading)), span)


def slices(spoken: Sequence[str], gate: QueryGate, stop: threading.Event) -> Iterator[list[int]]:
    """Places of texts of similar length, each slice once no query is under way; ends early once ``stop`` is set."""
    order = sorted(range(len(spoken)), key=lambda place: (len(spoken[place]), place))
    for first in range(0, len(order), _SLICE):
        gate.wait(stop)
        if stop.is_set():
            return
        yield order[first : first + _SLICE]
