"""Tables, records, references, mail, notebooks and code: each passage of them can be understood alone."""

from __future__ import annotations

import csv
import io
import json
from itertools import pairwise
from pathlib import Path

import pytest

from carrel.documents import SUFFIXES, outline, parse, split
from carrel.documents.formats.latex import plain_latex
from carrel.errors import BadRequest, Unsupported
from carrel.records import Document


def read(text: str | bytes, source: str, **more: str) -> Document:
    document = parse(text.encode() if isinstance(text, str) else text, source=source, **more)  # type: ignore[arg-type]
    sections = document.sections
    assert all(before.end == after.start for before, after in pairwise(sections))
    assert sections[0].start == 0 and sections[-1].end == len(document.text)
    return document


def headings(document: Document) -> list[tuple[int, str]]:
    return [(section.level, section.heading) for section in document.sections if section.level]


# -- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_of_a_table_is_found_and_each_row_names_its_columns(delimiter: str) -> None:
    held = io.StringIO()
    writer = csv.writer(held, delimiter=delimiter)
    writer.writerows([["Port", "Height, m"], ['"Old" Brest', "7,5"], ["", "3;1"], ["Saint|Malo", "12\n13"]])
    document = read(held.getvalue(), "tides.csv")
    assert (
        document.text == '- Port: "Old" Brest; Height, m: 7,5\n- Height, m: 3;1\n- Port: Saint|Malo; Height, m: 12 13'
    )
    assert document.metadata["rows"] == "3" and document.title == "tides"


def test_a_table_in_an_old_charset_and_with_a_title_above_is_read() -> None:
    text = "Données 2024\n\nVille;Élévation\nÉtretat;3\nFécamp;4\n"
    document = read(text.encode("cp1252"), "a.csv")
    assert document.text == "Données 2024\n\n- Ville: Étretat; Élévation: 3\n- Ville: Fécamp; Élévation: 4"


def test_a_table_without_a_header_keeps_its_first_row() -> None:
    assert read("2020,4.5,3\n2021,4.6,2\n", "a.csv").text == "- 2020; 4.5; 3\n- 2021; 4.6; 2"


def test_every_passage_of_a_large_table_names_the_columns() -> None:
    rows = "".join(f"Port {n},{n * 1.5},good\n" for n in range(9_000))
    document = read("Name,Height,State\n" + rows, "a.csv")
    passages = split(document)
    assert document.metadata["rows"] == "9000" and all(p.text.startswith("- Name: Port") for p in passages)


def test_a_quotation_mark_that_never_closes_swallows_nothing() -> None:
    text = 'item,size\nscreen,15"\npipe,"3 inch\n' + "nail,2\n" * 2_000
    assert read(text, "a.csv").metadata["rows"] == "2002"


@pytest.mark.parametrize("text", ["just a line of prose", "one\ntwo\nthree\n", "sep=;\n", ",,,\n,,\n", '"'])
def test_what_is_hardly_a_table_is_still_read(text: str) -> None:
    assert read(text, "a.csv").text.strip()


# -- records ---------------------------------------------------------------------------------------------------------

PAPER = {
    "_id": "7",
    "title": "On Tides",
    "text": "The Moon pulls. " * 30,
    "metadata": {"year": 1998, "tags": ["a", "b"]},
}


def test_each_record_of_json_lines_is_a_section_with_its_text_as_text() -> None:
    document = read("\n".join(json.dumps(PAPER | {"title": f"On Tides {n}"}) for n in range(3)), "corpus.jsonl")
    assert headings(document) == [(1, f"On Tides {n}") for n in range(3)] and document.title == "corpus"
    assert "- _id: 7\n- metadata.year: 1998\n- metadata.tags: a, b\n\nThe Moon pulls. The Moon" in document.text


def test_short_records_share_passages() -> None:
    document = read("".join(json.dumps({"port": f"P{n}", "ok": True}) + "\n" for n in range(50)), "a.ndjson")
    assert document.text.startswith("- port: P0; ok: true\n- port: P1") and len(split(document)) < 5


def test_json_is_read_by_its_shape() -> None:
    assert read('[{"a": 1.10, "b": null}, {"a": 2}]', "a.json").text == "- a: 1.10\n- a: 2"
    held = read(json.dumps({"name": "pkg", "deps": {"x": "1", "y": {"z": 2}}, "tags": ["a", "b"]}), "a.json")
    assert held.text == "- name: pkg\n\n# deps\n\n- x: 1\n- y.z: 2\n\n# tags\n\n- a\n- b" and held.title == "pkg"
    listed = read(json.dumps({"total": 2, "items": [{"id": 1}, {"id": 2}]}), "a.json")
    assert listed.text == "- total: 2\n\n- id: 1\n- id: 2"


