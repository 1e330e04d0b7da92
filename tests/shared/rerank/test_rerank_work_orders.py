"""Blocks for a host, the one order made of its answers, and the handle that carries all of it."""

from __future__ import annotations

import base64
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrel.errors import BadRequest
from carrel.records import EvidenceRef, document_id
from carrel.rerank import WorkOrder, aggregated, blocks_of, open_handle, seal

counts = st.integers(2, 50)
sizes = st.integers(3, 12)


@given(counts, sizes, st.integers(1, 3))
def test_every_candidate_stands_once_in_each_round_and_no_block_is_too_large(
    count: int, size: int, rounds: int
) -> None:
    blocks = blocks_of(count, size, rounds)
    assert all(2 <= len(block) <= size and len(set(block)) == len(block) for block in blocks)
    times = [sum(place in block for block in blocks) for place in range(count)]
    assert times == [1 if count <= size else rounds] * count


def test_the_usual_order_has_six_overlapping_blocks_of_at_most_seven() -> None:
    blocks = blocks_of(20, 8, 2)
    assert [len(block) for block in blocks] == [6, 7, 7, 6, 7, 7]
    for one in blocks[:3]:
        for other in blocks[3:]:
            assert set(one) & set(other)
    assert all(block == sorted(block) for block in blocks[:3])
    assert all(block == sorted(block, reverse=True) for block in blocks[3:])


def test_nothing_to_order_makes_no_block() -> None:
    assert blocks_of(0, 8, 2) == blocks_of(1, 8, 2) == []


@given(st.permutations(range(12)), st.integers(3, 12))
def test_answers_that_agree_are_never_overruled(truth: list[int], size: int) -> None:
    lists = [sorted(block, key=truth.index) for block in blocks_of(12, size, 2)]
    order = aggregated(12, lists).order
    assert sorted(order) == list(range(12))
    for each in lists:
        assert [place for place in order if place in each] == each


def test_one_list_of_all_is_the_order() -> None:
    truth = random.Random(3).sample(range(30), 30)
    outcome = aggregated(30, [truth])
    assert outcome.order == truth and outcome.unplaced == []
    assert [outcome.scores[place] for place in truth] == [1.0 - place / 30 for place in range(30)]


def test_blocks_bring_what_is_best_to_the_top_from_anywhere() -> None:
    """Of 20 candidates in blocks, an honest host's first five are nearly found whatever the first stage thought."""
    kept = 0
    for seed in range(40):
        truth = random.Random(seed).sample(range(20), 20)
        lists = [sorted(block, key=truth.index) for block in blocks_of(20, 8, 2)]
        order = aggregated(20, lists).order
        assert truth[0] in order[:3]
        kept += len(set(order[:5]) & set(truth[:5]))
    assert kept / 200 >= 0.85


def test_a_wavering_host_is_understood_better_than_by_counting_its_wins() -> None:
    """Judges who see each candidate anew in every block, and not always alike: which of the best five are found?"""
    found = counted = 0
    for seed in range(60):
        chance = random.Random(seed)
        worth = [chance.gauss(0, 1) for _ in range(30)]
        lists = []
        for block in blocks_of(30, 8, 2):
            seen = {place: worth[place] + chance.gauss(0, 0.4) for place in block}
            lists.append(sorted(block, key=seen.__getitem__, reverse=True))
        best = set(sorted(range(30), key=worth.__getitem__, reverse=True)[:5])
        beaten = {place: sum(len(one) - 1 - one.index(place) for one in lists if place in one) for place in range(30)}
        found += len(best & set(aggregated(30, lists).order[:5]))
        counted += len(best & set(sorted(range(30), key=lambda place: (-beaten[place], place))[:5]))
    assert found > counted and found / 300 > 0.7


def test_disagreement_is_counted_between_blocks_and_with_the_first_stage() -> None:
    outcome = aggregated(4, [[0, 1], [1, 0], [2, 3], [2, 3]])
    assert (outcome.compared_twice, outcome.contradicted) == (2, 1)
    assert outcome.overturned == pytest.approx((0.5 + 0.0) / 2)
    assert aggregated(3, [[2, 1, 0]]).overturned == 1.0


