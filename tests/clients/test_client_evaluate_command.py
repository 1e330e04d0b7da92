"""``carrel evaluate``: a user measures searches from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ir_measures", reason="the measures need the extra 'evaluate'")


@pytest.fixture
def beasts(tmp_path: Path) -> Path:
    """A test set of two documents, as a folder in BEIR's layout."""
    folder = tmp_path / "--beasts"  # a name that could be taken for an option
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(
        '{"_id": "fox", "title": "Foxes", "text": "A fox eats berries."}\n'
        '{"_id": "owl", "title": "Owls", "text": "An owl hears mice."}\n',
        encoding="utf-8",
    )
    (folder / "queries.jsonl").write_text('{"_id": "1", "text": "what eats berries"}\n', encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\tfox\t1\n", encoding="utf-8")
    return folder


def test_a_set_is_measured_and_a_bound_decides_the_exit_code(carrel, beasts: Path, tmp_path: Path):
    options = ("--encoder", "none", "--pipeline", "lexical", "--cache", str(tmp_path / "cache"))
    ran = carrel("evaluate", "--at-least", "ndcg@10=.9", *options, "--out", str(tmp_path / "out"), "--", str(beasts))
    assert ran.code == 0
    assert "| lexical" in ran.out
    assert (tmp_path / "out" / "beasts-lexical.run").read_text(encoding="utf-8").startswith("1 Q0 fox 1 1 ")
    below = carrel("evaluate", "--at-least", "p@10=.9", *options, "--json", "--", str(beasts))
    assert below.code == 3
    assert below.json[0]["below"] == ["--beasts: P@10 of lexical is 0.1000, below 0.9"]
    assert "markdown" not in below.json[0]


def test_questions_are_made_of_ones_own_collection(carrel, tmp_path: Path):
    folder = tmp_path / "notes"
    folder.mkdir()
    for number, name in enumerate(("fox", "owl", "eel", "newt", "hare", "lynx", "otter", "heron")):
        text = f"# Notes on the {name} of valley {number}\n\nObservers counted it by the river at station {number}.\n"
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    assert carrel("add", str(folder)).code == 0
    options = (
        "--data",
        str(tmp_path / "library"),
        "--encoder",
        "none",
        "--pipeline",
        "lexical",
        "--pipeline",
        "default",
    )
    ran = carrel("evaluate", "--own", "default", *options)
    assert ran.code == 0, ran.err
    assert "8 questions of kind title" in ran.out
    assert "Keep the default" in ran.out


def test_what_cannot_be_measured_ends_with_one_and_one_sentence(carrel, beasts: Path):
    ran = carrel("evaluate", str(beasts), "--split", "dev", "--encoder", "none")
    assert ran.code == 1
    assert ran.err.strip() == "carrel: this set has no split of that name; there are: test"


def test_a_server_cannot_be_evaluated_from_outside(carrel, beasts: Path):
    ran = carrel("evaluate", str(beasts), "--server", "search=http://127.0.0.1:1/mcp")
    assert ran.code == 2
    assert "leave out --server" in ran.err
