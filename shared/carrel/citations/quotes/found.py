"""What became of a quote at one place of a text, and which of two places is the better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from carrel.citations.tokens import Edit

__all__ = ["ABSENT", "FOUND", "MAX_GAP", "RANK", "Found", "QuoteVerdict", "better", "shift"]

QuoteVerdict = Literal["verbatim", "normalized", "elided", "near", "altered", "absent"]
FOUND: frozenset[QuoteVerdict] = frozenset(("verbatim", "normalized", "elided", "near"))
"""Verdicts under which the source says what the quote says."""
MAX_GAP = 4_000  # characters an ellipsis may stand for
RANK: dict[str, int] = {v: i for i, v in enumerate(("verbatim", "normalized", "elided", "near", "altered", "absent"))}


@dataclass(frozen=True, slots=True)
class Found:
    verdict: QuoteVerdict
    start: int
    end: int
    edits: tuple[Edit, ...] = ()
    omitted: tuple[str, ...] = ()
    occurrences: int = 1
    similarity: float = 1.0


ABSENT = Found("absent", 0, 0, occurrences=0, similarity=0.0)


def shift(found: Found, offset: int) -> Found:
    """The same, ``offset`` characters further on."""
    edits = tuple(Edit(e.kind, e.quote, e.source, e.start + offset, e.end + offset) for e in found.edits)
    return Found(
        found.verdict, found.start + offset, found.end + offset, edits, found.omitted, found.occurrences,
        found.similarity,
    )  # fmt: skip


def better(one: Found, other: Found) -> Found:
    """The stricter verdict of two; the first on a tie."""
    return other if RANK[other.verdict] < RANK[one.verdict] else one
