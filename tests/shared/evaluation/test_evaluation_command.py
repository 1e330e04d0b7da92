"""``python -m carrel.evaluation``: from a folder of files to a table, a run, a verdict and an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ir_measures", reason="the measures need the extra 'evaluate'")

from carrel.documents import split
from carrel.evaluation import shelves
from carrel.evaluation.__main__ import main

DOCUMENTS = {
    "fox": ("Red foxes", "A red fox eats rodents, birds and berries in the forest."),
    "owl": ("Barn owls", "The barn owl hears a mouse below the snow and flies without a sound."),
    "eel": ("European eels", "Eels swim thousands of kilometres to breed in the Sargasso sea."),
    "code": ("", "def getUserName(session): return session.user"),
}
QUERIES = {
    "q1": "what does a fox eat",
    "q2": "which owl hears a mouse below snow",
    "q3": "eels breed where",
    "q4": "user name of a session",
    "unjudged": "ferry",
    "hopeless": "nothing at all",
}
QRELS = [
    ("q1", "fox", 1),
    ("q2", "owl", 2),
    ("q2", "fox", 0),
    ("q3", "eel", 1),
    ("q4", "code", 1),
    ("hopeless", "eel", 0),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_set(tmp_path / "beasts")


def write_set(folder: Path) -> Path:
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": name, "title": title, "text": text} for name, (title, text) in DOCUMENTS.items()]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    queries = [{"_id": name, "text": text} for name, text in QUERIES.items()]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries), encoding="utf-8")
    lines = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, each)) for each in QRELS)]
    (folder / "qrels" / "test.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


class Ran:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def outcome(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found


@pytest.fixture
def evaluate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        cache = ["--cache", str(tmp_path / "cache"), "--encoder", "none", "--data", str(tmp_path / "no library")]
        code = main([*map(str, arguments), *cache])
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


def test_a_set_becomes_a_table_with_every_measure_and_what_was_left_out(evaluate, folder: Path):
    ran = evaluate(folder, "--pipeline", "lexical", "--json")
    assert ran.code == 0
    means = ran.outcome["pipelines"][0]["means"]
    assert list(means) == ["nDCG@10", "R@100", "RR@10", "AP", "Judged@10"]
    assert means["nDCG@10"] == means["R@100"] == 1.0
    assert ran.outcome["questions"] == 4
    assert ran.outcome["notes"] == ["1 queries without a relevant document are left out"]
    facts = ran.outcome["facts"]
    assert (facts["documents"], facts["analyser"], facts["seed"]) == (4, "english-3", 0)
    assert "tantivy" in facts["versions"]
    assert ran.outcome["pipelines"][0]["p95_ms"] >= ran.outcome["pipelines"][0]["p50_ms"] > 0


def test_two_sets_give_two_tables(evaluate, folder: Path, tmp_path: Path):
    other = write_set(tmp_path / "others")
    ran = evaluate(folder, other, "--pipeline", "lexical")
    assert ran.code == 0
    assert ran.out.count("| lexical") == 2


def test_a_measure_below_its_bound_ends_with_three_and_says_so(evaluate, folder: Path):
    met = evaluate(folder, "--pipeline", "lexical", "--at-least", "ndcg@10=1")
    missed = evaluate(folder, "--pipeline", "lexical", "--at-least", "p@5=0.99", "--at-least", "ndcg@10=.5")
    assert met.code == 0
    assert missed.code == 3
    assert "P@5 of lexical is" in missed.err
    assert "below 0.99" in missed.err


def test_a_run_that_was_written_measures_the_same_when_it_is_read(evaluate, folder: Path, tmp_path: Path):
    out = tmp_path / "out"
    wrote = evaluate(folder, "--pipeline", "lexical", "--out", out, "--json")
    read = evaluate("--run", out / "beasts-lexical.run", "--qrels", folder / "qrels" / "test.tsv", "--json")
    assert read.outcome["pipelines"][0]["name"] == "lexical"
    assert read.outcome["pipelines"][0]["means"] == wrote.outcome["pipelines"][0]["means"]
    assert "| lexical" in (out / "beasts.md").read_text(encoding="utf-8")
    saved = json.loads((out / "beasts.json").read_text(encoding="utf-8"))
    assert saved["pipelines"] == wrote.outcome["pipelines"]


def test_a_plot_is_drawn_where_matplotlib_is(evaluate, folder: Path, tmp_path: Path):
    pytest.importorskip("matplotlib", reason="the plot needs the extra 'bench'")
    assert evaluate(folder, "--pipeline", "lexical", "--out", tmp_path / "out").code == 0
    assert (tmp_path / "out" / "beasts.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_all_but_the_plot_is_written_and_said(
    evaluate, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    ran = evaluate(folder, "--pipeline", "lexical", "--out", tmp_path / "out")
    assert ran.code == 0
    assert "no plot without matplotlib" in ran.out
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".json", ".md", ".run"]


def test_without_ir_measures_it_says_what_to_install(evaluate, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    ran = evaluate(folder, "--pipeline", "lexical")
    assert ran.code == 1
    assert 'the extra "evaluate"' in ran.err


def test_what_cannot_be_written_is_told(evaluate, folder: Path, tmp_path: Path):
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    ran = evaluate(folder, "--pipeline", "lexical", "--out", tmp_path / "taken")
    assert ran.code == 1
    assert "--out cannot be written" in ran.err


def test_an_index_made_by_other_code_is_not_taken_for_this_ones(
    evaluate, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    evaluate(folder, "--pipeline", "lexical")
    monkeypatch.setattr(shelves, "split", lambda document: split(document, max_chars=20))
    assert "indexing" in evaluate(folder, "--pipeline", "lexical").err
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_the_index_of_a_set_is_made_once(evaluate, folder: Path, tmp_path: Path):
    first = evaluate(folder, "--pipeline", "lexical")
    again = evaluate(folder, "--pipeline", "lexical")
    assert "indexing" in first.err
    assert "indexing" not in again.err
    assert len(list((tmp_path / "cache").iterdir())) == 1
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"_id": "new", "title": "New", "text": "something else"}\n')
    assert "indexing" in evaluate(folder, "--pipeline", "lexical").err
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_an_index_that_was_left_half_made_is_finished(evaluate, folder: Path, tmp_path: Path):
    assert evaluate(folder, "--pipeline", "lexical").code == 0
    (done,) = (tmp_path / "cache").rglob("*.done")
    done.unlink()
    ran = evaluate(folder, "--pipeline", "lexical", "--json")
    assert ran.outcome["facts"]["documents"] == 4


def test_identifier_parts_show_in_the_ablation(evaluate, folder: Path):
    ran = evaluate(folder, "--pipeline", "lexical:words=whole", "--pipeline", "lexical", "--main", "lexical", "--json")
    values = {row["name"]: row["values"] for row in ran.outcome["pipelines"]}
    assert values["lexical"]["q4"] == 1
    assert ran.outcome["comparisons"][0]["other"] == "lexical:words=whole"


def test_runs_of_others_are_compared_by_score_not_by_rank(evaluate, folder: Path, tmp_path: Path):
    good, bad = tmp_path / "good.run", tmp_path / "bad.run"
    good.write_text("q1 Q0 owl 1 1.0 good\nq1 Q0 fox 2 3.5 good\nq3 Q0 eel 1 1 good\n", encoding="utf-8")
    bad.write_text("q1 Q0 owl 1 9 bad\n", encoding="utf-8")
    out = tmp_path / "out"
    ran = evaluate("--run", bad, "--run", good, "--qrels", folder / "qrels" / "test.tsv", "--json", "--out", out)
    assert (out / "test-good.run").read_text(encoding="utf-8").startswith("q1 Q0 fox 1 3.5 good\nq1 Q0 owl 2 1 good\n")
    rows = {row["name"]: row["means"] for row in ran.outcome["pipelines"]}
    assert rows["good"]["RR@10"] == 0.5  # two of four questions, each at the top
    assert rows["bad"]["RR@10"] == 0
    assert ran.outcome["comparisons"][0]["mean"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name test sets"),
        (["--run", "x.run"], "--run needs --qrels"),
        (["--collection", "mine"], "--collection needs --queries and --qrels"),
        (["FOLDER", "--own", "mine"], "name test sets"),
        (["FOLDER", "--split", "dev"], "no split of that name; there are: test"),
        (["FOLDER", "--pipeline", "sparse"], "a pipeline begins with"),
        (["FOLDER", "--pipeline", "hybrid:dense=2"], "from 0 to 1"),
        (["FOLDER", "--pipeline", "hybrid:dense=nan"], "from 0 to 1"),
        (["FOLDER", "--pipeline", "hybrid:taste=2"], "no such key"),
        (["FOLDER", "--measure", "bogus@3"], "no measure of that name"),
        (["FOLDER", "--measure", "ndcg"], "no measure of that name"),
        (["FOLDER", "--at-least", "ndcg@10=7"], "--at-least is a measure"),
        (["FOLDER", "--at-least", "ndcg@10"], "--at-least is a measure"),
        (["FOLDER", "--depth", "0"], "--depth is from 1"),
        (["FOLDER", "--language", "klingon"], "unknown language"),
        (["FOLDER", "--ablate", "--main", "dense"], "pipelines of its own"),
        (["FOLDER", "--ablate", "--at-least", "ap=.1"], "leave out --at-least"),
        (["FOLDER/qrels"], "no test set"),
        (["--own", "mine"], "no library"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(evaluate, folder: Path, arguments: list[str], words: str):
    ran = evaluate(*(each.replace("FOLDER", str(folder)) for each in arguments))
    assert ran.code == 1
    assert words in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_an_error_is_an_object_for_programs(evaluate, folder: Path):
    ran = evaluate(folder, "--split", "dev", "--json")
    assert ran.outcome["error"]["kind"] == "not_found"


def test_meaning_without_an_encoder_is_an_error_and_no_zero(evaluate, folder: Path):
    ran = evaluate(folder, "--pipeline", "dense")
    assert ran.code == 1
    assert "encoder" in ran.err


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("corpus.jsonl", "", "corpus.jsonl is empty"),
        ("corpus.jsonl", '{"_id": "a", "text": "x"}\n{"_id": "b"\n', "corpus.jsonl, line 2: this is not JSON"),
        ("corpus.jsonl", '\n\n["a"]\n', "corpus.jsonl, line 3: this is not a JSON object"),
        ("corpus.jsonl", '{"text": "x"}\n', "line 1: there is no '_id'"),
        ("corpus.jsonl", '{"_id": "a"}\n', "line 1: there is no 'text'"),
        ("corpus.jsonl", '{"_id": "a", "text": ["x"]}\n', "line 1: 'text' must be text"),
        (
            "corpus.jsonl",
            '{"_id": "a", "text": "x"}\n{"_id": "a", "text": "y"}\n',
            "line 2: this '_id' stands in line 1",
        ),
        ("corpus.jsonl", "[" * 100_000 + "\n", "line 1: this is not JSON"),
        ("queries.jsonl", '{"_id": "a", "text": "  "}\n', "queries.jsonl, line 1: the query is empty"),
        ("queries.jsonl", '{"_id": "a", "text": "x"}\n' * 2, "queries.jsonl, line 2: this query stands here twice"),
        ("qrels/test.tsv", "", "test.tsv holds no judgement"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\n", "test.tsv holds no judgement"),
        ("qrels/test.tsv", "q1\tfox\t1\nq2\towl\n", "test.tsv, line 2: a judgement is"),
        ("qrels/test.tsv", "q1\tfox\t1\nq2\towl\thigh\n", "test.tsv, line 2: the grade is not a whole number"),
        ("qrels/test.tsv", "q1\tfox\t1\nq1\tfox\t2\n", "test.tsv, line 2: this document is judged twice"),
        ("qrels/test.tsv", "elsewhere\tfox\t1\n", "no query has a relevant document"),
    ],
)
def test_a_broken_file_is_one_sentence_with_its_line(evaluate, folder: Path, name: str, text: str, words: str):
    (folder / name).write_text(text, encoding="utf-8")
    ran = evaluate(folder, "--pipeline", "lexical")
    assert ran.code == 1
    assert words in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_bytes_that_are_no_text_name_their_line(evaluate, folder: Path):
    (folder / "queries.jsonl").write_bytes(b'{"_id": "q1", "text": "a"}\n\xff\xfe\n')
    assert "queries.jsonl, line 2: this is not UTF-8" in evaluate(folder).err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("q1 Q0 fox 1", "a line of a run is"),
        ("q1 Q0 fox 1 high me", "the score is not a number"),
        ("q1 Q0 fox 1 nan me", "the score is not a number"),
        ("q1 Q0 owl 1 1 me\nq1 Q0 owl 2 1 me", "ranked twice"),
    ],
)
def test_a_broken_run_is_one_sentence_with_its_line(evaluate, folder: Path, tmp_path: Path, line: str, words: str):
    (tmp_path / "x.run").write_text(line + "\n", encoding="utf-8")
    ran = evaluate("--run", tmp_path / "x.run", "--qrels", folder / "qrels" / "test.tsv")
    assert ran.code == 1
    assert "x.run, line " in ran.err and words in ran.err


def test_trec_judgements_and_a_byte_order_mark_are_read(evaluate, folder: Path, tmp_path: Path):
    qrels = tmp_path / "judged.qrels"
    qrels.write_bytes(b"\xef\xbb\xbfq1 0 fox 1\r\nq3 0 eel 1\r\n")
    (tmp_path / "x.run").write_text("q1 Q0 fox 1 2 me\nq3 Q0 fox 1 2 me\n", encoding="utf-8")
    ran = evaluate("--run", tmp_path / "x.run", "--qrels", qrels, "--measure", "Success@1", "--json")
    assert ran.outcome["pipelines"][0]["means"] == {"Success@1": 0.5}


def test_relevant_documents_that_the_corpus_lacks_are_told_and_count_as_not_found(evaluate, folder: Path):
    with (folder / "qrels" / "test.tsv").open("a", encoding="utf-8") as file:
        file.write("q1\tghost\t1\n")
    ran = evaluate(folder, "--pipeline", "lexical", "--json")
    assert any(note.startswith("1 relevant documents are not in") for note in ran.outcome["notes"])
    assert ran.outcome["pipelines"][0]["means"]["R@100"] == pytest.approx(3.5 / 4)
