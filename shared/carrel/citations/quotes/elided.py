"""The parts of a quote between its ellipses, word for word and in order."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from carrel.citations.lexicon import HEDGES, QUANTIFIERS, is_negator, words_of
from carrel.citations.normalise import MARKERS, Squeezed, squeeze
from carrel.citations.quotes.exact import judge_exact, occurrences
from carrel.citations.quotes.found import ABSENT, MAX_GAP, Found, better
from carrel.citations.tokens import Edit, Token, tokens

__all__ = ["ELLIPSIS", "find_elided", "segments_of", "turns"]

ELLIPSIS = re.compile(r"(?:\[\s*(?:…|\.\s?\.\s?\.)\s*\]|\(\s*(?:…|\.\.\.)\s*\)|…|\.\s?\.\s?\.(?:\s?\.)?)")
_BRACKETED = re.compile(r"\[(?=[^\[\]\n]{0,79}[^\W\d_])[^\[\]\n]{1,80}\]")


def segments_of(quote: str) -> list[str]:
    """The parts of a quote between its ellipses; a bracketed insertion of words counts as one.

    An insertion that carries a number, a negation, a quantity or a hedge is no mere gloss:
    it stays, and the comparison sees it.
    """

    def gap(match: re.Match[str]) -> str:
        inside = match.group()
        weighty = re.search(r"\d", inside) or any(map(_weighs, tokens(inside[1:-1])))
        harmless = not weighty and not MARKERS.fullmatch(inside)
        return " … " if harmless else match.group()

    opened = _BRACKETED.sub(gap, quote)
    return [part.strip() for part in ELLIPSIS.split(opened) if squeeze(part).chars]


def find_elided(segments: Sequence[str], text: str, squeezed: Squeezed) -> Found:
    """Every segment word for word, in order, none too far from the last. All starts of the first one are tried.

    ``altered`` where what is left out turns the statement round ("did … approve" for "did not approve").
    """
    turned = ABSENT
    needles = [squeeze(segment).chars for segment in segments]
    runs = [tokens(segment) for segment in segments]
    tries = max(2, min(200, 4_000 // len(needles)))  # a hostile quote has thousands of parts
    for at in itertools.islice(occurrences(needles[0], squeezed.chars), tries):
        spans = _chain(at, needles, runs, text, squeezed)
        if spans is not None:
            omitted = tuple(text[a[1] : b[0]].strip() for a, b in itertools.pairwise(spans))
            start, end = spans[0][0], spans[-1][1]
            plain = all(len(gap) <= 2 for gap in omitted)
            if edits := _turned(spans, text):
                turned = better(turned, Found("altered", start, end, edits, omitted))
                continue
            return Found("normalized" if plain else "elided", start, end, omitted=() if plain else omitted)
    return turned


def _turned(spans: Sequence[tuple[int, int]], text: str) -> tuple[Edit, ...]:
    gaps = ((a[1], b[0]) for a, b in itertools.pairwise(spans))
    return tuple(
        Edit("negation", "", text[start:end].strip(), start, end) for start, end in gaps if turns(text[start:end])
    )


def turns(gap: str) -> bool:
    """Whether leaving these words out turns a statement round.

    A negation and little else inside one sentence, or one that stands, unparted, at either end of what is left out.
    """
    words = tokens(gap)
    negative = [is_negator(token.word) for token in words]
    if not any(negative) or re.search(r"[.!?。！？]", gap):
        return False
    bare = gap.strip()
    return len(words) <= 4 or (negative[0] and bare[0] not in _PARTING) or (negative[-1] and bare[-1] not in _PARTING)


_PARTING = ",;:—–-()"
_WEIGHTY = words_of(
    "but only little less least more most merely anything might may could can must should would shall will except"
)


def _weighs(token: Token) -> bool:
    word = token.word
    return is_negator(word) or word in QUANTIFIERS or word in HEDGES or word in _WEIGHTY


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
