from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from carrel.errors import BadRequest, IncompatibleIndex, Unavailable
from carrel.index.dense import DenseArm, DenseFacts
from carrel.index.dense import arrays as vector_arrays
from carrel.index.dense import codes as vector_codes
from carrel.index.dense import keeper as vector_keeper
from carrel.index.dense import search as vector_search
from carrel.index.dense.table import VectorTable
from kit import REPOSITORY

WIDTH = 24
Vectors = NDArray[np.float32]
Digests = NDArray[np.int64]


def named(count: int, first: int = 0) -> Digests:
    hashes = [hashlib.sha256(str(number).encode()).digest()[:8] for number in range(first, first + count)]
    return np.array([int.from_bytes(one, "big", signed=True) for one in hashes], np.int64)


def made(count: int, seed: int = 1, width: int = WIDTH, topics: int = 60) -> Vectors:
    """Unit vectors around topics, as those of texts are."""
    chance = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((topics, width))
    vectors = centres[chance.integers(0, topics, count)] + 0.6 * chance.standard_normal((count, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def by_hand(
    query: Vectors, digests: Digests, vectors: Vectors, depth: int, allowed: Digests | None = None
) -> list[int]:
    scores = (vectors.astype(np.float64) @ query.astype(np.float64)).astype(np.float32)
    if allowed is not None:
        kept = np.isin(digests, allowed)
        digests, scores = digests[kept], scores[kept]
    return [int(one) for one in digests[np.lexsort((digests, -scores))[:depth]]]


def found(arm: DenseArm, query: Vectors, depth: int, allowed: Digests | None = None) -> list[int]:
    return [digest for digest, _ in arm.search(query, depth, allowed)]


def filled(
    folder: Path, count: int, *, lists_from: int = 10**6, tidy: bool = True
) -> tuple[DenseArm, Digests, Vectors]:
    arm, digests, vectors = DenseArm(folder, lists_from=lists_from), named(count), made(count)
    arm.write(digests, vectors)
    if tidy:
        arm.tidy()
    return arm, digests, vectors


def python(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


# --- what is written is there ----------------------------------------------------------------------------------------


def test_an_arm_without_a_folder_is_empty_and_makes_none(tmp_path: Path) -> None:
    arm = DenseArm(tmp_path / "dense")
    assert arm.count() == 0
    assert arm.search(made(1)[0], 5) == []
    assert len(arm.vectors(named(2))[0]) == 0
    assert arm.has(named(2)).tolist() == [False, False]
    assert arm.facts() == DenseFacts(0, 0, 0, 0, 1.0, 0)
    arm.tidy()
    arm.publish()
    arm.warm()
    arm.discard(named(2)[:0])
    assert arm.verify() == []


def test_what_was_written_is_found_by_this_arm_and_by_the_next(tmp_path: Path) -> None:
    arm, digests, vectors = filled(tmp_path, 300, tidy=False)
    for reader in (arm, DenseArm(tmp_path)):
        reader.warm()
        assert reader.count() == 300
        assert found(reader, vectors[7], 10) == by_hand(vectors[7], digests, vectors, 10)
        assert reader.has(np.append(digests[:2], 5)).tolist() == [True, True, False]
        there, stored = reader.vectors(np.append(digests[3:5], 5))
        assert there.tolist() == digests[3:5].tolist()
        assert np.array_equal(stored, vectors[3:5])


def test_another_process_searches_without_importing_lancedb(tmp_path: Path) -> None:
    _, digests, vectors = filled(tmp_path, 900, lists_from=800, tidy=False)
    DenseArm(tmp_path).write(named(5, 900), made(5, seed=2))  # a tail is searched without it as well
    np.save(tmp_path / "query.npy", vectors[3])
    code = """if True:
        import sys
        from pathlib import Path
        import numpy as np
        from carrel.index.dense import DenseArm
        arm, query = DenseArm(Path(sys.argv[1])), np.load(sys.argv[1] + "/query.npy")
        print(arm.count(), arm.search(query, 1)[0][0], "lancedb" in sys.modules)
    """
    assert python(code, str(tmp_path)) == f"905 {digests[3]} False"


def test_a_ranking_is_the_same_from_the_tail_the_base_and_the_lists(tmp_path: Path) -> None:
    tail, digests, vectors = filled(tmp_path / "tail", 3000, tidy=False)
    base, _, _ = filled(tmp_path / "base", 3000)
    lists, _, _ = filled(tmp_path / "lists", 3000, lists_from=2000)
    assert (tail.facts().tail, base.facts().tail, lists.facts().tail) == (3000, 0, 0)
    assert lists.facts().lists > 0
    for query in made(20, seed=5):
        expected = tail.search(query, 3000)
        assert base.search(query, 3000) == expected
        assert lists.search(query, 3000) == expected
        assert [digest for digest, _ in expected] == by_hand(query, digests, vectors, 3000)


def test_equal_vectors_are_ranked_by_digest_wherever_the_cut_falls(tmp_path: Path) -> None:
    arm, digests = DenseArm(tmp_path, lists_from=1300), named(1500)
    arm.write(digests, np.repeat(made(1), 1500, axis=0))
    arm.tidy()
    arm.write(named(300, 1500), np.repeat(made(1), 300, axis=0))
    everything = np.sort(np.concatenate([digests, named(300, 1500)]))
    assert found(arm, made(1)[0], 7) == everything[:7].tolist()
    assert found(arm, made(1)[0], 5000) == everything.tolist()


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    arm, digests, vectors = filled(tmp_path, 700)
    arm.write(digests[:50], vectors[:50])
    arm.write(np.concatenate([named(2, 700), named(2, 700)]), np.concatenate([made(2, seed=3)] * 2))
    arm.write(digests[:3], vectors[3:6])  # a digest keeps its first vector
    assert arm.count() == 702 == VectorTable(tmp_path).count()
    assert found(arm, vectors[0], 1) == [digests[0]]
    assert arm.verify() == []


def test_vectors_of_another_dimension_start_the_table_afresh(tmp_path: Path) -> None:
    arm, digests, vectors = filled(tmp_path, 700)
    reader = DenseArm(tmp_path)
    assert reader.count() == 700
    arm.write(digests[:3], made(3, width=8))
    for each in (arm, reader, DenseArm(tmp_path)):
        assert each.facts() == DenseFacts(3, 8, 0, 0, 1.0, 3)
        with pytest.raises(IncompatibleIndex, match="another encoder"):
            each.search(vectors[0], 1)
    assert arm.verify() == []


def test_lengths_are_brought_to_one_and_the_vector_of_nothing_stays_nothing(tmp_path: Path) -> None:
    arm, digests, vectors = DenseArm(tmp_path), named(3), made(3)
    arm.write(digests, np.stack([vectors[0] * 40, vectors[1], np.zeros(WIDTH, np.float32)]))
    scores = dict(arm.search(vectors[0] * 3, 3))
    assert scores[int(digests[0])] == pytest.approx(1.0, abs=1e-6)
    assert scores[int(digests[2])] == 0.0
    assert arm.search(np.zeros(WIDTH, np.float32), 2) == [(digest, 0.0) for digest in sorted(digests.tolist())[:2]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused_before_it_is_kept(tmp_path: Path, bad: float) -> None:
    arm, _, vectors = filled(tmp_path, 4, tidy=False)
    vectors[1, 3] = bad
    with pytest.raises(BadRequest, match="finite"):
        arm.write(named(4, 10), vectors)
    with pytest.raises(BadRequest, match="finite"):
        arm.search(vectors[1], 2)
    assert arm.count() == 4


def test_vectors_that_do_not_fit_their_digests_are_refused(tmp_path: Path) -> None:
    arm = DenseArm(tmp_path)
    for digests, vectors in [
        (named(2), made(3)),
        (named(3), made(3)[:, :0]),
        (named(3), made(3)[0]),
        (named(4).reshape(2, 2), made(4)),
    ]:
        with pytest.raises(BadRequest, match="one vector for each digest"):
            arm.write(digests, vectors)
    arm.write(named(0), made(0))
    assert arm.count() == 0


# --- lists -----------------------------------------------------------------------------------------------------------


def test_the_measured_recall_holds_for_queries_that_were_not_measured(tmp_path: Path) -> None:
    arm, digests, vectors = filled(tmp_path, 6000, lists_from=5000)
    facts = arm.facts()
    assert facts.rows == 6000
    assert 1 <= facts.probes <= facts.lists / 2
    assert facts.recall >= 0.98
    queries = made(200, seed=8)
    hits = sum(len({*found(arm, query, 10)} & {*by_hand(query, digests, vectors, 10)}) for query in queries)
    assert hits / 2000 >= 0.97


def test_a_query_within_one_neighbourhood_reads_fewer_lists(tmp_path: Path) -> None:
    arm, digests, vectors = filled(tmp_path, 6000, lists_from=5000)
    head = json.loads((tmp_path / "head.json").read_bytes())
    del head["width"]  # as the heads of an earlier version
    earlier = tmp_path / "earlier"
    shutil.copytree(tmp_path, earlier, ignore=shutil.ignore_patterns("earlier"))
    (earlier / "head.json").write_text(json.dumps(head))
    read: dict[Path, list[int]] = {tmp_path: [], earlier: []}
    for folder, counts in read.items():
        state = vector_arrays.load(folder, vector_arrays.read_head(folder))
        for query in made(50, seed=8):
            rows, _, _ = vector_search._probe(state, query, 10, None)
            counts.append(len(rows))
    assert np.median(read[tmp_path]) < np.median(read[earlier])
    assert (
        found(DenseArm(earlier), vectors[7], 10)
        == found(arm, vectors[7], 10)
        == by_hand(vectors[7], digests, vectors, 10)
    )


def test_vectors_without_neighbourhoods_are_searched_exactly(tmp_path: Path) -> None:
    arm, digests = DenseArm(tmp_path, lists_from=2000), named(3000)
    vectors = np.random.default_rng(1).standard_normal((3000, 256)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    arm.write(digests, vectors)
    arm.tidy()
    assert arm.facts() == DenseFacts(3000, 256, 0, 0, 1.0, 0)
    assert found(arm, vectors[4], 10) == by_hand(vectors[4], digests, vectors, 10)


def test_equal_vectors_give_equal_lists(tmp_path: Path) -> None:
    for name in ("one", "two"):
        filled(tmp_path / name, 2500, lists_from=2000)
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / name).glob("base-2.*")} for name in ("one", "two")
    )
    assert len(one) == 7
    assert one == two


def test_lists_are_kept_until_the_collection_has_doubled(tmp_path: Path) -> None:
    arm, digests, vectors = filled(tmp_path, 2500, lists_from=2000)
    lists = arm.facts().lists
    arm.write(named(2000, 2500), made(2000, seed=2))
    arm.tidy()
    assert (arm.facts().rows, arm.facts().tail, arm.facts().lists) == (4500, 0, lists)
    assert arm.verify() == []
    arm.write(named(2000, 4500), made(2000, seed=3))
    arm.tidy()
    assert arm.facts().lists > lists
    assert found(arm, vectors[11], 1) == [digests[11]]
    arm.discard(digests)
    arm.discard(named(2100, 2500))
    assert arm.facts() == DenseFacts(1900, WIDTH, 0, 0, 1.0, 0)  # too few for lists now


def test_more_lists_are_read_until_there_are_enough_hits(tmp_path: Path) -> None:
    arm, digests, vectors = filled(tmp_path, 6000, lists_from=5000)
    query = made(1, seed=8)[0]
    assert {*found(arm, query, 5999)} == {*by_hand(query, digests, vectors, 5999)}
    assert len(found(arm, query, 3000)) == 3000


def unit(vectors: NDArray[np.floating[Any]]) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths).astype(np.float32)


def outlying(count: int) -> Vectors:
    """As some encoders give them: one component of all is great, and tells nothing."""
    vectors = made(count)
    vectors[:, 5] = 1.5
    return unit(vectors)


def crowded(count: int) -> Vectors:
    """A hundred crowds of which all are nearer to each other than their codes can tell."""
    middles, chance = made(100), np.random.default_rng(3)
    vectors = middles[np.arange(count) % 100] + 1e-4 * chance.standard_normal((count, WIDTH))
    return unit(vectors)


@pytest.mark.parametrize("make", [made, outlying, crowded])
def test_rankings_by_codes_are_those_that_exact_products_of_the_same_lists_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[int], Vectors]
) -> None:
    arm, digests, vectors = DenseArm(tmp_path, lists_from=3000), named(4000), make(4000)
    arm.write(digests, vectors)
    arm.tidy()
    arm.write(named(300, 4000), make(300))  # a tail, whose products are always exact
    assert (arm.facts().tail, arm.facts().lists > 0) == (300, True)
    allowed = np.sort(digests[:2500])
    asked = [
        (query, depth, some) for query in vectors[::400] for depth in (1, 10, 100, 2000) for some in (None, allowed)
    ]
    by_codes = [arm.search(*one) for one in asked]
    assert vector_codes._quick_product() is not None
    monkeypatch.setattr(vector_codes, "_quick_product", lambda: None)  # what a machine without the library does
    assert [arm.search(*one) for one in asked] == by_codes


