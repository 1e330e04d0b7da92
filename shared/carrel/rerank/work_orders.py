"""The host as ranker: blocks of candidates to be put in order, and one order out of all of them.

Every candidate stands in several small blocks, and blocks of different rounds share candidates, after JointRank (Dedov
2025). The pairs that were put in order make one ranking by Bradley and Terry (1952), which in a simulation with
wavering judges found more of the best than JointRank's PageRank or the share of wins.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Outcome", "aggregated", "blocks_of"]

_PRIOR = 0.5  # half a win and half a loss against an average candidate, so that nobody's strength is without bounds
_STEPS = 60  # the strengths of 50 candidates have settled to what decides long before


def blocks_of(count: int, size: int, rounds: int) -> list[list[int]]:
    """Blocks of at most ``size`` of the candidates 0 to ``count`` - 1, each candidate in ``rounds`` of them.

    The first round deals candidates out in turn; the later ones cut across it, and every second one shows the order
    backwards, so that a reader who favours what stands first contradicts himself. Candidates that fit make one block.
    """
    if count <= 1:
        return []
    if count <= size:
        return [list(range(count))]
    wide = -(-count // size)
    made = []
    for turn in range(rounds):
        dealt = sorted(
            range(count), key=lambda place: ((place, place // wide, place + place // wide)[turn] % wide, place)
        )
        cuts = [count * number // wide for number in range(wide + 1)]
        blocks = [sorted(dealt[start:end]) for start, end in itertools.pairwise(cuts)]
        made += [block[::-1] if turn % 2 else block for block in blocks]
    return made


@dataclass(frozen=True, slots=True)
class Outcome:
    """All candidates, best first, and each one's score (0..1).

    ``contradicted`` of ``compared_twice`` pairs that stood in several lists were put in different orders.
    ``overturned`` is the share of the compared pairs that the first stage had the other way round. ``unplaced`` are
    candidates in no list: they follow the others in the first stage's order.
    """

    order: list[int]
    scores: list[float]
    compared_twice: int
    contradicted: int
    overturned: float
    unplaced: list[int]


def aggregated(count: int, lists: Sequence[Sequence[int]]) -> Outcome:
    """One order of the candidates 0 to ``count`` - 1 (the first stage's order) from lists of them, each best first.

    Whoever stands above another in some list, and never directly or by way of others below, is above it in the end.
    Where lists contradict each other, or say nothing, strength decides, then the first stage. Deterministic; ``count``
    is small (hundreds at most).
    """
    wins = [[0] * count for _ in range(count)]
    for each in lists:
        for above, one in enumerate(each):
            for other in each[above + 1 :]:
                wins[one][other] += 1
    placed = sorted({each for one in lists for each in one})
    order = _settled(wins, placed, _strengths(wins, placed))
    unplaced = sorted(set(range(count)) - set(placed))
    scores = [0.0] * count
    whole = [*order, *unplaced]
    for place, candidate in enumerate(whole):
        scores[candidate] = 1.0 - place / count
    return Outcome(whole, scores, *_disagreement(wins, placed), unplaced)


def _strengths(wins: Sequence[Sequence[int]], placed: Sequence[int]) -> dict[int, float]:
    """How strong each is by what it was put above, by the steps of Hunter (2004) with a prior."""
    strength = dict.fromkeys(placed, 1.0)
    won = {one: _PRIOR + sum(wins[one][other] for other in placed) for one in placed}
    met = {one: [(other, wins[one][other] + wins[other][one]) for other in placed] for one in placed}
    for _ in range(_STEPS):
        strength = {
            one: won[one]
            / (
                2 * _PRIOR / (strength[one] + 1.0)
                + sum(times / (strength[one] + strength[other]) for other, times in met[one] if times)
            )
            for one in placed
        }
    return strength


def _settled(wins: Sequence[Sequence[int]], placed: Sequence[int], strength: dict[int, float]) -> list[int]:
    """The placed ones by strength, except that nobody comes before one that beats him beyond contradiction."""
    above = _reach(wins, placed)
    left, order = list(placed), []
    while left:
        free = [one for one in left if not any(above[other][one] and not above[one][other] for other in left)]
        best = min(free, key=lambda one: (-round(strength[one], 6), one))
        order.append(best)
        left.remove(best)
    return order


def _reach(wins: Sequence[Sequence[int]], placed: Sequence[int]) -> dict[int, dict[int, bool]]:
    """Who beats whom, directly or by way of others (Warshall 1962)."""
    above = {one: {other: wins[one][other] > 0 for other in placed} for one in placed}
    for via in placed:
        for one in placed:
            if above[one][via]:
                for other in placed:
                    above[one][other] = above[one][other] or above[via][other]
    return above


def _disagreement(wins: Sequence[Sequence[int]], placed: Sequence[int]) -> tuple[int, int, float]:
    pairs = [(one, other) for one in placed for other in placed if one < other and wins[one][other] + wins[other][one]]
    twice = [(one, other) for one, other in pairs if wins[one][other] + wins[other][one] > 1]
    against = sum(1 for one, other in twice if wins[one][other] and wins[other][one])
    overturned = sum(wins[other][one] / (wins[one][other] + wins[other][one]) for one, other in pairs)
    return len(twice), against, overturned / len(pairs) if pairs else 0.0
