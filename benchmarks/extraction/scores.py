"""How much alike two texts are, and whether one system's scores are really above another's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

__all__ = ["WORD", "difference", "f1", "plain"]

WORD = re.compile(r"\w+")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_TARGET = re.compile(r"\]\((?:[^()\s]|\([^()]*\))*\)")
_ROUNDS = 10_000


def plain(markdown: str) -> str:
    """What a reader reads of Markdown: no link targets, no pictures."""
    return _TARGET.sub("]", _IMAGE.sub("", markdown))


def f1(found: str, truth: str) -> tuple[float, float, float]:
    """Precision, recall and F1 over the multiset of lower-cased words."""
    mine, theirs = Counter(WORD.findall(found.lower())), Counter(WORD.findall(truth.lower()))
    common = sum((mine & theirs).values())
    if not common:
        same = float(not mine and not theirs)
        return same, same, same
    precision, recall = common / sum(mine.values()), common / sum(theirs.values())
    return precision, recall, 2 * precision * recall / (precision + recall)


def difference(mine: Sequence[float], theirs: Sequence[float], domains: Sequence[str]) -> tuple[float, float, float]:
    """The mean of ``mine - theirs`` over pages with its 95 % interval: a paired bootstrap that draws whole domains,
    because the pages of a site are alike."""
    apart = np.asarray(mine) - np.asarray(theirs)
    _, site = np.unique(np.asarray(domains), return_inverse=True)
    sums, counts = np.bincount(site, apart), np.bincount(site)
    drawn = np.random.default_rng(1).integers(0, len(sums), (_ROUNDS, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(apart.mean()), float(low), float(high)
