"""Opposites, quantifiers and hedges: words that turn or stretch what the evidence says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from carrel.citations.checks.findings import Check, View
from carrel.citations.lexicon import HEDGES, QUANTIFIERS, STOPWORDS, is_negator, opposite, opposites_of, stem
from carrel.citations.tokens import Token

__all__ = ["check_hedges", "check_opposites", "check_quantifiers"]


def check_opposites(words: Sequence[Token], view: View) -> Iterator[Check]:
    """A word of the claim that the evidence lacks, where it has the opposite beside the same words."""
    for index, token in enumerate(words):
        if not opposites_of(token.word) or stem(token.word) in view.stems or is_negator(token.word):
            continue
        beside = {
            stem(t.word) for t in words[max(0, index - 4) : index + 5] if t is not token and t.word not in STOPWORDS
        }
        for run in view.runs:
            rival = _opposite_in(token, beside, run)
            if rival is not None and not _flipped(words, index, run, rival):
                detail = f"“{token.raw}” here, “{rival.raw}” in the source"
                yield Check("opposite", "mismatch", (token.start, token.end), (rival.start, rival.end), detail)
                break


def _opposite_in(token: Token, beside: set[str], run: Sequence[Token]) -> Token | None:
    for index, other in enumerate(run):
        if opposite(token.word, other.word):
            around = {stem(t.word) for t in run[max(0, index - 5) : index + 6]}
            if len(beside & around) >= min(2, len(beside)) and beside:
                return other
    return None


def _flipped(words: Sequence[Token], index: int, run: Sequence[Token], rival: Token) -> bool:
    """One of the two stands under a negation: "not increased" for "decreased" is no contradiction."""
    ours = any(is_negator(t.word) for t in words[max(0, index - 3) : index])
    place = run.index(rival)
    return ours != any(is_negator(t.word) for t in run[max(0, place - 3) : place])


def check_quantifiers(words: Sequence[Token], view: View) -> Iterator[Check]:
    """ "all" of what the source says "some" of: another quantifier before the same word, two steps away or more."""
    for index, token in enumerate(words[:-1]):
        strength = QUANTIFIERS.get(token.word)
        if strength is None:
            continue
        noun = next((stem(t.word) for t in words[index + 1 : index + 4] if t.word not in STOPWORDS), "")
        for run in view.runs:
            rivals = [
                other
                for place, other in enumerate(run[:-1])
                if other.word in QUANTIFIERS and noun and noun in {stem(t.word) for t in run[place + 1 : place + 4]}
            ]
            if rivals and all(abs(QUANTIFIERS[r.word] - strength) >= 2 for r in rivals):
                detail = f"“{token.raw}” here, “{rivals[0].raw}” in the source"
                yield Check(
                    "quantifier", "mismatch", (token.start, token.end), (rivals[0].start, rivals[0].end), detail
                )
                break


def check_hedges(words: Sequence[Token], view: View) -> Iterator[Check]:
    """The best evidence holds back where the claim does not."""
    if not view.runs or any(token.word in HEDGES for token in words) or not words:
        return
    ours = {stem(token.word) for token in words if token.word not in STOPWORDS}
    run = view.runs[0]
    for index, token in enumerate(run):
        if token.word in HEDGES - {"would", "should", "indicate", "indicates", "expected", "can"}:
            reached = [t for t in run[index + 1 : index + 5] if t.word not in STOPWORDS]
            if reached and stem(reached[0].word) in ours:
                detail = f"the source says “{token.raw}”"
                yield Check("hedge", "mismatch", (words[0].start, words[-1].end), (token.start, token.end), detail)
                return
