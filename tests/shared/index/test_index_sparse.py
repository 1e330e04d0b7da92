"""The learned-sparse arm by itself: exact products whatever lies where, and damage that is told."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from carrel.errors import BadRequest, Unavailable
from carrel.index.dense import DamagedVectors
from carrel.index.lexical import Mark
from carrel.index.sparse import SparseArm, arm, build, head_in
from carrel.models import SparseVectors
from carrel.models.sparse import joined, sparse_vectors

TERMS = 300
Digests = NDArray[np.int64]
Matrix = NDArray[np.float32]
MARK = Mark(3, 7)


def named(count: int, first: int = 0) -> Digests:
    return np.random.default_rng(5).integers(-(2**62), 2**62, first + count)[first:]


def made(count: int, seed: int = 1) -> Matrix:
    """Weights as fp16 holds them: few terms a row, frequent ones first, some rows without any, some twice."""
    chance = np.random.default_rng(seed)
    kept = chance.random((count, TERMS)) < 8 / (np.arange(TERMS) + 10)
    weights = np.where(kept, chance.gamma(2.0, 0.5, (count, TERMS)), 0).astype(np.float16).astype(np.float32)
    weights[:: max(2, count // 7)] = 0 if count > 1 else weights[0]
    if count > 10:
        weights[count // 2 : count // 2 + 3] = weights[2]
    return weights


def by_hand(
    query: Matrix, digests: Digests, matrix: Matrix, depth: int, allowed: Digests | None = None
) -> list[tuple[int, float]]:
    scores = (matrix.astype(np.float64) @ query.astype(np.float64)).astype(np.float32)
    good = scores > 0
    if allowed is not None:
        good &= np.isin(digests, allowed)
    digests, scores = digests[good], scores[good]
    order = np.lexsort((digests, -scores))[:depth]
    return list(zip(digests[order].tolist(), scores[order].tolist(), strict=True))


def asked(query: Matrix) -> tuple[NDArray[np.int32], Matrix]:
    terms = np.flatnonzero(query).astype(np.int32)
    return terms, query[terms]


def filled(folder: Path, matrix: Matrix, digests: Digests, batch: int = 100) -> SparseArm:
    found = SparseArm(folder, "model")
    for start in range(0, len(digests), batch):
        part = slice(start, start + batch)
        found.write(digests[part], sparse_vectors(matrix[part], TERMS), MARK, 0)
    return found


@pytest.mark.parametrize("rows", [1, 90, 1500])
@pytest.mark.parametrize("tail", [0, 10, 10**9])
def test_hits_are_those_of_the_products_wherever_the_rows_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, tail: int
) -> None:
    monkeypatch.setattr(arm, "_TAIL_ROWS", tail)
    monkeypatch.setattr(build, "_AT_ONCE", 500)
    matrix, digests = made(rows), named(rows)
    found = filled(tmp_path, matrix, digests)
    assert found.count() == rows and found.has(digests).all() and not found.has(named(5, rows)).any()
    some = np.sort(digests[::3])
    for query in made(30, seed=2):
        matches = found.matches(*asked(query))
        for depth in (1, 10, 5000):
            assert matches.best(depth) == by_hand(query, digests, matrix, depth)
            assert matches.best(depth, some) == by_hand(query, digests, matrix, depth, some)
        there, products = matches.of(np.concatenate([digests[:4], named(2, rows)]))
        assert there.tolist() == [True] * len(digests[:4]) + [False] * 2
        assert products.tolist() == pytest.approx([*(matrix[:4] @ query).tolist(), 0, 0], rel=1e-5)


def test_a_ranking_does_not_depend_on_where_rows_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm, "_TAIL_ROWS", 10**9)
    matrix, digests = made(800), named(800)
    written = filled(tmp_path / "a", matrix, digests)
    merged = filled(tmp_path / "b", matrix[::-1], digests[::-1])
    merged.tidy()
    assert merged.head().tail == 0 and written.head().tail == 800
    for query in made(40, seed=3):
        assert written.matches(*asked(query)).best(50) == merged.matches(*asked(query)).best(50)


def test_a_reader_keeps_its_state_while_vectors_come_and_go(tmp_path: Path) -> None:
    matrix, digests = made(900), named(900)
    found = filled(tmp_path, matrix[:400], digests[:400])
    before = found.now()
    query = made(3, seed=4)[1]
    first = before.matches(*asked(query)).best(20)
    found.write(digests[400:], sparse_vectors(matrix[400:], TERMS), MARK, 0)
    found.tidy()
    found.discard(digests[:100])
    assert before.matches(*asked(query)).best(20) == first == by_hand(query, digests[:400], matrix[:400], 20)
    assert found.matches(*asked(query)).best(20) == by_hand(query, digests[100:], matrix[100:], 20)
    assert SparseArm(tmp_path, "model").verify() == []
    assert len({path.name.split(".")[0] for path in tmp_path.glob("base-*")}) == 1, "what was dropped is still there"


def test_readers_meet_one_state_or_the_next_while_a_writer_merges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arm, "_TAIL_ROWS", 30)
    matrix, digests = made(1200), named(1200)
    query = made(3, seed=4)[1]
    filled(tmp_path, matrix[:20], digests[:20], 20)
    reader, wrong, over = SparseArm(tmp_path, "model"), [], threading.Event()

    def read() -> None:
        while not over.is_set():
            state = reader.now()
            count = state.count()
            if state.matches(*asked(query)).best(10) != by_hand(query, digests[:count], matrix[:count], 10):
                wrong.append(count)

    thread = threading.Thread(target=read)
    thread.start()
    writer = SparseArm(tmp_path, "model")
    for start in range(20, 1200, 60):
        part = slice(start, start + 60)
        writer.write(digests[part], sparse_vectors(matrix[part], TERMS), MARK, 0)
    over.set()
    thread.join()
    assert not wrong and reader.count() == 1200


def test_vectors_of_another_model_or_of_no_numbers_are_refused(tmp_path: Path) -> None:
    found = filled(tmp_path, made(20), named(20))
    with pytest.raises(DamagedVectors):
        SparseArm(tmp_path, "another").count()
    good = sparse_vectors(made(2, seed=9), TERMS)
    one = np.array([0, 1], np.int64)
    for bad in (
        SparseVectors(one, np.array([1], np.int32), np.array([np.nan], np.float32)),
        SparseVectors(one, np.array([1], np.int32), np.array([1e9], np.float32)),
        SparseVectors(one, np.array([1], np.int32), np.array([-1], np.float32)),
        SparseVectors(one, np.array([2**30], np.int32), np.array([1], np.float32)),
        SparseVectors(one, np.array([-2], np.int32), np.array([1], np.float32)),
        SparseVectors(np.array([0, 2]), np.array([3, 3], np.int32), np.array([1, 1], np.float32)),
        SparseVectors(np.array([0, 5]), np.array([3], np.int32), np.array([1], np.float32)),
        good,
    ):
        with pytest.raises(BadRequest):
            found.write(named(1, 30), bad, MARK, 0)
    assert found.count() == 20 and found.verify() == []


def test_every_damage_is_found_and_none_gives_a_hit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm, "_TAIL_ROWS", 250)
    matrix, digests = made(400), named(400)
    filled(tmp_path / "sound", matrix, digests)
    newest = head_in(tmp_path / "sound")
    assert newest is not None and newest.tail and newest.rows
    names = [path.name for path in (tmp_path / "sound").iterdir() if f"-{newest.number}." in path.name]
    assert len(names) == 9
    for name in [*names, "head.json"]:
        for hurt in ("gone", "short", "other"):
            shutil.copytree(tmp_path / "sound", tmp_path / "hurt")
            path = tmp_path / "hurt" / name
            content = bytearray(path.read_bytes())
            if hurt == "gone":
                path.unlink()
            elif hurt == "short":
                path.write_bytes(content[: len(content) // 2])
            else:
                content[len(content) // 2] ^= 255
                path.write_bytes(content)
            damaged = SparseArm(tmp_path / "hurt", "model")
            if (name, hurt) == ("head.json", "gone"):
                assert damaged.count() == 0
            else:
                with pytest.raises(Unavailable):
                    damaged.count()
                assert damaged.verify()
            shutil.rmtree(tmp_path / "hurt")


def test_damage_in_parts_too_large_to_be_looked_through_is_found_by_verifying(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from carrel.index.sparse import arrays

    found = filled(tmp_path, made(900), named(900))
    found.tidy()
    number = found.head().number
    monkeypatch.setattr(arrays, "_READ_AT_ONCE", 0)
    path = tmp_path / f"base-{number}.rows.bin"
    content = np.fromfile(path, "<i4")
    content[3] = 10**6
    content.tofile(path)
    damaged = SparseArm(tmp_path, "model")
    assert damaged.count() == 900 and damaged.verify()
    with pytest.raises(DamagedVectors):
        damaged.matches(*asked(made(3, seed=4)[1] + 1))


def test_a_head_that_lies_is_no_head(tmp_path: Path) -> None:
    filled(tmp_path, made(20), named(20))
    sound = json.loads((tmp_path / "head.json").read_bytes())
    for change in (
        {"rows": -1},
        {"rows": True},
        {"tail": 2**70},
        {"mark": [1]},
        {"mark": None},
        {"mark": [1, -1]},
        {"sums": []},
        {"fingerprint": 3},
        {"terms": 10**12},
        {"tail_postings": 10**12},
        {"extra": 1},
    ):
        (tmp_path / "head.json").write_text(json.dumps({**sound, **change}))
        with pytest.raises(DamagedVectors):
            SparseArm(tmp_path, "model").count()
    for nonsense in ("", "[", "3", "[" * 100_000):
        (tmp_path / "head.json").write_text(nonsense)
        assert head_in(tmp_path) is None


def test_a_writer_that_died_between_the_tail_and_its_head_loses_only_that_batch(tmp_path: Path) -> None:
    matrix, digests = made(300), named(300)
    found = filled(tmp_path, matrix[:200], digests[:200])
    head = (tmp_path / "head.json").read_bytes()
    found.write(digests[200:], sparse_vectors(matrix[200:], TERMS), MARK, 0)
    (tmp_path / "head.json").write_bytes(head)
    again = SparseArm(tmp_path, "model")
    assert again.count() == 200
    again.write(digests[250:], sparse_vectors(matrix[250:], TERMS), MARK, 0)
    kept = np.r_[0:200, 250:300]
    query = made(3, seed=4)[1]
    assert again.matches(*asked(query)).best(50) == by_hand(query, digests[kept], matrix[kept], 50)


@pytest.mark.parametrize("tail", [0, 10**9])
def test_an_arm_that_was_made_anew_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tail: int
) -> None:
    monkeypatch.setattr(arm, "_TAIL_ROWS", tail)
    matrix, digests = made(300), named(300)
    filled(tmp_path, matrix[:100], digests[:100])
    reader = SparseArm(tmp_path, "model")
    assert reader.count() == 100
    shutil.rmtree(tmp_path)
    filled(tmp_path, matrix[::-1], digests[::-1], 300)
    query = made(3, seed=4)[1]
    assert reader.matches(*asked(query)).best(50) == by_hand(query, digests, matrix, 50)


def test_the_heaviest_terms_of_a_text_are_kept() -> None:
    matrix = np.array([[0.5, 0, 2, 1], [0, 0, 0, 0], [1, 1, -3, 4]], np.float32)
    found = sparse_vectors(matrix, 2)
    assert found.offsets.tolist() == [0, 2, 2, 5]  # equal weights are all kept
    assert found.terms.tolist() == [2, 3, 0, 1, 3] and found.weights.tolist() == [2, 1, 1, 1, 4]
    both = joined([found, found])
    assert both.offsets.tolist() == [0, 2, 2, 5, 7, 7, 10]
    assert joined([]).offsets.tolist() == [0]
