from __future__ import annotations

from typing import Any

import httpx2
import pytest

from carrel.errors import BadRequest
from carrel.records import Author
from carrel.scholarly import Citation, match_reference, parse_citation

REAL = "Quill A, Øster B. Crooked widgets in the wild. Journal of Widgets. 2019;3(2):1-9."
FAKE = "Quill A, Øster B. Transcendental gadgets under moonlight. Journal of Gadgets. 2018;4(1):10-19."


@pytest.fixture(autouse=True)
def library(internet: Any, shapes: Any) -> None:
    internet.crossref["10.5555/wild"] = shapes["crossref"]("10.5555/wild", "Crooked widgets in the wild")
    internet.openalex.append(shapes["openalex"](77777, "Crooked widgets in the wild", "10.5555/wild"))
    internet.crossref["10.5555/other"] = shapes["crossref"]("10.5555/other", "Porcelain of the late Ming dynasty")


@pytest.mark.parametrize(
    ("citation", "title", "families", "year"),
    [
        (REAL, "Crooked widgets in the wild", ["Quill", "Øster"], 2019),
        (
            "Quill, A., & Øster, B. (2019). Crooked widgets in the wild. Journal of Widgets, 3(2), 1–9.",
            "Crooked widgets in the wild",
            ["Quill", "Øster"],
            2019,
        ),
        (
            "[7] A. Quill and B. Øster, “Crooked widgets in the wild,” J. Widgets, vol. 3, 2019.",
            "Crooked widgets in the wild",
            ["Quill", "Øster"],
            2019,
        ),
        (
            "Quill, A. and Øster, B. Crooked widgets in the wild. In ICW, 2019.",
            "Crooked widgets in the wild",
            ["Quill", "Øster"],
            2019,
        ),
        (
            "12. Quill, A. et al. Crooked widgets in the wild. Widgets 3, 1–9 (2019).",
            "Crooked widgets in the wild",
            ["Quill"],
            2019,
        ),
        (
            "@article{q, title={Crooked {W}idgets}, author={Quill, Ada and Øster, Ben}, year={2019}}",
            "Crooked Widgets",
            ["Quill", "Øster"],
            2019,
        ),
        ("doi:10.5555/wild", "", [], None),
    ],
)
def test_references_of_usual_styles_are_taken_apart(
    citation: str, title: str, families: list[str], year: int | None
) -> None:
    read = parse_citation(citation)
    assert (read.title, [a.family for a in read.authors], read.year) == (title, families, year)


@pytest.mark.parametrize(
    "text", ["A b " * 740, "Ab, C. " * 420, "Ab ab ab, " * 290, '"a ' * 900, "(2020) " * 420, "Aa Bb Cc D, " * 240]
)
def test_hostile_references_take_no_time(text: str) -> None:
    import time

    started = time.process_time()
    parse_citation(text[:3_000])
    assert time.process_time() - started < 1.0


async def test_a_right_reference_is_verified(scholar: Any) -> None:
    match = await match_reference(scholar, REAL)
    assert match.verdict == "verified"
    assert match.work is not None
    assert match.work.identifiers["doi"] == "10.5555/wild"


async def test_a_right_reference_with_its_doi_is_verified_without_a_search(scholar: Any, internet: Any) -> None:
    match = await match_reference(scholar, REAL + " doi:10.5555/wild")
    assert match.verdict == "verified"
    asked = [url for name, _, url in internet.asked if name != "europepmc"]  # whose lookups are searches by identifier
    assert not any("query" in url or "search" in url for url in asked)


@pytest.mark.parametrize(
    ("citation", "field"),
    [
        (REAL.replace("2019", "2011"), "year"),
        (REAL.replace("Crooked", "Croocked"), "title"),
        (REAL + " doi:10.5555/wrong", "doi"),
        (REAL + " doi:10.5555/other", "doi"),
        (REAL.replace("Øster B", "Nobody B, Someone C"), "authors"),
    ],
)
async def test_what_has_to_be_corrected_is_named(citation: str, field: str, scholar: Any) -> None:
    match = await match_reference(scholar, citation)
    assert match.verdict == "verified_with_corrections"
    assert [c.field for c in match.candidates[0].fields if not c.agrees] == [field]


