"""The page of an audit, and how a report names documents of the library."""

from __future__ import annotations

import re

import pytest

from carrel.citations import SourceText, audit, parse_report, render_html
from carrel.citations.bibliography import Reference
from carrel.citations.page.words import entry_words, readable, without_title
from carrel.citations.paths import find_paths, path_of
from carrel.records import Document, document_id

TEXT = (
    "Tests run with `sys.exit(numpy.test() is False)`.\n\nCode of Conduct\n\nNumPy is a community-driven open source "
    "project developed by a diverse group of contributors. The mill was mended in 1987 with slate from the quarry. " * 2
)
QUOTE = "NumPy is not a community-driven open source project developed by a diverse group of contributors"


class Shelf:
    """Every reference leads to one document, but for one that cannot be had."""

    async def resolve(self, reference: Reference) -> SourceText:
        if "Gone" in reference.text:
            return SourceText("not_found", reason="no such page")
        document = Document(document_id("numpy", TEXT), "numpy", "file", "text/markdown", "NumPy", TEXT)
        return SourceText("found", "ok", document, complete=True)


REPORT = f"""## Findings

The mill was mended in 1987 with slate from the quarry [1]. It says “{QUOTE}” [20].
The roof was gone before the war had ended [3].

## References
[1] NumPy. `/home/lin/notes/numpy.md`
[20] NumPy. /usr/lib/python3/site-packages/numpy/README.md
[3] Gone. https://gone.example/page
"""


async def test_an_inserted_word_is_told_with_the_word_before_it() -> None:
    done = await audit(REPORT, Shelf())
    detail = next(p.detail for p in done.problems if p.kind == "altered_quote")
    assert detail == "“is not” where the source has “is”"


async def test_chips_and_problems_lead_to_the_entry_and_entries_of_one_document_are_one() -> None:
    page = render_html(await audit(REPORT, Shelf()))
    assert 'href="#ref-20">' in page and 'id="ref-20"' in page and 'href="#ref-3"' in page
    section = page[page.index('<section id="refs">') : page.index('<section id="figures">')]
    assert section.count("<li>") == 2 and section.count(">NumPy<") == 1
    assert "`" not in section and "/home/lin" not in section and "~/notes/numpy.md" in section
    assert "numpy/README.md" in section and "site-packages" not in section
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


async def test_a_measure_with_anything_wrong_in_it_is_not_green_and_shows_no_interval() -> None:
    page = render_html(await audit(REPORT, Shelf()))
    cards = dict(re.findall(r'<li class="card( \w+)?"><h3>([^<]+)', page)[i][::-1] for i in range(5))
    assert cards["Quotations faithful"] == " weak" and cards["References that exist"] == " weak"
    assert "interval" not in page[page.index("<body>") : page.index('<script type="application/json"')]


async def test_the_sheet_of_evidence_can_be_closed_and_keys_move_the_focus() -> None:
    script = render_html(await audit(REPORT, Shelf())).rpartition("<script>")[2]
    assert "Close the evidence" in script and '"Escape"' in script and "!panel.contains(event.target)" in script
    assert "first.focus(" in script


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("Bell Rock. /home/x/notes/lighthouse.md", "/home/x/notes/lighthouse.md"),
        ("Bell Rock. /home/x/my notes/light house.md, read in May", "/home/x/my notes/light house.md"),
        ("Bell Rock. file:///home/x/a%20b.md.", "file:///home/x/a%20b.md"),
        ("Bell Rock. text:Bell Rock.", "text:Bell Rock"),
        ("Bell Rock. notes/lighthouse.md", "notes/lighthouse.md"),
    ],
)
def test_a_reference_may_name_a_document_by_its_path(entry: str, path: str) -> None:
    assert path in find_paths(entry)
    assert parse_report(f"It stood [1].\n\n## References\n[1] {entry}\n").references[0].kind == "path"


@pytest.mark.parametrize("entry", ["Node.js in Action. Manning 2017.", "Lee/Kim 2020. On 3/4 of it. Proc. 12/3."])
def test_a_title_is_no_path(entry: str) -> None:
    assert find_paths(entry) == ()


@pytest.mark.parametrize(
    ("text", "path"),
    [("/some/path.md", True), ("a/b.md", True), ("README.md", True), ("He said and/or.", False), ("没有/空格", False)],
)
def test_a_path_is_told_from_a_text(text: str, path: bool) -> None:
    assert bool(path_of(text)) is path


def test_an_address_among_quoted_words_is_no_citation() -> None:
    report = parse_report(
        "He wrote “see the page https://a.example/x for the whole story” in 1990. Read https://b.example/y now."
    )
    assert [reference.url for reference in report.references] == ["https://b.example/y"]


def test_paths_and_entries_are_shown_as_a_reader_knows_them() -> None:
    assert readable("/home/x/.venv/lib/python3.11/site-packages/anyio/README.md") == "anyio/README.md"
    assert readable("/Users/x/notes/a.md") == "~/notes/a.md"
    assert entry_words("Bell, notes `abcdefghijklmnop:10-20`.") == "Bell, notes."
    assert without_title("Bell Rock. a.md", "Bell Rock") == "a.md"
