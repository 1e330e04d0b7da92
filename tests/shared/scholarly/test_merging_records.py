from __future__ import annotations

import pytest

from carrel.records import Access, Author, Work, WorkStatus
from carrel.scholarly import Identifier, Record
from carrel.scholarly.merge import combine, group

QUILL = (Author("Quill", "Ada"),)


def _record(
    provider: str,
    title: str = "Crooked widgets in the wild",
    *,
    related: str = "",
    year: int | None = 2019,
    authors: tuple[Author, ...] = QUILL,
    kind: str = "article",
    **ids: str,
) -> Record:
    work = Work(title, authors, year, str(year or ""), type=kind, identifiers=ids, found_by=(provider,))
    return Record(provider, work, frozenset({Identifier("doi", related)} if related else ()))


SAME = {
    "one DOI": [_record("crossref", doi="10.5555/a"), _record("openalex", "Another title", doi="10.5555/a")],
    "one arXiv number": [
        _record("arxiv", arxiv="1901.00001"),
        _record("openalex", arxiv="1901.00001", doi="10.5555/a"),
    ],
    "title, author and year": [_record("crossref", doi="10.5555/a"), _record("arxiv", arxiv="1901.00001")],
    "a year apart": [_record("crossref", doi="10.5555/a", year=2020), _record("arxiv", arxiv="1901.00001", year=2019)],
    "related DOIs": [
        _record("crossref", doi="10.5555/a", related="10.5555/p"),
        _record("crossref", doi="10.5555/p", kind="preprint"),
    ],
    "a chain": [
        _record("crossref", doi="10.5555/a"),
        _record("openalex", "X", doi="10.5555/a", pmid="1"),
        _record("openalex", "Y", pmid="1"),
    ],
}
APART = {
    "two DOIs": [_record("crossref", doi="10.5555/a"), _record("crossref", doi="10.5555/b")],
    "parts of a series": [
        _record("crossref", "Widgets of the sea, part I", doi="10.5555/a"),
        _record("arxiv", "Widgets of the sea, part II", arxiv="1901.00001"),
    ],
    "an erratum": [
        _record("crossref", doi="10.5555/a"),
        _record("openalex", "Erratum: Crooked widgets in the wild", pmid="1"),
    ],
    "other authors": [
        _record("crossref", doi="10.5555/a"),
        _record("arxiv", authors=(Author("Wu"),), arxiv="1901.00001"),
    ],
    "years apart": [_record("crossref", doi="10.5555/a", year=2010), _record("arxiv", arxiv="1901.00001")],
    "a generic title": [_record("crossref", "Editorial", doi="10.5555/a"), _record("openalex", "Editorial", pmid="1")],
    "nobody named": [_record("crossref", doi="10.5555/a", authors=()), _record("openalex", pmid="1", authors=())],
    "a wrong shared number": [
        _record("crossref", doi="10.5555/a", arxiv="1"),
        _record("openalex", "Porcelain of the Ming", doi="10.5555/b", arxiv="1"),
    ],
}


@pytest.mark.parametrize("case", SAME)
def test_records_of_one_work_come_together(case: str) -> None:
    assert len(group(SAME[case])) == 1
    assert len(group(SAME[case][::-1])) == 1


@pytest.mark.parametrize("case", APART)
def test_records_of_different_works_stay_apart(case: str) -> None:
    assert len(group(APART[case])) == 2
    assert len(group(APART[case][::-1])) == 2


def test_a_weak_edge_never_bridges_two_dois_through_a_third_record() -> None:
    records = [
        _record("crossref", doi="10.5555/a"),
        _record("arxiv", arxiv="1901.00001"),
        _record("crossref", doi="10.5555/b"),
    ]
    places = group(records)
    assert not any({0, 2} <= set(place) for place in places)


def test_the_published_doi_is_the_doi_and_the_preprints_is_kept() -> None:
    records = [
        _record("crossref", doi="10.5555/p", kind="preprint"),
        _record("crossref", doi="10.5555/a", related="10.5555/p"),
    ]
    work = combine(records)
    assert work.identifiers == {"doi": "10.5555/a", "preprint_doi": "10.5555/p"}
    assert work.type == "article"
    assert "doi: crossref=10.5555/p; crossref=10.5555/a" in work.conflicts


def test_fields_come_from_whom_is_trusted_most_and_say_so() -> None:
    one = Record(
        "openalex", Work("From openalex", cited_by=0, abstract="O", venue="V", identifiers={"doi": "10.5555/a"})
    )
    two = Record("crossref", Work("From crossref", cited_by=5, identifiers={"doi": "10.5555/a"}))
    three = Record("arxiv", Work("From arxiv", abstract="A", venue="arXiv", identifiers={"arxiv": "1"}))
    work = combine([one, two, three])
    assert (work.title, work.abstract, work.venue, work.cited_by) == ("From crossref", "A", "V", 0)
    assert work.provenance["title"] == "crossref"
    assert work.provenance["abstract"] == "arxiv"


def test_copies_are_listed_once_and_statuses_are_weighed() -> None:
    copy = Access("https://example.org/a.pdf", provider="openalex")
    one = Record(
        "openalex",
        Work(
            "T", access=(copy, Access("http://example.org/a.pdf/")), status=WorkStatus("retracted", provider="openalex")
        ),
    )
    two = Record("crossref", Work("T", status=WorkStatus("reinstated", provider="crossref")))
    work = combine([one, two])
    assert len(work.access) == 1
    assert work.status is not None
    assert work.status.state == "reinstated"


def test_three_hundred_equal_records_are_grouped_in_no_time() -> None:
    import time

    started = time.process_time()
    group([_record("crossref", doi=f"10.5555/{n}") for n in range(300)])
    assert time.process_time() - started < 2.0