def test_a_machine_without_the_library_or_a_processor_for_it_does_without_codes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choose = vector_codes._quick_product.__wrapped__
    assert choose() is not None
    monkeypatch.setattr("numkong.get_capabilities", lambda: {"serial": True, "haswell": False})
    assert choose() is None
    monkeypatch.setitem(sys.modules, "numkong", None)
    assert choose() is None


def test_codes_are_read_where_the_processor_is_quick_at_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arm, _, vectors = filled(tmp_path, 6000, lists_from=5000)
    read: list[int] = []

    def product(one: NDArray[np.int8], rows: NDArray[np.int8], out: NDArray[np.float64]) -> None:
        assert one.dtype == rows.dtype == np.dtype(np.int8)
        read.append(len(rows))
        out[:] = rows.astype(np.int64) @ one.astype(np.int64)

    expected = arm.search(vectors[3], 10)
    monkeypatch.setattr(vector_codes, "_quick_product", lambda: product)
    assert arm.search(vectors[3], 10) == expected
    assert 0 < sum(read) < 6000


def test_vectors_of_a_large_base_are_read_from_its_file_or_from_the_map_once_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm, _, vectors = filled(tmp_path, 2600, lists_from=2500)
    arm.write(named(40, 2600), made(40, seed=4))
    expected = [arm.search(query, 50) for query in vectors[:20]]
    monkeypatch.setattr(vector_search, "_LARGE", 0)
    assert [arm.search(query, 50) for query in vectors[:20]] == expected
    (tmp_path / "base-2.vectors.npy").unlink()
    assert [arm.search(query, 50) for query in vectors[:20]] == expected


