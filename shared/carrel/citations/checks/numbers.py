"""Numbers and dates of a claim: are they in its evidence, and not another number in their place?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from carrel.citations.checks.findings import Check, View
from carrel.citations.lexicon import STOPWORDS, stem
from carrel.citations.quantities import Quantity, agree, find_quantities, same_dimension
from carrel.citations.tokens import Token, tokens

__all__ = ["check_numbers"]

_SMALL = 12  # a count in words up to here is often the writer's own
_NEAR = 120  # characters around a number in which a word of the claim makes it the same statement


def check_numbers(claim: str, words: Sequence[Token], view: View) -> Iterator[Check]:
    """Each number of the claim: in the evidence, another in its place (mismatch), or nowhere (missing)."""
    near = view.quantities()
    for quantity in find_quantities(claim):
        if quantity.role == "ordinal" and not quantity.raw[0].isdigit():
            continue
        span = (quantity.start, quantity.end)
        same = _closest_like(quantity, claim, [q for q in near if agree(quantity, q)], view)
        rival = _rival(quantity, claim, [q for q in near if not agree(quantity, q) and not _claimed(q, claim)], view)
        if same is None and (rival is None or not view.evidence.named):
            same = _elsewhere(quantity, words, view)
        if same is not None and not _outdone(quantity, claim, same, rival, view):
            yield Check("number", "ok", span, (same.start, same.end), f"{quantity.raw} is in the source")
            continue
        if same is None and _bare(quantity) and (at := _digits(quantity.raw, view)):
            yield Check("number", "ok", span, at, f"{quantity.raw} is in the source")
            continue
        if _uncounted(quantity, claim, rival, view):
            continue
        if rival is not None:
            yield Check(
                "number", "mismatch", span, (rival.start, rival.end), f"{quantity.raw} here, {rival.raw} in the source"
            )
        else:
            yield Check("number", "missing", span, (0, 0), f"the source does not give {quantity.raw}")


_VAGUE = re.compile(r"half|hal\w+|doubl\w+|tripl\w+|twice|thrice|quarter|\w+s", re.I)


def _elsewhere(quantity: Quantity, words: Sequence[Token], view: View) -> Quantity | None:
    """The quantity in another part of the source, when words of the claim stand beside it."""
    wanted = {stem(token.word) for token in words if token.word not in STOPWORDS and not token.word[0].isdigit()}
    text = view.evidence.text
    for other in _all_quantities(text):
        if agree(quantity, other):
            beside = {stem(t.word) for t in tokens(text[max(0, other.start - _NEAR) : other.end + _NEAR])}
            if len(wanted & beside) >= min(2, len(wanted)):
                return other
    return None


@lru_cache(maxsize=64)
def _all_quantities(text: str) -> tuple[Quantity, ...]:
    """The quantities of a whole source (its first 400,000 characters)."""
    return tuple(find_quantities(text[:400_000]))


def _bare(quantity: Quantity) -> bool:
    return quantity.raw.isdigit() and quantity.role in ("amount", "year", "ordinal") and not quantity.unit


def _digits(raw: str, view: View) -> tuple[int, int] | None:
    """A bare number inside a name ("COVID-19", "Boeing 747") as it stands in the spans or the source's title."""
    pattern = re.compile(rf"(?<!\d)(?<!\d[.,]){re.escape(raw)}(?!\d|[.,]\d)")
    for start, end in view.evidence.spans:
        if match := pattern.search(view.evidence.text, start, end):
            return match.span()
    return (0, 0) if pattern.search(view.evidence.context) else None


def _claimed(quantity: Quantity, claim: str) -> bool:
    """Whether the claim gives this quantity of the source too, so that it is no rival of another."""
    return any(agree(own, quantity) for own in find_quantities(claim))


def _closest_like(quantity: Quantity, claim: str, found: Sequence[Quantity], view: View) -> Quantity | None:
    beside = _beside(claim, quantity)
    return max(found, key=lambda q: (len(beside & _beside(view.evidence.text, q)), -q.start), default=None)


def _outdone(quantity: Quantity, claim: str, same: Quantity, rival: Quantity | None, view: View) -> bool:
    """The number stands elsewhere in the source, but where the source says what the claim says it has another."""
    if rival is None:
        return False
    beside, text = _beside(claim, quantity), view.evidence.text
    theirs, ours = len(beside & _beside(text, rival)), len(beside & _beside(text, same))
    return theirs >= 2 and ours == 0


def _rival(quantity: Quantity, claim: str, near: Sequence[Quantity], view: View) -> Quantity | None:
    """A number of the same kind that stands in the evidence where this one stands in the claim."""
    beside = _beside(claim, quantity)
    rivals = [q for q in near if same_dimension(quantity, q) and q.role != "ordinal" and not _VAGUE.fullmatch(q.raw)]
    scored = [(len(beside & _beside(view.evidence.text, q)), -q.start, q) for q in rivals]
    best = max(scored, key=lambda item: item[:2], default=None)
    return best[2] if best is not None and best[0] >= 1 else None


def _uncounted(quantity: Quantity, claim: str, rival: Quantity | None, view: View) -> bool:
    """A small number in words that the source need not give ("for two reasons"), unless it counts the same thing."""
    if any(char.isdigit() for char in quantity.raw) or quantity.value > _SMALL:
        return False
    return rival is None or _next_noun(claim, quantity) != _next_noun(view.evidence.text, rival)


def _next_noun(text: str, quantity: Quantity) -> str:
    words = (t.word for t in tokens(text[quantity.end : quantity.end + 40]))
    return next((stem(word) for word in words if word not in STOPWORDS), "")


def _beside(text: str, quantity: Quantity) -> set[str]:
    around = text[max(0, quantity.start - 50) : quantity.start] + " " + text[quantity.end : quantity.end + 50]
    return {stem(t.word) for t in tokens(around) if t.word not in STOPWORDS and t.word.isalpha()}
