"""The parts of a quote between its ellipses, word for word and in order."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from carrel.citations.normalise import MARKERS, Squeezed, squeeze
from carrel.citations.quotes.exact import judge_exact, occurrences
from carrel.citations.quotes.found import ABSENT, MAX_GAP, Found
from carrel.citations.tokens import Token, tokens

__all__ = ["ELLIPSIS", "find_elided", "segments_of"]

ELLIPSIS = re.compile(r"\s*(?:\[\s*(?:…|\.\s?\.\s?\.)\s*\]|\(\s*(?:…|\.\.\.)\s*\)|…|\.\s?\.\s?\.(?:\s?\.)?)\s*")
_BRACKETED = re.compile(r"\[(?=[^\]\n]*[^\W\d_])[^\[\]\n]{1,80}\]")


def segments_of(quote: str) -> list[str]:
    """The parts of a quote between its ellipses; a bracketed insertion of words counts as one.

    An insertion that carries a number or a negation is no mere gloss: it stays, and the comparison sees it.
    """

    def gap(match: re.Match[str]) -> str:
        harmless = not MARKERS.fullmatch(match.group()) and not re.search(
            r"\d|\bno[nt]?\b|n['’]t\b|\bnever\b", match.group(), re.I
        )
        return " … " if harmless else match.group()

    opened = _BRACKETED.sub(gap, quote)
    return [part for part in ELLIPSIS.split(opened) if squeeze(part).chars]


def find_elided(segments: Sequence[str], text: str, squeezed: Squeezed) -> Found:
    """Every segment word for word, in order, none too far from the last. All starts of the first one are tried."""
    needles = [squeeze(segment).chars for segment in segments]
    runs = [tokens(segment) for segment in segments]
    for at in list(occurrences(needles[0], squeezed.chars))[:200]:
        spans = _chain(at, needles, runs, text, squeezed)
        if spans is not None:
            omitted = tuple(text[a[1] : b[0]].strip() for a, b in itertools.pairwise(spans))
            start, end = spans[0][0], spans[-1][1]
            plain = all(len(gap) <= 2 for gap in omitted)
            return Found("normalized" if plain else "elided", start, end, omitted=() if plain else omitted)
    return ABSENT


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
    limit = at + MAX_GAP + len(needle)
    for _ in range(50):
        at = squeezed.chars.find(needle, at, limit)
        if at < 0:
            return None
        start, end = squeezed.span(at, at + len(needle))
        if judge_exact("\0", words, text, start, end).verdict == "normalized":
            return start, end, at + len(needle)
        at += 1
    return None
