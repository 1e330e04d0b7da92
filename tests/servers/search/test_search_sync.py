"""add_documents with sync, patterns and dry_run, and its job handle, as a host sees them."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import pytest

from carrel.errors import Unavailable
from carrel.index import Library
from carrel.ingest import Outcome
from carrel.settings import Settings
from carrel_search.jobs import Additions
from carrel_search.server import create_server
from kit import FOX, OWL, Host


@pytest.fixture
def folder(settings: Settings) -> Path:
    folder = settings.roots[0] / "notes"
    folder.mkdir()
    (folder / "fox.md").write_text(FOX)
    (folder / "owl.md").write_text(OWL)
    (folder / "photo.png").write_bytes(b"\x89PNG")
    return folder


@pytest.fixture
async def host(settings: Settings) -> AsyncIterator[Host]:
    server = create_server(settings)
    yield Host(server)
    await server.aclose()


async def test_sync_follows_a_folder_and_tells_each_change(host: Host, folder: Path) -> None:
    first = await host.record("add_documents", sources=["notes"], sync=True)
    assert (first["added"], first["not_read"]) == (2, {".png": 1})
    assert {row["change"] for row in first["documents"]} == {"added"}
    (folder / "fox.md").rename(folder / "reynard.md")
    (folder / "owl.md").unlink()
    second = await host.record("add_documents", sources=["notes"], sync=True)
    assert (second["moved"], second["removed"], second["added"], second["unchanged"]) == (1, 1, 0, 0)
    moved = next(row for row in second["documents"] if row["change"] == "moved")
    assert (moved["was"], moved["source"]) == (str(folder / "fox.md"), str(folder / "reynard.md"))
    hits = (await host.record("search_library", queries=["rodents", "owl flight"]))["hits"]
    assert {hit["source"] for hit in hits} == {str(folder / "reynard.md")}
    status = await host.record("library_status", job=second["job"]["job"])
    assert (status["added"]["moved"], status["added"]["removed"]) == (1, 1)


async def test_a_dry_run_says_so_and_gives_no_references(host: Host, folder: Path) -> None:
    reply = await host.record("add_documents", sources=["notes"], exclude=["owl*"], dry_run=True)
    assert (reply["added"], reply["dry_run"], reply["job"]["state"]) == (1, True, "done")
    assert "ref" not in reply["documents"][0]
    assert (await host.record("library_status"))["collections"] == []


async def test_a_folder_that_is_gone_is_an_error_and_takes_nothing_away(host: Host, folder: Path) -> None:
    await host.record("add_documents", sources=["notes"], sync=True)
    shutil.move(folder, folder.with_name("elsewhere"))
    kind, words = await host.refusal("add_documents", sources=["notes"], sync=True)
    assert kind == "not_found" and "2 documents of it stay" in words
    assert (await host.record("library_status"))["collections"][0]["documents"] == 2
    counted = await host.record("remove_documents", source=str(folder))
    assert counted["documents"] == 2
    removed = await host.record("remove_documents", source=f"{folder}/", dry_run=False)
    assert removed["documents"] == 2
    assert (await host.record("library_status"))["collections"][0]["documents"] == 0


async def test_a_folder_emptied_or_with_nothing_to_read_is_no_error_to_sync(host: Host, folder: Path) -> None:
    await host.record("add_documents", sources=["notes"], sync=True)
    for name in ("fox.md", "owl.md"):
        (folder / name).unlink()
    assert (await host.record("add_documents", sources=["notes"], sync=True))["removed"] == 2
    (folder / "broken.md").write_bytes(bytes(range(256)) * 8)
    again = await host.record("add_documents", sources=["notes"], sync=True)
    assert (again["removed"], again["skipped_total"], again["not_read"]) == (0, 1, {".png": 1})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"exclude": ["!x"]}, "'!'"),
        ({"include": [""]}, "pattern"),
        ({"dry_run": True, "text": "hello"}, "dry run"),
        ({"collection": "No Good"}, "collection name"),
    ],
)
async def test_what_cannot_be_is_refused_in_one_sentence(
    host: Host, folder: Path, arguments: dict[str, object], words: str
) -> None:
    kind, said = await host.refusal("add_documents", sources=["notes"], sync=True, **arguments)
    assert kind == "invalid" and words in said


async def test_a_long_reply_lists_some_changes_of_each_kind(host: Host, folder: Path) -> None:
    await host.record("add_documents", sources=["notes"], sync=True)
    (folder / "fox.md").unlink()
    (folder / "owl.md").rename(folder / "a.md")
    for number in range(30):
        (folder / f"n{number}.md").write_text(f"yak {number}")
    reply = await host.record("add_documents", sources=["notes"], sync=True)
    assert (reply["added"], len(reply["documents"])) == (30, 20)
    assert {"added", "moved", "removed"} == {row["change"] for row in reply["documents"]}


KILLED = """
import os, signal, sys, time
from pathlib import Path
from carrel import ingest
from carrel.index import Library
from carrel_search.jobs import Additions

root, data = Path(sys.argv[1]), Path(sys.argv[2])
library = Library(data, encoder=None)
additions = Additions(lambda: library, time.time)

def dies(done, total, message):
    if done == 2:
        os.kill(os.getpid(), signal.SIGKILL)

running = additions.start(
    "default", lambda report, cancelled: ingest.add(library, [str(root)], roots=[root], on_progress=dies)
)
print(running.job_id, flush=True)
running.finished.wait(60)
"""


async def test_a_job_whose_process_was_killed_says_interrupted_and_to_call_again(
    settings: Settings, folder: Path, make_library: Callable[..., Library]
) -> None:
    ran = await anyio.run_process([sys.executable, "-c", KILLED, str(folder), str(settings.data)], check=False)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    host = Host(create_server(settings, library=make_library(clock=lambda: time.time() + 600)))
    job = (await host.record("library_status", job=ran.stdout.decode().strip()))["job"]
    assert job["state"] == "interrupted" and "add the same sources again" in job["note"]
    assert (await host.record("add_documents", sources=["notes"], sync=True))["added"] == 2


def test_a_job_that_waits_for_its_turn_still_shows_that_it_lives(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carrel_search.jobs._BEAT", 0.001)
    begun, go, told = threading.Event(), threading.Event(), threading.Event()
    additions = Additions(lambda: library, time.time)

    def waits(report: object, cancelled: object) -> Outcome:
        begun.set()
        assert go.wait(30)
        return Outcome()

    first = additions.start("default", waits)
    assert begun.wait(30)
    second = additions.start("default", lambda report, cancelled: Outcome())
    report = library.jobs.report

    def heard(job_id: str, **facts: object) -> None:
        report(job_id, **facts)  # type: ignore[arg-type]
        if job_id == second.job_id:
            told.set()

    monkeypatch.setattr(library.jobs, "report", heard)
    assert told.wait(30)
    assert library.jobs.get(second.job_id).state == "running"
    go.set()
    assert first.finished.wait(30) and second.finished.wait(30)
    assert library.jobs.get(second.job_id).state == "done"
    additions.close()


def test_a_beat_never_overwrites_the_last_word(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carrel_search.jobs._BEAT", 0.0001)
    additions = Additions(lambda: library, time.time)

    def fails(report: object, cancelled: object) -> Outcome:
        raise Unavailable("the disk is full")

    for work, state in ((lambda report, cancelled: Outcome(), "done"), (fails, "failed")):
        for _ in range(15):
            running = additions.start("default", work)
            assert running.finished.wait(30)
            assert library.jobs.get(running.job_id).state == state
    additions.close()
