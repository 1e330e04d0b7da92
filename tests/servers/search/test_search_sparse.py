"""A collection with a learned-sparse arm as a host sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from carrel.errors import Unavailable
from carrel.index import Library
from carrel.settings import Settings
from carrel_search.server import create_server
from kit import Host, WordEncoder, WordWeigher, text_document


@pytest.fixture
def weigher() -> WordWeigher:
    return WordWeigher(implied={"bird": "heron"})


@pytest.fixture
def shelf(make_library: Callable[..., Library], weigher: WordWeigher) -> Library:
    def load(name: str) -> WordWeigher:
        if name != "weigher":
            raise Unavailable(f"the model {name} is not on this machine; `hf download {name}` brings it")
        return weigher

    library = make_library(encoder=WordEncoder(), background=False, sparse=load)
    library.create("birds", sparse="weigher")
    library.create("lost", sparse="owner/lost")
    for name in ("birds", "lost", "plain"):
        library.add([text_document(f"the {bird} of the marsh", bird) for bird in ("heron", "owl", "swift")], name)
    return library


@pytest.fixture
async def host(shelf: Library, settings: Settings) -> AsyncIterator[Host]:
    server = create_server(settings, library=shelf)
    yield Host(server)
    await server.aclose()


async def test_a_hit_credits_the_arm_that_found_it(host: Host, shelf: Library) -> None:
    shelf.encode("birds")
    reply = await host.record("search_library", queries=["bird"], collection="birds", format="detailed")
    first = reply["hits"][0]
    assert first["title"] == "heron" and first["arms"]["sparse"] == [1, 0.75] and "lexical" not in first["arms"]
    assert reply["coverage"] == {"lexical": 1.0, "dense": 1.0, "sparse": 1.0}
    plain = await host.record("search_library", queries=["owl"], collection="plain", format="detailed")
    assert "sparse" not in plain["coverage"] and "sparse" not in plain["hits"][0]["arms"]


async def test_a_reply_says_how_far_the_arm_is_and_what_is_missing(host: Host) -> None:
    reply = await host.record("search_library", queries=["owl"], collection="birds")
    assert reply["coverage"]["sparse"] == 0.0 and reply["hits"][0]["title"] == "owl"
    assert "sparse vectors are still being made: 0 % of the passages have one" in reply["notes"]
    reply = await host.record("search_library", queries=["owl"], collection="lost")
    assert reply["hits"][0]["title"] == "owl" and "sparse" not in reply["coverage"]
    assert any("without the learned-sparse arm: the model owner/lost is not on this" in note for note in reply["notes"])


async def test_the_status_tells_the_model_and_how_many_passages_it_has_weighed(host: Host, shelf: Library) -> None:
    shelf.encode("birds")
    status = await host.record("library_status")
    told = {each["name"]: (each.get("sparse"), each.get("sparse_encoded")) for each in status["collections"]}
    assert told == {"birds": ("weigher", 3), "lost": ("owner/lost", 0), "plain": (None, None)}


async def test_ranks_are_fused_with_it_too(shelf: Library) -> None:
    from carrel.retrieve import Weights, search

    shelf.encode("birds")
    found = search(shelf, ["bird", "a bird at dusk"], collection="birds", weights=Weights(fusion="rrf"))
    assert found.hits[0].title == "heron" and found.hits[0].arms["sparse"].rank == 1
