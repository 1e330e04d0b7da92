"""Reports taken apart: statements, marks in every notation, references, faults."""
# ruff: noqa: E501 - texts under test stand as they are

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrel.citations import parse_report
from carrel.errors import BadRequest, Refused

LIST = """

## References
[1] Boteler, D. "A 21st century view of the March 1989 storm". Space Weather 17 (2019). doi:10.1029/2019SW002278
[2] [Quebec blackout](https://grid.example/quebec). Hydro.
[3] Station. kepler.md. `abcdefghijklmnop:0-100`
[4] Smith, J. and Kim, A. 2020. Resonance of grids. J. Phys.
"""


def keys(sentence: str, tail: str = LIST) -> tuple[str, ...]:
    return parse_report(f"Some earlier words stand here first.\n\n{sentence}{tail}").statements[1].keys


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Solar storms cause long outages [1].", ("1",)),
        ("Solar storms cause long outages. [1]", ("1",)),
        ("Solar storms cause long outages [1, 3].", ("1", "3")),
        ("Solar storms cause long outages [1][3].", ("1", "3")),
        ("Solar storms cause long outages [1-3].", ("1", "2", "3")),
        ("Solar storms cause long outages [1–2, 4].", ("1", "2", "4")),
        ("Solar storms cause long outages[^2].", ("2",)),
        ("Solar storms cause long outages<sup>1,2</sup>.", ("1", "2")),
        ("Solar storms cause long outages.¹", ("1",)),
        ("Solar storms cause long outages 【2†L5-L9】.", ("2",)),
        ("Solar storms cause long outages (Source 3).", ("3",)),
        ("Solar storms cause long outages (Smith & Kim, 2020).", ("4",)),
        ("Smith and Kim (2020) saw that storms cause outages.", ("4",)),
        ("Solar storms cause [long outages](https://grid.example/quebec#:~:text=x).", ("2",)),
        ("Solar storms cause long outages https://grid.example/quebec.", ("2",)),
        ("Solar storms cause long outages `abcdefghijklmnop:0-100`.", ("3",)),
        ("Solar storms cause long outages `abcdefghijklmnop:5-9`.", ("ref:abcdefghijklmnop:5-9",)),
        ("The values lie in [0, 1] for `x[2]` and E = mc² here.", ()),
        ("The meeting was quiet and long (May, 2020).", ()),
    ],
)
def test_every_notation_leads_to_its_source(sentence: str, expected: tuple[str, ...]) -> None:
    assert keys(sentence) == expected


def test_references_are_read_for_what_they_point_at() -> None:
    report = parse_report("A claim that cites them all [1-4]." + LIST)
    kinds = {reference.key: reference.kind for reference in report.references}
    assert kinds == {"1": "identifier", "2": "url", "3": "evidence", "4": "text"}
    first, second, third, _ = report.references
    assert first.identifier.lower() == "doi:10.1029/2019sw002278"
    assert (second.title, second.url) == ("Quebec blackout", "https://grid.example/quebec")
    assert third.ref == "abcdefghijklmnop:0-100"


@pytest.mark.parametrize("heading", ["## References", "# Sources", "Bibliography\n---", "**References**", "Sources:"])
def test_the_list_is_found_under_its_usual_names(heading: str) -> None:
    report = parse_report(
        f"A claim stands here with a mark [1].\n\n{heading}\n\n1. First. https://a.example/x\n2. Second thing.\n"
    )
    assert [reference.key for reference in report.references] == ["1", "2"]
    assert len([s for s in report.statements if s.kind != "heading"]) == 1


def test_a_list_without_numbers_is_numbered_in_order() -> None:
    report = parse_report(
        "A claim stands here with a mark [2].\n\n## Sources\n- First https://a.example/x\n- Second https://b.example/\n"
    )
    assert report.statements[0].keys == ("2",)
    assert report.references[1].url == "https://b.example/"


