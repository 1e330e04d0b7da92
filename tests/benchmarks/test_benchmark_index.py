"""The index benchmark: text made anew is the same text, figures are what they say, and a small run goes through."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections import Counter
from importlib import util
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carrel.documents import split
from carrel.records import document_id

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def _repository_is_importable():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield


def _module(name: str) -> Any:
    return importlib.import_module(f"benchmarks.index.{name}")


@pytest.fixture(scope="module")
def corpus():
    module = _module("corpus")
    return module.Corpus(module.Shape(topics=60, fields=6, words=9000))


@pytest.fixture(scope="module")
def encoder(corpus):
    return _module("prepared").PreparedEncoder(corpus)


# text -----------------------------------------------------------------------------------------------------------------


def test_the_same_seed_makes_the_same_documents_and_a_small_corpus_begins_a_large_one(corpus):
    small = list(corpus.documents(300))
    large = list(type(corpus)(corpus.shape).documents(900))
    assert [made.document for made in small[:-1]] == [made.document for made in large[: len(small) - 1]]
    assert sum(len(made.topics) for made in small) == 300
    assert sum(len(made.topics) for made in large) == 900


def test_another_seed_or_version_makes_other_documents(corpus):
    module = _module("corpus")
    other = module.Corpus(module.Shape(topics=60, fields=6, words=9000, seed=21))
    first = next(corpus.documents(20)).document
    newer = next(corpus.documents(20, version=1)).document
    assert next(other.documents(20)).document.text != first.text
    assert newer.source == first.source and newer.text != first.text


def test_the_engine_cuts_every_document_into_the_passages_it_was_made_of(corpus):
    for made in corpus.documents(600):
        passages = split(made.document)
        assert len(passages) == len(made.topics)
        assert made.document.doc_id == document_id(made.document.source, made.document.text)
        assert made.document.sections[-1].end == len(made.document.text)


def test_documents_can_be_asked_for_from_any_number_on(corpus):
    whole = [made.document.doc_id for made in islice(corpus.documents(9000), 600)]
    later = [made.document.doc_id for made in islice(corpus.documents(9000, first=500), 100)]
    assert later == whole[500:600]


def test_words_follow_a_skewed_law_and_queries_say_nothing_but_words_of_their_topic(corpus):
    words = Counter(" ".join(made.document.text.lower() for made in corpus.documents(500)).split())
    counts = [count for _, count in words.most_common()]
    assert counts[0] > 20 * counts[100] > 0
    queries = corpus.queries(50)
    assert len({text for text, _ in queries}) == 50
    for text, topic in queries:
        assert 4 <= len(text.split()) <= 10
        assert not set(text.split()) & {"the", "of", "and"}
        assert 0 <= topic < 60


# vectors --------------------------------------------------------------------------------------------------------------


def test_prepared_vectors_have_length_one_and_do_not_depend_on_the_company_they_are_made_in(corpus, encoder):
    texts = [made.document.text for made in corpus.documents(300)] + ["", "no such word: 42", "żółw \ud800"]
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert together.shape == (len(texts), encoder.dimension) and together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.allclose(together, alone, atol=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_prepared_vectors_of_one_topic_are_nearer_than_those_of_two(corpus, encoder):
    rows = [(text, topic) for made in corpus.documents(400) for text, topic in _passages(made)]
    vectors = encoder.encode([text for text, _ in rows])
    topics = np.array([topic for _, topic in rows])
    same = topics[:, None] == topics[None, :]
    cosines = vectors @ vectors.T
    off_diagonal = ~np.eye(len(rows), dtype=bool)
    assert cosines[same & off_diagonal].mean() > cosines[~same].mean() + 0.1


def _passages(made: Any) -> list[tuple[str, int]]:
    return [(passage.text, topic) for passage, topic in zip(split(made.document), made.topics, strict=True)]


def test_the_timed_encoder_is_asked_for_queries_and_for_nothing_else(corpus, encoder):
    class Counting:
        asked = 0

        def encode_queries(self, texts: list[str]) -> None:
            self.asked += len(texts)

    timed = Counting()
    slow = _module("prepared").PreparedEncoder(corpus, timed)
    slow.encode(["one", "two"])
    assert timed.asked == 0
    assert np.array_equal(slow.encode_queries(["one"]), encoder.encode_queries(["one"]))
    assert timed.asked == 1


def test_the_truth_is_what_brute_force_finds_over_the_texts_themselves(corpus, encoder, tmp_path):
    material = _module("material")
    made = material.make(tmp_path, corpus, 2500, 7, encoder)
    texts = [text for part in made.slices() for text in part.texts]
    assert len(texts) == 2500
    cosines = encoder.encode(made.queries) @ encoder.encode(texts).T
    for query, row in zip(cosines, made.truth, strict=True):
        assert set(np.argsort(-query)[:10].tolist()) == set(row.tolist())
    assert np.allclose(made.vectors[:50], encoder.encode(texts[:50]), atol=1e-5)
    parts = [passage for document in corpus.documents(2500) for passage in split(document.document)]
    keys = [material.passage_key(passage.text) for passage in parts[::100]]
    assert made.rows_of_keys([*keys, 1]) == [*range(0, 2500, 100), -1]


# measuring ------------------------------------------------------------------------------------------------------------


def test_percentiles_are_taken_of_the_times_in_order():
    measure = _module("measure")
    assert measure.percentiles([float(n) for n in range(200, 0, -1)]) == {"p50_ms": 101, "p99_ms": 199, "worst_ms": 200}
    assert measure.percentiles([7.0]) == {"p50_ms": 7, "p99_ms": 7, "worst_ms": 7}


def test_disk_counts_a_file_under_two_names_once(tmp_path):
    measure = _module("measure")
    (tmp_path / "one").write_bytes(b"x" * 2_000_000)
    alone = measure.disk_mb(tmp_path)
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    assert alone == pytest.approx(2.0, rel=0.1)
    assert measure.disk_mb(tmp_path) == alone


def test_the_peak_remembers_memory_that_was_given_back():
    code = (
        "from benchmarks.index.measure import memory; before = memory()['peak_mb']\n"
        "block = bytearray(b'x') * 80_000_000; del block\n"
        "print(before, memory()['peak_mb'])"
    )
    before, peak = map(int, _run(["-c", code]).stdout.split())
    assert 70 <= peak - before <= 120


def test_reciprocal_ranks_put_first_what_both_arms_found():
    fused = _module("systems").fused
    assert fused([[1, 2, 3], [3, 4]], 3) == [3, 1, 2]
    assert fused([[], []], 3) == []


# the whole ------------------------------------------------------------------------------------------------------------


def _run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def test_a_small_run_measures_the_engine_and_a_peer_and_writes_what_it_prints(tmp_path):
    out, work = tmp_path / "out" / "index.json", tmp_path / "work"
    work.mkdir()
    command = (
        f"--sizes 400 --queries 20 --warm 5 --seconds 2 --overhead 0 --only engine,sqlite --out {out} --work {work}"
    )
    printed = _run(["-m", "benchmarks.index.run", *command.split()]).stdout
    record = json.loads(out.read_text())
    systems = record["figures"]["sizes"]["400"]["systems"]
    engine = systems["engine"]
    assert engine["serve"]["dense"]["recall10"] > 0.97
    assert engine["serve"]["hybrid"]["queries"] == 20
    assert 0 < engine["serve"]["hybrid"]["p50_ms"] <= engine["serve"]["hybrid"]["p99_ms"]
    assert engine["update"]["found"]
    assert engine["build"]["lexical_ready_s"] > 0 and engine["build"]["disk_mb"] > 0
    assert "Carrel" in printed and f"{engine['serve']['hybrid']['p50_ms']:.2f}" in printed
    if util.find_spec("apsw") and util.find_spec("sqlite_vec"):
        assert systems["sqlite"]["serve"]["dense"]["recall10"] == 1
        assert systems["sqlite"]["update"]["found"]
    else:
        assert "not installed" in systems["sqlite"]["not_run"]
    assert not list(work.iterdir()), "the run left its files behind"
    assert out.with_suffix(".png").exists() or "no picture" in printed


def test_what_was_built_is_asked_again_without_building_it(tmp_path):
    common = f"--sizes 400 --queries 5 --warm 2 --seconds 1 --overhead 0 --only engine --work {tmp_path} --keep"
    records = []
    for number in range(2):
        out = tmp_path / f"{number}.json"
        _run(["-m", "benchmarks.index.run", *common.split(), "--out", str(out)])
        records.append(json.loads(out.read_text())["figures"]["sizes"]["400"])
    first, second = records
    assert first["material"] == second["material"]
    assert first["systems"]["engine"]["build"] == second["systems"]["engine"]["build"]
    assert first["systems"]["engine"]["serve"] != second["systems"]["engine"]["serve"]


@pytest.mark.parametrize("wrong", ["--keep", "--sizes=ten", "--sizes=10", "--only=engine,postgres", "--queries=0"])
def test_a_run_that_cannot_be_is_refused_at_once(wrong):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.index.run", wrong], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "error:" in done.stderr and "Traceback" not in done.stderr


def test_the_readme_gets_a_row_for_each_size_and_says_what_was_not_run():
    def row(p50: float) -> dict[str, Any]:
        return {"serve": {"hybrid": {"p50_ms": p50, "p99_ms": 2 * p50}, "memory": {"rss_mb": round(1000 * p50)}}}

    figures = {
        "sizes": {
            "10000": {"systems": {"engine": row(1.0), "sqlite": row(3.0)}},
            "1000000": {"systems": {"engine": row(4.0), "sqlite": {"not_run": "build took longer than 15 minutes"}}},
        }
    }
    lines = _module("report").readme_table(figures).splitlines()
    assert len(lines) == 5
    assert lines[2] == "| 10,000 passages | 1.0 / 2.0 ms | 3.0 / 6.0 ms |"
    assert lines[3] == "| 1,000,000 passages | 4.0 / 8.0 ms | not run |"
    assert lines[4] == "| memory to serve 1,000,000 | 4,000 MB | not run |"
    assert _module("report").readme_table({}) == ""
