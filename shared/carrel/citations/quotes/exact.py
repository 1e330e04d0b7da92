"""The same letters and digits, whatever stands between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from carrel.citations.normalise import Squeezed, squeeze
from carrel.citations.quotes.borders import bounded, widen
from carrel.citations.quotes.found import ABSENT, Found, better
from carrel.citations.tokens import Token, compare, tokens

__all__ = ["find_exact", "judge_exact", "occurrences"]

_MAX_OCCURRENCES = 1_000
_JUDGED_OCCURRENCES = 20


def find_exact(quote: str, text: str, squeezed: Squeezed, near: int | None) -> Found:
    """The quote with equal letters and digits: the best of its occurrences, the closest to ``near`` first."""
    needle = squeeze(quote).chars
    starts = list(occurrences(needle, squeezed.chars)) if needle else []
    if not starts:
        return ABSENT
    order = starts if near is None else sorted(starts, key=lambda at: abs(int(squeezed.at[at]) - near))
    words, best = tokens(quote), ABSENT
    raw = quote.rstrip(".,;: ")
    for at in order[:_JUDGED_OCCURRENCES]:
        start, end = squeezed.span(at, at + len(needle))
        best = better(best, judge_exact(raw, words, text, start, end))
        if best.verdict == "verbatim" or (near is not None and best.verdict == "normalized"):
            break
    end = _with_punctuation(quote, text, best.end)
    return Found(best.verdict, best.start, end, best.edits, occurrences=len(starts), similarity=best.similarity)


def occurrences(needle: str, hay: str) -> Iterator[int]:
    """Where ``needle`` begins in ``hay``, up to 1,000 times; overlaps count."""
    at = hay.find(needle)
    for _ in range(_MAX_OCCURRENCES):
        if at < 0:
            return
        yield at
        at = hay.find(needle, at + 1)


def judge_exact(raw: str, words: Sequence[Token], text: str, start: int, end: int) -> Found:
    """Same letters and digits at ``[start, end)``: do they begin and end with words, and keep numbers and signs?"""
    left, right = widen(text, start, end)
    found = tokens(text[left:right], left)
    inside = [t for t in found if t.end > start or t.word.isdecimal()]
    edits = tuple(compare(words, _trim(words, inside)))
    if any(edit.critical for edit in edits):
        return Found("altered", left, right, edits)
    if edits:
        return Found("near", left, right, edits, similarity=0.98)
    at = text.find(raw, max(0, start - 3), end + 3)
    same = at >= 0 and bounded(text, at, at + len(raw))
    return Found("verbatim", at, at + len(raw)) if same else Found("normalized", start, end)


def _trim(words: Sequence[Token], inside: list[Token]) -> list[Token]:
    """Drop a sign or symbol at either end that belongs to the text around the match."""
    while inside and inside[0].word != words[0].word and len(inside[0].word) == 1 and not inside[0].word.isalnum():
        inside = inside[1:]
    return inside


def _with_punctuation(quote: str, text: str, end: int) -> int:
    tail = quote[len(quote.rstrip(".,;:!?)")) :]
    return end + len(tail) if tail and text.startswith(tail, end) else end
