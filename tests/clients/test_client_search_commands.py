"""``carrel search --rerank`` and ``carrel rank``: rerankers from the command line, the reader among them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


@pytest.fixture
def filled(carrel, notes: Path):
    for number in range(6):
        text = f"# Zebra {number}\n\nThe zebra{number} of plain {number} is striped.\n"
        (notes / f"zebra{number}.md").write_text(text, encoding="utf-8")
    assert carrel("add", str(notes)).code == 0
    return carrel


def test_a_reranker_that_is_not_here_is_left_out_and_named(filled):
    ran = filled("search", "zebra", "--rerank", "late")
    assert ran.code == 0 and "Zebra" in ran.out
    assert "late reranking was left out" in ran.err


def test_an_unknown_reranker_is_one_line_with_those_there_are(filled):
    ran = filled("search", "zebra", "--rerank", "best")
    assert ran.code != 0 and ran.out == ""
    assert "none, late, cross, host" in ran.err


def test_who_searches_may_be_the_reranker(filled):
    ran = filled("search", "striped zebra plain", "--rerank", "host")
    assert ran.code == 0
    shown = re.findall(r"^ *(\d+)  Zebra (\d)", ran.out, re.MULTILINE)
    assert len(shown) == 6
    assert "write each block's numbers in order" in ran.out
    handle = re.search(r"carrel rank (rank_\S+) ", ran.out)
    assert handle is not None
    wanted = sorted(shown, key=lambda pair: pair[1], reverse=True)
    ranked = filled("rank", handle[1], ",".join(number for number, _ in wanted))
    assert ranked.code == 0
    assert re.findall(r"^ *\d+  Zebra (\d)", ranked.out, re.MULTILINE) == ["5", "4", "3", "2", "1", "0"]
    assert "pairs" not in ranked.err, "no two of them stood in more than one block"


def test_an_answer_that_is_none_is_refused_in_one_line(filled):
    ran = filled("rank", "rank_nonsense", "1,2")
    assert ran.code != 0 and "copy it exactly from the work order" in ran.err
    ran = filled("rank", "rank_nonsense", ",")
    assert ran.code == 2 and "3,1,2" in ran.err


def test_json_holds_the_work_order(filled):
    work = filled("search", "zebra", "--rerank", "host", "--json").json["work_order"]
    assert work["blocks"] == [[1, 2, 3, 4, 5, 6]] and work["handle"].startswith("rank_")
