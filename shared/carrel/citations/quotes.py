"""I have a quote and a text: do these words stand there?

    exact letters and digits → segments between ellipses, in order → closest stretch → difference word by word

A changed number, negation, name or opposite is ``altered`` however alike the strings are; line ends, hyphenation,
quotation marks and ligatures never make a true quote ``absent``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from carrel.citations.normalise import MARKERS, Squeezed, squeeze
from carrel.citations.selectors import Selectors, select, text_fragment
from carrel.citations.tokens import Edit, Token, compare, tokens
from carrel.errors import BadRequest, Refused

__all__ = ["FOUND", "QuoteCheck", "QuoteVerdict", "check_quote", "is_quotable"]

QuoteVerdict = Literal["verbatim", "normalized", "elided", "near", "altered", "absent"]
FOUND: frozenset[QuoteVerdict] = frozenset(("verbatim", "normalized", "elided", "near"))
"""Verdicts under which the source says what the quote says."""

_MAX_QUOTE = 20_000
_BLOCK = 4_000_000  # characters squeezed at once
_MAX_OCCURRENCES = 1_000
_JUDGED_OCCURRENCES = 20
_MAX_GAP = 4_000  # characters an ellipsis may stand for
_MAX_SILENT_GAP = 600  # characters a page break (running head, footnote) may put into a sentence
_ALIKE = 55.0  # partial ratio below which the closest stretch is another text (measured: benchmarks/quotes)
_KEPT = 0.7  # share of the quote's words that must be in that stretch
_NEEDLE = 600  # squeezed characters of a long quote that are aligned to find its place
_ELLIPSIS = re.compile(r"\s*(?:\[\s*(?:…|\.\s?\.\s?\.)\s*\]|\(\s*(?:…|\.\.\.)\s*\)|…|\.\s?\.\s?\.(?:\s?\.)?)\s*")
_BRACKETED = re.compile(r"\[(?=[^\]\n]*[^\W\d_])[^\[\]\n]{1,80}\]")
_RANK: dict[str, int] = {v: i for i, v in enumerate(("verbatim", "normalized", "elided", "near", "altered", "absent"))}
_QUOTES = "\"'“”‘’„‚«»‹›「」『』`"


@dataclass(frozen=True, slots=True)
class QuoteCheck:
    """What became of a quote. ``matched`` is ``text[start:end]``, the stretch compared (empty when ``absent``).

    ``edits`` are differences from the source, ``omitted`` what the quote's ellipses left out, ``occurrences`` how often
    the words stand in the text (up to 1,000), ``similarity`` 0..1.
    """

    verdict: QuoteVerdict
    start: int
    end: int
    matched: str
    edits: tuple[Edit, ...] = ()
    omitted: tuple[str, ...] = ()
    occurrences: int = 0
    similarity: float = 0.0
    selectors: Selectors | None = None
    fragment: str = ""

    @property
    def critical(self) -> tuple[Edit, ...]:
        return tuple(edit for edit in self.edits if edit.critical)


@dataclass(frozen=True, slots=True)
class _Found:
    verdict: QuoteVerdict
    start: int
    end: int
    edits: tuple[Edit, ...] = ()
    omitted: tuple[str, ...] = ()
    occurrences: int = 1
    similarity: float = 1.0


_ABSENT = _Found("absent", 0, 0, occurrences=0, similarity=0.0)


def is_quotable(quote: str) -> bool:
    """Whether a quote says enough to be looked for: two words, or four characters of an unspaced script."""
    return len(quote) <= _MAX_QUOTE and _weight(quote) >= 2


def check_quote(quote: str, text: str, *, url: str = "", near: tuple[int, int] | None = None) -> QuoteCheck:
    """Look for ``quote`` in ``text``. ``url`` makes a text fragment; ``near`` is the span where it is expected.

    Of several equal occurrences the one closest to ``near``, else the first, is given. Raises BadRequest for a quote
    of fewer than two words, Refused for one over 20,000 characters.
    """
    if len(quote) > _MAX_QUOTE:
        raise Refused(f"that quote is longer than {_MAX_QUOTE} characters; check it in parts")
    if _weight(quote) < 2:
        raise BadRequest("quote at least two words; a single word can be found in any text")
    bare = quote.strip().strip(_QUOTES).strip()
    found = _ABSENT
    for offset, block in _blocks(text, 2 * len(quote) + _MAX_GAP):
        candidate = _look(bare, block, None if near is None else near[0] - offset)
        if _RANK[candidate.verdict] < _RANK[found.verdict]:
            found = _shift(candidate, offset)
        if _RANK[found.verdict] <= _RANK["normalized"]:
            break
    return _report(found, text, url)


def _weight(quote: str) -> float:
    words = tokens(quote[: _MAX_QUOTE + 1])
    unspaced = sum(1 for char in quote if "\u3040" <= char <= "\u9fff" or "\u0e00" <= char <= "\u0e7f")
    return max(len(words), unspaced / 2)


def _blocks(text: str, overlap: int) -> Iterator[tuple[int, str]]:
    if len(text) <= _BLOCK:
        yield 0, text
        return
    for offset in range(0, len(text), _BLOCK - overlap):
        yield offset, text[offset : offset + _BLOCK]


def _shift(found: _Found, offset: int) -> _Found:
    edits = tuple(Edit(e.kind, e.quote, e.source, e.start + offset, e.end + offset) for e in found.edits)
    return _Found(
        found.verdict, found.start + offset, found.end + offset, edits, found.omitted, found.occurrences,
        found.similarity,
    )  # fmt: skip


def _report(found: _Found, text: str, url: str) -> QuoteCheck:
    if found.verdict == "absent":
        return QuoteCheck("absent", 0, 0, "", similarity=round(found.similarity, 3))
    exact = text[found.start : found.end]
    return QuoteCheck(
        found.verdict, found.start, found.end, exact, found.edits, found.omitted, found.occurrences,
        round(found.similarity, 3), select(text, found.start, found.end), text_fragment(url, exact) if url else "",
    )  # fmt: skip


def _look(quote: str, text: str, near: int | None) -> _Found:
    squeezed = squeeze(text)
    best = _exact(quote, text, squeezed, near)
    if _RANK[best.verdict] <= _RANK["normalized"]:
        return best
    segments = _segments(quote)
    if len(segments) > 1:
        best = _better(best, _elided(segments, text, squeezed))
        if _RANK[best.verdict] > _RANK["near"]:
            best = _better(best, _closest_segments(segments, text, squeezed))
    if _RANK[best.verdict] > _RANK["near"]:
        best = _better(best, _closest(_ELLIPSIS.sub(" ", quote), text, squeezed))
    return best


def _better(one: _Found, other: _Found) -> _Found:
    return other if _RANK[other.verdict] < _RANK[one.verdict] else one


# -- exact ------------------------------------------------------------------------------------------------------------


def _exact(quote: str, text: str, squeezed: Squeezed, near: int | None) -> _Found:
    needle = squeeze(quote).chars
    starts = list(_occurrences(needle, squeezed.chars)) if needle else []
    if not starts:
        return _ABSENT
    order = starts if near is None else sorted(starts, key=lambda at: abs(int(squeezed.at[at]) - near))
    words, best = tokens(quote), _ABSENT
    raw = quote.rstrip(".,;: ")
    for at in order[:_JUDGED_OCCURRENCES]:
        start, end = squeezed.span(at, at + len(needle))
        best = _better(best, _judge_exact(raw, words, text, start, end))
        if best.verdict == "verbatim" or (near is not None and best.verdict == "normalized"):
            break
    end = _with_punctuation(quote, text, best.end)
    return _Found(best.verdict, best.start, end, best.edits, occurrences=len(starts), similarity=best.similarity)


def _occurrences(needle: str, hay: str) -> Iterator[int]:
    at = hay.find(needle)
    for _ in range(_MAX_OCCURRENCES):
        if at < 0:
            return
        yield at
        at = hay.find(needle, at + 1)


def _judge_exact(raw: str, words: Sequence[Token], text: str, start: int, end: int) -> _Found:
    """Same letters and digits at ``[start, end)``: do they begin and end with words, and keep numbers and signs?"""
    left, right = _widen(text, start, end)
    found = tokens(text[left:right], left)
    inside = [t for t in found if t.end > start]
    edits = tuple(compare(words, _trim(words, inside)))
    if any(edit.critical for edit in edits):
        return _Found("altered", left, right, edits)
    if edits:
        return _Found("near", left, right, edits, similarity=0.98)
    at = text.find(raw, max(0, start - 3), end + 3)
    same = at >= 0 and _bounded(text, at, at + len(raw))
    return _Found("verbatim", at, at + len(raw)) if same else _Found("normalized", start, end)


def _trim(words: Sequence[Token], inside: list[Token]) -> list[Token]:
    """Drop a sign or symbol at either end that belongs to the text around the match."""
    while inside and inside[0].word != words[0].word and len(inside[0].word) == 1 and not inside[0].word.isalnum():
        inside = inside[1:]
    return inside


def _widen(text: str, start: int, end: int) -> tuple[int, int]:
    """Out to the borders of the words and numbers that a span begins and ends in."""
    left, right = start, end
    while left > 0 and start - left < 40 and _joined(text, left):
        left -= 1
    if text[start].isdigit() and left == start and left > 0 and text[left - 1] in "-−–":
        left -= 1
    while right < len(text) and right - end < 40 and _joined(text, right):
        right += 1
    if right == end and text[end - 1].isdigit() and text[right : right + 1] in ("%", "‰", "°"):
        right += 1
    return left, right


def _joined(text: str, at: int) -> bool:
    """Whether the characters on both sides of ``at`` belong to one word or one number."""
    before, after = text[at - 1], text[at]
    if before.isalnum() and after.isalnum():
        return not _unspaced(before) and not _unspaced(after)
    if before in ".," and after.isdigit():
        return at >= 2 and text[at - 2].isdigit()
    return after in ".," and before.isdigit() and text[at + 1 : at + 2].isdigit()


def _unspaced(char: str) -> bool:
    return "\u0e00" <= char <= "\u0eff" or "\u3040" <= char <= "\u9fff" or "\U00020000" <= char <= "\U0003ffff"


def _bounded(text: str, start: int, end: int) -> bool:
    left, right = _widen(text, start, end)
    return text[left:right].strip("%‰°") == text[start:end].strip("%‰°") if (left, right) != (start, end) else True


def _with_punctuation(quote: str, text: str, end: int) -> int:
    tail = quote[len(quote.rstrip(".,;:!?)")) :]
    return end + len(tail) if tail and text.startswith(tail, end) else end


# -- elided -----------------------------------------------------------------------------------------------------------


def _segments(quote: str) -> list[str]:
    """The parts of a quote between its ellipses; a bracketed insertion of words counts as one.

    An insertion that carries a number or a negation is no mere gloss: it stays, and the comparison sees it.
    """

    def gap(match: re.Match[str]) -> str:
        harmless = not MARKERS.fullmatch(match.group()) and not re.search(
            r"\d|\bno[nt]?\b|n['’]t\b|\bnever\b", match.group(), re.I
        )
        return " … " if harmless else match.group()

    opened = _BRACKETED.sub(gap, quote)
    return [part for part in _ELLIPSIS.split(opened) if squeeze(part).chars]


def _elided(segments: Sequence[str], text: str, squeezed: Squeezed) -> _Found:
    """Every segment word for word, in order, none too far from the last. All starts of the first one are tried."""
    needles = [squeeze(segment).chars for segment in segments]
    runs = [tokens(segment) for segment in segments]
    for at in list(_occurrences(needles[0], squeezed.chars))[:200]:
        spans = _chain(at, needles, runs, text, squeezed)
        if spans is not None:
            omitted = tuple(text[a[1] : b[0]].strip() for a, b in itertools.pairwise(spans))
            start, end = spans[0][0], spans[-1][1]
            plain = all(len(gap) <= 2 for gap in omitted)
            return _Found("normalized" if plain else "elided", start, end, omitted=() if plain else omitted)
    return _ABSENT


def _chain(
    at: int, needles: Sequence[str], runs: Sequence[Sequence[Token]], text: str, squeezed: Squeezed
) -> list[tuple[int, int]] | None:
    spans: list[tuple[int, int]] = []
    for needle, words in zip(needles, runs, strict=True):
        span = _next_segment(at, needle, words, text, squeezed)
        if span is None:
            return None
        spans.append((span[0], span[1]))
        at = span[2]
    return spans


def _next_segment(
    at: int, needle: str, words: Sequence[Token], text: str, squeezed: Squeezed
) -> tuple[int, int, int] | None:
    """The next place of a segment at or after ``at`` that begins and ends with whole words: start, end, where after."""
    limit = at + _MAX_GAP + len(needle)
    for _ in range(50):
        at = squeezed.chars.find(needle, at, limit)
        if at < 0:
            return None
        start, end = squeezed.span(at, at + len(needle))
        if _judge_exact("\0", words, text, start, end).verdict == "normalized":
            return start, end, at + len(needle)
        at += 1
    return None


# -- closest ----------------------------------------------------------------------------------------------------------


def _closest(quote: str, text: str, squeezed: Squeezed) -> _Found:
    """The stretch most like the quote, and how it differs; absent when too little of the quote is there."""
    needle = squeeze(quote).chars
    words = tokens(quote)
    best = _ABSENT
    for start, end, alike in _stretches(needle, text, squeezed):
        if alike < _ALIKE:
            best = (
                best
                if best.similarity * 100 >= alike
                else _Found("absent", 0, 0, occurrences=0, similarity=alike / 100)
            )
            continue
        best = _better(best, _judge_stretch(words, text, start, end, alike / 100))
    return best


def _closest_segments(segments: Sequence[str], text: str, squeezed: Squeezed) -> _Found:
    """The parts of an elided quote, each at its closest stretch: as good as the worst of them, and only in order."""
    parts = [_closest(segment, text, squeezed) for segment in segments[:20] if len(tokens(segment)) > 1]
    if not parts or any(part.verdict == "absent" for part in parts):
        return _ABSENT
    pairs = list(itertools.pairwise(parts))
    if any(b.start < a.end or b.start - a.end > _MAX_GAP for a, b in pairs):
        return _ABSENT
    worst = max(("elided", *(part.verdict for part in parts)), key=_RANK.__getitem__)
    edits = tuple(edit for part in parts for edit in part.edits)
    omitted = tuple(text[a.end : b.start].strip() for a, b in pairs)
    return _Found(
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


def _judge_stretch(words: Sequence[Token], text: str, start: int, end: int, alike: float) -> _Found:
    slack = 24 + (end - start) // 8
    best = _ABSENT
    far = _MAX_SILENT_GAP
    for before, after in ((slack, slack), (slack, far), (far, slack)):
        left, right = _snap(text, max(0, start - before), min(len(text), end + after))
        best = _better(best, _align(words, text, left, right, alike))
        if best.verdict != "absent" and best.verdict != "altered":
            break
    return best


def _snap(text: str, left: int, right: int) -> tuple[int, int]:
    while left > 0 and text[left - 1].isalnum() and text[left].isalnum() and not _unspaced(text[left]):
        left -= 1
    while 0 < right < len(text) and text[right - 1].isalnum() and text[right].isalnum() and not _unspaced(text[right]):
        right += 1
    return left, right


def _align(words: Sequence[Token], text: str, left: int, right: int, alike: float) -> _Found:
    source = _cut(words, tokens(text[left:right], left))
    if not source:
        return _ABSENT
    source, skipped = _without_page_break(words, source, text)
    edits = compare(words, source)
    lost = sum(max(1, len(edit.quote.split())) for edit in edits if edit.kind not in ("spelling", "inflection"))
    kept = 1 - lost / len(words)
    if kept < _KEPT and not (lost == 1 and len(words) >= 3):
        return _Found("absent", 0, 0, occurrences=0, similarity=min(alike, max(0.0, kept)))
    start, end = source[0].start, source[-1].end
    verdict: QuoteVerdict = (
        "altered" if any(edit.critical for edit in edits) else "near" if edits or skipped else "normalized"
    )
    return _Found(verdict, start, end, tuple(edits), skipped, similarity=min(alike, kept) if edits else alike)


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
