from __future__ import annotations

import io
from pathlib import Path

import pytest

SOURCE = "The radio transport of the Harbour SDK reaches servers that are 40 miles away on a calm day."


def ref_of(carrel, notes: Path) -> str:
    carrel("add", str(notes))
    return carrel("search", "radio", "--json").json["hits"][0]["ref"]


def report(ref: str, quote: str = "The radio transport reaches servers that are 40 miles away.") -> str:
    return f"# Report\n\n“{quote}” [1]\n\n## References\n\n[1] Harbour SDK. harbour.md. `{ref}`\n"


def test_a_true_quote_exits_with_0(carrel):
    ran = carrel("quote", "The radio transport of the Harbour SDK reaches servers that are 40 miles away", SOURCE)
    assert ran.code == 0
    assert "verbatim" in ran.out


def test_a_quote_with_another_number_exits_with_1_and_shows_what_changed(carrel):
    ran = carrel("quote", "The radio transport of the Harbour SDK reaches servers that are 80 miles away", SOURCE)
    assert ran.code == 1
    assert "altered" in ran.out
    assert "80" in ran.out
    assert "40" in ran.out


def test_a_quote_can_be_checked_against_a_file(carrel, tmp_path: Path):
    file = tmp_path / "source.txt"
    file.write_text(SOURCE)
    assert carrel("quote", "servers that are 40 miles away", str(file)).code == 0


def test_an_audit_of_a_true_report_finds_no_fault(carrel, notes: Path, tmp_path: Path):
    file = tmp_path / "report.md"
    file.write_text(report(ref_of(carrel, notes)))
    ran = carrel("audit", str(file), "--fail-on", "fault", "--json")
    assert ran.code == 0
    assert ran.json["problems"] == []


def test_an_audit_reads_standard_input_and_fails_when_asked_to(carrel, notes: Path, monkeypatch: pytest.MonkeyPatch):
    text = report(ref_of(carrel, notes), "The radio transport reaches servers that are 70 miles away.")
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    ran = carrel("audit", "-", "--fail-on", "fault")
    assert ran.code == 1
    assert "altered quotation" in ran.out
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert carrel("audit", "-").code == 0


def test_an_audit_leaves_a_page_where_it_is_told(carrel, notes: Path, tmp_path: Path):
    file, page = tmp_path / "report.md", tmp_path / "page.html"
    file.write_text(report(ref_of(carrel, notes)))
    assert carrel("audit", str(file), "--html", str(page)).code == 0
    text = page.read_text(encoding="utf-8")
    assert text.lower().startswith("<!doctype html>")
    assert "40 miles away" in text


def test_a_report_that_is_not_there_or_not_text_is_a_usage_error(carrel, tmp_path: Path):
    assert carrel("audit", str(tmp_path / "none.md")).code == 2
    (tmp_path / "empty.md").write_text(" \n")
    assert carrel("audit", str(tmp_path / "empty.md")).code == 2
    (tmp_path / "junk.md").write_bytes(b"\xff\xfe\xfa" * 50)
    assert carrel("audit", str(tmp_path / "junk.md")).code == 2


@pytest.mark.parametrize("source", ["missing.md", "no where/missing.pdf", "./missing", "/nowhere/x", "a\\b.txt"])
def test_a_quote_from_a_file_that_is_not_there_is_a_usage_error_and_not_absent(carrel, source: str):
    ran = carrel("quote", "four mice a night", source)
    assert ran.code == 2
    assert f"there is no file {source}" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(
    "source",
    [
        "Owls eat four mice and/or voles a night",
        "Owls eat four mice a night, as it says in the file README.md",
        "four mice a night\n/nowhere/x.md",
    ],
)
def test_a_sentence_that_has_a_stroke_or_a_file_name_in_it_is_a_text(carrel, source: str):
    assert carrel("quote", "four mice", source).code == 0


def test_a_quote_in_a_file_shows_the_files_name_and_a_reference_that_opens(carrel, notes: Path):
    ran = carrel("quote", "Cats sleep for fourteen hours", str(notes / "cats.md"), "--json")
    assert (ran.code, ran.json["verdict"]) == (0, "verbatim")
    assert ran.json["source"].endswith("cats.md")
    assert "fourteen hours" in carrel("read", ran.json["ref"]).out
    assert carrel("doctor", "--json").json[-2]["detail"].startswith("empty")


def test_a_quote_in_a_web_page_on_disk_is_read_without_its_markup(carrel, tmp_path: Path):
    page = tmp_path / "page.html"
    words = "A buoy is a <b>floating</b> mark that shows ships the safe channel."
    page.write_text(f"<html><head><title>Buoys</title></head><body><p>{words}</p></body></html>", encoding="utf-8")
    assert carrel("quote", "A buoy is a floating mark that shows ships", str(page)).code == 0


DRAFT = "# Draft\n\nThe radio transport of the Harbour SDK reaches servers that are {miles} miles away on a calm day.\n"


def test_citations_are_proposed_for_what_a_draft_does_not_cite(carrel, notes: Path, tmp_path: Path):
    (notes / "radio.md").write_text(f"# Radio\n\n{SOURCE}\n")
    carrel("add", str(notes))
    file = tmp_path / "draft.md"
    file.write_text(DRAFT.format(miles=40))
    (sentence,) = carrel("cite", str(file), "--json").json["sentences"]
    best = sentence["found"][0]
    assert best["reading"] == "supported"
    cited = DRAFT.format(miles=40).replace(
        " on a calm day.", f" on a calm day [1].\n\n## References\n\n[1] Radio. `{best['evidence'][0]['ref']}`"
    )
    file.write_text(cited)
    assert carrel("cite", str(file), "--json").json["sentences"] == []
    assert carrel("audit", str(file), "--fail-on", "any").code == 0


def test_a_source_that_says_the_opposite_is_shown(carrel, notes: Path, tmp_path: Path):
    (notes / "radio.md").write_text(f"# Radio\n\n{SOURCE}\n")
    carrel("add", str(notes))
    file = tmp_path / "draft.md"
    file.write_text(DRAFT.format(miles=90))
    ran = carrel("cite", str(file))
    assert ran.code == 0 and "contradicted" in ran.out


def test_a_draft_with_more_problems_than_an_audit_lists_is_not_called_cited(carrel, notes: Path, tmp_path: Path):
    carrel("add", str(notes))
    file = tmp_path / "draft.md"
    wrong = "".join(f"The SDK of harbour {n} sends {n} ferries to the moon each night [9{n}].\n\n" for n in range(150))
    file.write_text(f"# Draft\n\n{wrong}The radio transport reaches servers that are 40 miles away.\n")
    ran = carrel("cite", str(file))
    assert "cites something" not in ran.out and "are left" in ran.err


def test_an_empty_library_proposes_nothing_and_says_so(carrel, tmp_path: Path):
    file = tmp_path / "draft.md"
    file.write_text(DRAFT.format(miles=40))
    ran = carrel("cite", str(file))
    assert ran.code == 1 and "add documents" in ran.err
