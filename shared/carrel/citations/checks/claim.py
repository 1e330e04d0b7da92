"""All checks of a claim in one call."""

from __future__ import annotations

from carrel.citations.checks.findings import Check, Evidence, View
from carrel.citations.checks.names import check_names
from carrel.citations.checks.negation import check_negations
from carrel.citations.checks.numbers import check_numbers
from carrel.citations.checks.wording import check_hedges, check_opposites, check_quantifiers
from carrel.citations.normalise import MARKERS
from carrel.citations.tokens import tokens

__all__ = ["check_claim"]


def check_claim(claim: str, evidence: Evidence) -> tuple[Check, ...]:
    """All checks of ``claim`` that apply, in order of the claim. Empty when nothing in it can be checked."""
    claim = MARKERS.sub(lambda match: " " * len(match.group()), claim)
    words = tokens(claim)
    view = View(evidence)
    found = [
        *check_numbers(claim, words, view),
        *check_names(words, view),
        *check_negations(words, view),
        *check_opposites(words, view),
        *check_quantifiers(words, view),
        *check_hedges(words, view),
    ]
    return tuple(sorted(found, key=lambda check: (check.claim_span, check.kind)))