# --- filters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lists_from", [10**6, 2500])
@pytest.mark.parametrize("allowed_rows", [1, 5, 100, 1200, 2999])
def test_only_what_is_allowed_comes_back_and_all_of_it_when_asked(
    tmp_path: Path, lists_from: int, allowed_rows: int
) -> None:
    arm, digests, vectors = filled(tmp_path, 2600, lists_from=lists_from)
    arm.write(named(400, 2600), made(400, seed=4))  # a tail
    digests, vectors = np.concatenate([digests, named(400, 2600)]), np.concatenate([vectors, made(400, seed=4)])
    chosen = np.random.default_rng(allowed_rows).choice(3000, allowed_rows, replace=False)
    allowed = np.sort(np.append(digests[chosen], named(3, 9000)))  # some of them have no vector
    for query in made(5, seed=6):
        assert found(arm, query, 4000, allowed) == by_hand(query, digests, vectors, 4000, allowed)
        some = found(arm, query, 10, allowed)
        assert len(some) == min(10, allowed_rows)
        best = by_hand(query, digests, vectors, 10, allowed)
        assert len({*some} & {*best}) >= 0.9 * len(best)
    assert arm.search(vectors[0], 10, allowed[:0]) == []
    assert arm.search(vectors[0], 0, allowed) == []
    assert arm.search(vectors[0], 10, named(5, 9000)[:1]) == []


