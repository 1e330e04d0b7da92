from __future__ import annotations

import re

import pytest

from carrel_client.tamper import FAKE_DOI, tamper

REPORT = """# Question

## In short

“The radio transport reaches servers that are 40 miles away.” [1]

## Harbour

“The library is written in the Rust language.” [2]

## References

[1] Harbour. harbour.md. `abcdefgh234567ab:0-60`

[2] Harbour. harbour.md. `abcdefgh234567ab:61-99`
"""


def test_three_faults_are_planted_and_named():
    _, planted = tamper(REPORT)
    assert [fault.kind for fault in planted] == ["quote", "claim", "reference"]


def test_a_number_in_a_quotation_is_changed_and_the_change_is_told():
    report, planted = tamper(REPORT)
    assert "40 miles" not in report
    assert planted[0].text in report
    assert planted[0].was in REPORT
    assert planted[0].change == "40 became 81"


def test_a_quotation_without_a_number_is_negated():
    report, planted = tamper(REPORT.replace("40 miles", "many miles"))
    assert "that are not many miles" in report
    assert "not" in planted[0].change


@pytest.mark.parametrize(
    "quote", ["version 3.8 or later is required here now", "with ISO-8859 text and 1.2.3 of it now"]
)
def test_only_a_whole_number_is_changed(quote: str):
    _, planted = tamper(REPORT.replace("The radio transport reaches servers that are 40 miles away.", quote))
    assert re.findall(r"\d+", planted[0].text) == re.findall(r"\d+", planted[0].was)


def test_the_planted_claim_cites_a_true_reference_and_the_made_up_one_is_listed():
    report, planted = tamper(REPORT)
    assert planted[1].text.endswith("[2].")
    body, _, references = report.partition("## References")
    assert "[3]." in body
    assert FAKE_DOI in references
    assert references.count("\n[") == 3


def test_a_report_without_references_is_left_alone():
    assert tamper("# Nothing\n\nNo evidence was found.\n") == ("# Nothing\n\nNo evidence was found.\n", ())