def test_faults_of_the_apparatus_are_told() -> None:
    report = parse_report(
        "A claim with a dangling mark [9]. Another good claim here [1].\n\n## References\n[1] A. https://a.example/x\n"
        "[1] B. https://b.example/x\n[2] C. https://example.com/\n[3] A again. https://a.example/x/\n"
    )
    assert {(fault.kind, fault.key) for fault in report.faults} == {
        ("dangling", "9"), ("duplicate", "1"), ("unused", "2"), ("placeholder", "2"), ("unused", "3"), ("duplicate", "3"),
    }  # fmt: skip


def test_quotations_are_found_and_titles_and_scare_quotes_are_not() -> None:
    report = parse_report(
        'He said "the lights went out. All of them did" [1]. The “smart” grid failed. '
        "It is told in “The Long Dark Night of the Grid” [1]. „Das Netz war vollständig dunkel“, hieß es [1].\n\n"
        "> The lights were out for nine hours.\n> — Jones [2]" + LIST
    )
    quoted = [q.text for s in report.statements for q in s.quotations]
    assert quoted == [
        "the lights went out. All of them did", "Das Netz war vollständig dunkel", "The lights were out for nine hours.",
    ]  # fmt: skip
    assert report.statements[0].keys == ("1",)
    assert report.statements[-1].keys == ("2",)


def test_a_block_quotation_takes_the_citation_of_the_sentence_before() -> None:
    report = parse_report("The operator said this afterwards [2]:\n\n> The lights were out for nine hours." + LIST)
    quote = next(s for s in report.statements if s.quotations)
    assert quote.keys == ("2",)


def test_headings_questions_and_code_need_no_citation() -> None:
    report = parse_report(
        "# Solar storms\n\nDo storms matter to the grid?\n\n```\nx = a[1]\n```\n\nStorms matter much to all grids."
    )
    assert [(s.kind, s.needs_citation) for s in report.statements] == [
        ("heading", False),
        ("question", False),
        ("claim", True),
    ]


def test_a_table_row_is_one_statement() -> None:
    report = parse_report("| year | outage |\n|---|---|\n| 1989 | nine hours of darkness [2] |\n" + LIST)
    row = next(s for s in report.statements if s.keys)
    assert (row.text, row.keys) == ("1989; nine hours of darkness", ("2",))


def test_html_reports_are_read_too() -> None:
    page = "<html><body><h1>Storms</h1><p>Solar storms cause long outages in the north [1].</p><h2>References</h2><p>[1] Title. https://a.example/x</p></body></html>"
    report = parse_report(page)
    assert any(s.keys == ("1",) for s in report.statements)


PIECES = st.lists(
    st.sampled_from(
        ["A storm hit the grid. ", "[1]", "[2][3] ", "“quoted words stand right here” ", "\n", "\n\n", "> ", "- ", "| a | b |\n|---|---|\n",
         "## References\n", "[1] X. https://a.example/\n", "`c[1]`", "```\n", "(Kim, 2020) ", "https://b.example/x. ", "**bold** ", "猫。", "\r\n", "# H\n", "¹ "]
    ),
    max_size=30,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(PIECES)
def test_statements_are_in_order_and_point_into_the_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    if not text.strip():
        return
    report = parse_report(text)
    last = 0
    for statement in report.statements:
        assert last <= statement.start < statement.end <= len(report.text)
        assert set(statement.keys) <= {reference.key for reference in report.references}
        last = statement.end
        for quotation in statement.quotations:
            assert statement.start <= quotation.start <= quotation.end <= statement.end


def test_an_empty_report_is_refused_and_an_endless_one_too() -> None:
    with pytest.raises(BadRequest):
        parse_report(" \n")
    with pytest.raises(Refused):
        parse_report("word " * 500_000)


@pytest.mark.parametrize(
    "piece", ["[1", "[1](", "> ", "“", '"', "- ", "(Kim, 2020; ", "https://", "[^", "| a ", "**", "【1†", "`"]
)
def test_hostile_reports_are_read_in_time(piece: str) -> None:
    began = time.thread_time()
    parse_report("x " + piece * (60_000 // len(piece)))
    assert time.thread_time() - began < 6
