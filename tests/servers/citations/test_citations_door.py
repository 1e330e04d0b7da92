"""carrel-citations through the protocol, on a pretend internet."""
# ruff: noqa: E501 - texts under test stand as they are

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from mcp import Client
from numpy.typing import NDArray

from carrel.documents import parse
from carrel.index import Library
from carrel.scholarly import Scholar
from carrel.settings import Settings
from carrel.web import WebClient
from carrel_citations.server import create_server
from kit import Host

TEXT = (
    "# Kepler station\n\nThe Kepler station was opened in 2014 by Maria Lind. It holds 1,250 instruments and draws 3.5 MW of "
    "power. The operators were unable to restart the second turbine after the flood of 2016. The council did not approve "
    "the extension. Every spring the staff counts the swallows under the eaves of the main hall, and the number is posted.\n"
)
PAGE = (
    "<html><head><title>Mill museum</title></head><body><article><h1>Mill museum</h1><p>The museum in the old mill shows "
    "eleven looms that were built before the war. Visitors may try one of them on Sundays. The roof was mended in 1987 with "
    "slate from the quarry across the river, and the wheel turns again since the spring of 1991.</p><p>A small library keeps "
    "the ledgers of three generations of millers; they can be read on request. The café is open in summer, and the "
    "garden behind the mill grows the plants that once gave the dyers of the valley their colours.</p></article></body></html>"
)


def pretend(request: httpx2.Request) -> httpx2.Response:
    """The museum's site, a wall, and registers that do not answer."""
    if request.url.host == "museum.example":
        pages = {
            "/mill": PAGE,
            "/wall": "<html><title>Just a moment...</title><body><p>Checking your browser before you go on.</p></body></html>",
        }
        page = pages.get(request.url.path)
        return httpx2.Response(200, html=page) if page else httpx2.Response(404, text="gone")
    return httpx2.Response(503, text="down")


class Door:
    """A client, the library behind the server, and the reference of the one document in it."""

    def __init__(self, client: Client, library: Library, root: Path, ref: str) -> None:
        self.client, self.library, self.root, self.ref = client, library, root, ref

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        reply = await self.client.call_tool(tool, arguments)
        text = reply.content[0].text  # type: ignore[union-attr]
        return json.loads(text) if text.startswith("{") else {"text": text}


@asynccontextmanager
async def opened(tmp_path: Path) -> AsyncIterator[Door]:
    """The server, connected in memory. No fixture: a connection must close in the task that opened it."""
    transport = httpx2.MockTransport(pretend)
    library = Library(tmp_path / "data")
    document = parse(TEXT.encode(), source="kepler.md")
    library.keep(document)
    client = WebClient(transport=transport, retries=0)
    scholar = Scholar(client, deadline=2.0)
    root = tmp_path / "notes"
    root.mkdir()
    settings = Settings(data=tmp_path / "data", models=tmp_path, roots=(root,))
    server = create_server(settings, library=library, client=client, scholar=scholar)
    async with Client(server) as connected:
        yield Door(connected, library, root, document.doc_id)
    await client.aclose()
    library.close()


def report(ref: str) -> str:
    return f"""# The station

The Kepler station was opened in 2014 by Maria Lind [1]. “The operators were unable to restart the second turbine after the
flood of 2019” [1]. The council approved the extension [1]. Fusion reactors on the moon produce cheap helium for Brazil [1].
The roof was mended in 1987 with slate from the quarry across the river [2]. Agents cut factual errors by 83 percent [3].
Nobody cites this important statement about safety rules. A page that is gone says this too [4]. See the wall for more words [5].

## References
[1] Kepler station. kepler.md. `{ref}:0-{len(TEXT)}`
[2] Mill museum. https://museum.example/mill
[3] Harrowgate, L. and Okonjo, P. (2024). Self-Certifying Citations in Agents. Transactions on Automated Scholarship 17(3). https://doi.org/10.1145/9876543.2109876
[4] Gone. https://museum.example/gone
[5] Wall. https://museum.example/wall
"""