def test_a_filter_that_leaves_only_what_is_far_from_the_query_still_gives_the_best_of_it(tmp_path: Path) -> None:
    arm, digests, vectors = filled(tmp_path, 2600, lists_from=2500)
    assert arm.facts().lists > 0
    for query in made(5, seed=6):
        allowed = np.sort(digests[np.argsort(vectors @ query)[:1000]])
        assert found(arm, query, 1000, allowed) == by_hand(query, digests, vectors, 1000, allowed)
        some, best = found(arm, query, 10, allowed), by_hand(query, digests, vectors, 10, allowed)
        assert len({*some} & {*best}) >= 9


# --- discarding ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lists_from", [10**6, 1500])
def test_what_is_discarded_is_gone_for_every_process(tmp_path: Path, lists_from: int) -> None:
    arm, digests, vectors = filled(tmp_path, 2000, lists_from=lists_from)
    reader = DenseArm(tmp_path)
    assert reader.has(digests[:3]).all()
    arm.write(named(10, 2000), made(10, seed=2))
    arm.discard(np.concatenate([digests[:300], named(4, 2000), named(4, 7000)]))
    for each in (arm, reader, DenseArm(tmp_path)):
        assert each.count() == 1706
        assert not each.has(np.concatenate([digests[:300], named(4, 2000)])).any()
        assert not {*found(each, vectors[0], 1706)} & {*digests[:300].tolist()}
    assert VectorTable(tmp_path).count() == 1706
    assert arm.verify() == []
    arm.write(digests[:2], vectors[:2])  # and may come again
    assert found(reader, vectors[0], 1) == [digests[0]]


