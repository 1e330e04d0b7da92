"""Mistyped queries for evaluation: one edit each, the same every time."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
QUERY = "Does vitamin D lower the risk of heart disease in 2021?"


@pytest.fixture(scope="module")
def misspelt() -> Iterator[Callable[..., str]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield importlib.import_module("benchmarks.retrieval.typos").misspelt


def test_one_word_of_four_letters_or_more_has_one_edit(misspelt: Callable[..., str]) -> None:
    seen = Counter[str]()
    for seed in range(300):
        made = misspelt(QUERY, seed)
        assert made != QUERY and len(made.split()) == len(QUERY.split())
        (pair,) = [(a, b) for a, b in zip(QUERY.split(), made.split(), strict=True) if a != b]
        assert len(pair[0]) >= 4 and pair[0] != "2021?"
        assert SequenceMatcher(None, *pair, autojunk=False).ratio() >= 0.6
        seen[{1: "in", -1: "out", 0: "other"}[len(pair[1]) - len(pair[0])]] += 1
        seen["swapped"] += len(pair[0]) == len(pair[1]) and sorted(pair[0]) == sorted(pair[1])
    assert min(seen.values()) > 30


def test_the_same_seed_gives_the_same_edit_and_others_give_others(misspelt: Callable[..., str]) -> None:
    assert misspelt(QUERY, 7) == misspelt(QUERY, 7)
    assert len({misspelt(QUERY, seed) for seed in range(40)}) > 30


def test_a_query_without_a_long_word_stays_as_it_is(misspelt: Callable[..., str]) -> None:
    assert [misspelt(query) for query in ("", "a b", "2021 IL-6", "犬と猫")] == ["", "a b", "2021 IL-6", "犬と猫"]
