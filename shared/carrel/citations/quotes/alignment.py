"""A quote laid beside a stretch of text, word by word: what differs, and is it still that quote?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from carrel.citations.lexicon import QUANTIFIERS, is_negator, words_of
from carrel.citations.quotes.borders import widen
from carrel.citations.quotes.found import ABSENT, Found, QuoteVerdict
from carrel.citations.tokens import Edit, Token, compare, tokens

__all__ = ["align"]

_LIMITS = words_of("only but except if unless until when may might could claimed alleged said denied")
_KEPT = 0.7  # share of the quote's words that must be in that stretch


def align(words: Sequence[Token], text: str, left: int, right: int, alike: float) -> Found:
    """The quote against ``text[left:right]``: absent when too many of its words are lost."""
    source = _cut(words, tokens(text[left:right], left))
    if not source:
        return ABSENT
    source, skipped = _without_page_break(words, source, text)
    source = _whole(source, text)
    edits = [_unasked(edit, text) for edit in compare(words, source)]
    lost = sum(max(1, len(edit.quote.split())) for edit in edits if edit.kind not in ("spelling", "inflection"))
    kept = 1 - lost / len(words)
    if kept < _KEPT and not (lost == 1 and len(words) >= 3):
        return Found("absent", 0, 0, occurrences=0, similarity=min(alike, max(0.0, kept)))
    start, end = source[0].start, source[-1].end
    verdict: QuoteVerdict = (
        "altered" if any(edit.critical for edit in edits) else "near" if edits or skipped else "normalized"
    )
    return Found(verdict, start, end, tuple(edits), skipped, similarity=min(alike, kept) if edits else alike)


_ASKING = words_of("is are was were do does did has have had can will")


def _unasked(edit: Edit, text: str) -> Edit:
    """A question made a statement ("Is it safe?" quoted as "It is safe.") says more than it asked."""
    if edit.kind != "function" or edit.source or edit.quote.casefold() not in _ASKING:
        return edit
    end = re.compile(r"[.!?。？]").search(text, edit.end, edit.end + 300)
    return replace(edit, kind="modality") if end and end.group() in "?？" else edit


def _whole(source: list[Token], text: str) -> list[Token]:
    """The words with what belongs to the first and the last of them: "12 500", "50%", "C++"."""
    start, end = source[0].start, source[-1].end
    left, right = widen(text, start, end)
    if (left, right) == (start, end):
        return source
    before, after = tokens(text[left:start], left), tokens(text[left:right], left)
    return [*before, *source, *(token for token in after if token.start >= end)]


def _cut(words: Sequence[Token], source: list[Token]) -> list[Token]:
    """The part of a window that the quote's words align with: what stands before and after is not its business.

    Equal words may stand there twice. The quote is laid on from the left and from the right, and the cut that leaves
    the fewest differences wins, the shorter of two: it keeps to the sentence.
    """
    from rapidfuzz.distance import Levenshtein

    ours, theirs = [t.word for t in words], [t.word for t in source]
    left, mirrored = _bounds(theirs, ours), _bounds(theirs[::-1], ours[::-1])
    if left is None or mirrored is None:
        return []
    right = (max(0, len(theirs) - mirrored[1]), len(theirs) - mirrored[0])
    cuts = dict.fromkeys((left, right, (max(left[0], right[0]), min(left[1], right[1]))))
    begin, finish = min(
        (cut for cut in cuts if cut[0] < cut[1] or cut == left),
        key=lambda cut: (Levenshtein.distance(theirs[cut[0] : cut[1]], ours), cut[1] - cut[0]),
    )
    return source[begin:finish]


def _bounds(theirs: Sequence[str], ours: Sequence[str]) -> tuple[int, int] | None:
    """First and last word of the window that the quote aligns with; None when no word is equal."""
    from rapidfuzz.distance import Indel

    codes = Indel.opcodes(theirs, ours)
    equal = [(code.src_start, code.src_end, code.dest_start, code.dest_end) for code in codes if code.tag == "equal"]
    if not equal:
        return None
    begin, finish = equal[0][0] - equal[0][2], equal[-1][1] + len(ours) - equal[-1][3]
    if len(equal) > 1:
        begin = _slide(theirs, ours, equal[0], equal[1], begin)
        flipped = [(-s1, -s0, -d1, -d0) for s0, s1, d0, d1 in (equal[-1], equal[-2])]
        finish = -_slide(
            theirs[::-1], ours[::-1], *_mirror(flipped, len(theirs), len(ours)), len(theirs) - finish
        ) + len(theirs)
    return max(0, begin), min(finish, len(theirs))


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
        if (
            "\n" in gap[:8]
            and "\n" in gap[-8:]
            and gap.count("\n") >= 2
            and _is_furniture(gap)
            and _all_equal_but(codes, code.src_start)
        ):
            return source[: code.src_start] + source[code.src_end :], (gap.strip(),)
    return source, ()


def _is_furniture(gap: str) -> bool:
    """Whether lines between two words may be those of a page break: no part of the sentence that turns it round."""
    return not any(is_negator(t.word) or t.word in QUANTIFIERS or t.word in _LIMITS for t in tokens(gap))


def _all_equal_but(codes: object, start: int) -> bool:
    return all(code.tag == "equal" or code.src_start == start for code in codes)  # type: ignore[attr-defined]