@pytest.mark.parametrize("text", ['{"a": 1, // why\n"b": 2}', "[" * 100_000, '{"a":\nnot json', "words"])
def test_json_that_is_none_is_read_as_the_text_it_is(text: str) -> None:
    assert read(text, "a.json").text == text


def test_a_damaged_line_spares_the_others() -> None:
    lines = [json.dumps({"n": f"word {n}"}) for n in range(9)]
    document = read("\n".join([*lines[:5], '{"n": "cut of', *lines[5:]]), "a.jsonl")
    assert document.metadata["records"] == "10" and "cut of" in document.text and "n: word 8" in document.text


def test_hidden_characters_that_json_escapes_are_removed_and_counted() -> None:
    document = read('[{"a": "pay\\u200bpal \\ud800 \\u202e"}]', "a.json")
    assert document.text == "- a: paypal \ufffd" and document.metadata["hidden_chars"] == "2"


# -- references ------------------------------------------------------------------------------------------------------

BIB = r"""
@comment{ @article{no, title={Not this}} }
@string{jot = "Journal of Tides"}
@article{byron1998,
  author = {Byron, Ada and {The Tide Group} and van Gogh, Jr., Vincent and G{\"o}del, Kurt},
  title = "The {Moon} in na{\"\i}ve {\'E}tretat --- 50\% of $\alpha$", year = 1998, month = jan,
  journal = jot # { (B)}, volume=3, number={2}, pages = {1--20}, doi = {10.1234/x\_y},
  abstract = {We {measure} it, % twice
  again.}
}
@misc{cut, title = {Never closed
@book(okay, title = {After the damage}, editor = {Wei, Li})
"""


def test_bibtex_entries_are_sections_with_their_latex_decoded() -> None:
    document = read(BIB, "refs.bib")
    assert [name for _, name in headings(document)] == [
        "The Moon in naïve Étretat — 50% of α",
        "Never closed",
        "After the damage",
    ]
    for line in (
        "- Authors: Ada Byron; The Tide Group; Vincent van Gogh, Jr.; Kurt Gödel",
        "- Venue: Journal of Tides (B)",
        "- Volume: 3 (2)",
        "- Pages: 1–20",
        "- DOI: 10.1234/x_y",
        "- Editors: Li Wei",
    ):
        assert line in document.text.split("\n")
    assert document.metadata["entries"] == "3" and document.title == "refs"


@pytest.mark.parametrize(
    ("latex", "seen"),
    [
        (r"\v{S}koda \c c \c{c} \'{\i} \H{o} \r a", "Škoda ç ç í ő å"),
        (r"{\O}stergaard \AA{} Stra{\ss}e \L{}\'od\'z", "Østergaard Å Straße Łódź"),
        (r"``a''~b -- c, \emph{d} \& \{e\}", "“a” b – c, d & {e}"),
        (r"$\beta$-carotene at 5\,mg", "β-carotene at 5 mg"),
        ("Plain <!-- text --> here", "Plain <!-- text --> here"),
        ("{" * 5_000 + r"\'" * 5_000, r"\'" * 5_000),
    ],
)
def test_latex_becomes_the_characters_it_stands_for(latex: str, seen: str) -> None:
    assert plain_latex(latex) == seen


def test_ris_and_pubmed_entries_are_sections() -> None:
    ris = "TY  - JOUR\nAU  - Byron, Ada\nAU  - Li, Wei\nTI  - Tides\nPY  - 1998\nJO  - Sea\nSP  - 1\nEP  - 9\n"
    ris += "DO  - https://doi.org/10.1234/abc\nAB  - It rises\nand falls.\nER  - \n\nTY  - BOOK\nTI  - Moon\nER  -\n"
    document = read(ris.replace("\n", "\r\n"), "a.ris")
    assert headings(document) == [(1, "Tides"), (1, "Moon")]
    assert "- Authors: Ada Byron; Wei Li\n- Year: 1998\n- Venue: Sea\n- Pages: 1–9\n- DOI: 10.1234/abc" in document.text
    assert "It rises and falls." in document.text
    nbib = (
        "PMID- 123\nTI  - Long\n      title\nFAU - Byron, Ada\nAU  - Byron A\nDP  - 1998 Jan\n\nPMID- 124\nTI  - Two\n"
    )
    assert headings(read(nbib, "a.nbib")) == [(1, "Long title"), (1, "Two")]


def test_a_reference_file_without_entries_is_read_as_text() -> None:
    assert read("% nothing here\n", "a.bib").text == "% nothing here\n"


# -- mail ------------------------------------------------------------------------------------------------------------

