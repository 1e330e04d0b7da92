"""Replays what the services really answered, where the recordings lie beside the checkout."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrel.scholarly import Query
from carrel.scholarly.crossref import crossref_record
from carrel.scholarly.openalex import openalex_record

DATA = Path(__file__).parents[4] / "shared" / "data" / "api-recordings"
MARKUP = re.compile(r"</?(?:jats|mml|[a-z]{1,5})[:>\s]|&(?:amp|lt|gt|#\d)|\\u00")


def _recordings(service: str) -> list[dict[str, Any]]:
    if not DATA.exists():
        pytest.skip("the recorded answers are not beside the checkout")
    return [json.loads(path.read_text()) for path in sorted((DATA / service).glob("*.json"))]


def _crossref_messages() -> list[dict[str, Any]]:
    found = []
    for recording in _recordings("crossref"):
        if recording["response"]["status"] != 200 or not recording["response"]["body"].startswith("{"):
            continue
        body = json.loads(recording["response"]["body"])
        if body.get("message-type") == "work":
            found.append(body["message"])
        elif body.get("message-type") == "work-list":
            found += body["message"]["items"]
    return [m for m in found if m.get("title") and m.get("author")]


def test_recorded_crossref_works_keep_title_doi_year_and_every_family_name() -> None:
    messages = _crossref_messages()
    assert len(messages) >= 150
    for message in messages:
        work = crossref_record(message).work
        assert work.identifiers["doi"] == message["DOI"].lower() or "arxiv" in work.identifiers
        parts = message.get("issued", {}).get("date-parts", [[None]])[0]
        assert work.year == (parts[0] if parts and parts[0] else work.year)
        words = re.sub(r"<[^>]*>|\W", "", message["title"][0])
        assert re.sub(r"\W", "", work.title).startswith(words[:10]) or "&" in message["title"][0]
        families = [a["family"] for a in message["author"] if a.get("family")]
        assert [a.family for a in work.authors if a.family in families] == [" ".join(f.split()) for f in families]
        assert not MARKUP.search(work.title + work.abstract + work.venue)


def test_recorded_openalex_works_are_read_whole() -> None:
    works = 0
    for recording in _recordings("openalex"):
        if recording["response"]["status"] != 200:
            continue
        body = json.loads(recording["response"]["body"])
        for item in body.get("results", [body]):
            if "authorships" not in item:
                continue
            work = openalex_record(item).work
            works += 1
            assert work.title
            assert len(work.authors) == len(item["authorships"])
            assert work.year == item["publication_year"]
            assert work.identifiers["openalex"] in item["id"]
            assert bool(work.abstract) == bool(item.get("abstract_inverted_index"))
            assert not MARKUP.search(work.title + work.abstract)
    assert works >= 9


async def test_recorded_services_answer_through_the_scholar(internet: Any, scholar: Any) -> None:
    answers = {
        r["request"]["url"]: r["response"]
        for s in ("crossref", "openalex")
        for r in _recordings(s)
        if r["request"]["url"]
    }
    doi = "10.1073/pnas.1414271111"

    def replay(request: httpx2.Request) -> httpx2.Response:
        for url, response in answers.items():
            service, asked = httpx2.URL(url), httpx2.URL(str(request.url))
            if service.host == asked.host and doi in str(service).replace("%2F", "/") and "transform" not in url:
                return httpx2.Response(
                    response["status"], text=response["body"], headers={"content-type": "application/json"}
                )
        return httpx2.Response(404, text="Resource not found.")

    internet.faults |= {"crossref": replay, "openalex": replay}
    (answer,) = await scholar.get([doi.upper()])
    assert answer.state == "found"
    assert answer.work.found_by == ("crossref", "openalex")
    assert answer.work.authors[0].family == "Makris"
    assert answer.work.conflicts == () or all(not c.startswith("title") for c in answer.work.conflicts)


async def test_recorded_arxiv_answers_are_read_and_its_errors_are_failures(internet: Any, make_scholar: Any) -> None:
    read = 0
    for recording in _recordings("arxiv"):
        url, response = recording["request"]["url"], recording["response"]
        if url is None:
            continue
        internet.faults["arxiv"] = lambda r, response=response: httpx2.Response(
            response["status"], text=response["body"]
        )
        found = await make_scholar().find(Query("testing"), sources=["arxiv"])
        (status,) = found.statuses
        entries = response["body"].count("<entry>")
        if response["status"] != 200:
            assert status.state == "unavailable"
        else:
            assert status.state == ("ok" if entries else "empty")
            assert all(w.identifiers["arxiv"] and w.authors and w.year and "\n" not in w.title for w in found.works)
            read += len(found.works)
    assert read >= 100


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)
_FIELDS = [
    "DOI",
    "title",
    "author",
    "issued",
    "abstract",
    "updated-by",
    "update-to",
    "relation",
    "license",
    "link",
    "reference",
    "type",
    "page",
    "indexed",
]
_OA = [
    "id",
    "doi",
    "ids",
    "display_name",
    "authorships",
    "publication_date",
    "publication_year",
    "abstract_inverted_index",
    "locations",
    "primary_location",
    "biblio",
    "is_retracted",
    "referenced_works",
]


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(_FIELDS), _json), st.dictionaries(st.sampled_from(_OA), _json))
def test_no_shape_of_json_breaks_the_readers(crossref: dict[str, Any], openalex: dict[str, Any]) -> None:
    crossref_record(crossref)
    openalex_record(openalex)
