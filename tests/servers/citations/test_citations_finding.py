"""find_evidence: what could be cited for a sentence that cites nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from carrel.documents import parse
from carrel.index import Library
from carrel.records import parse_ref
from carrel.settings import Settings
from carrel.web import WebClient
from carrel_citations.server import create_server
from kit import FOX, OWL, Host, WordEncoder

OTHER_FOX = "# Notes\n\nA grown fox needs 800 grams of food a day. Nobody has weighed it.\n"
WALL = "<html><title>Just a moment...</title><body><p>Checking your browser before you go on.</p></body></html>"
WEATHER = "# Weather\n\nIt rained on eleven days in March, and the river rose above the lower meadow twice.\n"


def answer(request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, html=WALL) if request.url.path == "/wall" else httpx2.Response(404)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    library = Library(tmp_path / "data", encoder=WordEncoder, background=False)
    for source, text in (("fox.md", FOX), ("owl.md", OWL), ("notes.md", OTHER_FOX), ("weather.md", WEATHER)):
        library.add([parse(text.encode(), source=source)])
    library.encode("default")
    client = WebClient(transport=httpx2.MockTransport(answer), retries=0)
    server = create_server(Settings(data=tmp_path / "data", models=tmp_path), library=library, client=client)
    yield Host(server)
    await client.aclose()
    library.close()


def readings(reply: dict[str, Any]) -> dict[str, str]:
    return {each["source"]: each["reading"] for each in reply["found"]}


async def test_what_supports_and_what_contradicts_a_claim_is_found_and_can_be_cited(host: Host, tmp_path: Path) -> None:
    reply = await host.record("find_evidence", claim="A grown fox needs 500 grams of food a day.")
    assert list(readings(reply).items())[:2] == [("fox.md", "supported"), ("notes.md", "contradicted")]
    library = Library(tmp_path / "data", encoder=WordEncoder, background=False)
    for each in reply["found"][:2]:
        assert "grams of food a day" in library.resolve(parse_ref(each["evidence"][0]["ref"])).text
    library.close()
    assert reply["found"][1]["checks"][0]["kind"] == "number"
    assert reply["snapshot"] > 0


async def test_the_reference_that_is_found_bears_the_claim_out(host: Host) -> None:
    claim = "The barn owl locates mice by hearing alone."
    found = await host.record("find_evidence", claim=claim, k=1)
    ref = found["found"][0]["evidence"][0]["ref"]
    verdict = await host.record("verify_claims", items=[{"claim": claim, "sources": [ref]}])
    assert verdict["results"][0]["verdict"] == "supported"


async def test_a_claim_on_which_the_library_is_silent_finds_nothing_and_says_how_many_were_read(host: Host) -> None:
    reply = await host.record("find_evidence", claim="Quarterly revenue of the airline doubled.")
    assert reply["found"] == [] and reply["read"] == 4


async def test_evidence_is_looked_for_in_the_given_sources_only(host: Host) -> None:
    claim = "A grown fox needs 500 grams of food a day."
    text = "The keeper has weighed it. A grown fox needs 500 grams of food a day. It eats at dusk."
    sources = [text, "https://example.com/gone", "https://example.com/wall"]
    reply = await host.record("find_evidence", claim=claim, sources=sources)
    assert [each["reading"] for each in reply["found"]] == ["supported"]
    assert reply["read"] == 1
    assert [each["kind"] for each in reply["could_not_read"]] == ["not_found", "unavailable"]
    assert "sufficiency" not in reply


async def test_no_more_documents_come_than_were_asked_for(host: Host) -> None:
    assert len((await host.record("find_evidence", claim="A fox needs food.", k=1))["found"]) == 1


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"claim": " "}, "invalid"),
        ({"claim": "x" * 3_000}, "invalid"),
        ({"claim": "Foxes.", "collection": "none"}, "not_found"),
        ({"claim": "Foxes.", "k": 0}, "invalid"),
    ],
)
async def test_bad_input_is_refused(host: Host, arguments: dict[str, Any], kind: str) -> None:
    assert (await host.refusal("find_evidence", **arguments))[0] == kind


async def test_a_source_without_any_claim_is_refused(host: Host) -> None:
    assert (await host.refusal("find_evidence", claim="  ", sources=["Some text."]))[0] == "invalid"
