"""Semantic Scholar, DataCite, DBLP, DOAJ and OpenReview: when they are asked, and what is read from them."""

from __future__ import annotations

import json
import re
from typing import Any

import anyio
import httpx2
import pytest

from carrel.scholarly import Query, match_reference

FURTHER = ("semanticscholar", "datacite", "dblp", "doaj")
HASH = f"{77:040x}"


async def test_an_ordinary_call_asks_none_of_them(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Crooked widgets")
    internet.arxiv["1901.00001"] = shapes["arxiv"]("1901.00001", "Round widgets")
    found = await scholar.find(Query("widgets"))
    await scholar.get(["10.5555/one", "1901.00001"])
    assert [status.provider for status in found.statuses] == ["crossref", "openalex", "arxiv"]
    assert not [name for name in FURTHER if internet.requests(name)]


async def test_a_search_that_names_them_merges_what_they_have(internet: Any, scholar: Any, shapes: Any) -> None:
    title = "Crooked widgets in the wild"
    internet.semanticscholar.append(shapes["semanticscholar"](77, title, DOI="10.5555/ONE", ArXiv="1901.00001"))
    internet.datacite["10.5555/one"] = shapes["datacite"]("10.5555/one", title)
    internet.dblp.append(
        shapes["dblp"]("conf/w/1", title, doi="10.5555/ONE", access="open", ee="https://example.org/x.pdf")
    )
    internet.doaj.append(shapes["doaj"]("10.5555/one", title))
    found = await scholar.find(Query("crooked widgets"), sources=FURTHER)
    assert [(s.provider, s.state) for s in found.statuses] == [(name, "ok") for name in FURTHER]
    (work,) = found.works
    assert work.found_by == FURTHER
    assert (work.title, work.year, work.cited_by) == (title, 2019, 11)
    assert work.identifiers == {"doi": "10.5555/one", "arxiv": "1901.00001", "s2": HASH, "corpusid": "77"}
    assert (work.abstract, work.provenance["abstract"]) == ("All widgets.", "datacite")
    assert {(copy.provider, copy.url) for copy in work.access} == {
        ("semanticscholar", "https://example.org/widgets.pdf"),
        ("datacite", "https://example.org/vault/1"),
        ("dblp", "https://example.org/x.pdf"),
        ("doaj", "https://example.org/open/1"),
    }
    assert work.conflicts == ()


# --- Semantic Scholar ------------------------------------------------------------------------------------------------


async def test_a_paper_is_read_whole_by_either_of_its_own_ids(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.semanticscholar.append(
        shapes["semanticscholar"](
            77, "Crooked &amp; bent widgets", DOI="10.5555/ONE", PubMed="4242", PubMedCentral="99"
        )
    )
    internet.crossref["10.5555/one"] = shapes["crossref"](
        "10.5555/one", "Crooked & bent widgets", **{"updated-by": [{"type": "retraction", "DOI": "10.5555/notice"}]}
    )
    for name in (f"s2:{HASH}", "CorpusId:77", f"https://www.semanticscholar.org/paper/Crooked/{HASH}"):
        (answer,) = await scholar.get([name])
        work = answer.work
        assert answer.state == "found"
        assert work.title == "Crooked & bent widgets"
        assert work.identifiers == {
            "doi": "10.5555/one",
            "pmid": "4242",
            "pmcid": "PMC99",
            "s2": HASH,
            "corpusid": "77",
        }
        assert [(c.url, c.media_type, c.licence) for c in work.access] == [
            ("https://example.org/widgets.pdf", "application/pdf", "cc-by-nc")
        ]
        assert (work.abstract, work.cited_by) == ("We bend widgets.", 7)
        assert work.status.state == "retracted"  # its DOI led on to Crossref
        assert work.found_by == ("semanticscholar", "crossref")


async def test_it_decides_about_its_own_ids_alone(internet: Any, scholar: Any) -> None:
    own, hashed, other = await scholar.get(["CorpusId:5", f"s2:{HASH}", "acl:P18-1001"])
    assert (own.state, hashed.state, other.state) == ("not_found", "not_found", "unavailable")
    assert "Semantic Scholar has no such work" in own.detail
    assert "proves nothing" in other.detail


async def test_several_of_its_ids_are_one_request_in_order(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.semanticscholar += [shapes["semanticscholar"](n, f"Widget number {n}") for n in (3, 1)]
    answers = await scholar.get([f"CorpusId:{n}" for n in (1, 2, 3)])
    assert [a.state for a in answers] == ["found", "not_found", "found"]
    assert [a.work.title for a in answers if a.work] == ["Widget number 1", "Widget number 3"]
    assert len(internet.requests("semanticscholar")) == 1


async def test_one_identifier_that_breaks_a_batch_costs_the_others_nothing(
    internet: Any, make_scholar: Any, shapes: Any
) -> None:
    internet.semanticscholar += [shapes["semanticscholar"](n, f"Widget number {n}") for n in (1, 2)]

    def fragile(request: httpx2.Request) -> httpx2.Response:
        if b"CorpusId:666" in request.content:
            return httpx2.Response(500, text='{"error": "Internal server error"}')
        return internet._semanticscholar(request)  # type: ignore[no-any-return]

    internet.faults["semanticscholar"] = fragile
    scholar = make_scholar(keys={"semanticscholar": "sesame"})
    answers = await scholar.get(["CorpusId:1", "CorpusId:2", "CorpusId:666"])
    assert [a.state for a in answers] == ["found", "unavailable", "unavailable"]
    again = await scholar.get(["CorpusId:2"])
    assert again[0].state == "found"


async def test_of_a_merged_preprint_the_doi_that_was_asked_for_stays_the_doi(
    internet: Any, make_scholar: Any, shapes: Any
) -> None:
    paper = shapes["semanticscholar"](77, "Crooked widgets in the wild", DOI="10.5555/article")
    internet.crossref["10.5555/preprint"] = shapes["crossref"](
        "10.5555/preprint", "Crooked widgets in the wild", type="posted-content"
    )
    internet.faults["semanticscholar"] = lambda r: httpx2.Response(200, text=json.dumps(paper))
    (answer,) = await make_scholar(keys={"semanticscholar": "sesame"}).get(["10.5555/preprint"])
    assert answer.work.found_by == ("crossref", "semanticscholar")
    assert answer.work.identifiers["doi"] == "10.5555/preprint"
    assert not answer.work.conflicts


async def test_with_a_key_it_is_asked_with_the_others_and_the_key_is_in_no_url(
    internet: Any, make_scholar: Any, shapes: Any
) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Crooked widgets")
    internet.semanticscholar.append(shapes["semanticscholar"](77, "Crooked widgets", DOI="10.5555/one"))
    scholar = make_scholar(keys={"semanticscholar": "sesame"})
    found = await scholar.find(Query("widgets"))
    assert [s.provider for s in found.statuses] == ["crossref", "openalex", "arxiv", "semanticscholar"]
    (answer,) = await scholar.get(["10.5555/one"])
    assert answer.work.abstract == "We bend widgets."
    assert not any("sesame" in url for _, _, url in internet.asked)
    asked = [h for (name, _, _), h in zip(internet.asked, internet.headers, strict=True) if name == "semanticscholar"]
    assert {h.get("x-api-key") for h in asked} == {"sesame"}
    assert not any(
        "x-api-key" in h for (n, _, _), h in zip(internet.asked, internet.headers, strict=True) if n == "crossref"
    )


async def test_when_it_hangs_the_others_answer_is_not_kept_waiting(
    internet: Any, make_scholar: Any, shapes: Any
) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Crooked widgets")

    async def hang(_: httpx2.Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    internet.faults["semanticscholar"] = hang
    scholar = make_scholar(keys={"semanticscholar": "sesame"}, deadline=0.3)
    with anyio.fail_after(2.0):
        (answer,) = await scholar.get(["10.5555/one"])
        found = await scholar.find(Query("widgets"))
    assert answer.state == "found"
    assert [w.title for w in found.works] == ["Crooked widgets"]
    assert next(s.state for s in answer.statuses if s.provider == "semanticscholar") == "timeout"
    assert not next(s for s in found.statuses if s.provider == "semanticscholar").answered


async def test_it_is_the_last_resort_for_what_nobody_could_tell(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.semanticscholar.append(shapes["semanticscholar"](77, "Crooked widgets", PubMed="4242"))
    internet.faults["openalex"] = internet.faults["pubmed"] = lambda r: httpx2.Response(503)
    (answer,) = await scholar.get(["pmid:4242"])
    assert answer.state == "found"
    assert answer.work.found_by == ("semanticscholar",)


async def test_throttled_it_says_how_to_be_served_better(internet: Any, make_scholar: Any) -> None:
    internet.faults["semanticscholar"] = lambda r: httpx2.Response(429, text='{"code":"429"}')
    for keys, advice in (({}, True), ({"semanticscholar": "sesame"}, False)):
        scholar = make_scholar(keys=keys)
        (status,) = (await scholar.find(Query("widgets"), sources=["semanticscholar"])).statuses
        (answer,) = await scholar.get(["CorpusId:7"])
        for told in (status, *answer.statuses):
            assert told.state == "rate_limited"
            assert ("CARREL_KEY_SEMANTICSCHOLAR" in told.detail) == advice


async def test_throttled_it_changes_no_verdict_and_is_not_asked_for_the_same_again(
    internet: Any, make_scholar: Any, shapes: Any
) -> None:
    internet.faults["semanticscholar"] = lambda r: httpx2.Response(429)
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Crooked widgets in the wild")
    scholar = make_scholar(keys={"semanticscholar": "sesame"})
    fake = "Quill A. Transcendental gadgets under moonlight. Journal of Gadgets. 2018;4(1):10-19."
    assert (await match_reference(scholar, fake)).verdict == "likely_fabricated"
    for _ in range(3):
        (answer,) = await scholar.get(["10.5555/one"])
        assert answer.state == "found"
    assert len([url for _, url in internet.requests("crossref") if "/works/10" in url]) == 1


@pytest.mark.parametrize(
    ("page", "state"),
    [
        ('{"total": 0, "offset": 0}', "empty"),
        ('{"data": []}', "empty"),
        ('{"total": 4, "offset": 0}', "unavailable"),
        ('{"data": [{"title": "no id"}]}', "unavailable"),
        ('{"message": "Forbidden"}', "unavailable"),
    ],
)
async def test_its_own_forms_of_nothing_are_told_from_errors(
    page: str, state: str, internet: Any, scholar: Any
) -> None:
    internet.faults["semanticscholar"] = lambda r: httpx2.Response(200, text=page)
    found = await scholar.find(Query("widgets"), sources=["semanticscholar"])
    assert found.statuses[0].state == state


async def test_a_title_is_matched_and_hyphens_are_parted_in_topics(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.semanticscholar.append(shapes["semanticscholar"](77, "Crooked widgets in the wild"))
    titled = await scholar.find(Query("x", title="Crooked widgets in the wild"), sources=["semanticscholar"])
    assert [w.title for w in titled.works] == ["Crooked widgets in the wild"]
    none = await scholar.find(Query("x", title="Porcelain"), sources=["semanticscholar"])
    assert none.statuses[0].state == "empty"
    await scholar.find(Query("low-cost widgets", year_from=2019), sources=["semanticscholar"])
    urls = [url for _, url in internet.requests("semanticscholar")]
    assert all("/search/match?" in url for url in urls[:2])
    assert "query=low+cost+widgets" in urls[2].replace("%20", "+")
    assert "year=2019-" in urls[2]


# --- DataCite --------------------------------------------------------------------------------------------------------


async def test_a_repositorys_doi_has_its_abstract_licence_and_relatives(
    internet: Any, scholar: Any, shapes: Any
) -> None:
    relations = [
        {"relationType": "References", "relatedIdentifier": "10.5555/CITED", "relatedIdentifierType": "DOI"},
        {"relationType": "IsPartOf", "relatedIdentifier": "1234-5678", "relatedIdentifierType": "ISSN"},
    ]
    titles = [
        {"titleType": "AlternativeTitle", "title": "CW"},
        {"title": "Counted <i>widgets</i>"},
        {"titleType": "Subtitle", "title": "a vault"},
    ]
    internet.datacite["10.5555/data"] = shapes["datacite"](
        "10.5555/data", "", titles=titles, relatedIdentifiers=relations, publisher={"name": "Widget Vault"}
    )
    (answer,) = await scholar.get(["10.5555/DATA"])
    work = answer.work
    assert answer.state == "found"
    assert (work.title, work.type, work.publisher) == ("Counted widgets: a vault", "dataset", "Widget Vault")
    assert (work.date, work.abstract) == ("2019-03-04", "All widgets.")
    assert [(a.family, a.given) for a in work.authors] == [("Quill", "Ada"), ("The Widget Consortium", "")]
    assert work.references == ("doi:10.5555/cited",)
    assert [(c.url, c.licence) for c in work.access] == [("https://example.org/vault/1", "cc-by-4.0")]


async def test_it_stands_in_where_arxiv_is_throttled(internet: Any, scholar: Any, shapes: Any) -> None:
    doi = "10.48550/arxiv.1901.00001"
    internet.datacite[doi] = shapes["datacite"](
        doi, "Round widgets", types={"resourceTypeGeneral": "Preprint"}, publisher="arXiv"
    )
    internet.faults["arxiv"] = lambda r: httpx2.Response(429, text="Rate exceeded.")
    (answer,) = await scholar.get(["arXiv:1901.00001v2"])
    assert answer.state == "found"
    assert answer.work.identifiers == {"arxiv": "1901.00001"}
    assert (answer.work.title, answer.work.type) == ("Round widgets", "preprint")


async def test_its_failure_leaves_a_certain_answer_certain(internet: Any, scholar: Any) -> None:
    internet.faults["datacite"] = lambda r: httpx2.Response(500)
    (answer,) = await scholar.get(["10.5555/nothing"])
    assert answer.state == "not_found"
    assert all(status.answered for status in answer.statuses)


async def test_many_dois_are_one_list(internet: Any, scholar: Any, shapes: Any) -> None:
    for n in range(9):
        internet.datacite[f"10.5555/d{n}"] = shapes["datacite"](f"10.5555/d{n}", f"Data number {n}")
        internet.registered[f"10.5555/d{n}"] = None
    answers = await scholar.get([f"10.5555/d{n}" for n in range(10)])
    assert [a.state for a in answers] == ["found"] * 9 + ["not_found"]
    assert [a.work.title for a in answers if a.work] == [f"Data number {n}" for n in range(9)]
    assert len(internet.requests("datacite")) == 1


async def test_datasets_are_looked_for_there_without_being_told(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.datacite["10.5555/data"] = shapes["datacite"]("10.5555/data", "Counted widgets")
    found = await scholar.find(Query("widgets", types=("dataset",)))
    assert [w.title for w in found.works] == ["Counted widgets"]
    (url,) = [url for _, url in internet.requests("datacite")]
    assert "types.resourceTypeGeneral" in url


@pytest.mark.parametrize(
    ("container", "pages"),
    [
        ({"firstPage": "927", "lastPage": "930"}, "927-930"),
        ({"firstPage": "e15", "lastPage": "e15"}, "e15"),
        ({"firstPage": "Spain; 3353", "lastPage": "3356"}, "3353-3356"),
        ({"firstPage": "1", "lastPage": "59 (2013). doi:10.1088/0067"}, "1-59"),
        ({"firstPage": "Korea"}, ""),
    ],
)
async def test_pages_are_what_has_digits(
    container: dict[str, str], pages: str, internet: Any, scholar: Any, shapes: Any
) -> None:
    internet.datacite["10.5555/d"] = shapes["datacite"]("10.5555/d", "Data", container=container)
    (answer,) = await scholar.get(["10.5555/d"])
    assert answer.work.pages == pages


@pytest.mark.parametrize(
    ("stated", "licence"),
    [
        ("CCBYNC", "cc-by-nc"),
        ("CC BY-NC-ND 4.0", "cc-by-nc-nd-4.0"),
        ("cc0-1.0", "cc0-1.0"),
        ("implied-oa", "implied-oa"),
    ],
)
async def test_licences_have_one_spelling(stated: str, licence: str, internet: Any, scholar: Any, shapes: Any) -> None:
    journal = {"title": "Open Widgets", "license": [{"type": stated}]}
    internet.doaj.append(shapes["doaj"]("10.5555/open", "Open widgets", journal=journal))
    (work,) = (await scholar.find(Query("widgets"), sources=["doaj"])).works
    assert work.access[0].licence == licence


# --- DBLP and DOAJ ---------------------------------------------------------------------------------------------------


async def test_dblp_names_venues_and_authors_as_printed(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.dblp += [
        shapes["dblp"]("conf/w/1", "Crooked &amp; round widgets", doi="10.5555/ONE"),
        shapes["dblp"](
            "journals/corr/abs-1901-00001",
            "Single widgets",
            authors={"author": {"@pid": "1", "text": "Wei Wang 0003"}},
            type="Informal and Other Publications",
            venue=["CoRR", "X"],
            volume="abs/1901.00001",
        ),
        shapes["dblp"]("phd/w/1", "Widgets, a thesis", type="Books and Theses", authors={}),
    ]
    works = {w.title: w for w in (await scholar.find(Query("widgets"), sources=["dblp"])).works}
    printed = works["Crooked & round widgets"]
    assert [(a.family, a.given) for a in printed.authors] == [("Quill", "Ada"), ("Øster", "Ben")]
    assert (printed.venue, printed.type, printed.identifiers) == ("WIDGETS", "conference-paper", {"doi": "10.5555/one"})
    single = works["Single widgets"]
    assert (single.authors[0].family, single.authors[0].given) == ("Wang", "Wei")
    assert (single.venue, single.type, single.identifiers) == ("CoRR", "preprint", {"arxiv": "1901.00001"})
    assert works["Widgets, a thesis"].type == "thesis"


async def test_doaj_gives_the_open_article(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.doaj.append(shapes["doaj"]("10.5555/ONE", "Open widgets"))
    (work,) = (await scholar.find(Query("widgets"), sources=["doaj"])).works
    assert (work.venue, work.date, work.pages, work.abstract) == ("Open Widgets", "2019-03", "1-9", "We open widgets.")
    assert work.authors[0].orcid == "0000-0002-1825-0097"
    assert [(c.url, c.media_type, c.version) for c in work.access] == [
        ("https://example.org/open/1", "text/html", "publishedVersion")
    ]


async def test_a_forum_is_looked_up_in_both_interfaces_of_openreview(internet: Any, scholar: Any, shapes: Any) -> None:
    old = shapes["openreview"]("OldForum12", "Old widgets")
    old["content"] = {name: field["value"] for name, field in old["content"].items()}  # the first API wraps nothing
    internet.openreview["api.openreview.net"].append(old)
    internet.openreview["api2.openreview.net"].append(
        shapes["openreview"](
            "NewForum12",
            "New widgets",
            venue="Submitted to WIDGETS 2020",
            venueid="WIDGETS.cc/2020/Conference/Rejected_Submission",
            authors=[{"fullname": "Ada Quill", "username": "~Ada_Quill1"}],
        )
    )
    ids = ["https://openreview.net/forum?id=OldForum12", "openreview:NewForum12", "openreview:NoForum123"]
    first, second, third = await scholar.get(ids)
    assert (first.work.title, first.work.type, first.work.date) == ("Old widgets", "conference-paper", "2019-03-04")
    assert [(c.url, c.licence) for c in first.work.access] == [("https://openreview.net/pdf/0a1b.pdf", "cc-by-4.0")]
    assert (second.work.type, second.work.date, second.work.status) == ("preprint", "2020", None)
    assert [(a.family, a.given) for a in second.work.authors] == [("Quill", "Ada")]
    assert second.work.identifiers == {"openreview": "NewForum12"}
    assert third.state == "not_found"
    assert "OpenReview has no such work" in third.detail


async def test_what_is_said_about_a_submission_is_none(internet: Any, scholar: Any, shapes: Any) -> None:
    paper, review = (shapes["openreview"](name, f"Widgets, {name}") for name in ("AbCdEfGh12", "ReviewRe12"))
    review["forum"] = "AbCdEfGh12"
    internet.openreview["api2.openreview.net"] += [review, paper]
    found = await scholar.find(Query("widgets"), sources=["openreview"])
    assert [w.title for w in found.works] == ["Widgets, AbCdEfGh12"]


async def test_years_counted_from_the_buddha_are_converted(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.datacite["10.5555/d"] = shapes["datacite"]("10.5555/d", "Data", publicationYear=2549, dates=[])
    (answer,) = await scholar.get(["10.5555/d"])
    assert answer.work.year == 2006


async def test_addresses_that_are_none_and_markup_do_not_come_through(internet: Any, scholar: Any, shapes: Any) -> None:
    bad = "javascript:alert(1)"
    paper = shapes["semanticscholar"](77, "<b>Evil</b> widgets\u202e one")
    internet.semanticscholar.append(
        paper | {"openAccessPdf": {"url": bad}, "abstract": "<p>Bent &lt;i&gt;it&lt;/i&gt;</p>"}
    )
    internet.datacite["10.5555/d"] = shapes["datacite"]("10.5555/d", "Evil widgets two", url=bad, contentUrl=[bad])
    internet.dblp.append(shapes["dblp"]("conf/w/1", "Evil widgets three", ee=[bad], url=bad, access="open"))
    internet.doaj.append(shapes["doaj"]("10.5555/o", "Evil widgets four", link=[{"type": "fulltext", "url": bad}]))
    internet.openreview["api2.openreview.net"].append(shapes["openreview"]("EvilForum1", "Evil widgets five", pdf=bad))
    found = await scholar.find(Query("evil widgets"), sources=[*FURTHER, "openreview"])
    assert len(found.works) == 5
    assert "javascript" not in str(found)
    (first,) = [w for w in found.works if "semanticscholar" in w.found_by]
    assert (first.title, first.abstract) == ("Evil widgets one", "Bent it")


async def test_who_holds_no_such_thing_is_not_asked(internet: Any, scholar: Any) -> None:
    found = await scholar.find(Query("widgets", types=("report",)), sources=["semanticscholar", "dblp", "doaj"])
    assert {status.state for status in found.statuses} == {"skipped"}
    assert not internet.asked


async def test_hostile_words_cannot_become_operators_there(internet: Any, scholar: Any) -> None:
    await scholar.find(
        Query('widgets" OR *:* NOT (doi:x) [1 TO 2] \\ /..?a=b#', author='a" OR b'),
        sources=["datacite", "dblp", "doaj"],
    )
    asked = [httpx2.URL(url) for _, _, url in internet.asked]
    told = [url.params.get("query") or url.params.get("q") or url.path.rsplit("/", 1)[-1] for url in asked]
    assert len(told) == 3
    for query in told:
        assert "widgets" in query
        assert not re.search(r'["*\\\[?#=]|doi:|\.\.|NOT|(?<!\w)OR OR', query)
