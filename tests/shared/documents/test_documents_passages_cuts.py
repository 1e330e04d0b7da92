"""Where passages begin and end: with what belongs together, and about equally full."""

from __future__ import annotations

import time

import pytest

from carrel.documents import MAX_CHARS, parse, split
from carrel.documents.blocks import cost_of
from carrel.records import Document

SENTENCE = "The tide rises twice a day because the Moon pulls on the ocean and falls in between. "  # 85 characters


def read(text: str, source: str = "notes.md") -> Document:
    return parse(text.encode(), source=source)


def texts(text: str, source: str = "notes.md") -> list[str]:
    return [passage.text for passage in split(read(text, source))]


TABLE = "| year | sales |\n|---|---|\n" + "".join(f"| {year} | {year * 7} |\n" for year in range(1990, 2020))
ROWS = "year | sales | profit\n" + "".join(f"{year} | {year * 7} | {year * 3}\n" for year in range(1970, 2020))


@pytest.mark.parametrize("table", [TABLE, ROWS, ROWS.replace(" | ", "\t")], ids=["bars", "no bars", "tabs"])
def test_a_table_is_whole_and_begins_with_the_sentence_that_introduces_it(table: str) -> None:
    text = SENTENCE * 14 + "Sales and profit were as follows.\n\n" + table + "\nThe rest is history. " + SENTENCE * 8
    holding = [passage for passage in texts(text) if "1990" in passage]
    assert len(holding) == 1
    assert "Sales and profit were as follows.\n\n" + table.strip() in holding[0]


def test_a_table_without_bars_is_kept_whole_beyond_the_limit_of_prose() -> None:
    assert MAX_CHARS < cost_of(ROWS) < 2 * MAX_CHARS
    assert texts(ROWS) == [ROWS.strip()]


def test_prose_with_a_bar_in_it_is_no_table() -> None:
    prose = "Choose a | b or c.\n" + SENTENCE.strip() + "\n" + SENTENCE * 30
    assert len(texts(prose)) > 1 and all(cost_of(passage) <= MAX_CHARS for passage in texts(prose))


def test_a_list_begins_with_the_line_that_introduces_it() -> None:
    items = "".join(f"- point number {number} of the long list\n" for number in range(20))
    for filling in range(8, 15):
        passages = texts(SENTENCE * filling + "\n\nThe points are these:\n\n" + items)
        assert any("The points are these:\n\n- point number 0" in passage for passage in passages), filling


def test_the_continuation_of_an_item_stays_with_it() -> None:
    item = "- " + "A word of the item that goes on\n  and is continued here. " * 3 + "\n"
    for passage in texts(item * 12):
        assert passage.startswith("- A word")


def test_passages_of_a_section_are_about_equally_full() -> None:
    for count in range(17, 60):
        lengths = [len(passage) for passage in texts("\n\n".join([SENTENCE.strip()] * count))]
        assert max(lengths) <= MAX_CHARS and min(lengths) >= 0.8 * max(lengths) - len(SENTENCE), (count, lengths)


def test_paragraphs_that_fit_are_not_cut() -> None:
    paragraph = (SENTENCE * 7).strip()
    assert texts("\n\n".join([paragraph] * 20)) == [f"{paragraph}\n\n{paragraph}"] * 10


def test_source_code_is_cut_where_nothing_is_open() -> None:
    step = "    the_value = the_value + another_value;\n"
    function = "int name_of_it(int the_value) {\n" + step * 3 + "\n" + step * 3 + "\n" + step * 3 + "}\n\n"
    assert all(passage.startswith("int") for passage in texts(function * 40, "a.sql"))  # no sections are found in it


def test_cost_counts_marks_digits_and_other_scripts_for_more() -> None:
    assert [cost_of(text) for text in ("abc d", "é", "a.", "12", "潮", "Я", "👍", "")] == [5, 1, 4, 4, 5, 5, 5, 0]
    assert cost_of("\ud800") >= 1  # a lone surrogate is text too


PIECES = (
    "a\n\n",
    "- a\n",
    "- a\n  b\n",
    "|a|\n",
    "a | b\n",
    "# a\n",
    "a:\n\n|b|c|\n\n",
    "A. ",
    "```\nx\n```\n",
    "潮汐。",
)


@pytest.mark.parametrize("piece", PIECES)
def test_hostile_runs_are_cut_in_linear_time(piece: str) -> None:
    document = read(piece * (200_000 // len(piece)))
    begin = time.process_time()
    split(document)
    assert time.process_time() - begin < 4


def test_the_same_text_is_always_cut_alike() -> None:
    text = "\n\n".join([SENTENCE * 3, TABLE, SENTENCE * 9, ROWS] * 5)
    assert split(read(text)) == split(read(text))
