"""Answers that stand in tables, and what a text introduces by its name."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from carrel_client.brief import compose, to_markdown
from carrel_client.evidence import Found
from carrel_client.manner import introduces
from carrel_client.rows import rows_of

TABLE = (
    "# Prices\n\n| Plan | Price per month | Seats |\n|:---|---:|---|\n| Basic | 9 euros | 1 |\n"
    "| **Team** | 49 euros | 10 |\n| Enterprise | 199 euros | unlimited |\n"
)
RECORDS = (
    "- Plan: Basic; Price per month: 9 euros; Seats: 1\n- Plan: Team; Price per month: 49 euros; Seats: 10\n"
    "- Plan: Enterprise; Price per month: 199 euros; Seats: unlimited"
)


def passage(text: str, title: str = "Prices") -> Found:
    return Found(f"{'a' * 16}:0-{len(text)}", title, "prices.md", text, score=0.05, closeness=0.5, page=3, date="2021")


def said(question: str, text: str, title: str = "Prices") -> list[str]:
    return [line.sentence.text for line in compose(question, [passage(text, title)]).lines]


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("What does the Team plan cost per month?", ("Team | 49 euros | 10", "Team; Price per month: 49")),
        ("How many seats does the enterprise plan have?", ("Enterprise | 199 euros", "Enterprise; Price")),
        ("What does the enterprise plan cost?", ("Enterprise | 199 euros", "Enterprise; Price")),
        ("Which plan has unlimited seats?", ("Enterprise | 199 euros", "Enterprise; Price")),
    ],
)
def test_the_row_that_answers_is_quoted_with_what_names_its_columns(question: str, row: tuple[str, str]):
    (quoted,) = said(question, TABLE)
    assert quoted.startswith("Plan | Price per month | Seats … ") and row[0] in quoted
    (quoted,) = said(question, RECORDS)
    assert row[1] in quoted


@pytest.mark.parametrize(
    "question",
    [
        "What does the Premium plan cost?",
        "what does the premium plan cost?",
        "Who invented the plan?",
        "How old is the Team plan?",
    ],
)
@pytest.mark.parametrize("text", [TABLE, RECORDS])
def test_no_row_stands_in_for_one_that_is_not_there(question: str, text: str):
    assert said(question, text) == []


@pytest.mark.parametrize("text", [TABLE, RECORDS, "x\n\n" + TABLE + "\nafter | it\n| loose | row |\n"])
def test_the_reference_of_a_row_spans_its_words(text: str):
    rows = rows_of(passage(text))
    assert len(rows) == 3
    for row in rows:
        start, end = map(int, re.findall(r"\d+", row.ref.partition(":")[2]))
        span = text[start:end].replace("**", "")
        assert all(part in span for part in row.text.split(" … ")) and row.columns


def test_a_huge_hostile_table_takes_linear_time():
    for text in ("|" * 200_000, "| a |\n" * 50_000, "- a: b; " * 40_000, "|-" * 100_000, "| - | a\n|-|\n" * 20_000):
        began = time.process_time()
        rows_of(passage(text))
        assert time.process_time() - began < 2.0


PASA = (
    "We introduce PaSa, an advanced Paper Search agent powered by large language models. PaSa can autonomously make a "
    "series of decisions, including invoking search tools, reading papers, and selecting relevant references."
)


@pytest.mark.parametrize("question", ["What is PaSa?", "what is pasa"])
def test_what_a_text_introduces_by_name_is_a_definition(question: str):
    assert said(question, PASA, "PaSa: An LLM Agent for Academic Paper Search")[0].startswith("We introduce PaSa, an")
    assert said("What is LitSearch?", PASA, "PaSa: An LLM Agent for Academic Paper Search") == []


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        ("In this paper, we present Harbour (HBR), a library for ferries.", "Harbour"),
        ("This paper introduces BEIR, a heterogeneous benchmark.", "BEIR"),
        ("ColBERT, a late interaction model, is fast.", "ColBERT"),
        ("We present results.", ""),
        ("However, a storm can cut it.", ""),
        ("In 1999, the year of the eclipse, it rained.", ""),
    ],
)
def test_the_name_that_a_sentence_explains(sentence: str, name: str):
    assert introduces(sentence) == name


def test_a_reference_names_the_date_and_the_page():
    report = to_markdown([compose("What does the Team plan cost per month?", [passage(TABLE)])])
    assert "[1] Prices (2021, p. 3). prices.md. `" in report


def test_an_answer_in_a_table_stands_its_own_audit(carrel, tmp_path: Path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "prices.md").write_text(TABLE)
    (folder / "cities.csv").write_text("City,Country,Inhabitants\nOslo,Norway,709037\nTurku,Finland,195137\n")
    carrel("add", str(folder))
    for question, answer in (
        ("What does the Team plan cost per month?", "49 euros"),
        ("How many inhabitants does Turku have?", "195137"),
    ):
        ran = carrel("research", question, "--out", str(tmp_path / "out"), "--json")
        assert ran.code == 0
        metrics = ran.json["audit"]["metrics"]
        assert metrics["quote_fidelity"]["hits"] == metrics["quote_fidelity"]["total"] == 1
        assert answer in (tmp_path / "out" / "report.md").read_text()
