"""Reports under attack: no claim escapes the audit in HTML, in a section named like a list, or after the list."""
# ruff: noqa: E501 - texts under test stand as they are

from __future__ import annotations

import time

import pytest

from carrel.citations import parse_report

CLAIM = "The council accepted the plan to build a dam in 2016"
LIST = "\n\n## References\n[1] Alpha https://a.example/1\n[2] Beta https://a.example/2\n"
FIRST = "The team counted salmon in the upper reach [2].\n\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{FIRST}<div>{CLAIM} [1].</div>{LIST}",
        f"{FIRST}<div>\n{CLAIM} [1].\n</div>{LIST}",
        f"{FIRST}<p>{CLAIM} [1].</p>{LIST}",
        f"<p>{CLAIM} [1].</p>{LIST}",
        f"{FIRST}<details><summary>More</summary>\n\n{CLAIM} [1].\n</details>{LIST}",
        f"{FIRST}<!-- {CLAIM} [1]. -->{LIST}",
        f"{FIRST}<table><tr><td>{CLAIM} [1].</td></tr></table>{LIST}",
        f"{FIRST}## Literature\n\n{CLAIM} [1].\n{LIST}",
        f"{FIRST}Notes:\n\n{CLAIM} [1].\n{LIST}",
        f"{FIRST}Notes:\n\n- {CLAIM} [1].\n{LIST}",
        f"{FIRST}{LIST}\n{CLAIM} [1].\n",
        f"{FIRST}## References\n\n1. Alpha https://a.example/1\n2. Beta https://a.example/2\n\n{CLAIM} [1].\n",
    ],
)
def test_a_claim_is_audited_wherever_it_stands(text: str) -> None:
    report = parse_report(text)
    said = [s for s in report.statements if CLAIM in s.text]
    assert [(s.keys, s.needs_citation, s.text) for s in said] == [(("1",), True, f"{CLAIM}.")]
    assert [r.key for r in report.references] == ["1", "2"]


def test_a_claim_without_a_mark_after_the_list_is_a_claim() -> None:
    report = parse_report(f"{FIRST}{LIST}\n{CLAIM[:-8]}.\n")
    assert [(s.text, s.keys, s.needs_citation) for s in report.statements][-1] == (f"{CLAIM[:-8]}.", (), True)
    assert len(report.references) == 2


@pytest.mark.parametrize("tag", ["p", "div", "article", "section", "main"])
def test_a_fragment_of_html_is_read_as_html(tag: str) -> None:
    text = f"<{tag}><h2>T</h2><p>{CLAIM} [1].</p><h2>References</h2><ol><li>Alpha https://a.example/1</li></ol></{tag}>"
    report = parse_report(text)
    assert [(s.kind, s.text) for s in report.statements] == [("heading", "T"), ("claim", f"{CLAIM}.")]
    assert [(r.key, r.url) for r in report.references] == [("1", "https://a.example/1")]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (
            "Lind, M. (2015). Alder. J. Rivers.\nLind, M., Berg, A. (2016). Salmon in the\nupper reach. J. Rivers.\nHolm, C. 2017. Trout.\nWHO (2020). Water.\n",
            4,
        ),
        ("Lind, M. (2015). Alder. J. Rivers.\n\nHolm, C. (2017). Trout in the\nJournal of Rivers, 12.\n", 2),
        ("van der Berg, J. (2019). Pike. https://a.example/p\nO'Brien, K. (2018). Eels.\n", 2),
        ("[1] Alpha paper\n\n   https://a.example/1\n\n[2] Beta. A long title about things.\nJournal of Things.\n", 2),
        ("- Alpha paper of the town\n- Beta paper [pdf]\n", 2),
        ("1. Lind, M. The river [in Swedish]. 2015.\n2. Holm, C. The trout of the upper lake [2nd ed]. 2017.\n", 2),
    ],
)
def test_entries_of_a_list_stay_entries(entries: str, expected: int) -> None:
    report = parse_report(f"The river was surveyed by the team in 2014.\n\n## References\n{entries}")
    assert len(report.references) == expected
    assert len(report.statements) == 1


@pytest.mark.parametrize(
    "hostile",
    [
        "counted salmon" + "¹" * 100_000 + "x today.",
        "\n\n## Notes\n\n" + "word " * 100_000,
        "\n\n## Notes\n\n" + "w" * 300_000,
        "\n\n## Notes\n\n" + "a b c d [1] " * 20_000,
        "<div>" * 60_000,
        "<!--" * 60_000,
    ],
)
def test_hostile_reports_take_linear_time(hostile: str) -> None:
    began = time.thread_time()
    parse_report(f"The cat sat on the mat [1]. {hostile}{LIST}")
    assert time.thread_time() - began < 5
