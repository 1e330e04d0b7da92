"""I have several rankings of one query: give me one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

__all__ = ["convex", "reciprocal_rank", "reciprocal_rank_share"]

K = TypeVar("K", bound=Hashable)

RANK_CONSTANT = 60
"""Cormack, Clarke and Büttcher, SIGIR 2009."""


def convex(
    scores: Sequence[Mapping[K, float]], weights: Sequence[float], lows: Sequence[float | None] = ()
) -> dict[K, float]:
    """Weighted sum of min-max-normalised scores (Bruch, Gai and Ingber, TOIS 2023), in 0..1 when the weights sum to 1.

    ``lows`` may give an arm's least possible score (their "theoretical minimum"; 0 for BM25); where it is None, the
    lowest score found stands for it. A candidate that an arm did not score counts as that arm's lowest; an arm whose
    scores are all its lowest gives each 1.
    """
    fused: dict[K, float] = {}
    for arm, weight, least in zip(scores, weights, lows or [None] * len(scores), strict=True):
        if not arm:
            continue
        low, high = min(arm.values()) if least is None else least, max(arm.values())
        for key, score in arm.items():
            fused[key] = fused.get(key, 0.0) + weight * ((score - low) / (high - low) if high > low else 1.0)
    return fused


def reciprocal_rank(rankings: Sequence[Sequence[K]], rank_constant: int = RANK_CONSTANT) -> dict[K, float]:
    """RRF: sum over rankings of 1 / (rank_constant + rank), ranks from 1."""
    return _by_ranks([{key: rank for rank, key in enumerate(ranking, start=1)} for ranking in rankings], rank_constant)


def reciprocal_rank_share(ranks: Sequence[Mapping[K, int]], rank_constant: int = RANK_CONSTANT) -> dict[K, float]:
    """RRF of ranks that may be shared, as a share of what the first of every ranking would have: 0..1.

    Empty rankings do not count.
    """
    used = [each for each in ranks if each]
    best = len(used) / (rank_constant + 1)
    return {key: score / best for key, score in _by_ranks(used, rank_constant).items()}


def _by_ranks(ranks: Sequence[Mapping[K, int]], rank_constant: int) -> dict[K, float]:
    fused: dict[K, float] = {}
    for each in ranks:
        for key, rank in each.items():
            fused[key] = fused.get(key, 0.0) + 1.0 / (rank_constant + rank)
    return fused
