"""The stretch of a text most like a quote that does not stand there word for word."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from carrel.citations.normalise import Squeezed, squeeze
from carrel.citations.quotes.alignment import align
from carrel.citations.quotes.borders import snap
from carrel.citations.quotes.elided import turns
from carrel.citations.quotes.found import ABSENT, MAX_GAP, RANK, Found, better
from carrel.citations.tokens import Token, tokens

__all__ = ["find_closest", "find_closest_segments"]

_MAX_SILENT_GAP = 600  # characters a page break (running head, footnote) may put into a sentence
_ALIKE = 55.0  # partial ratio below which the closest stretch is another text (measured: benchmarks/quotes)
_NEEDLE = 600  # squeezed characters of a long quote that are aligned to find its place


def find_closest(quote: str, text: str, squeezed: Squeezed) -> Found:
    """The stretch most like the quote, and how it differs; absent when too little of the quote is there."""
    needle = squeeze(quote).chars
    words = tokens(quote)
    best = ABSENT
    for start, end, alike in _stretches(needle, text, squeezed):
        if alike < _ALIKE:
            best = (
                best if best.similarity * 100 >= alike else Found("absent", 0, 0, occurrences=0, similarity=alike / 100)
            )
            continue
        best = better(best, _judge_stretch(words, text, start, end, alike / 100))
    return best


def find_closest_segments(segments: Sequence[str], text: str, squeezed: Squeezed) -> Found:
    """The parts of an elided quote, each at its closest stretch: as good as the worst of them, and only in order."""
    parts = [find_closest(segment, text, squeezed) for segment in segments[:20] if len(tokens(segment)) > 1]
    if not parts or any(part.verdict == "absent" for part in parts):
        return ABSENT
    pairs = list(itertools.pairwise(parts))
    if any(b.start < a.end or b.start - a.end > MAX_GAP for a, b in pairs):
        return ABSENT
    if any(turns(text[a.end : b.start]) for a, b in pairs):
        return ABSENT
    worst = max(("elided", *(part.verdict for part in parts)), key=RANK.__getitem__)
    edits = tuple(edit for part in parts for edit in part.edits)
    omitted = tuple(text[a.end : b.start].strip() for a, b in pairs)
    return Found(
        worst, parts[0].start, parts[-1].end, edits, omitted, similarity=min(part.similarity for part in parts)
    )


def _stretches(needle: str, text: str, squeezed: Squeezed) -> Iterator[tuple[int, int, float]]:
    from rapidfuzz import fuzz

    if not needle or not squeezed.chars:
        return
    probe = needle[:_NEEDLE]
    found = fuzz.partial_ratio_alignment(probe, squeezed.chars, score_cutoff=50.0)
    if found is None or found.dest_end <= found.dest_start:
        return
    end = min(len(squeezed.chars), found.dest_end + int(1.1 * (len(needle) - len(probe))))
    start, stop = squeezed.span(found.dest_start, end)
    yield start, stop, found.score


def _judge_stretch(words: Sequence[Token], text: str, start: int, end: int, alike: float) -> Found:
    slack = 24 + (end - start) // 8
    best = ABSENT
    far = _MAX_SILENT_GAP
    for before, after in ((slack, slack), (slack, far), (far, slack)):
        left, right = snap(text, max(0, start - before), min(len(text), end + after))
        best = better(best, align(words, text, left, right, alike))
        if best.verdict != "absent" and best.verdict != "altered":
            break
    return best
