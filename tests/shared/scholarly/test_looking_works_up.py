from __future__ import annotations

from typing import Any

import pytest

from carrel.errors import BadRequest
from carrel.scholarly import Query

NOTICE = {"type": "retraction", "DOI": "10.5555/notice", "updated": {"date-time": "2021-05-06T00:00:00Z"}}


async def test_one_work_known_to_three_services_is_one_record(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"](
        "10.5555/one",
        "Crooked widgets",
        abstract="<jats:title>Abstract</jats:title><jats:p>We bend.</jats:p>",
        volume="3",
    )
    internet.openalex.append(
        shapes["openalex"](
            77777,
            "Crooked widgets",
            "10.5555/one",
            ids={"pmid": "https://pubmed.ncbi.nlm.nih.gov/4242"},
            abstract_inverted_index={"Abstract": [0], "We": [1], "bend": [2], "often.": [4]},
            locations=[
                {
                    "landing_page_url": "http://arxiv.org/abs/1901.00001",
                    "is_oa": True,
                    "pdf_url": "https://arxiv.org/pdf/1901.00001",
                }
            ],
        )
    )
    internet.arxiv["1901.00001"] = shapes["arxiv"](
        "1901.00001", "Crooked  widgets", "<arxiv:doi>10.5555/ONE</arxiv:doi>"
    )
    by_doi, by_arxiv, by_pmid, by_openalex = await scholar.get(
        ["10.5555/ONE", "arXiv:1901.00001v2", "pmid:4242", "W77777"]
    )
    for answer in (by_doi, by_arxiv, by_pmid, by_openalex):
        assert answer.state == "found"
        assert answer.work.identifiers["doi"] == "10.5555/one"
        assert answer.work.venue == "Journal of Widgets"
        assert answer.work.status.as_of == "2026-01-02"
    work = by_doi.work
    assert work.identifiers == {"doi": "10.5555/one", "arxiv": "1901.00001", "pmid": "4242", "openalex": "W77777"}
    assert (work.abstract, work.provenance["abstract"]) == ("We bend.", "crossref")
    assert (work.cited_by, work.provenance["cited_by"]) == (9, "openalex")
    assert [copy.url for copy in work.access] == ["https://arxiv.org/pdf/1901.00001"]
    assert work.found_by == ("crossref", "openalex")
    assert by_arxiv.work.abstract == "We study widgets."
    assert by_openalex.id == "W77777"


async def test_a_doi_that_no_agency_registered_is_not_found(internet: Any, scholar: Any) -> None:
    (answer,) = await scholar.get(["10.5555/nothing"])
    assert answer.state == "not_found"
    assert "doi.org" in answer.detail
    asked = ("crossref", "openalex", "doi", "datacite")
    assert {s.provider: s.state for s in answer.statuses} == dict.fromkeys(asked, "empty")


async def test_a_doi_of_another_agency_is_found_through_the_register(internet: Any, scholar: Any) -> None:
    internet.registered["10.5281/zenodo.1"] = {
        "title": "A dataset of widgets",
        "author": [{"literal": "The Widget Consortium"}],
        "issued": {"date-parts": [["2020", "2"]]},
        "type": "dataset",
    }
    (answer,) = await scholar.get(["https://doi.org/10.5281/ZENODO.1"])
    assert answer.state == "found"
    assert (answer.work.title, answer.work.year, answer.work.type) == ("A dataset of widgets", 2020, "dataset")
    assert answer.work.found_by == ("doi",)


async def test_a_registered_doi_without_metadata_is_unknown_not_absent(internet: Any, scholar: Any) -> None:
    internet.registered["10.5281/silent"] = None
    (answer,) = await scholar.get(["10.5281/silent"])
    assert answer.state == "unavailable"
    assert "registered" in next(s.detail for s in answer.statuses if s.provider == "doi")


async def test_arxiv_openalex_and_pubmed_decide_about_their_own_numbers(internet: Any, scholar: Any) -> None:
    answers = await scholar.get(["1901.99999", "W424242", "pmid:4242", "PMC4242"])
    assert [a.state for a in answers] == ["not_found", "not_found", "not_found", "unavailable"]
    assert answers[2].detail == "PubMed has no such work"
    assert "proves nothing" in answers[3].detail


