"""The fit behind the levels of evidence: right on numbers whose answer is known."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def fitting() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield importlib.import_module("benchmarks.sufficiency.fitting")


def test_a_fit_finds_the_coefficients_that_made_the_labels(fitting: ModuleType) -> None:
    rng = np.random.default_rng(1)
    seen = rng.uniform(0, 1, (20_000, 2))
    chance = 1 / (1 + np.exp(-(6 * seen[:, 0] - 3 * seen[:, 1] - 1)))
    found = fitting.fit(seen, rng.uniform(size=len(seen)) < chance, np.ones(len(seen)))
    assert found == pytest.approx((6, -3, -1), abs=1.0)  # the ridge takes a little


def test_a_feature_that_parts_the_labels_wholly_has_a_finite_coefficient(fitting: ModuleType) -> None:
    seen = np.linspace(0, 1, 50).reshape(-1, 1)
    slope, constant = fitting.fit(seen, seen[:, 0] > 0.5, np.ones(50))
    assert 1 < slope < 1000 and -constant / slope == pytest.approx(0.5, abs=0.05)


def test_an_interval_is_wilsons(fitting: ModuleType) -> None:
    assert fitting.interval(8, 10) == pytest.approx((0.490, 0.943), abs=0.001)
    assert fitting.interval(0, 0) == (0.0, 1.0)
    assert fitting.interval(0, 20)[0] == 0.0 and fitting.interval(20, 20)[1] == pytest.approx(1.0)


def test_calibration_counts_every_probability_once(fitting: ModuleType) -> None:
    table = fitting.calibration([0.0, 0.1, 0.5, 0.99, 1.0], [False, False, True, True, True])
    assert [row[2] for row in table] == [2, 1, 2] and table[-1][1] == 1.0
