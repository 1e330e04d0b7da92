"""What a host may say beside its queries, and what becomes of words that are mistyped, through an MCP client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from carrel.index import Demands, Library
from carrel.index.lexical.reader import LexicalReader
from carrel.settings import Settings
from carrel_search.server import create_server
from kit import Host, WordEncoder, text_document

BADGER = "Badgers dig setts in woodland. They eat worms at night and sleep by day."
OTTER = "Otters swim in rivers and hunt fish. The otter holts lie under tree roots."
HERON = "Herons stand in shallow rivers and spear fish. They receive no help from others."
CODE = "The function getUserName reads the account table, and drop_user_name deletes from it."
OTHERS = [f"Note {number} speaks of nothing but item {number} in the store room." for number in range(40)]


@pytest.fixture
def shelf(make_library: Callable[..., Library]) -> Library:
    library = make_library(encoder=WordEncoder("words-256", 256), background=False)
    said = {"Badgers": BADGER, "Otters": OTTER, "Herons": HERON, "Accounts": CODE}
    library.add([text_document(text, title) for title, text in said.items()])
    library.add([text_document(text, f"Item {number}") for number, text in enumerate(OTHERS)])
    library.encode("default")
    return library


@pytest.fixture
async def host(settings: Settings, shelf: Library) -> AsyncIterator[Host]:
    server = create_server(settings, library=shelf)
    yield Host(server)
    await server.aclose()


async def _found(host: Host, *queries: str, **asked: Any) -> dict[str, Any]:
    return await host.record("search_library", queries=list(queries), format="detailed", **asked)


def _titles(reply: dict[str, Any]) -> list[str]:
    return [hit["title"] for hit in reply["hits"]]


async def test_a_hypothetical_passage_finds_what_the_query_does_not_name(host: Host) -> None:
    plain = await _found(host, "habitat of burrowing mammals")
    reply = await _found(host, "habitat of burrowing mammals", hypothetical="badgers dig setts in woodland at night")
    best = reply["hits"][0]
    assert best["title"] == "Badgers" and best["arms"]["hypothetical"][0] == 1
    assert all("hypothetical" not in hit["arms"] for hit in plain["hits"])


async def test_expansions_find_more_and_never_outweigh_the_query(host: Host) -> None:
    reply = await _found(host, "otter", expansions=["setts", "woodland worms"])
    assert _titles(reply)[0] == "Otters"
    (badger,) = [hit for hit in reply["hits"] if hit["title"] == "Badgers"]
    assert badger["arms"]["expansion"][0] == 1 and "lexical" not in badger["arms"]


async def test_liked_passages_lead_to_others_like_them_and_may_come_back(host: Host, shelf: Library) -> None:
    (otter,) = [hit["ref"] for hit in (await _found(host, "otter holts"))["hits"] if hit["title"] == "Otters"]
    reply = await _found(host, "animals", like=[otter], k=3)
    assert set(_titles(reply)[:2]) == {"Otters", "Herons"}
    (first,) = [hit for hit in reply["hits"] if hit["title"] == "Otters"]
    assert first["arms"]["like"][0] == 1 and "like" in reply["hits"][1]["arms"]


async def test_a_liked_reference_may_be_of_a_document_that_is_only_kept(host: Host, shelf: Library) -> None:
    kept = text_document("Rivers with fish in them.", "Kept")
    shelf.keep(kept)
    reply = await _found(host, "animals", like=[kept.doc_id], k=3)
    assert set(_titles(reply)[:2]) == {"Otters", "Herons"} and "Kept" not in _titles(reply)


async def test_an_unknown_or_malformed_liked_reference_is_an_error_that_says_so(host: Host) -> None:
    kind, words = await host.refusal("search_library", queries=["fish"], like=["abcdefghijklmnop"])
    assert kind == "not_found" and "abcdefghijklmnop" in words
    kind, words = await host.refusal("search_library", queries=["fish"], like=["otters"])
    assert kind == "invalid" and "reference" in words
    (otter,) = [hit["ref"] for hit in (await _found(host, "otter", k=1))["hits"]]
    kind, words = await host.refusal("search_library", queries=["fish"], like=[otter.split(":")[0] + ":0-99999"])
    assert kind == "invalid" and "ends after" in words


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "dense"])
async def test_every_hit_holds_what_it_must_and_nothing_that_it_must_not(host: Host, mode: str) -> None:
    reply = await _found(host, "rivers and fish", must=["rivers"], must_not=["otter"], mode=mode)
    assert _titles(reply) == ["Herons"]
    reply = await _found(host, "rivers and fish", must_not=["otter", "store room"], mode=mode, k=50)
    assert "Otters" not in _titles(reply) and not any(title.startswith("Item") for title in _titles(reply))
    assert "Herons" in _titles(reply)


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "dense"])
async def test_as_many_hits_come_as_hold_what_they_must_whatever_the_query_says(host: Host, mode: str) -> None:
    reply = await _found(host, "otter", must=["store room"], mode=mode, k=30)
    assert len(reply["hits"]) == 30
    second = await _found(host, "otter", must=["store room"], mode=mode, k=30, cursor=reply["next_cursor"])
    assert len({*_titles(reply), *_titles(second)}) == 40 and "next_cursor" not in second


async def test_a_phrase_is_words_in_order_and_all_of_several_are_needed(host: Host) -> None:
    assert _titles(await _found(host, "fish", must=["hunt fish"])) == ["Otters"]
    assert _titles(await _found(host, "fish", must=["fish hunting"])) == []
    assert _titles(await _found(host, "fish", must=["spear the fish"])) == []
    assert _titles(await _found(host, "fish", must=["stand in shallow river"])) == ["Herons"]
    assert _titles(await _found(host, "fish", must=["rivers", "trees"])) == ["Otters"]


async def test_an_identifier_that_must_be_there_is_found_by_its_parts_too(host: Host) -> None:
    for asked in ("getUserName", "get_user_name", "user name", "drop_user_name", "dropUserName"):
        assert _titles(await _found(host, "table", must=[asked])) == ["Accounts"], asked
    assert _titles(await _found(host, "table", must=["name user"])) == []


async def test_a_phrase_does_not_go_from_one_identifier_into_the_next(host: Host) -> None:
    await host.record("add_documents", text="Call parseHeader, writeBody\nand IL6 CD4 close_file.", title="Calls")
    for inside in ("parse header", "writeBody", "CD 4", "close file"):
        assert _titles(await _found(host, "call", must=[inside])) == ["Calls"], inside
    for across in ("header write", "headerWrite", "body IL", "6 CD", "cd4_close"):
        assert _titles(await _found(host, "call", must=[across])) == [], across


async def test_words_alone_are_searched_without_collecting_all_that_hold_what_they_must(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Demands] = []
    collect = LexicalReader.holding
    monkeypatch.setattr(LexicalReader, "holding", lambda self, demands: asked.append(demands) or collect(self, demands))
    limits = {"must": ["rivers"], "must_not": ["heron"]}
    assert _titles(await _found(host, "fish", mode="lexical", **limits)) == ["Otters"] and not asked
    assert _titles(await _found(host, "fish", mode="dense", **limits)) == ["Otters"] and len(asked) == 1
    assert _titles(await _found(host, "fish", **limits)) == ["Otters"] and len(asked) == 2


async def test_a_demand_of_stop_words_alone_limits_nothing_and_says_so(host: Host) -> None:
    reply = await _found(host, "otter", must=["the", "?!"], must_not=["of the"])
    assert _titles(reply)[0] == "Otters"
    assert sum("limits nothing" in note for note in reply["notes"]) == 3


async def test_a_demand_that_nothing_meets_says_what_is_nearest(host: Host) -> None:
    reply = await _found(host, "otter", must=["woodlnad"])
    assert reply["hits"] == []
    assert any("'woodlnad'" in note and "'woodland'" in note for note in reply["notes"])


async def test_demands_keep_to_filters_and_to_earlier_snapshots(host: Host, shelf: Library) -> None:
    before = (await _found(host, "fish", must=["rivers"]))["snapshot"]
    await host.record("add_documents", text="Kingfishers dive into rivers.", title="Kingfishers", tags=["birds"])
    shelf.encode("default")
    assert "Kingfishers" in _titles(await _found(host, "fish", must=["rivers"]))
    assert "Kingfishers" not in _titles(await _found(host, "fish", must=["rivers"], as_of=before))
    assert _titles(await _found(host, "fish", must=["rivers"], tags=["birds"], mode="dense")) == ["Kingfishers"]


async def test_without_vectors_signals_that_need_them_are_said_to_be_unused(settings: Settings) -> None:
    server = create_server(settings)
    host = Host(server)
    added = await host.record("add_documents", text=OTTER, title="Otters")
    ref = added["documents"][0]["ref"]
    reply = await _found(host, "otter", hypothetical="otters swim", like=[ref], expansions=["rivers"], must=["fish"])
    assert _titles(reply) == ["Otters"] and set(reply["hits"][0]["arms"]) == {"lexical", "expansion"}
    assert any("'hypothetical' was not used" in note for note in reply["notes"])
    assert any("'like' was not used" in note for note in reply["notes"])
    kind, _ = await host.refusal("search_library", queries=["otter"], mode="dense", must=["fish"])
    assert kind == "unavailable"
    await server.aclose()


async def test_far_too_many_signals_are_refused_in_one_sentence(host: Host) -> None:
    for name in ("must", "must_not", "expansions", "like"):
        kind, words = await host.refusal("search_library", queries=["x"], **{name: [f"a{i}" for i in range(21)]})
        assert kind == "invalid" and name in words
    kind, words = await host.refusal("search_library", queries=["x"], hypothetical="y " * 6000)
    assert kind == "invalid" and "hypothetical" in words


async def test_a_cursor_belongs_to_its_signals(host: Host) -> None:
    first = await _found(host, "item", must=["store"], k=5)
    kind, _ = await host.refusal("search_library", queries=["item"], must=["room"], k=5, cursor=first["next_cursor"])
    assert kind == "invalid"


async def test_one_word_may_be_given_as_a_bare_string(host: Host) -> None:
    assert _titles(await host.record("search_library", queries="fish", must="otter")) == ["Otters"]


async def test_a_quoted_phrase_is_preferred_and_nothing_is_filtered(host: Host) -> None:
    reply = await _found(host, '"spear fish" otters', mode="lexical")
    assert _titles(reply)[:2] == ["Herons", "Otters"]
    assert _titles(await _found(host, "spear fish otters", mode="lexical"))[0] == "Otters"


@pytest.mark.parametrize(
    "query",
    [
        "otter AND NOT (",
        "+otter -fish",
        "otter~ ^",
        "title:otter",
        '"otter',
        "otter*",
        "otter OR",
        "[otter TO z]",
        "«otter",
    ],
)
async def test_no_term_is_lost_to_query_syntax(host: Host, query: str) -> None:
    assert _titles(await _found(host, query, mode="lexical"))[0] == "Otters"


async def test_ten_thousand_characters_are_a_query(host: Host) -> None:
    query = ('otter "' + "zq" * 3 + " ") * 700
    assert "Otters" in _titles(await _found(host, query[:10_000].strip(), mode="lexical"))


@pytest.mark.parametrize(
    ("typed", "meant", "title"),
    [
        ("recieve", "receive", "Herons"),
        ("woodlnd", "woodland", "Badgers"),
        ("woodlannd", "woodland", "Badgers"),
        ("woodlamd", "woodland", "Badgers"),
        ("acconut", "account", "Accounts"),
        ("woodlamdd", "woodland", "Badgers"),
        ("shal", "shallow", "Herons"),
    ],
)
@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
async def test_a_mistyped_word_finds_what_was_meant_and_says_so(
    host: Host, typed: str, meant: str, title: str, mode: str
) -> None:
    reply = await _found(host, typed, mode=mode)
    assert _titles(reply)[0] == title
    assert any(f"nothing has '{typed}'" in note and meant[:7] in note for note in reply["notes"])


@pytest.mark.parametrize("query", ["otters", "swim by day", "item 7", "IL7 X99", "getUserName", "wiht the", "鱼在河里"])
async def test_words_that_occur_and_words_with_digits_are_not_mended(host: Host, query: str) -> None:
    reply = await _found(host, query, mode="lexical")
    assert not any("searched for" in note for note in reply.get("notes") or [])


async def test_a_mended_word_counts_less_than_one_that_is_as_it_was_asked(host: Host, shelf: Library) -> None:
    shelf.add([text_document("The setta is a coin.", "Coins")])
    reply = await _found(host, "setta", mode="lexical")
    assert _titles(reply) == ["Coins"]
    assert not reply.get("notes") or not any("searched for" in note for note in reply["notes"])
