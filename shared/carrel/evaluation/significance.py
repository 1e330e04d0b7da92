"""Is one run better than another, or were the topics kind? Paired, by topic, seeded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Difference", "difference", "holm"]

_ROUNDS = 10_000
_AT_ONCE = 4_000_000  # numbers drawn at once: 32 MB
_TIE = 1e-12  # sums taken in another order differ by less


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean of ``one - other`` over topics, its 95 % bootstrap interval, and ``p`` of the paired randomisation test:
    how often chance alone gives a difference as large (Smucker, Allan and Carterette, CIKM 2007). ``better`` and
    ``worse`` count topics."""

    mean: float
    low: float
    high: float
    p: float
    better: int
    worse: int

    @property
    def significant(self) -> bool:
        """Whether p is below .05."""
        return self.p < 0.05


def difference(one: Mapping[str, float], other: Mapping[str, float], *, seed: int = 0) -> Difference:
    """Compare two runs on the topics of ``one``; one that ``other`` lacks counts as 0 there. Equal input and seed give
    equal figures."""
    import numpy as np

    gains = np.array([value - other.get(topic, 0.0) for topic, value in one.items()], np.float64)
    if not len(gains):
        return Difference(0.0, 0.0, 0.0, 1.0, 0, 0)
    low, high = _interval(gains, np.random.default_rng([seed, 1]))
    return Difference(
        float(gains.mean()),
        low,
        high,
        _chance(gains, np.random.default_rng([seed, 2])),
        int((gains > _TIE).sum()),
        int((gains < -_TIE).sum()),
    )


def _chance(gains: NDArray[np.float64], random: np.random.Generator) -> float:
    """The two-sided p: which run a topic's value came from is drawn anew each round; topics without a difference have
    no say."""
    import numpy as np

    gains = gains[np.abs(gains) > _TIE]
    seen, reached = abs(float(gains.sum())), 0
    for rounds in _batches(len(gains)):
        signs = random.integers(0, 2, (rounds, len(gains)), dtype=np.int8) * 2 - 1
        reached += int((np.abs(signs @ gains) >= seen - _TIE).sum())
    return (reached + 1) / (_ROUNDS + 1)


def _interval(gains: NDArray[np.float64], random: np.random.Generator) -> tuple[float, float]:
    """The middle 95 % of means over topics drawn with replacement (Efron's percentile method)."""
    import numpy as np

    means = [
        gains[random.integers(0, len(gains), (rounds, len(gains)), dtype=np.int32)].mean(axis=1)
        for rounds in _batches(len(gains))
    ]
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(low), float(high)


def _batches(topics: int) -> list[int]:
    size = max(1, min(_ROUNDS, _AT_ONCE // max(topics, 1)))
    return [min(size, _ROUNDS - start) for start in range(0, _ROUNDS, size)]


def holm(chances: Sequence[float]) -> list[float]:
    """The p values of several comparisons, corrected for there being several (Holm 1979)."""
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    corrected, highest = [0.0] * len(chances), 0.0
    for done, place in enumerate(order):
        highest = max(highest, min(1.0, (len(chances) - done) * chances[place]))
        corrected[place] = highest
    return corrected
