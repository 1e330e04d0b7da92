"""What a host is told of copies, of variety, and of how good the evidence is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from carrel.settings import Settings
from carrel_search.server import create_server
from kit import FOX, OWL, Host

BADGER = "The badger digs a sett with many entrances and eats two hundred earthworms in a warm night of spring."


@pytest.fixture
async def host(settings: Settings) -> AsyncIterator[Host]:
    for number in range(7):
        (settings.roots[0] / f"badger{number}.md").write_text(f"# Badgers\n\n{BADGER}\n")
    (settings.roots[0] / "fox.md").write_text(FOX)
    (settings.roots[0] / "owl.md").write_text(OWL)
    server = create_server(settings)
    shown = Host(server)
    await shown.record("add_documents", sources=["."])
    yield shown
    await server.aclose()


async def test_copies_are_named_by_the_hit_that_stands_for_them(host: Host) -> None:
    (hit,) = (await host.record("search_library", queries=["badger earthworms"]))["hits"]
    assert len(hit["also_in"]) == 4 and hit["copies"] == 6
    for ref in hit["also_in"]:
        assert "two hundred earthworms" in await host.text("read_document", ref=ref)


async def test_every_reply_says_how_good_the_evidence_is(host: Host) -> None:
    good = await host.record("search_library", queries=["How much food does a grown fox need a day?"])
    assert good["sufficiency"]["level"] == "sufficient" and 0.4 <= good["sufficiency"]["probability"] <= 1
    astray = await host.record("search_library", queries=["quarterly revenue of suppliers of birds"], mode="lexical")
    assert astray["sufficiency"]["level"] == "none" and astray["hits"]
    assert astray["notes"][-1].startswith("no good evidence in this collection for: quarterly revenue")


async def test_variety_is_kept_from_page_to_page(host: Host) -> None:
    asked = {"queries": ["fox owl badger birds night"], "k": 2, "per_document": 1, "diversity": 0.4}
    titles, refs, cursor = [], [], ""
    while True:
        page = await host.record("search_library", **asked, cursor=cursor)
        titles += [hit["title"] for hit in page["hits"]]
        refs += [hit["ref"] for hit in page["hits"]]
        if not (cursor := page.get("next_cursor", "")):
            break
    assert len(set(titles[:3])) == 3, "each document once before any twice"
    whole = await host.record("search_library", **{**asked, "k": 50})
    assert refs == [hit["ref"] for hit in whole["hits"]] and len(refs) == len(set(refs)) > 3


async def test_a_cursor_of_another_variety_is_refused(host: Host) -> None:
    page = await host.record("search_library", queries=["fox owl"], k=1)
    kind, _ = await host.refusal("search_library", queries=["fox owl"], k=1, diversity=0.5, cursor=page["next_cursor"])
    assert kind == "invalid"


@pytest.mark.parametrize("wrong", [{"per_document": -1}, {"diversity": 1.5}, {"diversity": "very"}], ids=str)
async def test_variety_out_of_range_is_refused(host: Host, wrong: dict[str, object]) -> None:
    reply = await host.call("search_library", queries=["fox"], **wrong)
    assert reply.is_error
