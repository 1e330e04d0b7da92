"""Measures, differences and pipelines: figures that can be checked by hand or by another route."""

from __future__ import annotations

import itertools
import random

import pytest

pytest.importorskip("ir_measures", reason="the measures need the extra 'evaluate'")

from carrel.errors import BadRequest
from carrel.evaluation import Questions, chosen, compared, difference, mean, measure_name, measured, pipeline, written
from carrel.evaluation.nouns import as_run
from carrel.evaluation.significance import holm


def test_what_a_run_lacks_was_not_found_and_what_nobody_judged_is_not_relevant():
    qrels = {"1": {"a": 1, "b": 1}, "2": {"c": 1}}
    values = measured(qrels, as_run("r", {"1": ["x", "a"]}), ["R@100", "RR@10", "Judged@10"])
    assert values == {"R@100": {"1": 0.5, "2": 0.0}, "RR@10": {"1": 0.5, "2": 0.0}, "Judged@10": {"1": 0.5, "2": 0.0}}


def test_the_order_of_a_run_is_kept_however_long_it_is():
    names = [f"d{place:04}" for place in range(1000)]
    random.Random(1).shuffle(names)
    qrels = {"1": {names[999]: 1}}
    found = measured(qrels, as_run("r", {"1": names}), ["AP", "R@1000"])
    assert found["AP"]["1"] == pytest.approx(1 / 1000)
    assert found["R@1000"]["1"] == 1


def test_a_run_is_written_with_columns_that_names_cannot_break():
    assert written(as_run("a b", {"q 1": ["my notes.md", "x"]})) == (
        "q%201 Q0 my%20notes.md 1 1 a%20b\nq%201 Q0 x 2 0.5 a%20b\n"
    )


@pytest.mark.parametrize(
    ("said", "meant"), [("ndcg@10", "nDCG@10"), ("R@100", "R@100"), ("ap", "AP"), ("rr@10", "RR@10")]
)
def test_measures_are_named_in_any_case(said: str, meant: str):
    assert measure_name(said) == meant


def test_the_chance_of_a_difference_is_that_of_all_ways_to_swap_the_runs():
    """Eight topics: all 256 sign patterns can be counted, and drawing comes near that."""
    one = dict(zip("abcdefgh", [0.9, 0.8, 0.7, 0.9, 0.6, 0.4, 0.8, 0.5], strict=True))
    other = dict(zip("abcdefgh", [0.7, 0.7, 0.8, 0.5, 0.5, 0.3, 0.9, 0.4], strict=True))
    gains = [one[topic] - other[topic] for topic in one]
    patterns = itertools.product((1, -1), repeat=8)
    exact = (
        sum(abs(sum(s * g for s, g in zip(p, gains, strict=True))) >= abs(sum(gains)) - 1e-12 for p in patterns) / 256
    )
    found = difference(one, other)
    assert found.p == pytest.approx(exact, abs=0.02)
    assert found.mean == pytest.approx(sum(gains) / 8)
    assert found.low <= found.mean <= found.high
    assert (found.better, found.worse) == (6, 2)


def test_equal_runs_differ_by_nothing():
    found = difference({"a": 0.5, "b": 1.0}, {"a": 0.5, "b": 1.0})
    assert (found.mean, found.p, found.significant) == (0.0, 1.0, False)
    assert difference({}, {}).p == 1.0


def test_a_clear_difference_is_significant_and_a_seed_repeats_it():
    topics = [str(each) for each in range(300)]
    noise = random.Random(3)
    other = {topic: noise.random() for topic in topics}
    one = {topic: value + 0.05 + 0.1 * noise.random() for topic, value in other.items()}
    assert difference(one, other, seed=5) == difference(one, other, seed=5)
    assert difference(one, other).significant
    assert difference(one, other).low > 0


def test_noise_is_called_significant_about_as_often_as_it_may():
    noise = random.Random(11)
    topics = [str(each) for each in range(40)]
    called = 0
    for _ in range(60):
        one, other = ({topic: noise.random() for topic in topics} for _ in range(2))
        called += difference(one, other).significant
    assert called <= 8  # 3 expected; 8 or more happen once in a hundred


def test_several_comparisons_are_corrected():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_a_pipeline_is_read_from_its_words():
    made = pipeline("hybrid:dense=.5,feedback=0,depth=50,fusion=rrf,granularity=passage")
    assert (made.mode, made.weights.dense, made.weights.feedback, made.weights.depth) == ("hybrid", 0.5, 0.0, 50)
    assert (made.weights.fusion, made.granularity) == ("rrf", "passage")
    with pytest.raises(BadRequest):
        pipeline("hybrid:fusion=sum")


def _questions(count: int, kinds: dict[str, str]) -> Questions:
    topics = [str(each) for each in range(count)]
    return Questions("t", dict.fromkeys(topics, "?"), {topic: {"right": 1} for topic in topics}, kinds)


def _tables(good_at: range, count: int = 60):
    """Runs ``default``, which finds what it should at rank 2, and ``other``, at rank 1 for ``good_at``, else not."""
    kinds = {str(each): "title" if each < count // 2 else "sentence" for each in range(count)}
    questions = _questions(count, kinds)
    usual = as_run("default", {topic: ["x", "right"] for topic in questions.topics})
    other = as_run("other", {t: ["right"] if int(t) in good_at else ["x", "y", "right"] for t in questions.topics})
    return compared(questions, [usual, other], [("default", "other")])


def test_a_better_pipeline_is_proposed():
    assert chosen(_tables(range(60)), _tables(range(60)), "default").name == "other"


def test_a_pipeline_that_is_worse_on_one_kind_of_question_is_not_proposed():
    lopsided = _tables(range(30))
    assert lopsided.comparisons[0].difference.significant
    choice = chosen(lopsided, lopsided, "default")
    assert (choice.name, choice.reason.rpartition(": ")[2]) == ("default", "sentence")


def test_what_only_the_picking_half_likes_is_not_proposed():
    choice = chosen(_tables(range(60)), _tables(range(20)), "default")
    assert choice.name == "default"
    assert "not significant" in choice.reason


def test_what_the_questions_favour_is_not_proposed_by_them():
    table = _tables(range(60))
    assert chosen(table, table, "default", barred=["other"]).name == "default"


def test_the_mean_of_nothing_is_zero():
    assert mean({}) == 0.0
