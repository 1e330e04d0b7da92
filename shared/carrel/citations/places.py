"""Where the words of a claim stand in its evidence as they are, and how they stand there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from carrel.citations.evidence import Window
from carrel.citations.quotes import FOUND, QuoteCheck, check_quote, is_quotable
from carrel.citations.standing import Standing, standing
from carrel.citations.tokens import tokens
from carrel.records import Document

__all__ = ["Place", "find_places"]

_MOST_PLACES = 8
_MOST_READ = 200_000  # characters in which every place is looked for; further on the first one will do


@dataclass(frozen=True, slots=True)
class Place:
    """One place, beginning at ``start``. ``words``: in what way the claim stands there, in a sentence."""

    start: int
    standing: Standing
    words: str


def find_places(claim: str, windows: Sequence[Window]) -> tuple[Place, ...]:
    """The places of the best window's document at which the claim's own words stand, its best window first."""
    bare = claim.strip(" .;:")
    if not is_quotable(bare):
        return ()
    document = windows[0].document
    return tuple(
        Place(check.start, place, _in_words(bare, check, whole=place.whole))
        for check in _checks(bare, document)
        for place in (standing(document.text, check.start, check.end),)
    )


def _checks(bare: str, document: Document) -> Iterator[QuoteCheck]:
    """The claim as a quote, found again behind each place where it was found."""
    at = 0
    for _ in range(_MOST_PLACES):
        check = check_quote(bare, document.text[at : at + _MOST_READ] if at else document.text)
        slips = [edit for edit in check.edits if edit.kind == "function"]
        if check.verdict not in FOUND - {"elided"} or len(slips) > 1 or check.omitted:
            return
        yield check if not at else _moved(check, at)
        at += check.end
        if check.occurrences <= 1:
            return


def _moved(check: QuoteCheck, by: int) -> QuoteCheck:
    return QuoteCheck(check.verdict, check.start + by, check.end + by, check.matched, check.edits)


def _in_words(bare: str, check: QuoteCheck, *, whole: bool) -> str:
    """What the claim and the place have in common, and no more than that."""
    ours, theirs = tokens(bare), tokens(check.matched)
    lead = (
        "the claim stands in the source" if whole else "the claim's words stand in the source inside a longer sentence"
    )
    if check.edits:
        return f"{lead}, but for small words or spellings"
    pairs = list(zip(ours, theirs, strict=False))
    numbers = [f"{b.raw} for {a.raw}" for a, b in pairs if a.raw != b.raw and a.raw[:1].isdigit()]
    if numbers:
        return f"{lead}, with a number written otherwise ({numbers[0]})"
    if len(ours) != len(theirs) or any(a.word != b.word for a, b in pairs):
        return f"{lead}, with words joined or spelt otherwise"
    return f"{lead} word for word" if whole else lead
