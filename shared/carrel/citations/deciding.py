"""The rules by which a claim and its evidence become a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from carrel.citations.checks import Check
from carrel.citations.evidence import Window, stems
from carrel.citations.lexicon import stem
from carrel.citations.places import find_places
from carrel.citations.standing import standing, turning_word
from carrel.citations.tokens import tokens

__all__ = ["ClaimVerdict", "Confidence", "Verdict", "decide", "nothing"]

Verdict = Literal["supported", "partially_supported", "contradicted", "not_found", "unverifiable", "needs_judgement"]
Confidence = Literal["low", "medium", "high"]
_ALL = 0.97  # share of content (by weight) that counts as all of it
_MOST = 0.72  # enough that a failing check speaks of this statement and not of another
_HARDLY = 0.15  # below this the source speaks of something else (benchmarks/claims gives the share that is right)
_PARTLY = 0.35  # below this it does too, when a number or a name of the claim is nowhere in it
_FEW, _SHORT = 4, 14  # content words: too few to tell a statement by; so many that one may be out of place


@dataclass(frozen=True, slots=True)
class ClaimVerdict:
    """The verdict on one claim. ``coverage``: weighted share (0..1) of its content words in the best window.

    ``basis``: why, in plain sentences. ``windows``: the evidence, best first. ``checks`` have source spans in
    ``windows[0].document.text``.
    """

    verdict: Verdict
    confidence: Confidence
    basis: tuple[str, ...]
    windows: tuple[Window, ...] = ()
    checks: tuple[Check, ...] = ()
    coverage: float = 0.0

    @property
    def failing(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.failing)


def nothing(thin: bool) -> ClaimVerdict:
    """The verdict where no sentence shares a word with the claim."""
    if thin:
        return ClaimVerdict(
            "needs_judgement", "low", ("too little of the source could be read to say that it is silent",)
        )
    return ClaimVerdict("not_found", "high", ("no sentence of the source shares a content word with the claim",))


def decide(claim: str, windows: tuple[Window, ...], checks: tuple[Check, ...], thin: bool, named: bool) -> ClaimVerdict:
    """The verdict on a claim whose evidence and checks are known; ``named``: only these windows count."""
    coverage = max(window.score for window in windows)
    failing = [check for check in checks if check.failing]
    verdict = ClaimVerdict("needs_judgement", "medium", (), windows, checks, round(coverage, 3))
    stands = _as_it_stands(claim, verdict, named)
    if stands is not None:
        return stands
    mismatches = [check for check in failing if check.status == "mismatch"]
    if mismatches and (coverage >= _MOST or (named and _says_the_rest(claim, mismatches, windows[0]))):
        return replace(verdict, verdict="contradicted", confidence="medium", basis=tuple(c.detail for c in mismatches))
    missing = [check for check in failing if check.status == "missing"]
    elsewhere = coverage < _HARDLY or (missing and coverage < _PARTLY) or (len(missing) > 1 and coverage < 0.5)
    if elsewhere and not thin:
        basis = (_closeness(coverage), *(c.detail for c in missing))
        return replace(
            verdict, verdict="not_found", confidence="high" if coverage < _HARDLY and missing else "medium", basis=basis
        )
    if failing:
        return replace(verdict, basis=tuple(check.detail for check in failing), confidence="low")
    if coverage >= _ALL and _in_order(claim, windows[0]):
        return _full(claim, verdict)
    return replace(verdict, basis=(_closeness(coverage), _open_question(coverage)))


def _closeness(coverage: float) -> str:
    """How much of the claim the closest passage has, in words."""
    if coverage < _HARDLY:
        return "the closest passage shares next to none of the claim's words"
    if coverage < _PARTLY:
        return "the closest passage shares few of the claim's words"
    if coverage < _MOST:
        return "the closest passage shares some of the claim's words"
    return (
        "the closest passage shares most of the claim's words"
        if coverage < _ALL
        else ("the closest passage has all the claim's words")
    )


def _open_question(coverage: float) -> str:
    """What a reader has to decide."""
    if coverage < _MOST:
        return "open: whether it says the same in other words, or speaks of something else"
    if coverage < _ALL:
        return "open: whether it also says what the other words of the claim add"
    return "open: whether it puts them together as the claim does"


def _full(claim: str, verdict: ClaimVerdict) -> ClaimVerdict:
    basis = "every content word of the claim stands in one place of the source, in order, and no check fails"
    if any(check.kind == "hedge" for check in verdict.checks):
        return replace(verdict, basis=("the source says this with reserve", basis))
    start, end, between = _extent(claim, verdict.windows[0])
    place = standing(verdict.windows[0].document.text, start, end)
    word = between or place.word
    if word or place.kind != "said":
        return replace(verdict, basis=(_hinges(word), "every content word of the claim stands there, in order"))
    return replace(verdict, verdict="supported", basis=(basis,))


def _hinges(word: str) -> str:
    return f"open: what “{word}” in that sentence makes of it"


def _extent(claim: str, window: Window) -> tuple[int, int, str]:
    """Where the claim's content begins and ends in a window, and a word in between that the claim lacks and that may
    change what it says."""
    from rapidfuzz.distance import LCSseq

    words = tokens(window.text, window.start)
    ours = {token.word for token in tokens(claim)}
    codes = LCSseq.opcodes([stem(token.word) for token in words], [stem(token.word) for token in tokens(claim)])
    equal = [code for code in codes if code.tag == "equal"]
    first, last = equal[0].src_start, equal[-1].src_end
    between = turning_word(words[first:last], ours)
    return words[first].start, words[last - 1].end, between


def _as_it_stands(claim: str, verdict: ClaimVerdict, named: bool) -> ClaimVerdict | None:
    """The verdict where the claim's own words stand in the source: by what their sentences make of them.

    ``named``: only places inside the windows count.
    """
    places = () if verdict.failing else find_places(claim, verdict.windows)
    if named:
        places = tuple(p for p in places if any(w.start <= p.start < w.end for w in verdict.windows))
    if not places:
        return None
    said = [place for place in places if place.standing.kind == "said"]
    denied = [place for place in places if place.standing.kind == "denied"]
    if said and not denied:
        best = next((place for place in said if place.standing.whole), said[0])
        return replace(
            verdict, verdict="supported", confidence="high" if best.standing.whole else "medium", basis=(best.words,)
        )
    if len(denied) == len(places):
        basis = (f"the claim's words stand in the source as what it denies: “{denied[0].standing.word}”",)
        return replace(verdict, verdict="contradicted", confidence="medium", basis=basis)
    word = next(place.standing.word for place in places if place.standing.kind != "said")
    told = ("the claim's words stand in the source inside a longer sentence", _hinges(word))
    return replace(verdict, basis=told, confidence="low")


def _says_the_rest(claim: str, mismatches: Sequence[Check], window: Window) -> bool:
    """Whether a passage that the citation names has what the claim says beside the words in which the two differ."""
    rest = claim
    for first, last in sorted((check.claim_span for check in mismatches), reverse=True):
        rest = rest[:first] + rest[last:]
    wanted = set(stems(rest))
    return len(wanted) >= 2 and len(wanted & set(stems(window.text))) >= _MOST * len(wanted)


def _in_order(claim: str, window: Window) -> bool:
    """Whether the evidence has the claim's content words in the claim's order: else who did what to whom is open."""
    from rapidfuzz.distance import LCSseq

    wanted = stems(claim)
    distinct = len(set(wanted))
    if distinct < _FEW:
        return False
    kept = LCSseq.similarity(wanted, stems(window.text))
    return kept == len(wanted) if distinct <= _SHORT else kept >= 0.93 * len(wanted)
