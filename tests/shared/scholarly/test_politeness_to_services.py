from __future__ import annotations

from itertools import pairwise
from typing import Any

import anyio
import pytest

from carrel.scholarly import Query


def _gaps(internet: Any, provider: str) -> list[float]:
    return [round(b - a, 6) for (a, _), (b, _) in pairwise(internet.requests(provider))]


async def _search_at_once(scholar: Any, words: list[str], sources: list[str]) -> list[Any]:
    results: list[Any] = []

    async def one(word: str) -> None:
        results.append(await scholar.find(Query(word), sources=sources))

    async with anyio.create_task_group() as tasks:
        for word in words:
            tasks.start_soon(one, word)
    return results


async def test_arxiv_is_asked_once_in_three_seconds_whoever_asks(internet: Any, make_scholar: Any) -> None:
    scholar = make_scholar(deadline=10.0)
    results = await _search_at_once(scholar, ["one", "two", "three", "four", "five", "six"], ["arxiv"])
    assert all(gap >= 3.0 for gap in _gaps(internet, "arxiv"))
    states = sorted(found.statuses[0].state for found in results)
    assert states.count("empty") == 4  # at 0, 3, 6 and 9 seconds
    assert states.count("rate_limited") == 2  # their turn would have come too late, and they say so


@pytest.mark.parametrize(("contact", "apart"), [("", 1.0), ("me@example.org", 0.34)])
async def test_crossref_lists_keep_its_pace(contact: str, apart: float, internet: Any, make_scholar: Any) -> None:
    scholar = make_scholar(contact=contact, deadline=30.0)
    await _search_at_once(scholar, ["one", "two", "three", "four", "five"], ["crossref"])
    gaps = _gaps(internet, "crossref")
    assert len(gaps) == 4
    assert all(gap >= apart - 1e-6 for gap in gaps)


@pytest.mark.parametrize(
    ("provider", "options", "apart"),
    [
        ("semanticscholar", {}, 2.0),
        ("semanticscholar", {"keys": {"semanticscholar": "sesame"}}, 1.0),
        ("datacite", {}, 0.6),
        ("datacite", {"contact": "me@example.org"}, 0.3),
        ("dblp", {}, 1.0),
        ("doaj", {}, 0.5),
        ("openreview", {}, 1.0),
        ("pubmed", {}, 0.34),
        ("pubmed", {"keys": {"pubmed": "sesame"}}, 0.1),
        ("europepmc", {}, 0.2),
    ],
)
async def test_further_sources_keep_their_pace(
    provider: str, options: dict[str, Any], apart: float, internet: Any, make_scholar: Any
) -> None:
    scholar = make_scholar(deadline=30.0, **options)
    results = await _search_at_once(scholar, ["one", "two", "three", "four", "five"], [provider])
    gaps = _gaps(internet, provider)
    assert all(gap >= apart - 1e-6 for gap in gaps)
    told = [found.statuses[0].state for found in results]
    assert told.count("empty") == len(gaps) + 1 >= 2
    assert told.count("empty") + told.count("rate_limited") == 5  # it is not waited for when it is busy


async def test_single_crossref_records_keep_five_per_second(internet: Any, make_scholar: Any) -> None:
    await make_scholar().get([f"10.5555/{n}" for n in range(4)])
    assert all(gap >= 0.2 - 1e-6 for gap in _gaps(internet, "crossref"))


async def test_a_contact_goes_into_the_user_agent_and_into_no_url(internet: Any, make_scholar: Any) -> None:
    keys = {"openalex": "sesame", "semanticscholar": "sesame"}
    scholar = make_scholar(contact="me@example.org", keys=keys)
    await scholar.find(Query("widgets"), sources=scholar.sources)
    assert len({name for name, _, _ in internet.asked}) == len(scholar.sources)
    assert all("me@example.org" in headers["user-agent"] for headers in internet.headers)
    only_there = ("pubmed", "unpaywall")  # E-utilities and Unpaywall take them nowhere else
    assert not any("example.org" in url or "sesame" in url for name, _, url in internet.asked if name not in only_there)
    assert any(headers.get("authorization") == "Bearer sesame" for headers in internet.headers)


async def test_many_identifiers_cost_few_requests(internet: Any, make_scholar: Any, shapes: Any) -> None:
    for n in range(50):
        internet.crossref[f"10.5555/{n}"] = shapes["crossref"](f"10.5555/{n}", f"Widget number {n}")
        internet.openalex.append(shapes["openalex"](1000 + n, f"Widget number {n}", f"10.5555/{n}"))
    answers = await make_scholar().get([f"10.5555/{n}" for n in range(50)])
    assert all(answer.state == "found" for answer in answers)
    assert [answer.work.title for answer in answers if answer.work] == [f"Widget number {n}" for n in range(50)]
    assert len(internet.requests("crossref")) == 2
    assert len(internet.requests("openalex")) == 1


async def test_a_few_identifiers_cost_openalex_nothing(internet: Any, make_scholar: Any) -> None:
    await make_scholar().get([f"10.5555/{n}" for n in range(10)])
    urls = [url for _, url in internet.requests("openalex")]
    assert len(urls) == 10
    assert not any("filter=" in url or "search=" in url for url in urls)


async def test_the_same_question_is_not_asked_twice(internet: Any, make_scholar: Any, shapes: Any) -> None:
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Crooked widgets")
    scholar = make_scholar()
    for _ in range(3):
        await scholar.get(["10.5555/one"])
        await scholar.find(Query("widgets"))
    assert len(internet.requests("arxiv")) == 1
    assert len(internet.requests("crossref")) == 2


async def test_a_failure_is_not_remembered(internet: Any, make_scholar: Any, shapes: Any, clock: Any) -> None:
    import httpx2

    internet.faults["crossref"] = lambda r: httpx2.Response(500)
    scholar = make_scholar()
    assert not (await scholar.find(Query("widgets"))).works
    del internet.faults["crossref"]
    internet.crossref["10.5555/one"] = shapes["crossref"]("10.5555/one", "Crooked widgets")
    clock.seconds += 60
    assert (await scholar.find(Query("widgets"))).works
