"""nDCG and recall as they are reported, against worked examples and a second implementation."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

pytest.importorskip("ir_measures", reason="the measures need the extra 'evaluate'")

from carrel.evaluation import Qrels, as_run, mean, measured


def ndcg(qrels: Qrels, ranked: dict[str, list[str]], k: int) -> float:
    return measure(f"nDCG@{k}", qrels, ranked)


def recall(qrels: Qrels, ranked: dict[str, list[str]], k: int) -> float:
    return measure(f"R@{k}", qrels, ranked)


def measure(name: str, qrels: Qrels, ranked: dict[str, list[str]]) -> float:
    """The mean over the topics that have a relevant document, as questions are read."""
    kept = {topic: grades for topic, grades in qrels.items() if any(grade > 0 for grade in grades.values())}
    return mean(measured(kept, as_run("run", ranked), [name])[name])


def test_a_perfect_run_scores_one_and_an_empty_run_zero():
    qrels = {"1": {"a": 2, "b": 1}, "2": {"c": 1}}
    assert ndcg(qrels, {"1": ["a", "b"], "2": ["c"]}, 10) == 1
    assert recall(qrels, {"1": ["b", "a"], "2": ["c"]}, 10) == 1
    assert ndcg(qrels, {}, 10) == recall(qrels, {}, 10) == 0


def test_the_worked_example_of_the_definition():
    """Grades 3 2 3 0 1 2 in that order, with 3 and 2 more to be found: DCG@6 is 6.861, the ideal 8.740."""
    qrels = {"1": {"d1": 3, "d2": 2, "d3": 3, "d4": 0, "d5": 1, "d6": 2, "d7": 3, "d8": 2}}
    run = {"1": ["d1", "d2", "d3", "d4", "d5", "d6"]}
    assert ndcg(qrels, run, 6) == pytest.approx(0.785, abs=5e-4)


def test_a_relevant_document_at_rank_two_is_worth_its_discount():
    assert ndcg({"1": {"a": 1}}, {"1": ["x", "a"]}, 10) == pytest.approx(1 / math.log2(3))
    assert ndcg({"1": {"a": 1}}, {"1": ["x", "a"]}, 1) == 0


def test_a_repeated_document_counts_once():
    assert ndcg({"1": {"a": 1, "b": 1}}, {"1": ["a", "a", "b"]}, 2) == 1


def test_topics_that_nothing_is_relevant_for_do_not_count():
    assert recall({"1": {"a": 1}, "2": {"b": 0}}, {"1": ["a"]}, 10) == 1


names = some.sampled_from("abcdefgh")


@given(
    some.dictionaries(names, some.integers(0, 3), min_size=1).filter(lambda grades: any(grades.values())),
    some.lists(names, unique=True),
    some.integers(1, 8),
)
def test_both_measures_agree_with_numpy(grades, ranking, k):
    import numpy as np

    gains = np.array([grades.get(document, 0) for document in ranking[:k]], float)
    ideal = np.sort(np.array(list(grades.values()), float))[::-1][:k]

    def dcg(values):
        return float((values / np.log2(np.arange(2, len(values) + 2))).sum())

    assert ndcg({"1": grades}, {"1": ranking}, k) == pytest.approx(dcg(gains) / dcg(ideal))
    relevant = sum(grade > 0 for grade in grades.values())
    assert recall({"1": grades}, {"1": ranking}, k) == pytest.approx((gains > 0).sum() / relevant)