def test_everything_can_be_discarded_and_written_again(tmp_path: Path) -> None:
    arm, digests, vectors = filled(tmp_path, 600)
    arm.discard(digests)
    assert (arm.count(), arm.search(vectors[0], 5), arm.verify()) == (0, [], [])
    assert DenseArm(tmp_path).count() == 0
    arm.write(digests, vectors)
    assert found(DenseArm(tmp_path), vectors[5], 1) == [digests[5]]


def test_files_of_the_newest_two_bases_stay_and_older_ones_go(tmp_path: Path) -> None:
    arm, digests, _ = filled(tmp_path, 600)
    for start in range(0, 50, 10):
        arm.discard(digests[start : start + 10])
    numbers = {path.name.split(".")[0] for path in tmp_path.glob("base-*")}
    assert len(numbers) == 2
    assert not list(tmp_path.glob("*.tmp"))


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "how"),
    [
        *((part, how) for part in ("vectors", "codes", "centroids") for how in ("gone", "empty", "cut", "noise")),
        *(("digests", "cut"), ("sorted", "gone"), ("order", "noise"), ("offsets", "empty")),
    ],
)
def test_damaged_arrays_are_made_again_from_the_table(tmp_path: Path, part: str, how: str) -> None:
    _, digests, vectors = filled(tmp_path, 1600, lists_from=1500)
    path = next(iter(tmp_path.glob(f"base-2.{part}.npy")))
    if how == "gone":
        path.unlink()
    else:
        whole = path.read_bytes()
        path.write_bytes({"empty": b"", "cut": whole[: len(whole) // 2], "noise": b"\x93NUMPY" * 50}[how])
    arm = DenseArm(tmp_path, lists_from=1500)
    assert arm.verify() == [
        "the arrays beside the table of vectors are damaged or missing; the next search makes them again"
    ]
    assert found(arm, vectors[9], 1600) == by_hand(vectors[9], digests, vectors, 1600)
    assert arm.verify() == []


@pytest.mark.parametrize("part", [*vector_arrays.SMALL_PARTS, "codes", "vectors"])
def test_a_single_changed_byte_in_arrays_that_are_not_large_is_noticed(tmp_path: Path, part: str) -> None:
    _, digests, vectors = filled(tmp_path, 1600, lists_from=1500)
    path = next(iter(tmp_path.glob(f"base-2.{part}.npy")))
    whole = bytearray(path.read_bytes())
    whole[-3] ^= 0x41
    path.write_bytes(whole)
    arm = DenseArm(tmp_path, lists_from=1500)
    assert found(arm, vectors[9], 1600) == by_hand(vectors[9], digests, vectors, 1600)


def head(**changed: object) -> bytes:
    return json.dumps({**asdict(vector_arrays.Head(1, WIDTH, 0, tail=40, batch=1, version=1)), **changed}).encode()


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{", b"null", b"[]", b'{"number": 1}', b"\xff\xfe", b"9" * 5000, b"[" * 100_000),
        *(head(rows=10**30), head(tail=10**15), head(tail=41), head(dimension="24"), head(rows=-1), head(sums=None)),
        *(
            head(number=7),
            head(dimension=25),
            head(sums={"digests": "x"}),
            head(lists=True),
            head(reach="1"),
            head(other=1),
        ),
    ],
)
def test_a_damaged_head_is_made_again_from_the_table(tmp_path: Path, raw: bytes) -> None:
    _, digests, vectors = filled(tmp_path, 40, tidy=False)
    (tmp_path / "head.json").write_bytes(raw)
    arm = DenseArm(tmp_path)
    assert found(arm, vectors[9], 40) == by_hand(vectors[9], digests, vectors, 40)
    assert arm.verify() == []


@pytest.mark.parametrize("part", ["codes", "vectors"])
def test_large_arrays_that_were_changed_are_made_again_once_they_are_read_to_warm_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    filled(tmp_path, 1600, lists_from=1500)
    monkeypatch.setattr(vector_arrays, "_READ_AT_ONCE", 0)
    path = next(iter(tmp_path.glob(f"base-2.{part}.npy")))
    whole = bytearray(path.read_bytes())
    whole[5000] ^= 0x41
    path.write_bytes(whole)
    arm = DenseArm(tmp_path, lists_from=1500)
    assert arm.facts().rows == 1600
    assert len(arm.verify()) == 1
    assert "remove the file 'head.json'" in arm.verify()[0]
    arm.warm()
    assert arm.verify() == []
    assert DenseArm(tmp_path).verify() == []


@pytest.mark.parametrize("scale", [0, -1.0, float("nan"), float("inf"), "7", None])
def test_a_scale_that_none_can_be_is_made_again_from_the_table(tmp_path: Path, scale: object) -> None:
    _, digests, vectors = filled(tmp_path, 1600, lists_from=1500)
    sound = json.loads((tmp_path / "head.json").read_bytes())
    (tmp_path / "head.json").write_text(json.dumps({**sound, "scale": scale}))
    arm = DenseArm(tmp_path, lists_from=1500)
    assert found(arm, vectors[9], 1600) == by_hand(vectors[9], digests, vectors, 1600)
    assert json.loads((tmp_path / "head.json").read_bytes())["scale"] == sound["scale"]


def test_a_base_from_before_there_were_codes_is_made_again(tmp_path: Path) -> None:
    _, digests, vectors = filled(tmp_path, 1600, lists_from=1500)
    old = json.loads((tmp_path / "head.json").read_bytes())
    del old["scale"], old["sums"]["codes"]
    (tmp_path / "head.json").write_text(json.dumps(old))
    (tmp_path / "base-2.codes.npy").unlink()
    arm = DenseArm(tmp_path, lists_from=1500)
    assert found(arm, vectors[9], 1600) == by_hand(vectors[9], digests, vectors, 1600)
    assert (tmp_path / "base-3.codes.npy").stat().st_size > 1600 * WIDTH


def test_a_tail_that_lost_its_file_is_made_again(tmp_path: Path) -> None:
    _, digests, vectors = filled(tmp_path, 40, tidy=False)
    for part in ("vectors", "digests"):
        next(iter(tmp_path.glob(f"tail-*.{part}.bin"))).write_bytes(b"")
        assert found(DenseArm(tmp_path), vectors[9], 1) == [digests[9]]


def test_a_damaged_table_without_arrays_is_told_in_words(tmp_path: Path) -> None:
    _, _, vectors = filled(tmp_path, 40)
    for path in [*tmp_path.rglob("*.manifest"), tmp_path / "head.json"]:
        path.unlink()
    arm = DenseArm(tmp_path)
    for act in (arm.count, lambda: arm.search(vectors[0], 3), lambda: arm.write(named(1, 50), made(1)), arm.tidy):
        with pytest.raises(Unavailable, match="made again in the background"):
            act()
    assert "the table of vectors cannot be read" in arm.verify()[-1]


def test_sound_arrays_answer_while_the_table_is_damaged_and_verify_says_so(tmp_path: Path) -> None:
    _, digests, vectors = filled(tmp_path, 700)
    for path in tmp_path.rglob("*.lance"):
        if path.is_file():
            path.write_bytes(b"no table" * 100)
    arm = DenseArm(tmp_path)
    assert found(arm, vectors[9], 5) == by_hand(vectors[9], digests, vectors, 5)
    assert len(arm.verify()) == 1
    assert "cannot be read" in arm.verify()[0]
    with pytest.raises(Unavailable, match="damaged"):
        arm.discard(digests[:1])


def test_a_table_that_is_gone_means_no_vectors_and_new_ones_can_be_written(tmp_path: Path) -> None:
    arm, digests, vectors = filled(tmp_path, 700)
    shutil.rmtree(tmp_path / "vectors.lance")
    assert (arm.count(), DenseArm(tmp_path).count()) == (0, 0)
    assert "is gone" in arm.verify()[0]
    arm.write(digests[:5], vectors[:5])
    assert (arm.count(), DenseArm(tmp_path).count(), arm.verify()) == (5, 5, [])


def test_the_whole_folder_can_be_removed_under_a_running_arm(tmp_path: Path) -> None:
    arm, digests, vectors = filled(tmp_path / "dense", 700)
    other = DenseArm(tmp_path / "dense")
    other.write(named(1, 700), made(1, seed=2))
    shutil.rmtree(tmp_path / "dense")
    assert (arm.count(), other.count()) == (0, 0)
    arm.write(digests[:5], vectors[:5])
    other.write(digests[5:7], vectors[5:7])
    assert (arm.count(), other.count(), other.verify()) == (7, 7, [])


def test_verify_tells_a_changed_vector(tmp_path: Path) -> None:
    arm, _, _ = filled(tmp_path, 700)
    path = next(iter(tmp_path.glob("base-2.vectors.npy")))
    whole = bytearray(path.read_bytes())
    whole[5000] ^= 0x10
    path.write_bytes(whole)
    assert "arrays beside the table of vectors are damaged" in DenseArm(tmp_path).verify()[0]
    (tmp_path / "head.json").unlink()
    assert arm.count() == 700
    assert DenseArm(tmp_path).verify() == []


def test_verify_tells_rows_that_only_one_side_has(tmp_path: Path) -> None:
    arm, digests, vectors = filled(tmp_path, 700)
    kept = tmp_path / "kept"
    shutil.copytree(tmp_path / "vectors.lance", kept / "vectors.lance")
    arm.write(named(3, 700), made(3, seed=2))
    arm.discard(digests[:100])
    shutil.rmtree(tmp_path / "vectors.lance")
    shutil.copytree(kept / "vectors.lance", tmp_path / "vectors.lance")  # a backup of the table alone
    assert any("3 vectors that the table lacks" in problem for problem in DenseArm(tmp_path).verify())
    DenseArm(tmp_path).publish()
    again = DenseArm(tmp_path)
    assert (again.verify(), again.count()) == ([], 700)
    assert found(again, vectors[0], 1) == [digests[0]]


def test_rows_that_a_killed_process_left_in_the_table_are_taken_up(tmp_path: Path) -> None:
    arm, _, _ = filled(tmp_path, 700)
    VectorTable(tmp_path).append(named(30, 700), 2, made(30, seed=2))  # it was killed here
    assert arm.verify() == []
    arm.write(named(1, 800), made(1, seed=3))
    assert (arm.count(), DenseArm(tmp_path).count(), VectorTable(tmp_path).count()) == (731, 731, 731)
    VectorTable(tmp_path).append(named(30, 900), 9, made(30, seed=4))
    DenseArm(tmp_path).publish()
    assert arm.count() == 761
    arm.write(named(30, 900), made(30, seed=4))
    assert VectorTable(tmp_path).count() == 761


def test_a_digest_that_stands_in_the_table_twice_counts_once(tmp_path: Path) -> None:
    arm, digests, vectors = filled(tmp_path, 700)
    VectorTable(tmp_path).append(digests[:50], 2, vectors[:50])
    arm.publish()
    assert (arm.count(), len(found(arm, vectors[0], 700))) == (700, 700)
    assert {*found(arm, vectors[0], 700)} == {*digests.tolist()}
    assert arm.verify() == []


def test_a_full_disk_is_told_and_nothing_that_was_written_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm, digests, vectors = filled(tmp_path, 700)

    write_head = vector_arrays.write_head

    def full(folder: Path, head: vector_arrays.Head) -> None:
        if folder == tmp_path:
            raise OSError(errno.ENOSPC, "No space left on device")
        write_head(folder, head)

    with monkeypatch.context() as patch:
        patch.setattr(vector_arrays, "write_head", full)
        with pytest.raises(Unavailable, match="free some space"):
            arm.write(named(3, 700), made(3, seed=2))
        assert found(DenseArm(tmp_path), vectors[3], 1) == [digests[3]]
        (tmp_path / "head.json").unlink()
        assert found(DenseArm(tmp_path), vectors[3], 1) == [digests[3]]  # for this process alone
        DenseArm(tmp_path).publish()
    arm.write(named(3, 700), made(3, seed=2))
    assert arm.count() == 703 == VectorTable(tmp_path).count()
    assert arm.verify() == []


def test_a_base_that_cannot_be_written_leaves_the_tail_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arm = DenseArm(tmp_path)
    monkeypatch.setattr(vector_keeper, "_TAIL_ROWS", 100)
    arm.write(named(50), made(50))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(vector_keeper, "build", full)
        arm.write(named(100, 50), made(100, seed=2))
        assert (arm.count(), arm.facts().tail) == (150, 150)
    arm.write(named(200, 150), made(200, seed=3))
    assert (arm.count(), arm.facts().tail) == (350, 0)


def test_who_waits_too_long_for_another_process_is_told_when_to_try_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from filelock import FileLock

    arm, _, vectors = filled(tmp_path, 40, tidy=False)
    monkeypatch.setattr(vector_keeper, "_WAIT", 0.05)
    with FileLock(tmp_path / "arrays.lock"):
        with pytest.raises(Unavailable, match="another process") as told:
            arm.write(named(1, 50), made(1))
        assert told.value.retry_after
        assert len(arm.search(vectors[0], 3)) == 3  # who reads does not wait


# --- several processes -----------------------------------------------------------------------------------------------

_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY / "tests")}
_WRITER = """
import sys, numpy as np
from pathlib import Path
from carrel.index.dense import arm as dense
from carrel.index.dense import keeper as vector_keeper
sys.path.insert(0, sys.argv[2])
from test_index_dense import made, named
vector_keeper._TAIL_ROWS = 300
arm = dense.DenseArm(Path(sys.argv[1]), lists_from=2000)
for start in range(arm.count(), int(sys.argv[3]), 100):
    arm.write(named(100, start), made(100, seed=start))
    print(start + 100, flush=True)
    if start % 700 == 0:
        arm.tidy()
"""


def test_readers_see_what_was_acknowledged_and_never_fail_while_another_process_writes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path), str(Path(__file__).parent), "3500"]
    query, old, counts = made(1, seed=3)[0], DenseArm(tmp_path), [0]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_ENVIRONMENT) as writer:
        for line in writer.stdout or []:
            for arm in (old, DenseArm(tmp_path)):
                counts.append(arm.count())
                assert counts[-1] >= int(line)
                assert len(arm.search(query, 50)) == 50
    assert counts == sorted(counts)
    assert DenseArm(tmp_path).facts().lists > 0
    assert old.verify() == []


