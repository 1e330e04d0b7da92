"""A quote laid beside a stretch of text, word by word: what differs, and is it still that quote?"""

from __future__ import annotations

from collections.abc import Sequence

from carrel.citations.quotes.found import ABSENT, Found, QuoteVerdict
from carrel.citations.tokens import Token, compare, tokens

__all__ = ["align"]

_KEPT = 0.7  # share of the quote's words that must be in that stretch


def align(words: Sequence[Token], text: str, left: int, right: int, alike: float) -> Found:
    """The quote against ``text[left:right]``: absent when too many of its words are lost."""
    source = _cut(words, tokens(text[left:right], left))
    if not source:
        return ABSENT
    source, skipped = _without_page_break(words, source, text)
    edits = compare(words, source)
    lost = sum(max(1, len(edit.quote.split())) for edit in edits if edit.kind not in ("spelling", "inflection"))
    kept = 1 - lost / len(words)
    if kept < _KEPT and not (lost == 1 and len(words) >= 3):
        return Found("absent", 0, 0, occurrences=0, similarity=min(alike, max(0.0, kept)))
    start, end = source[0].start, source[-1].end
    verdict: QuoteVerdict = (
        "altered" if any(edit.critical for edit in edits) else "near" if edits or skipped else "normalized"
    )
    return Found(verdict, start, end, tuple(edits), skipped, similarity=min(alike, kept) if edits else alike)


def _cut(words: Sequence[Token], source: list[Token]) -> list[Token]:
    """The part of a window that the quote's words align with: what stands before and after is not its business."""
    from rapidfuzz.distance import Indel

    ours, theirs = [t.word for t in words], [t.word for t in source]
    codes = Indel.opcodes(theirs, ours)
    equal = [(code.src_start, code.src_end, code.dest_start, code.dest_end) for code in codes if code.tag == "equal"]
    if not equal:
        return []
    begin, finish = equal[0][0] - equal[0][2], equal[-1][1] + len(words) - equal[-1][3]
    if len(equal) > 1:
        begin = _slide(theirs, ours, equal[0], equal[1], begin)
        flipped = [(-s1, -s0, -d1, -d0) for s0, s1, d0, d1 in (equal[-1], equal[-2])]
        finish = -_slide(
            theirs[::-1], ours[::-1], *_mirror(flipped, len(theirs), len(ours)), len(theirs) - finish
        ) + len(theirs)
    return source[max(0, begin) : finish]


_Run = tuple[int, int, int, int]


def _mirror(runs: Sequence[_Run], source: int, quote: int) -> tuple[_Run, _Run]:
    one, two = ((s0 + source, s1 + source, d0 + quote, d1 + quote) for s0, s1, d0, d1 in runs)
    return one, two


def _slide(source: Sequence[str], quote: Sequence[str], outer: _Run, inner: _Run, begin: int) -> int:
    """Where the window begins once an outlying run of equal words is moved next to its neighbour, if also there."""
    length = outer[1] - outer[0]
    beside = inner[0] - length
    if outer[3] == inner[2] and beside > outer[0] and source[beside : inner[0]] == quote[outer[2] : outer[3]]:
        return beside - outer[2]
    return begin


def _without_page_break(words: Sequence[Token], source: list[Token], text: str) -> tuple[list[Token], tuple[str, ...]]:
    """Skip whole lines (a running head, a footnote, a page number) that a page break put between two of the words."""
    from rapidfuzz.distance import Indel

    codes = Indel.opcodes([t.word for t in source], [t.word for t in words])
    for code in codes:
        if code.tag != "delete" or not 0 < code.src_start < code.src_end < len(source):
            continue
        before, after = source[code.src_start - 1].end, source[code.src_end].start
        gap = text[before:after]
        if "\n" in gap[:8] and "\n" in gap[-8:] and gap.count("\n") >= 2 and _all_equal_but(codes, code.src_start):
            return source[: code.src_start] + source[code.src_end :], (gap.strip(),)
    return source, ()


def _all_equal_but(codes: object, start: int) -> bool:
    return all(code.tag == "equal" or code.src_start == start for code in codes)  # type: ignore[attr-defined]