@pytest.mark.parametrize(
    "citation",
    [
        REAL.replace("Quill A, Øster B", "Borges JL, Bioy A"),
        REAL.replace("Crooked", "Straight"),
        REAL.replace("in the wild", "not in the wild"),
    ],
)
async def test_a_changed_title_or_other_people_is_a_mismatch(citation: str, scholar: Any) -> None:
    match = await match_reference(scholar, citation)
    assert match.verdict == "mismatch"
    assert match.work is not None


async def test_an_article_that_every_source_should_have_and_none_has_is_likely_fabricated(scholar: Any) -> None:
    match = await match_reference(scholar, FAKE)
    assert match.verdict == "likely_fabricated"
    assert {s.provider for s in match.statuses} == {"crossref", "openalex", "arxiv"}


async def test_an_unregistered_doi_and_an_unknown_title_is_likely_fabricated(scholar: Any) -> None:
    match = await match_reference(scholar, FAKE + " https://doi.org/10.5555/nothing")
    assert match.verdict == "likely_fabricated"
    assert "not registered" in match.reason


@pytest.mark.parametrize("down", ["crossref", "openalex", "arxiv", "doi"])
@pytest.mark.parametrize("citation", [FAKE, FAKE + " doi:10.5555/nothing", REAL.replace("Crooked", "Utterly unknown")])
async def test_nobody_is_accused_while_a_source_is_down(down: str, citation: str, internet: Any, scholar: Any) -> None:
    internet.faults[down] = lambda r: httpx2.Response(503)
    match = await match_reference(scholar, citation)
    if down != "doi" or "doi:" in citation:
        assert match.verdict != "likely_fabricated"


async def test_a_doi_of_another_work_accuses_only_when_everybody_answered(internet: Any, scholar: Any) -> None:
    citation = FAKE + " doi:10.5555/other"
    internet.faults["arxiv"] = lambda r: httpx2.Response(503)
    unsure = await match_reference(scholar, citation)
    assert (unsure.verdict, "another work" in unsure.reason) == ("mismatch", True)
    del internet.faults["arxiv"]
    internet.time.seconds += 10_000
    assert (await match_reference(scholar, citation)).verdict == "likely_fabricated"


async def test_without_any_source_the_verdict_is_that_we_could_not_look(internet: Any, scholar: Any) -> None:
    for provider in ("crossref", "openalex", "arxiv", "doi", "datacite"):
        internet.faults[provider] = lambda r: httpx2.ConnectError("offline", request=r)
    for citation in (REAL, FAKE, FAKE + " doi:10.5555/nothing", "doi:10.5555/nothing"):
        match = await match_reference(scholar, citation)
        assert match.verdict == "unavailable"


@pytest.mark.parametrize(
    "citation",
    [
        "Quill A. Transcendental gadgets under moonlight. PhD thesis, University of Somewhere; 2018.",
        "Quill A. Transcendental gadgets under moonlight. Blog post, accessed 2 May 2018.",
        "Quill A, Øster B. Transcendental gadgets under moonlight. Journal of Gadgets. 2026;4(1):10-19.",
        "Quill A, Øster B. Transcendental gadgets. Journal of Gadgets. 2018;4(1):10-19.",
        "Quill A. Transcendental gadgets under moonlight. In Proc. Conference on Gadgets, 2018.",
    ],
)
async def test_what_the_sources_do_not_cover_is_unconfirmed(citation: str, scholar: Any) -> None:
    assert (await match_reference(scholar, citation)).verdict == "unconfirmed"


async def test_fields_work_as_well_as_text(scholar: Any) -> None:
    cited = Citation(title="Crooked widgets in the wild", authors=(Author("Quill"),), year=2019)
    assert (await match_reference(scholar, cited)).verdict == "verified"


@pytest.mark.parametrize("text", ["", "   ", "?!", "x" * 3_001])
async def test_an_empty_or_endless_citation_is_refused(text: str, scholar: Any) -> None:
    with pytest.raises(BadRequest):
        await match_reference(scholar, text)