def test_threads_of_one_process_search_while_one_of_them_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_keeper, "_TAIL_ROWS", 200)
    arm, query, done = DenseArm(tmp_path, lists_from=1500), made(1, seed=3)[0], threading.Event()
    arm.write(named(100), made(100))

    def read() -> int:
        last = 100
        while not done.is_set():
            count = arm.count()
            assert count >= last
            assert len(arm.search(query, 50)) == 50
            last = count
        return last

    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for start in range(100, 2000, 100):
            arm.write(named(100, start), made(100, seed=start))
        done.set()
        assert all(reader.result() >= 100 for reader in readers)
    assert (arm.count(), arm.verify()) == (2000, [])


@pytest.mark.parametrize("after", [1, 4, 9])
def test_a_writer_that_is_killed_loses_nothing_it_acknowledged(tmp_path: Path, after: int) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path), str(Path(__file__).parent), "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_ENVIRONMENT) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(after)][-1]
        writer.send_signal(signal.SIGKILL)
        acknowledged = max([acknowledged, *(int(line) for line in writer.stdout if line.endswith("\n"))])
    arm = DenseArm(tmp_path, lists_from=2000)
    arm.publish()
    assert arm.has(named(acknowledged)).all()
    assert arm.verify() == []
    arm.write(named(5, 200_000), made(5))
    assert arm.has(named(5, 200_000)).all()
