"""I have what can be measured of each run of a page: how likely is it content?

Shallow trees fitted by ``benchmarks/extraction/fit.py`` on pages of seven types; ``weights.json`` holds them as plain
numbers. Each tree is complete: node n asks ``row[feature[n]] <= threshold[n]`` and goes on to 2n+1 (yes) or 2n+2.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["DEPTH", "WEIGHTS", "likelihood"]

DEPTH = 5
_AT_ONCE = 2_000  # rows: what is made on the way, some bytes for each row and tree, stays small
WEIGHTS = Path(__file__).with_name("weights.json")


@lru_cache(maxsize=1)
def _trees() -> tuple[Any, Any, Any, list[str]]:
    import numpy as np

    data = json.loads(WEIGHTS.read_text("ascii"))
    return (
        np.array(data["feature"], np.intp),
        np.array(data["threshold"], np.float32),
        np.array(data["leaf"], np.float32),
        data["names"],
    )


def likelihood(rows: Array) -> Array:
    """For each row of `features.columns`, the share of its words that is expected to be content."""
    import numpy as np

    parts = [_likelihood(rows[start : start + _AT_ONCE]) for start in range(0, len(rows), _AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _likelihood(rows: Array) -> Array:
    import numpy as np

    feature, threshold, leaf, _ = _trees()
    trees = feature.shape[0]
    start = np.arange(trees) * feature.shape[1]
    feature, threshold = feature.ravel(), threshold.ravel()
    place = np.zeros((len(rows), trees), np.intp)
    lines = np.arange(len(rows))[:, None]
    flat, feature = rows.T.ravel(), feature * len(rows)  # a feature after the other, as they come
    for _ in range(DEPTH):
        node = place + start
        place = 2 * place + 2 - (flat[lines + feature[node]] <= threshold[node])
    score = leaf.ravel()[place - (2**DEPTH - 1) + np.arange(trees) * leaf.shape[1]].sum(axis=1)
    result: Array = 1 / (1 + np.exp(-score))
    return result
