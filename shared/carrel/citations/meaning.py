"""A second look by meaning before a source is called silent: it may say the same in other words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from carrel.citations.evidence import Window, stems
from carrel.errors import CarrelError
from carrel.models import Encoder
from carrel.records import Document, Passage
from carrel.retrieve import evidence

__all__ = ["LazyEncoder", "close_in_meaning"]

LazyEncoder = Callable[[], Encoder]
"""Gives the encoder when it is first needed; raises a CarrelError where there is none, and the words must do."""

_CLOSE = 0.45
"""Cosine from which a passage may say the same in other words, fitted on AttributionBench dev (benchmarks/claims).

For all-MiniLM-L6-v2. Another encoder's scale may differ; as closeness only hands a claim to a reader, that costs work,
never truth.
"""
_MOST_READ = 200_000  # characters of the documents in which a claim is looked for a second time
_RANKED = 12  # windows ranked, of which the closest are kept
_LONGEST = 1_200  # characters of a window; an encoder reads hardly more of a text without sentences


def close_in_meaning(
    claim: str, documents: Sequence[Document], encoder: LazyEncoder, k: int = 3
) -> tuple[tuple[float, Window], ...]:
    """The ``k`` windows closest to ``claim`` in meaning with their cosine, closest first; none below the threshold.

    Empty too when there is no encoder or the documents are too long to be read twice.
    """
    if sum(len(document.text) for document in documents) > _MOST_READ:
        return ()
    try:
        hits = evidence(documents, claim, k=_RANKED, encoder=encoder())
    except CarrelError:
        return ()
    by_id = {document.doc_id: document for document in documents}
    wanted = set(stems(claim))
    close = sorted(
        ((hit.arms["dense"].score, hit.passage) for hit in hits if hit.arms["dense"].score >= _CLOSE),
        key=lambda item: (-item[0], item[1].doc_id, item[1].start),
    )
    return tuple((cosine, _window(by_id[found.doc_id], found, wanted)) for cosine, found in close[:k])


def _window(document: Document, found: Passage, wanted: set[str]) -> Window:
    text = found.text[:_LONGEST]
    held = len(wanted & set(stems(text))) / max(1, len(wanted))
    return Window(document, found.start, found.start + len(text), held)