async def test_a_removed_openalex_record_is_no_record(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.openalex.append(shapes["openalex"](4285719527, "Deleted Work"))
    (answer,) = await scholar.get(["W4285719527"])
    assert answer.state == "not_found"


async def test_each_identifier_is_answered_in_its_place(scholar: Any) -> None:
    answers = await scholar.get(
        ["junk", "12345678", "10.5555/x", "orcid:0000-0002-1825-0097", "10.5555/X", "9780306406157"]
    )
    assert [a.state for a in answers] == ["invalid", "ambiguous", "not_found", "invalid", "not_found", "invalid"]
    assert [a.id for a in answers][4] == "10.5555/X"
    assert all(a.detail for a in answers)


async def test_no_and_too_many_identifiers_are_refused(scholar: Any) -> None:
    for ids in ([], ["10.5555/x"] * 51):
        with pytest.raises(BadRequest):
            await scholar.get(ids)


async def test_a_retraction_is_told_with_its_notice_date_and_source(internet: Any, scholar: Any, shapes: Any) -> None:
    both = [NOTICE | {"source": "publisher"}, NOTICE | {"source": "retraction-watch"}]
    internet.crossref["10.5555/bad"] = shapes["crossref"]("10.5555/bad", "Bad widgets", **{"updated-by": both})
    internet.crossref["10.5555/notice"] = shapes["crossref"](
        "10.5555/notice", "Retraction: Bad widgets", **{"update-to": [{"type": "retraction", "DOI": "10.5555/bad"}]}
    )
    bad, notice = await scholar.get(["10.5555/bad", "10.5555/notice"])
    status = bad.work.status
    assert (status.state, status.date, status.notice) == ("retracted", "2021-05-06", "doi:10.5555/notice")
    assert (status.provider, status.as_of) == ("crossref/publisher", "2026-01-02")
    assert notice.work.status.state == "none_known"
    assert "notice" in notice.work.status.reason


@pytest.mark.parametrize(
    ("updates", "state"),
    [
        ([], "none_known"),
        ([{"type": "correction"}], "corrected"),
        ([{"type": "erratum"}, {"type": "expression_of_concern"}], "expression_of_concern"),
        ([{"type": "withdrawal"}], "withdrawn"),
        ([{"type": "Expression-of-Concern"}, NOTICE], "retracted"),
        ([NOTICE, {"type": "reinstatement", "updated": {"date-time": "2022-01-01"}}], "reinstated"),
        ([NOTICE, {"type": "reinstatement", "updated": {"date-time": "2020-01-01"}}], "retracted"),
        ([{"type": "new_version"}], "none_known"),
        ("nonsense", "none_known"),
    ],
)
async def test_notices_are_typed(updates: Any, state: str, internet: Any, scholar: Any, shapes: Any) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Widgets", **{"updated-by": updates})
    (answer,) = await scholar.get(["10.5555/one"])
    assert answer.work.status.state == state


async def test_a_title_that_says_retracted_counts_but_the_notice_of_it_does_not(
    internet: Any, scholar: Any, shapes: Any
) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "RETRACTED: Crooked widgets")
    internet.crossref["10.5555/two"] = shapes["crossref"]("10.5555/two", "Retraction: Crooked widgets")
    one, two = await scholar.get(["10.5555/one", "10.5555/two"])
    assert one.work.status.state == "retracted"
    assert two.work.status.state == "none_known"


async def test_an_openalex_flag_against_crossref_is_kept_as_a_conflict(
    internet: Any, scholar: Any, shapes: Any
) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Crooked widgets")
    internet.openalex.append(shapes["openalex"](77777, "Crooked widgets", "10.5555/one", is_retracted=True))
    (answer,) = await scholar.get(["10.5555/one"])
    assert answer.work.status.state == "retracted"
    assert "status: crossref=none_known; openalex=retracted" in answer.work.conflicts


async def test_a_withdrawn_preprint_says_so(internet: Any, scholar: Any, shapes: Any) -> None:
    comment = "<arxiv:comment>This paper has been withdrawn by the author due to an error</arxiv:comment>"
    internet.arxiv["1901.00001"] = shapes["arxiv"]("1901.00001", "Wrong widgets", comment)
    (answer,) = await scholar.get(["1901.00001"])
    assert answer.work.status.state == "withdrawn"


async def test_a_record_with_another_papers_title_is_a_conflict_not_an_accusation(
    internet: Any, scholar: Any, shapes: Any
) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Crooked widgets")
    internet.openalex.append(shapes["openalex"](77777, "A history of porcelain", "10.5555/one"))
    (answer,) = await scholar.get(["10.5555/one"])
    assert answer.work.title == "Crooked widgets"
    assert any(c.startswith("title: crossref=Crooked widgets; openalex=") for c in answer.work.conflicts)
    assert "disagree" in answer.detail


async def test_searching_ranks_the_work_that_was_meant_first(internet: Any, scholar: Any, shapes: Any) -> None:
    for n in range(8):
        internet.crossref[f"10.5555/{n}"] = shapes["crossref"](f"10.5555/{n}", f"More about widgets, volume {n}")
    internet.openalex.append(shapes["openalex"](55555, "Something else on widgets"))
    internet.openalex.append(shapes["openalex"](66666, "Crooked widgets in the wild", "10.5555/wild"))
    found = await scholar.find(Query("Quill and Øster 2019, Crooked widgets in the wild. Journal of Widgets"))
    assert found.works[0].title == "Crooked widgets in the wild"
    assert found.complete


