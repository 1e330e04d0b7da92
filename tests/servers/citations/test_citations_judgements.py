"""The host as judge: packets out, judgements in, and a quote that decides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from carrel.citations import judging
from carrel.index import Library
from carrel.settings import Settings
from carrel.web import WebClient
from carrel_citations.server import create_server
from kit import Host

SOURCE = (
    "The keeper weighed the barn owls of the tower each winter. Their mean mass fell by a fifth when voles were "
    "scarce. In rich years nearly every pair raised six young, and in poor ones most pairs did not breed at all."
)
CLAIM = "Barn owls of the tower lose weight in winters with few voles."


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    library = Library(tmp_path / "data", background=False)
    client = WebClient(transport=httpx2.MockTransport(lambda request: httpx2.Response(404)), retries=0)
    yield Host(create_server(Settings(data=tmp_path / "data", models=tmp_path), library=library, client=client))
    await client.aclose()
    library.close()


async def opened(host: Host, claim: str = CLAIM) -> str:
    """The packet of a claim that the rules leave open."""
    reply = await host.record("verify_claims", items=[{"claim": claim, "sources": [SOURCE]}])
    assert reply["results"][0]["verdict"] == "needs_judgement"
    return str(reply["results"][0]["packet"])


async def submit(host: Host, **judgement: Any) -> dict[str, Any]:
    return (await host.record("submit_judgements", judgements=[judgement]))["results"][0]


async def test_a_judgement_with_a_true_quote_is_taken_and_says_where_it_stands(host: Host) -> None:
    packet = await opened(host)
    quote = "Their mean mass fell by a fifth when voles were scarce"
    reply = await host.record(
        "submit_judgements", judgements=[{"packet": packet, "verdict": "supported", "quote": quote}], judge="reader-7"
    )
    (result,) = reply["results"]
    assert (result["accepted"], result["verdict"], result["judge"]) == (True, "supported", "reader-7")
    assert reply["counts"] == {"supported": 1}
    doc_id, _, span = result["ref"].partition(":")
    start, end = map(int, span.split("-"))
    assert SOURCE[start:end] == quote
    assert len(doc_id) == 16


@pytest.mark.parametrize(
    ("quote", "words"),
    [
        ("Their mean mass fell by a third when voles were scarce", "does not stand in the source"),
        ("Owls lose weight when there are no mice to eat", "does not stand in the source"),
        ("voles", "needs a quote"),
        ("", "needs a quote"),
    ],
)
@pytest.mark.parametrize("verdict", ["supported", "partially_supported", "contradicted"])
async def test_a_judgement_without_the_sources_own_words_is_refused_and_the_claim_stays_open(
    host: Host, verdict: str, quote: str, words: str
) -> None:
    packet = await opened(host)
    refused = await submit(host, packet=packet, verdict=verdict, quote=quote)
    assert not refused["accepted"] and refused["verdict"] == "needs_judgement"
    assert words in refused["reason"]
    assert (await submit(host, packet=packet, verdict="not_found"))["accepted"]


async def test_a_check_that_speaks_against_a_judgement_is_told(host: Host) -> None:
    packet = await opened(host, "In poor years 40 percent of the pairs did breed, as every pair raised eight young.")
    quote = "In rich years nearly every pair raised six young"
    taken = await submit(host, packet=packet, verdict="supported", quote=quote)
    against = await submit(host, packet=packet, verdict="contradicted", quote=quote)
    assert taken["accepted"] and taken["disputed"]
    assert against["accepted"] and "disputed" not in against


async def test_good_judgements_are_taken_beside_bad_ones(host: Host) -> None:
    packet = await opened(host)
    reply = await host.record(
        "submit_judgements",
        judgements=[{"packet": "pkt_unknown", "verdict": "not_found"}, {"packet": packet, "verdict": "not_found"}],
    )
    assert [result["accepted"] for result in reply["results"]] == [False, True]
    assert "run verify_claims again" in reply["results"][0]["reason"]


async def test_long_sources_do_not_pile_up_for_ever(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "_CHARS", 700)
    first = await opened(host)
    for number in range(3):
        text = f"{SOURCE} In the year {number} nobody was there."
        await host.record("verify_claims", items=[{"claim": CLAIM, "sources": [text]}])
    assert "run verify_claims again" in (await submit(host, packet=first, verdict="not_found"))["reason"]
    assert (await submit(host, packet=await opened(host), verdict="not_found"))["accepted"]


async def test_only_open_claims_have_a_packet_and_the_same_claim_has_the_same(host: Host) -> None:
    closed = await host.record(
        "verify_claims",
        items=[{"claim": "Their mean mass fell by a fifth when voles were scarce.", "sources": [SOURCE]}],
    )
    assert closed["results"][0]["verdict"] == "supported" and "packet" not in closed["results"][0]
    assert await opened(host) == await opened(host)


@pytest.mark.parametrize(
    "judgement", [{"packet": "p", "verdict": "needs_judgement"}, {"packet": "p"}, {"verdict": "x"}]
)
async def test_what_is_no_judgement_is_refused(host: Host, judgement: dict[str, Any]) -> None:
    assert (await host.refusal("submit_judgements", judgements=[judgement]))[0] == "invalid"
