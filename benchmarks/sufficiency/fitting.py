"""Logistic regression with few features, and what a threshold does, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_RIDGE = 1.0  # of a total weight of 1,000


def fit(features: NDArray[np.float64], labels: NDArray[np.bool_], weights: NDArray[np.float64]) -> tuple[float, ...]:
    """Coefficients of the columns and the constant, by Newton's method; a small ridge keeps them finite."""
    columns = np.column_stack([features, np.ones(len(features))])
    weights = 1000.0 * weights / weights.sum()
    ridge = np.diag([*[_RIDGE] * features.shape[1], 0.0])
    found = np.zeros(columns.shape[1])
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-columns @ found))
        slope = columns.T @ (weights * (chance - labels)) + ridge @ found
        curve = (columns * (weights * chance * (1.0 - chance))[:, None]).T @ columns + ridge
        found = found - np.linalg.solve(curve, slope)
    return tuple(float(each) for each in found)


def interval(hits: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    if not of:
        return 0.0, 1.0
    z, share = 1.96, hits / of
    middle, room = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max((middle - room) / (1 + z * z / of), 0.0), min((middle + room) / (1 + z * z / of), 1.0)


def calibration(chances: Sequence[float], labels: Sequence[bool], bins: int = 5) -> list[tuple[float, float, int]]:
    """Per bin of equal width: mean probability, share of answerable ones, how many."""
    table = []
    for at in range(bins):
        inside = [(p, y) for p, y in zip(chances, labels, strict=True) if at <= min(p * bins, bins - 1e-9) < at + 1]
        if inside:
            table.append((float(np.mean([p for p, _ in inside])), sum(y for _, y in inside) / len(inside), len(inside)))
    return table
