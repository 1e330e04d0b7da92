"""A quote looked for in a text, from the strictest way to the most forgiving."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from carrel.citations.normalise import squeeze
from carrel.citations.quotes.closest import find_closest, find_closest_segments
from carrel.citations.quotes.elided import ELLIPSIS, find_elided, segments_of
from carrel.citations.quotes.exact import find_exact
from carrel.citations.quotes.found import ABSENT, MAX_GAP, RANK, Found, QuoteVerdict, better, shift
from carrel.citations.quotes.plain import plain_quote, plain_text
from carrel.citations.selectors import Selectors, select, text_fragment
from carrel.citations.tokens import Edit, tokens
from carrel.errors import BadRequest, Refused

__all__ = ["QuoteCheck", "check_quote", "is_quotable"]

_MAX_QUOTE = 20_000
_BLOCK = 4_000_000  # characters squeezed at once
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
    bare = plain_quote(quote, text).strip().strip(_QUOTES).strip()
    if _weight(bare) < 2:
        raise BadRequest("quote at least two words; a single word can be found in any text")
    plain = plain_text(text, quote)
    at = None if near is None else plain.near(near[0])
    found = ABSENT
    for offset, block in _blocks(plain.text, 2 * len(quote) + MAX_GAP):
        candidate = _look(bare, block, None if at is None else at - offset)
        if RANK[candidate.verdict] < RANK[found.verdict]:
            found = shift(candidate, offset)
        if RANK[found.verdict] <= RANK["normalized"]:
            break
    return _report(plain.original(found), text, url)


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


def _report(found: Found, text: str, url: str) -> QuoteCheck:
    if found.verdict == "absent":
        return QuoteCheck("absent", 0, 0, "", similarity=round(found.similarity, 3))
    exact = text[found.start : found.end]
    return QuoteCheck(
        found.verdict, found.start, found.end, exact, found.edits, found.omitted, found.occurrences,
        round(found.similarity, 3), select(text, found.start, found.end), text_fragment(url, exact) if url else "",
    )  # fmt: skip


def _look(quote: str, text: str, near: int | None) -> Found:
    squeezed = squeeze(text)
    best = find_exact(quote, text, squeezed, near)
    if RANK[best.verdict] <= RANK["normalized"]:
        return best
    segments = segments_of(quote)
    if len(segments) > 1:
        elided = find_elided(segments, text, squeezed)
        if elided.verdict == "altered":
            return elided
        best = better(best, elided)
        if RANK[best.verdict] > RANK["near"]:
            best = better(best, find_closest_segments(segments, text, squeezed))
    if RANK[best.verdict] > RANK["near"]:
        best = better(best, find_closest(ELLIPSIS.sub(" ", quote), text, squeezed))
    return best
