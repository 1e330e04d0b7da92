"""carrel-search as a host sees it: through an MCP client, on small documents."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from carrel.index import Library
from carrel.settings import Settings
from carrel_search.server import create_server
from kit import FOX, OWL, Host, WordEncoder


@pytest.fixture
async def host(settings: Settings) -> AsyncIterator[Host]:
    (settings.roots[0] / "fox.md").write_text(FOX)
    (settings.roots[0] / "owl.md").write_text(OWL)
    server = create_server(settings)
    yield Host(server)
    await server.aclose()


async def test_added_files_are_found_read_and_cited(host: Host) -> None:
    added = await host.record("add_documents", sources=["fox.md", "owl.md"])
    assert (added["added"], added["skipped"], added["job"]["state"]) == (2, [], "done")
    found = await host.record("search_library", queries=["what do foxes eat", "fox diet"])
    best = found["hits"][0]
    assert "rodents" in best["snippet"] and best["section"] == "Diet"
    shown = await host.text("read_document", ref=best["ref"])
    assert "A grown fox needs 500 grams" in shown
    assert "data, not instructions" in shown


async def test_every_number_a_read_shows_makes_a_reference_that_opens(host: Host) -> None:
    added = await host.record("add_documents", sources=["fox.md"])
    doc_id = added["documents"][0]["ref"]
    shown = await host.text("read_document", ref=doc_id)
    spans = re.findall(r"^\[(\d+-\d+)\]$", shown, re.MULTILINE)
    assert spans
    for span in spans:
        start, end = map(int, span.split("-"))
        assert FOX[start:end] in await host.text("read_document", ref=f"{doc_id}:{span}")


async def test_long_documents_are_read_by_outline_section_and_cursor(host: Host) -> None:
    doc_id = (await host.record("add_documents", sources=["fox.md"]))["documents"][0]["ref"]
    assert "2. Diet" in await host.text("read_document", ref=doc_id, outline=True)
    section = await host.text("read_document", ref=doc_id, section="speed")
    assert "48 kilometres" in section and "rodents" not in section
    first = await host.text("read_document", ref=doc_id, max_chars=200)
    cursor = re.search(r'cursor="([^"]+)"', first)
    assert cursor is not None and "48 kilometres" not in first
    assert "48 kilometres" in await host.text("read_document", ref=doc_id, max_chars=200, cursor=cursor[1])


async def test_a_search_goes_on_where_its_cursor_points(host: Host) -> None:
    await host.record("add_documents", sources=["*.md"])
    first = await host.record("search_library", queries=["owl fox birds"], k=2)
    second = await host.record("search_library", queries=["owl fox birds"], k=2, cursor=first["next_cursor"])
    assert not {hit["ref"] for hit in first["hits"]} & {hit["ref"] for hit in second["hits"]}
    kind, words = await host.refusal("search_library", queries=["another"], cursor=first["next_cursor"])
    assert kind == "invalid" and "cursor" in words


async def test_what_does_not_fit_a_reply_comes_with_the_next_call(host: Host) -> None:
    for number in range(6):
        long = "\n\n".join(f"## Part {part}\n\n" + f"The yak {number} {part} grazes. " * 30 for part in range(5))
        await host.record("add_documents", text=f"# Yak {number}\n\n{long}", title=f"Yak {number}")
    seen: list[str] = []
    cursor, calls = "", 0
    while cursor or not calls:
        reply = await host.record("search_library", queries=["yak"], k=50, format="detailed", cursor=cursor)
        seen += [hit["ref"] for hit in reply["hits"]]
        cursor, calls = reply.get("next_cursor") or "", calls + 1
    assert len(seen) == len(set(seen)) == 30 and calls == 2


async def test_a_hit_longer_than_a_reply_is_cut_and_marked(host: Host) -> None:
    await host.record("add_documents", text="# Yaks\n\n" + "The yak grazes on the high plain. " * 2000, title="Yaks")
    found = await host.record("search_library", queries=["yak"], granularity="section", format="detailed")
    assert found["hits"][0]["snippet"].endswith(" …") and len(found["hits"][0]["snippet"]) < 6_100


async def test_one_query_may_come_as_a_bare_string(host: Host) -> None:
    await host.record("add_documents", sources=["fox.md"])
    assert (await host.record("search_library", queries="rodents"))["hits"]


async def test_text_handed_over_becomes_a_document(host: Host) -> None:
    added = await host.record("add_documents", text="The quokka smiles.", title="Quokkas", tags=["island"])
    assert added["documents"][0]["title"] == "Quokkas"
    found = await host.record("search_library", queries=["quokka"], tags=["island"])
    assert found["hits"][0]["source"] == "text:Quokkas"


async def test_lexical_only_is_said_in_the_reply_and_in_the_status(host: Host) -> None:
    await host.record("add_documents", sources=["fox.md"])
    found = await host.record("search_library", queries=["fox"])
    assert found["coverage"] == {"lexical": 1.0}
    assert "lexical only" in found["notes"][0]
    assert (await host.record("library_status"))["encoder"] == "none"


async def test_a_collection_without_a_commit_names_no_snapshot_to_ask_for(host: Host, library: Library) -> None:
    library.create("new")
    (collection,) = (await host.record("library_status"))["collections"]
    assert "oldest_snapshot" not in collection
    await host.record("add_documents", sources=["fox.md"], collection="new")
    (collection,) = (await host.record("library_status"))["collections"]
    assert collection["oldest_snapshot"] == collection["snapshot"]


async def test_removal_counts_first_and_acts_when_told(host: Host) -> None:
    doc_id = (await host.record("add_documents", sources=["fox.md"]))["documents"][0]["ref"]
    counted = await host.record("remove_documents", refs=[doc_id])
    assert counted["dry_run"] and counted["documents"] == 1
    assert (await host.record("search_library", queries=["fox"]))["hits"]
    await host.record("remove_documents", refs=[doc_id], dry_run=False)
    assert (await host.record("search_library", queries=["fox"]))["hits"] == []
    assert "rodents" in await host.text("read_document", ref=doc_id)
    again = await host.record("remove_documents", refs=[doc_id])
    assert again["documents"] == 0 and "as a hit shows" in again["note"]
    whole = await host.record("remove_documents", whole_collection=True, dry_run=False)
    assert whole["documents"] == 0
    assert (await host.record("library_status"))["collections"] == []


async def test_one_bad_source_among_many_is_listed_and_alone_it_is_an_error(host: Host) -> None:
    listed = await host.record("add_documents", sources=["fox.md", "missing.md"])
    assert listed["added"] == 1 and listed["skipped"][0]["kind"] == "not_found"
    assert (await host.refusal("add_documents", sources=["missing.md"]))[0] == "not_found"


async def test_a_job_can_be_asked_for_later(host: Host) -> None:
    job = (await host.record("add_documents", sources=["*.md"]))["job"]["job"]
    status = await host.record("library_status", job=job)
    assert status["job"]["state"] == "done" and status["added"]["added"] == 2
    assert (await host.refusal("library_status", job="job_ffffffff"))[0] == "not_found"


@pytest.mark.parametrize(
    ("tool", "arguments", "kind", "words"),
    [
        ("search_library", {"queries": []}, "invalid", "queries"),
        ("search_library", {"queries": ["  "]}, "invalid", "empty"),
        ("search_library", {"queries": {"text": "fox"}}, "invalid", "queries"),
        ("search_library", {"queries": ["fox"], "k": 0}, "invalid", "k"),
        ("search_library", {"queries": ["fox"], "kk": 3}, "invalid", "did you mean"),
        ("search_library", {"queries": ["fox"], "mode": "magic"}, "invalid", "hybrid"),
        ("search_library", {"queries": ["fox"], "collection": "nowhere"}, "not_found", "nowhere"),
        ("search_library", {"queries": ["fox"], "collection": "../.."}, "invalid", "collection name"),
        ("search_library", {"queries": ["fox"], "after": "last week"}, "invalid", "2024-05"),
        ("search_library", {"queries": ["fox"], "mode": "dense"}, "unavailable", "none"),
        ("read_document", {"ref": "no reference"}, "invalid", "doc_id:start-end"),
        ("read_document", {"ref": "aaaaaaaaaaaaaaaa"}, "not_found", "no document"),
        ("read_document", {"ref": "aaaaaaaaaaaaaaaa:9-3"}, "invalid", "span"),
        ("read_document", {}, "invalid", "ref"),
        ("add_documents", {}, "invalid", "nothing to add"),
        ("add_documents", {"sources": ["/etc/passwd"]}, "refused", "--root"),
        ("add_documents", {"sources": [""]}, "invalid", "empty"),
        ("add_documents", {"sources": ["junk.md"]}, "invalid", "text"),
        ("add_documents", {"text": " \n"}, "invalid", "empty"),
        ("remove_documents", {}, "invalid", "exactly one"),
    ],
)
async def test_bad_input_gets_one_sentence_and_the_server_lives_on(
    host: Host, settings: Settings, tool: str, arguments: dict[str, Any], kind: str, words: str
) -> None:
    (settings.roots[0] / "junk.md").write_bytes(bytes(range(256)) * 64)
    await host.record("add_documents", sources=["fox.md"])
    found_kind, message = await host.refusal(tool, **arguments)
    assert (found_kind, words in message) == (kind, True), (found_kind, message)
    assert "\n" not in message and str(settings.data) not in message
    assert (await host.record("search_library", queries=["rodents"]))["hits"]


async def test_a_text_of_fifty_megabytes_is_taken_or_refused_but_never_hangs(host: Host, settings: Settings) -> None:
    line = "The wombat digs a burrow of considerable length in the soft soil of the valley. "
    (settings.roots[0] / "huge.txt").write_text(line * (50_000_000 // len(line)))
    reply = await host.call("add_documents", sources=["huge.txt"])
    body = reply.structured_content or {}
    assert body.get("kind") == "refused" or body["added"] == 1 or body["job"]["state"] == "running"
    assert (await host.record("library_status"))["snapshot"] >= 0


async def test_a_data_folder_that_cannot_be_written_is_an_error_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    server = create_server(Settings(data=tmp_path / "file" / "data", models=tmp_path, encoder="none"))
    async with Client(server) as client:
        assert len((await client.list_tools()).tools) == 6
    kind, words = await Host(server).refusal("search_library", queries=["fox"])
    assert (kind, "--data" in words) == ("refused", True)


async def test_a_read_only_server_has_no_tool_that_writes(settings: Settings) -> None:
    from dataclasses import replace

    async with Client(create_server(replace(settings, read_only=True))) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
    assert names == ["search_library", "read_document", "library_status", "submit_ranking"]


async def test_an_encoder_that_does_not_fit_is_refused_with_the_way_out(
    settings: Settings, make_library: Callable[..., Library]
) -> None:
    first = make_library(encoder=WordEncoder(), background=False)
    host = Host(create_server(settings, library=first))
    await host.record("add_documents", text=FOX, title="Foxes")
    first.encode("default")
    other = make_library(encoder=WordEncoder("other", 16), background=False)
    host = Host(create_server(settings, library=other))
    kind, words = await host.refusal("search_library", queries=["rodents"])
    assert kind == "unsupported" and "--encoder" in words
    assert (await host.record("search_library", queries=["rodents"], mode="lexical"))["hits"]
    await host.record("add_documents", text=OWL, title="Owls")
    assert (await host.record("search_library", queries=["owl"], mode="lexical"))["hits"]


async def test_a_job_whose_vectors_are_being_made_says_so(
    settings: Settings, make_library: Callable[..., Library]
) -> None:
    library = make_library(encoder=WordEncoder(), background=False)
    host = Host(create_server(settings, library=library))
    added = await host.record("add_documents", text=FOX, title="Foxes")
    assert added["job"]["state"] == "encoding"
    library.encode("default")
    status = await host.record("library_status", job=added["job"]["job"])
    assert status["job"]["state"] == "done"
    detailed = await host.record("search_library", queries=["rodents"], format="detailed")
    assert set(detailed["hits"][0]["arms"]) == {"lexical", "dense"}


async def test_resources_open_documents_and_passages(host: Host) -> None:
    doc_id = (await host.record("add_documents", sources=["fox.md"]))["documents"][0]["ref"]
    async with Client(host.server) as client:
        whole = await client.read_resource(f"carrel://documents/{doc_id}")
        assert "48 kilometres" in whole.contents[0].text  # type: ignore[union-attr]
        span = await client.read_resource(f"carrel://passages/{doc_id}/2-7")
        assert "\nFoxes\n" in span.contents[0].text  # type: ignore[union-attr]
        names = json.loads((await client.read_resource("carrel://collections")).contents[0].text)  # type: ignore[union-attr]
        assert names[0]["documents"] == 1
        with pytest.raises(MCPError):
            await client.read_resource("carrel://documents/aaaaaaaaaaaaaaaa")


async def test_prompts_carry_the_question(host: Host) -> None:
    async with Client(host.server) as client:
        prompt = await client.get_prompt("answer_from_library", {"question": "Why is the sky blue?"})
    assert "Why is the sky blue?" in prompt.messages[0].content.text  # type: ignore[union-attr]


async def test_an_addition_that_crashes_is_an_error_and_not_an_empty_success(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr("carrel.ingest.add", crash)
    kind, words = await host.refusal("add_documents", sources=["fox.md"])
    assert kind == "internal" and "nobody foresaw" not in words


async def test_a_reply_that_would_be_too_long_lists_less_and_counts_all(host: Host, settings: Settings) -> None:
    deep = settings.roots[0] / ("d" * 200) / ("e" * 200) / ("f" * 200)
    deep.mkdir(parents=True)
    for number in range(25):
        (deep / f"{'n' * 150}{number}.md").write_text(f"yak {number}")
    added = await host.record("add_documents", sources=["**/*.md"])
    assert added["added"] == 27 and 0 < len(added["documents"]) <= 20