async def test_agreement_of_services_outranks_a_single_first_place(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.crossref["10.5555/a"] = shapes["crossref"]("10.5555/a", "Alpha widgets")
    internet.crossref["10.5555/b"] = shapes["crossref"]("10.5555/b", "Beta widgets")
    internet.openalex.append(shapes["openalex"](55555, "Beta widgets", "10.5555/b"))
    found = await scholar.find(Query("widgets"))
    assert [w.title for w in found.works] == ["Beta widgets", "Alpha widgets"]
    assert found.works[0].found_by == ("crossref", "openalex")


async def test_filters_hold_for_the_merged_record(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.crossref["10.5555/old"] = shapes["crossref"]("10.5555/old", "Old widgets", issued={"date-parts": [[1990]]})
    internet.crossref["10.5555/new"] = shapes["crossref"]("10.5555/new", "New widgets")
    internet.crossref["10.5555/fig"] = shapes["crossref"]("10.5555/fig", "Figure of widgets", type="component")
    internet.crossref["10.5555/book"] = shapes["crossref"]("10.5555/book", "Book of widgets", type="monograph")
    internet.arxiv["1901.00001"] = shapes["arxiv"]("1901.00001", "Free widgets")
    titles = lambda found: [w.title for w in found.works]  # noqa: E731
    assert "Figure of widgets" not in titles(await scholar.find(Query("widgets")))
    assert "Old widgets" not in titles(await scholar.find(Query("widgets", year_from=2000)))
    assert titles(await scholar.find(Query("widgets", types=("book",)))) == ["Book of widgets"]
    assert titles(await scholar.find(Query("widgets", open_access=True))) == ["Free widgets"]


async def test_a_cursor_leads_through_everything_once(internet: Any, make_scholar: Any, shapes: Any) -> None:
    for n in range(7):
        internet.crossref[f"10.5555/c{n}"] = shapes["crossref"](f"10.5555/c{n}", f"Crossref widgets {n}")
        internet.openalex.append(shapes["openalex"](5000 + n, f"Openalex widgets {n}"))
    scholar, cursor, seen = make_scholar(deadline=60), "", []
    for _ in range(20):
        found = await scholar.find(Query("widgets", limit=3), sources=["crossref", "openalex"], cursor=cursor)
        seen += [w.title for w in found.works]
        cursor = found.next_cursor
        if not cursor:
            break
    assert sorted(seen) == sorted(
        [f"Crossref widgets {n}" for n in range(7)] + [f"Openalex widgets {n}" for n in range(7)]
    )


@pytest.mark.parametrize(
    "query",
    [
        Query(""),
        Query("  ?! "),
        Query("x", limit=0),
        Query("x", limit=51),
        Query("x", year_from=2020, year_to=2010),
        Query("x", year_from=20),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(query: Query, scholar: Any, internet: Any) -> None:
    with pytest.raises(BadRequest):
        await scholar.find(query)
    assert not internet.asked


async def test_unknown_sources_and_cursors_are_refused(scholar: Any) -> None:
    with pytest.raises(BadRequest, match="crossref, openalex, arxiv"):
        await scholar.find(Query("x"), sources=["google"])
    for cursor in ("x", "0.0", "1.-1", "9999.0"):
        with pytest.raises(BadRequest):
            await scholar.find(Query("x"), cursor=cursor)


async def test_hostile_words_cannot_become_operators(internet: Any, scholar: Any) -> None:
    await scholar.find(Query('widgets" OR all:* AND (cat:cs, filter|x:y) & author.id:1'))
    urls = {name: url for name, _, url in internet.asked}
    assert "%22" not in urls["arxiv"]
    assert "cat%3A" not in urls["arxiv"]
    assert "filter=" not in urls["openalex"]
    assert "%7C" not in urls["openalex"]


async def test_a_query_that_is_an_identifier_is_looked_up_not_searched(
    internet: Any, scholar: Any, shapes: Any
) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Crooked widgets")
    found = await scholar.find(Query("https://doi.org/10.5555/one"))
    assert [w.title for w in found.works] == ["Crooked widgets"]
    assert not internet.requests("arxiv")


async def test_two_versions_of_a_preprint_are_told_apart(internet: Any, scholar: Any, shapes: Any) -> None:
    entry = shapes["arxiv"]("1901.00001", "Crooked widgets")
    internet.arxiv |= {"1901.00001": entry.replace("00001v2", "00001v1").replace("Crooked", "Straight") + entry}
    first, second, absent = await scholar.get(["1901.00001v1", "1901.00001v2", "1901.00001v9"])
    assert (first.work.title, second.work.title) == ("Straight widgets", "Crooked widgets")
    assert absent.state == "not_found"
