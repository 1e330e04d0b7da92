"""Figures against hand counts and a brute-force second opinion."""
# ruff: noqa: E501 - texts under test stand as they are

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrel.citations.metrics import Pair, measure, minimal_cover, wilson


def test_figures_of_a_small_report_are_as_counted_by_hand() -> None:
    pairs = [
        Pair(0, "a", "supported"), Pair(0, "b", "not_found"), Pair(1, "a", "contradicted"), Pair(2, "b", "needs_judgement"),
        Pair(3, "c", "unverifiable"), Pair(4, "b", "supported"),
    ]  # fmt: skip
    metrics = measure([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4], pairs, {(5, "a")}, ["a", "b", "c", "d"], (3, 4), (2, 3))
    assert (metrics.citation_accuracy.hits, metrics.citation_accuracy.total) == (2, 4)
    assert metrics.citation_accuracy_strict.total == 6
    assert (metrics.citation_recall.hits, metrics.citation_recall.total) == (2, 6)
    assert (metrics.thoroughness.hits, metrics.thoroughness.total) == (2, 3)
    assert (metrics.necessity.hits, metrics.necessity.total) == (2, 4)
    assert metrics.uncited_statements.hits == 1
    assert metrics.unsupported_statements.hits == 3
    assert metrics.uncited_sources.hits == 1
    assert (metrics.undecided, metrics.unreadable, metrics.effective_citations) == (1, 1, 2)


def test_nothing_to_count_is_no_zero() -> None:
    metrics = measure([], [], [], set(), [], (0, 0), (0, 0))
    assert metrics.citation_accuracy.value is None
    assert metrics.quote_fidelity.interval == (0.0, 1.0)


def test_the_wilson_interval_is_that_of_the_textbook() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdefg"), st.sets(st.integers(0, 7)), max_size=7))
def test_the_smallest_cover_is_the_smallest(sets: dict[str, set[int]]) -> None:
    everything = set().union(*sets.values()) if sets else set()
    cover = minimal_cover(sets)
    assert set().union(*(sets[key] for key in cover), set()) == everything
    smaller = [c for n in range(len(cover)) for c in combinations(sets, n)]
    assert not any(set().union(*(sets[key] for key in c), set()) >= everything for c in smaller if everything)


@pytest.mark.parametrize("sources", [25, 60])
def test_many_sources_are_covered_in_time(sources: int) -> None:
    sets = {f"s{i}": {(i * 7 + j * 13) % 40 for j in range(5)} for i in range(sources)}
    assert minimal_cover(sets)