MAIL = (
    "From: =?utf-8?q?Ada_B=C3=A9ron?= <ada@h.example>\r\nTo: wei@h.example\r\nDate: Wed, 31 Jan 2024 10:00:00 +0100\r\n"
    "Subject: =?utf-8?b?VGlkZXMg?=\r\n =?utf-8?b?w6kgdG9kYXk=?=\r\nReceived: from nobody\r\nMIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n{}\r\n--B\r\nContent-Type: application/pdf\r\n"
    "Content-Disposition: attachment; filename*=utf-8''caf%C3%A9.pdf\r\n\r\nJVBERi0=\r\n--B--\r\n"
)
HTML = (
    "Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    "<p>The caf=E9 is <b>open</b>.</p><blockquote>Is it?</blockquote><p style=3D'display:none'>obey</p>"
)


def test_a_mail_has_its_headers_its_text_and_the_names_of_what_is_attached() -> None:
    document = read(MAIL.format(HTML), "a.eml")
    assert document.text == (
        "From: Ada Béron <ada@h.example>\nTo: wei@h.example\nDate: Wed, 31 Jan 2024 10:00:00 +0100\n"
        "Subject: Tides é today\n\nThe café is **open**.\n\n> Is it?\n\nAttachments: café.pdf"
    )
    assert (document.title, document.date, document.authors) == ("Tides é today", "2024-01-31", ("Ada Béron",))


def test_of_alternatives_the_plain_text_is_read_and_a_forwarded_mail_is_kept() -> None:
    inner = "Content-Type: message/rfc822\r\n\r\nFrom: x@h.example\r\nSubject: First\r\n\r\nOld words.\r\n--B\r\n"
    parts = "Content-Type: multipart/alternative; boundary=C\r\n\r\n--C\r\nContent-Type: text/plain\r\n\r\n"
    parts += f"Plain words that say enough.\r\n--C\r\n{HTML}\r\n--C--\r\n--B\r\n{inner}"
    text = read(MAIL.format(parts), "a.eml").text
    assert "Plain words that say enough." in text and "café is" not in text
    assert "Forwarded message:\n\nFrom: x@h.example\nSubject: First\n\nOld words." in text


def test_each_message_of_a_mailbox_is_a_section() -> None:
    one = "From a@h Wed Jan 31 10:00:00 2024\nFrom: a@h\nSubject: {}\n\nBody\n>From here on\n\n"
    document = read(one.format("One") + one.format("Two"), "a.mbox")
    assert headings(document) == [(1, "One"), (1, "Two")] and document.text.count("\nFrom here on") == 2


def test_headers_in_no_declared_charset_are_read_and_what_is_no_mail_is_said_so() -> None:
    assert "Subject: Été" in read("Subject: Été\n\nbody".encode("cp1252"), "a.eml").text
    with pytest.raises(BadRequest, match="broken"):
        read("no header here\n", "a.eml")


# -- notebooks, drawings, code ---------------------------------------------------------------------------------------


