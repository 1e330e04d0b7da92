from __future__ import annotations

import gzip
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carrel.catalogue import LocalCatalogue, Names, load
from carrel.errors import BadRequest, NotFound
from carrel.index import Library
from carrel.retrieve import search
from carrel.scholarly import Identifier, Query

OPENALEX = {
    "id": "https://openalex.org/W9001",
    "doi": "https://doi.org/10.5555/Widgets",
    "display_name": "Crooked widgets under moonlight",
    "authorships": [{"author": {"display_name": "Ada Quill"}}, {"author": {"display_name": "Ben van der Øster"}}],
    "publication_date": "2019-03-04",
    "publication_year": 2019,
    "type": "article",
    "primary_location": {"source": {"display_name": "Journal of Widgets"}},
    "ids": {"pmid": "https://pubmed.ncbi.nlm.nih.gov/4242"},
    "abstract_inverted_index": {"Widgets": [0], "bend": [1], "at": [2], "night.": [3]},
    "is_retracted": True,
    "updated_date": "2026-01-05",
    "cited_by_count": 9,
}
ARXIV = {
    "id": "0704.0001",
    "submitter": "Ada Quill",
    "authors": "Ada Quill, Ben \\O ster",
    "authors_parsed": [["Quill", "Ada", ""], ["Øster", "Ben", ""]],
    "title": "Calculation of\n  prompt gadgets",
    "categories": "hep-ph",
    "abstract": "  A fully differential calculation\nof gadgets.\n",
    "versions": [{"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"}],
    "doi": "10.5555/GADGETS",
}
CROSSREF = {
    "DOI": "10.5555/Chapter",
    "title": ["Levers in theory"],
    "author": [{"given": "Cy", "family": "Lever"}],
    "issued": {"date-parts": [[2001]]},
    "container-title": ["Handbook of levers"],
    "type": "book-chapter",
}
CSL = [
    {
        "id": "x", "type": "article-journal", "title": "Pulleys in practice", "PMID": "777",
        "author": [{"family": "Rope", "given": "Dee"}], "issued": {"date-parts": [["2011", 5]]},
    }
]  # fmt: skip
BIBTEX = "@article{a, title={Cogs and wheels}, author={Tooth, Eve}, year={1999}, journal={Cogs}}\n@book{b, year=1}\n"


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def names(library: Library) -> Names:
    return Names(library.data)


def _lines(path: Path, *values: object) -> Path:
    path.write_text("".join(f"{v if isinstance(v, str) else json.dumps(v)}\n" for v in values), encoding="utf-8")
    return path


def _titles(library: Library, words: str) -> list[str]:
    return [hit.title for hit in search(library, [words], collection="lit", mode="lexical").hits]


async def _ask(library: Library, names: Names, text: str, **limits: Any) -> list[Any]:
    shelf = await LocalCatalogue(lambda: library, names).find(Query(text, **limits), 9e9)
    assert shelf.status.answered, shelf.status
    return [record.work for record in shelf.records]


async def test_every_kind_of_dump_is_found_by_words_and_looked_up_by_its_identifiers(
    library: Library, names: Names, tmp_path: Path
) -> None:
    files = [
        _lines(tmp_path / "openalex.jsonl", OPENALEX),
        _lines(tmp_path / "arxiv.json", ARXIV),
        _lines(tmp_path / "crossref.jsonl", CROSSREF),
    ]
    (tmp_path / "zotero.json").write_text(json.dumps(CSL, indent=1))
    (tmp_path / "refs.bib").write_text(BIBTEX)
    (tmp_path / "0.json.gz").write_bytes(
        gzip.compress(json.dumps({"items": [CROSSREF | {"DOI": "10.5555/c2"}]}).encode())
    )
    files += [tmp_path / "zotero.json", tmp_path / "refs.bib", tmp_path / "0.json.gz"]
    added = [load(library, names, path, "lit").added for path in files]
    assert added == [1] * 6
    assert _titles(library, "pulleys") == ["Pulleys in practice"]
    assert _titles(library, "cogs") == ["Cogs and wheels"]
    local = LocalCatalogue(lambda: library, names)
    wanted = [
        Identifier(*pair)
        for pair in (
            ("doi", "10.5555/widgets"), ("pmid", "4242"), ("openalex", "W9001"), ("arxiv", "0704.0001"),
            ("doi", "10.5555/gadgets"), ("doi", "10.5555/chapter"), ("pmid", "777"), ("doi", "10.5555/c2"),
            ("doi", "10.5555/none"),
        )
    ]  # fmt: skip
    lookup = await local.get(wanted, 9e9)
    assert lookup.absent == {Identifier("doi", "10.5555/none")}
    assert not any(map(local.settles, wanted))
    work = lookup.found[wanted[1]].work
    assert work.title == "Crooked widgets under moonlight"
    assert [(a.family, a.given) for a in work.authors] == [("Quill", "Ada"), ("van der Øster", "Ben")]
    assert (work.date, work.venue, work.type, work.cited_by) == ("2019-03-04", "Journal of Widgets", "article", 9)
    assert work.abstract == "Widgets bend at night."
    assert work.status is not None
    assert (work.status.state, work.status.as_of) == ("retracted", "2026-01-05")
    gadgets = lookup.found[wanted[3]].work
    assert (gadgets.title, gadgets.date) == ("Calculation of prompt gadgets", "2007-04-02")
    assert gadgets.abstract == "A fully differential calculation of gadgets."


