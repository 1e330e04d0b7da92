"""I have a claim and no source yet: which documents of the library bear on it, and how does each read?

The library's own search finds them; each is then judged as a cited source would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from carrel.citations.meaning import LazyEncoder
from carrel.citations.verify import ClaimVerdict, SourceState, verify_claim
from carrel.index import Library
from carrel.records import Document, Ranking
from carrel.retrieve import search

__all__ = ["Bearing", "bearing", "look_for_evidence", "read_against"]

_READ = 3  # documents read for each that is wanted: some of them say nothing of the claim
_WINDOWS = 2  # of a document
_ORDER = ("supported", "contradicted", "partially_supported", "needs_judgement")
"""What is shown first. A contradiction is evidence as much as a support; ``not_found`` is none."""


@dataclass(frozen=True, slots=True)
class Bearing:
    """A document and its preliminary reading: the verdict on the claim, with evidence, best first."""

    document: Document
    reading: ClaimVerdict


def look_for_evidence(
    library: Library, claim: str, *, collection: str = "default", k: int = 5, encoder: LazyEncoder | None = None
) -> tuple[Ranking, list[Bearing]]:
    """The ranking of a collection's documents for ``claim``, and the first ``3 * k`` of them, read.

    Only the first ``k`` are looked at a second time by meaning, which takes a hundred times as long as words do.
    Raises BadRequest for an empty or overlong claim and NotFound for a collection that is not there.
    """
    ranking = search(library, [claim], collection=collection, k=_READ * k, granularity="document")
    documents = [library.document(hit.passage.doc_id) for hit in ranking.hits]
    read = [
        read_against(claim, document, encoder=encoder if place < k else None)
        for place, document in enumerate(documents)
    ]
    return ranking, read


def read_against(
    claim: str, document: Document, state: SourceState = "ok", *, encoder: LazyEncoder | None = None
) -> Bearing:
    """What a document says of a claim. Of a paper from a register only the abstract is there."""
    state = "abstract" if document.source_kind == "scholar" else state
    return Bearing(document, verify_claim(claim, [document], state=state, encoder=encoder, k=_WINDOWS))


def bearing(read: Sequence[Bearing]) -> list[Bearing]:
    """Those that bear on the claim, by what they say of it; of the same reading the earlier stays first."""
    there = [each for each in read if each.reading.verdict in _ORDER and each.reading.windows]
    return sorted(there, key=lambda each: _ORDER.index(each.reading.verdict))