def test_a_notebook_has_its_text_code_and_short_outputs_but_no_pictures() -> None:
    outputs = [
        {"output_type": "stream", "text": ["line\n"] * 3_000},
        {"output_type": "display_data", "data": {"image/png": "iVBOR" * 9_000, "text/plain": ["<Figure>"]}},
        {"output_type": "error", "ename": "ValueError", "evalue": "\x1b[31mbad\x1b[0m", "traceback": ["secret"]},
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# Tides\n", "![x](data:image/png;base64,AAAA)"]},
        {"cell_type": "code", "source": "# not a heading\nplot()", "outputs": outputs},
        {"cell_type": "markdown", "source": "```\nnever closed"},
        {"cell_type": "markdown", "source": "## After"},
    ]
    book = {"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4}
    document = read(json.dumps(book), "a.ipynb")
    assert headings(document) == [(1, "Tides"), (2, "After")] and document.title == "Tides"
    assert "```python\n# not a heading\nplot()\n```" in document.text and "ValueError: bad" in document.text
    assert "iVBOR" not in document.text and "AAAA" not in document.text and len(document.text) < 2_500


def test_the_words_of_a_drawing_are_read_and_a_drawing_without_any_is_refused() -> None:
    drawing = '<svg xmlns="http://www.w3.org/2000/svg"><title>Tides</title>{}<path d="M0 0"/></svg>'
    document = read(drawing.format("<g><text>High <tspan>water</tspan></text></g>"), "a.svg")
    assert document.text == "Tides\nHigh water" and document.title == "Tides"
    with pytest.raises(Unsupported, match="no text"):
        read('<svg xmlns="http://www.w3.org/2000/svg"><path d="M0"/></svg>', "a.svg")


PYTHON = """import os


@wrap
class Tide:
    def rise(self):
        {}

    async def fall(self):
        def inner(): ...


def main():
    pass
"""


def test_python_has_sections_for_classes_and_functions_and_for_methods_of_large_classes() -> None:
    small = read(PYTHON.format("return 1"), "tide.py")
    assert headings(small) == [(1, "class Tide"), (1, "def main")] and small.title == "tide"
    large = read(PYTHON.format("x = 1\n        " * 100), "tide.py")
    assert [section.path for section in large.sections if section.level] == [
        ("class Tide",),
        ("class Tide", "def rise"),
        ("class Tide", "def fall"),
        ("def main",),
    ]
    assert large.text[large.sections[1].start :].startswith("@wrap\nclass Tide")
    broken = read("def one(:\n    pass\n\nclass Two\n    def three(self):\n", "tide.py")
    assert [name for _, name in headings(broken)] == ["def one", "class Two"]


CODE = {
    "a.js": (
        "export default class A {\n  b(x) {\n  }\n}\nfunction c() {\n}\nconst d = async (x) => {\n}\nif (x) {\n}\n",
        "class A|function c|d()",
    ),
    "a.ts": (
        "export interface A<T> extends B {\n}\nexport const f = (x: number): string => {\n}\n",
        "interface A<T>|f()",
    ),
    "a.java": ("@Entity\npublic class A extends B {\n  int x = f(1);\n}\n", "class A"),
    "a.c": (
        "#include <x>\nint proto(int);\n/* doc */\nstatic int *a(int x,\n  int y)\n{\n  g(x);\n}\nstruct S {\n};\n",
        "a()|struct S",
    ),
    "a.go": (
        "package x\nfunc (s *S) Run(a int) error {\n}\nfunc main() {\n}\ntype T struct {\n}\n",
        "func (s *S) Run|func main",
    ),
    "a.rs": (
        "pub struct A<T> {\n}\nimpl<T> A<T> {\n  pub fn b() {}\n}\npub async fn c() {\n}\n",
        "struct A<T>|impl A<T>|fn c",
    ),
    "a.rb": ("module M\nend\ndef go!\nend\n", "module M|def go!"),
    "a.sh": ("run() {\n  echo\n}\nfunction stop {\n}\n", "run()|function stop"),
    "a.sql": ("CREATE TABLE IF NOT EXISTS ports (\n  id int);\nselect 1;\n", "CREATE TABLE IF NOT EXISTS ports"),
    "a.lua": ("local function a(x)\nend\n", "function a"),
}


@pytest.mark.parametrize("name", CODE)
def test_declarations_are_found_in_many_languages(name: str) -> None:
    text, names = CODE[name]
    document = read(text, name)
    assert [heading for _, heading in headings(document)] == names.split("|") and document.text == text


def test_the_comment_above_a_function_belongs_to_it() -> None:
    document = read(CODE["a.c"][0], "a.c")
    assert document.text[document.sections[1].start :].startswith("/* doc */")
    assert outline(document)[0].ref.end == document.sections[1].end


# -- all of them -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_every_suffix_refuses_binary_junk_and_emptiness_with_an_error_of_carrel(suffix: str) -> None:
    for data in (b"", bytes(range(256)) * 10):
        with pytest.raises(BadRequest):
            parse(data, source=f"a{suffix}")


def test_real_collections_are_read_whole(request: pytest.FixtureRequest) -> None:
    folder = Path(request.config.rootpath).parent / "shared" / "data" / "retrieval" / "cranfield"
    if not folder.is_dir():
        pytest.skip("the shared data folder is not beside this checkout")
    data = (folder / "corpus.jsonl").read_bytes()
    document = read(data, "corpus.jsonl")
    records = [json.loads(line) for line in data.decode().splitlines() if line.strip()]
    assert document.metadata["records"] == str(len(records))
    assert all(" ".join(str(r["title"]).split())[:300] in document.text for r in records)


def test_one_entry_gives_its_document_authors_date_and_doi():
    bib = "@article{a, author={LeCun, Yann and Hinton, Geoffrey}, title={Deep learning}, year=2015, doi={10.1038/x}}"
    ris = (
        "TY  - JOUR\nTI  - Deep learning\nAU  - LeCun, Yann\nAU  - Hinton, Geoffrey\nPY  - 2015/05/28\n"
        "DO  - 10.1038/x\nER  -\n"
    )
    for document in (read(bib, "one.bib"), read(ris, "one.ris")):
        assert document.title == "Deep learning"
        assert document.authors == ("Yann LeCun", "Geoffrey Hinton")
        assert (document.date, document.metadata["doi"]) == ("2015", "10.1038/x")


def test_a_bibliography_has_the_authors_of_all_entries_first_ones_first_and_no_date():
    names = [f"First{n}, A and Second{n}, B" for n in range(90)]
    many = "".join(f"@article{{k{n}, author={{{each}}}, title={{W{n}}}, year=1999}}\n" for n, each in enumerate(names))
    document = read(many, "refs.bib")
    assert {f"A First{n}" for n in range(90)} <= set(document.authors)
    assert document.authors[90] == "B Second0"
    assert (document.date, document.metadata["entries"], "doi" in document.metadata) == ("", "90", False)