async def test_a_search_keeps_to_years_author_and_types(library: Library, names: Names, tmp_path: Path) -> None:
    works = [
        CROSSREF | {"DOI": f"10.5555/{y}", "issued": {"date-parts": [[y]]}, "title": [f"Levers in {y}"]}
        for y in range(2000, 2010)
    ]
    load(library, names, _lines(tmp_path / "a", *works, OPENALEX), "lit")
    found = await _ask(library, names, "levers", year_from=2003, year_to=2004)
    assert sorted(work.year for work in found) == [2003, 2004]
    assert await _ask(library, names, "levers", author="Quill") == []
    assert len(await _ask(library, names, "levers", author="Lever", limit=4)) == 4
    assert await _ask(library, names, "levers", types=("thesis",)) == []
    first = await _ask(library, names, "levers", limit=5)
    second = await _ask(library, names, "levers", limit=5, page=2)
    assert len({work.identifiers["doi"] for work in (*first, *second)}) == 10


@pytest.mark.parametrize("types", [(), ("chapter",)])
async def test_pages_show_every_work_of_all_collections_once(
    library: Library, names: Names, tmp_path: Path, types: tuple[str, ...]
) -> None:
    for name, first in (("lit", 0), ("more", 6)):
        works = [CROSSREF | {"DOI": f"10.5555/{n}", "title": [f"{n} levers"]} for n in range(first, first + 6)]
        load(library, names, _lines(tmp_path / name, *works), name)
    pages = [await _ask(library, names, "levers", limit=5, page=page, types=types) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [5, 5, 2, 0]
    assert len({str(work) for page in pages for work in page}) == 12


def test_loading_again_changes_nothing(library: Library, names: Names, tmp_path: Path) -> None:
    path = _lines(tmp_path / "a", OPENALEX, ARXIV, OPENALEX)
    assert load(library, names, path, "lit").added == 2
    again = load(library, names, path, "lit")
    assert (again.added, again.replaced, again.unchanged, again.went_on_at) == (0, 0, 2, 0)
    assert library.collection("lit").documents == 2


def test_a_record_without_an_abstract_does_not_replace_one_that_has_it(
    library: Library, names: Names, tmp_path: Path
) -> None:
    load(library, names, _lines(tmp_path / "a", OPENALEX), "lit")
    poorer = CROSSREF | {"DOI": "10.5555/widgets", "title": ["Crooked widgets under moonlight"]}
    did = load(library, names, _lines(tmp_path / "b", poorer), "lit")
    assert (did.added, did.replaced, did.unchanged) == (0, 0, 1)
    richer = OPENALEX | {"abstract_inverted_index": {"Better": [0]}}
    assert load(library, names, _lines(tmp_path / "c", richer), "lit").replaced == 1


def test_bad_records_are_counted_and_named_and_the_rest_is_loaded(
    library: Library, names: Names, tmp_path: Path
) -> None:
    deep = "[" * 100_000
    bad = [
        "{broken",
        '"text"',
        "[]",
        '{"x": 1}',
        {"DOI": "10.5555/x", "title": []},
        '{"DOI": {}, "title": {}}',
        deep,
        "\x00",
    ]
    did = load(library, names, _lines(tmp_path / "a", ARXIV, *bad, OPENALEX), "lit")
    assert (did.added, did.bad) == (2, len(bad))
    assert did.problems[0] == "record 2: no JSON, or not all of it"
    assert did.problems[4] == "record 6: a record without a title"
    many = load(library, names, _lines(tmp_path / "b", OPENALEX, *(["{broken"] * 500)), "lit")
    assert (many.bad, len(many.problems)) == (500, 20)


def test_broken_bibtex_costs_only_what_is_broken_however_much_there_is(
    library: Library, names: Names, tmp_path: Path
) -> None:
    path = tmp_path / "a.bib"
    good = "@article{g, title={Levers}, year={2001}}\n"
    path.write_text('@preamble{"never closed\n@preamble("in brackets")\n' + "@article{k, title={open\n" * 20_000 + good)
    began = time.process_time()
    did = load(library, names, path, "lit")
    assert (did.added, did.bad) == (1, 20_000)
    (tmp_path / "b.txt").write_text("x" + "\n" * 200_000)
    with pytest.raises(BadRequest):
        load(library, names, tmp_path / "b.txt", "lit")
    assert time.process_time() - began < 20  # a second or two; it was minutes


def test_a_gzip_that_breaks_off_gives_what_it_has_and_says_so(library: Library, names: Names, tmp_path: Path) -> None:
    works = "".join(
        json.dumps(CROSSREF | {"DOI": f"10.5555/{n}", "title": [f"{n} levers"]}) + "\n" for n in range(9_000)
    )
    whole = gzip.compress(works.encode())
    path = tmp_path / "part.gz"
    path.write_bytes(whole[: len(whole) // 2])
    did = load(library, names, path, "lit")
    assert 100 < did.added < 9_000
    assert "breaks off" in did.problems[-1]
    path.write_bytes(b"\x1f\x8bnonsense")
    assert load(library, names, path, "lit").bad == 1
    long = gzip.compress(json.dumps(OPENALEX).encode() + b"\n" + b"x" * (40 << 20))  # in a line past all limits
    path.write_bytes(long[: int(len(long) * 0.7)])
    assert load(library, names, path, "lit").problems[-1].endswith("get it again for the rest")


def test_what_is_no_dump_is_refused_with_what_would_be(library: Library, names: Names, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Just a letter.\n")
    with pytest.raises(BadRequest, match="OpenAlex, arXiv, Crossref or CSL, or BibTeX"):
        load(library, names, tmp_path / "a.txt", "lit")
    with pytest.raises(NotFound, match="there is no file"):
        load(library, names, tmp_path / "none", "lit")
    (tmp_path / "empty").write_text("")
    with pytest.raises(BadRequest):
        load(library, names, tmp_path / "empty", "lit")


class _Stop(Exception):
    """The power fails."""


def test_stopped_half_way_it_goes_on_there_unless_the_collection_is_another(
    library: Library, names: Names, tmp_path: Path
) -> None:
    works = [CROSSREF | {"DOI": f"10.5555/{n}", "title": [f"{n} levers"]} for n in range(300)]
    path = _lines(tmp_path / "a", *works)

    def fail(done: int) -> None:
        raise _Stop

    with pytest.raises(_Stop):
        load(library, names, path, "lit", on_progress=fail, batch=100)
    did = load(library, names, path, "lit")
    assert (did.went_on_at, did.added) == (100, 200)
    with pytest.raises(_Stop):
        load(library, names, path, "lit", on_progress=fail, batch=100)
    library.remove("lit", list(library.find("lit")), drop=True)
    assert load(library, names, path, "lit").added == 300


def test_a_load_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    works = [CROSSREF | {"DOI": f"10.5555/{n}", "title": [f"{n} levers"]} for n in range(7_000)]
    path, data = _lines(tmp_path / "a", *works), tmp_path / "killed"
    command = [sys.executable, "-m", "carrel.catalogue", "load", str(path), "--data", str(data), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "progress" in process.stdout.readline()
        process.kill()
    done = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])
    assert done["went_on_at"] >= 5_000
    opened = Library(data)
    try:
        assert opened.collection("literature").documents == 7_000
    finally:
        opened.close()


async def test_works_that_were_removed_are_found_no_more(library: Library, names: Names, tmp_path: Path) -> None:
    load(library, names, _lines(tmp_path / "a", OPENALEX), "lit")
    library.remove("lit", list(library.find("lit")), drop=True)
    lookup = await LocalCatalogue(lambda: library, names).get([Identifier("pmid", "4242")], 9e9)
    assert not lookup.found
    assert await _ask(library, names, "widgets") == []


async def test_without_any_dump_it_is_not_asked_and_a_damaged_list_of_names_is_a_failure(
    library: Library, names: Names
) -> None:
    local = LocalCatalogue(lambda: library, names)
    assert not local.reads(Identifier("doi", "10.5555/x"))
    shelf = await local.find(Query("widgets"), 9e9)
    assert (shelf.status.state, shelf.records) == ("skipped", ())
    (library.data / "catalogue.sqlite").write_bytes(b"no database" * 500)
    assert (await local.find(Query("widgets"), 9e9)).status.state == "unavailable"
    lookup = await local.get([Identifier("doi", "10.5555/x")], 9e9)
    assert (lookup.status.state, lookup.absent) == ("unavailable", frozenset())
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(library.data / "catalogue.sqlite").execute("SELECT * FROM names")