def test_a_circle_is_settled_the_same_way_every_time() -> None:
    circle = [[0, 1], [1, 2], [2, 0]]
    outcomes = {tuple(aggregated(3, lists).order) for lists in (circle, circle[::-1], circle[1:] + circle[:1])}
    assert outcomes == {(0, 1, 2)}


def test_more_wins_decide_where_lists_contradict() -> None:
    assert aggregated(2, [[1, 0], [1, 0], [0, 1]]).order == [1, 0]


def test_candidates_in_no_list_follow_in_their_old_order() -> None:
    outcome = aggregated(5, [[4, 2]])
    assert outcome.order == [4, 2, 0, 1, 3] and outcome.unplaced == [0, 1, 3]


def test_fifty_candidates_are_settled_quickly_however_they_contradict() -> None:
    chance = random.Random(5)
    lists = [chance.sample(range(50), 50) for _ in range(40)]
    assert sorted(aggregated(50, lists).order) == list(range(50))


refs = st.lists(
    st.builds(
        lambda name, start, length: EvidenceRef(
            document_id(str(name), ""), *((start, start + length) if length else ())
        ),
        st.integers(0, 9),
        st.integers(0, 10**9),
        st.integers(0, 10**6),
    ),
    max_size=50,
)


@settings(max_examples=60)
@given(st.text(min_size=1, max_size=40), st.integers(0, 10**12), refs)
def test_a_handle_opens_to_the_work_order_it_was_made_of(collection: str, generation: int, candidates: list) -> None:
    try:
        collection.encode()
    except UnicodeEncodeError:
        collection = "default"
    order = WorkOrder(collection, generation, 8, 2, tuple(candidates))
    assert open_handle(seal(order)) == order


def test_a_handle_of_twenty_candidates_is_short_enough_to_copy() -> None:
    candidates = [EvidenceRef(document_id(str(n), ""), 1_000 * n, 1_000 * n + 900) for n in range(20)]
    assert len(seal(WorkOrder("default", 17, 8, 2, tuple(candidates)))) < 480


def test_a_handle_that_was_not_copied_whole_is_told() -> None:
    handle = seal(
        WorkOrder("default", 3, 8, 2, (EvidenceRef(document_id("a", ""), 0, 9), EvidenceRef(document_id("b", ""))))
    )
    assert open_handle(f" `{handle}` ").generation == 3
    wrong = [
        handle[:-1],
        handle + "A",
        handle.swapcase(),
        handle[5:],
        "",
        "rank_",
        "job_1",
        "rank_ü",
        "rank_" + "A" * 9_000,
    ]
    wrong += [
        handle[:at] + ("A" if handle[at] != "A" else "B") + handle[at + 1 :] for at in range(5, len(handle) - 1, 3)
    ]
    for each in wrong:
        with pytest.raises(BadRequest, match="copy it exactly"):
            open_handle(each)


def test_a_handle_with_a_right_sum_and_wrong_content_is_refused() -> None:
    """Nothing secret is in the sum: whoever makes one by hand gets an error, never a crash or a long loop."""
    import hashlib

    for body in (
        b"",
        b"\xff" * 40,
        b"\x01\x00\x08\x02\xff\xff\xff\x7f",
        b"\x01\x00\x08\x02\x00\xff\xff\xff\x7f",
        bytes(30),
    ):
        total = hashlib.sha256(b"carrel work order" + body).digest()[:6]
        with pytest.raises(BadRequest):
            open_handle("rank_" + base64.urlsafe_b64encode(total + body).decode().rstrip("="))


def test_blocks_of_different_rounds_keep_all_candidates_connected() -> None:
    for count in range(2, 51):
        blocks = blocks_of(count, 8, 2)
        reached, before = set(blocks[0]), 0
        while len(reached) > before:
            before = len(reached)
            for block in blocks:
                reached |= set(block) if reached & set(block) else set()
        assert len(reached) == count