async def test_a_quote_is_checked_in_a_reference_a_page_and_a_text(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        assert (await door.call("check_quote", quote="unable to restart the second turbine", source=door.ref))[
            "verdict"
        ] == "verbatim"
        page = await door.call(
            "check_quote", quote="eleven looms that were built before the war", source="https://museum.example/mill"
        )
        assert page["verdict"] == "verbatim"
        assert page["link"].startswith("https://museum.example/mill#:~:text=")
        text = await door.call(
            "check_quote", quote="twelve looms that were built", source="There are eleven looms that were built here."
        )
        assert text["verdict"] == "altered"


async def test_what_was_read_can_be_opened_by_its_reference(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        page = await door.call("check_quote", quote="The roof was mended in 1987", source="https://museum.example/mill")
        doc_id, _, span = page["ref"].partition(":")
        start, end = map(int, span.split("-"))
        assert door.library.document(doc_id).text[start:end] == page["matched"] == "The roof was mended in 1987"


async def test_the_reference_span_is_where_a_repeated_quote_is_looked_for(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        document = parse(("the same words here. " * 4).encode(), source="repeat.md")
        door.library.keep(document)
        reply = await door.call("check_quote", quote="the same words", source=f"{document.doc_id}:42-60")
        assert (reply["ref"], reply["occurrences"]) == (f"{document.doc_id}:42-56", 4)


async def test_claims_get_verdicts_with_evidence_that_opens(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        reply = await door.call(
            "verify_claims",
            items=[
                {"claim": "The Kepler station was opened in 2014 by Maria Lind.", "sources": [door.ref]},
                {"claim": "It holds 1,520 instruments and draws 3.5 MW of power.", "sources": [door.ref]},
                {"claim": "The mill was sold to a bank.", "sources": ["https://down.example/"]},
                {
                    "claim": "Fusion reactors on the moon produce cheap helium for Brazil.",
                    "sources": [door.ref, "https://down.example/"],
                },
            ],
        )
        assert [result["verdict"] for result in reply["results"]] == [
            "supported",
            "contradicted",
            "unverifiable",
            "unverifiable",
        ]
        assert reply["results"][2]["could_not_read"][0]["kind"] == "unavailable"
        doc_id, _, span = reply["results"][0]["evidence"][0]["ref"].partition(":")
        start, end = map(int, span.split("-"))
        assert "Maria Lind" in door.library.document(doc_id).text[start:end]


async def test_an_audit_finds_every_planted_fault_and_accuses_nobody_else(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        reply = await door.call("audit_report", text=report(door.ref))
        kinds = {(p["kind"], p.get("reference")) for p in reply["problems"]}
        assert {
            ("altered_quote", "1"),
            ("contradicted", "1"),
            ("not_found", "1"),
            ("missing_reference", "4"),
            ("uncited", None),
        } <= kinds
        existence = {r["key"]: r["existence"] for r in reply["references"]}
        assert existence == {"1": "found", "2": "found", "3": "could_not_look", "4": "not_found", "5": "could_not_look"}
        assert reply["verdicts"]["supported"] == 2
        assert reply["problems"][0]["kind"] == "altered_quote"
        assert reply["quotes"] == {"altered": 1}


async def test_no_answer_is_never_called_a_missing_reference(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        reply = await door.call("audit_report", text=report(door.ref))
        accused = {
            p["reference"] for p in reply["problems"] if p["kind"] in ("missing_reference", "fabricated_reference")
        }
        assert accused == {"4"}


async def test_the_page_of_an_audit_is_one_safe_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        hostile = (
            report(door.ref)
            .replace("# The station", "# <script>alert(1)</script>")
            .replace("Gone.", "</script><img src=x onerror=alert(1)>.")
        )
        reply = await door.call("audit_report", text=hostile)
        saved = await door.call("save_audit", audit=reply["audit"], path=str(door.root / "audit.html"))
        assert "written" in saved["text"]
        page = (door.root / "audit.html").read_text(encoding="utf-8")
        assert "<script>alert" not in page and "<img" not in page
        assert "default-src 'none'" in page
        assert page.count("<script") == 2
        assert len(page.encode()) < 100_000
        resource = await door.client.read_resource(reply["html"])
        assert resource.contents[0].text == page  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("tool", "arguments", "kind"),
    [
        ("check_quote", {"quote": "two words", "source": "aaaaaaaaaaaaaaaa"}, "not_found"),
        ("check_quote", {"quote": "two words", "source": "http://127.0.0.1/"}, "refused"),
        ("check_quote", {"quote": "word", "source": "some text"}, "invalid"),
        ("check_quote", {"quote": "two words", "source": " "}, "invalid"),
        ("check_quote", {"quote": "two words", "source": "https://museum.example/gone"}, "not_found"),
        ("check_quote", {"quote": "two words", "source": "https://down.example/"}, "unavailable"),
        ("check_quote", {"quote": "two words", "source": "10.1145/9876543.2109876"}, "unavailable"),
        ("check_quote", {"quote": "two words", "source": "/some/path.md"}, "not_found"),
        ("check_quote", {"quote": "two words", "source": "file:///some/path"}, "not_found"),
        ("check_quote", {"quote": "two words", "origin": "x"}, "invalid"),
        ("verify_claims", {"items": []}, "invalid"),
        ("audit_report", {}, "invalid"),
        ("audit_report", {"text": "x", "path": "y.md"}, "invalid"),
        ("audit_report", {"path": "/etc/passwd"}, "refused"),
        ("audit_report", {"path": "none.md"}, "not_found"),
        ("save_audit", {"audit": "000000000000", "path": "x.html"}, "not_found"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_sentence(
    tmp_path: Path, tool: str, arguments: dict[str, Any], kind: str
) -> None:
    async with opened(tmp_path) as door:
        reply = await door.call(tool, **arguments)
        assert reply["kind"] == kind
        assert len(reply["message"]) < 300 and "Traceback" not in reply["message"]


async def test_a_short_note_of_the_library_can_be_silent_and_a_short_page_or_snippet_cannot(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        words = "The office opens at nine. Keys are at the desk."
        note = parse(words.encode(), source="note.md")
        page = parse(f"<html><body><p>{words}</p></body></html>".encode(), source="note.html")
        door.library.keep(note)
        door.library.keep(page)
        claim = "Fusion reactors on the moon produce cheap helium for Brazil."
        reply = await door.call(
            "verify_claims",
            items=[{"claim": claim, "sources": [source]} for source in (note.doc_id, page.doc_id, words)]
            + [{"claim": claim, "sources": [note.doc_id, words]}],
        )
        assert [result["verdict"] for result in reply["results"]] == ["not_found", *["needs_judgement"] * 3]


class Agreeable:
    """An encoder to which everything is alike."""

    name = fingerprint = "agreeable"
    dimension, max_tokens = 2, 256

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.full((len(texts), 2), 0.5**0.5, dtype=np.float32)

    encode_queries = encode


async def test_the_library_s_encoder_takes_a_second_look_before_not_found(tmp_path: Path) -> None:
    library = Library(tmp_path / "data", encoder=Agreeable, background=False)
    document = parse(TEXT.encode(), source="kepler.md")
    library.keep(document)
    client = WebClient(transport=httpx2.MockTransport(pretend), retries=0)
    server = create_server(Settings(data=tmp_path / "data", models=tmp_path), library=library, client=client)
    claim = "Bakers of the hall sing loud songs about clouds, cakes, rainbows and butter"
    async with Client(server) as connected:
        reply = await connected.call_tool("verify_claims", {"items": [{"claim": claim, "sources": [document.doc_id]}]})
        result = json.loads(reply.content[0].text)["results"][0]  # type: ignore[union-attr]
        audited = await connected.call_tool("audit_report", {"text": f"{claim} `{document.doc_id}:0-{len(TEXT)}`."})
    assert result["verdict"] == "needs_judgement"
    assert "close in meaning" in result["basis"][0]
    assert json.loads(audited.content[0].text)["verdicts"] == {"needs_judgement": 1}  # type: ignore[union-attr]
    await client.aclose()
    library.close()


async def test_a_page_is_never_written_over_something_else(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        audit = (await door.call("audit_report", text=report(door.ref)))["audit"]
        (door.root / "mine.html").write_text("my own page", encoding="utf-8")
        assert (await door.call("save_audit", audit=audit, path="mine.html"))["kind"] == "refused"
        assert (await door.call("save_audit", audit=audit, path=str(door.root.parent / "x.html")))["kind"] == "refused"
        assert (await door.call("save_audit", audit=audit, path="audit.txt"))["kind"] == "invalid"
        assert (door.root / "mine.html").read_text(encoding="utf-8") == "my own page"


async def test_a_report_file_is_audited_like_its_text(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        (door.root / "report.md").write_text(report(door.ref), encoding="utf-8")
        by_path, by_text = (
            await door.call("audit_report", path="report.md"),
            await door.call("audit_report", text=report(door.ref)),
        )
        assert by_path == by_text


async def test_a_read_only_server_writes_nothing_and_still_audits(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        settings = Settings(data=tmp_path / "data", models=tmp_path, roots=(door.root,), read_only=True)
        client = WebClient(transport=httpx2.MockTransport(pretend), retries=0)
        async with Client(
            create_server(settings, library=door.library, client=client, scholar=Scholar(client, deadline=2.0))
        ) as other:
            tools = {tool.name for tool in (await other.list_tools()).tools}
            assert tools == {"check_quote", "verify_claims", "submit_judgements", "find_evidence", "audit_report"}
            reply = await other.call_tool("audit_report", {"text": report(door.ref)})
            assert not reply.is_error
            assert door.library.latest("https://museum.example/mill") is None
        await client.aclose()


async def test_a_path_names_the_document_that_was_added_from_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        path = tmp_path / "my notes" / "bell rock.md"
        door.library.keep(parse(TEXT.encode(), source=str(path)))
        door.library.keep(parse(b"The bell of the rock rang in every fog of that year.", source="text:Bell Rock"))
        quoted = await door.call("check_quote", quote="unable to restart the second turbine", source=str(path))
        assert quoted["verdict"] == "verbatim"
        text = f"""The Kepler station was opened in 2014 by Maria Lind [1]. The bell of the rock rang in every fog [2].
It holds 1,250 instruments and draws power [3]. Nothing of that sort was ever read anywhere [4].

## References
[1] Kepler. {path}
[2] Bell. text:Bell Rock.
[3] Kepler. {path.as_uri()}
[4] Harrowgate and Okonjo, Self-Certifying Citations. /no/such/file.md
"""
        reply = await door.call("audit_report", text=text)
        references = {r["key"]: r for r in reply["references"]}
        assert [references[key]["existence"] for key in "1234"] == ["found", "found", "found", "could_not_look"]
        assert references["4"]["reason"] == "could not look: no document of that path is in the library"


async def test_a_share_of_nothing_has_no_interval(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        reply = await door.call("audit_report", text="The station opened in 2014 on the hill above the town.")
        assert (reply["metrics"]["quote_fidelity"]["total"], reply["metrics"]["quote_fidelity"].get("low")) == (0, None)


async def test_the_named_span_of_a_citation_decides_an_audit(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        words = "The old tower was completed in 1759. The current tower was completed in 1882 by Douglass. " + TEXT
        document = parse(words.encode(), source="tower.md")
        door.library.keep(document)
        start = document.text.index("The current")
        end = document.text.index("Douglass.") + 9
        ref = f"{document.doc_id}:{start}-{end}"
        text = f"The current tower was completed in 1883 [1].\n\n## References\n[1] Tower. `{ref}`\n"
        reply = await door.call("audit_report", text=text)
        problem = reply["problems"][0]
        assert (problem["kind"], problem["evidence"]) == ("contradicted", ref)
        assert "1882" in problem["detail"]


async def test_a_long_list_of_references_does_not_cost_the_audit(settings: Settings) -> None:
    host = Host(create_server(settings))
    refs = [f"{'a' * 14}{'bcdefgh'[n % 7]}{'bcdefgh'[n // 7 % 7]}:0-{n}" for n in range(1, 121)]
    lines = [f"[{n}] Document {n}. somewhere. `{ref}`" for n, ref in enumerate(refs, start=1)]
    text = "The sky is blue [1].\n\n## References\n\n" + "\n\n".join(lines)
    audit = await host.record("audit_report", text=text)
    assert len(audit["references"]) == 40 and audit["references_omitted"] == 80
    assert all(each["existence"] == "could_not_look" for each in audit["references"])


@pytest.mark.parametrize("name", ["nul\0.html", "n" * 300 + ".html", "folder.html", "mine.html"])
async def test_an_audit_is_never_written_where_it_cannot_or_must_not_be(settings: Settings, name: str) -> None:
    (settings.roots[0] / "folder.html").mkdir()
    (settings.roots[0] / "mine.html").write_text("<p>about the carrel-audit of last year</p>")
    host = Host(create_server(settings))
    audit = await host.record("audit_report", text="The sky is blue.")
    kind, _ = await host.refusal("save_audit", audit=audit["audit"], path=str(settings.roots[0] / name))
    assert kind in ("refused", "invalid")
    assert (settings.roots[0] / "mine.html").read_text().startswith("<p>about")


async def test_a_text_without_citations_is_not_praised(settings: Settings) -> None:
    audit = await Host(create_server(settings)).record("audit_report", text="Hello there. How are you?")
    assert audit["summary"].startswith("Nothing was checked")


async def test_a_mark_without_an_entry_is_shown_in_its_line(settings: Settings) -> None:
    audit = await Host(create_server(settings)).record("audit_report", text="The sky is blue [1].")
    (problem,) = [each for each in audit["problems"] if each["kind"] == "dangling"]
    assert problem["text"] == "The sky is blue [1]."
