"""``carrel sync``: folders followed from the command line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


def test_a_folder_is_followed_and_each_change_is_a_line(carrel, notes: Path):
    assert carrel("sync", str(notes)).out.startswith(f"+ {notes / 'cats.md'}\n+ {notes / 'harbour.md'}\n")
    (notes / "cats.md").write_text("# Cats\n\nCats sleep for thirteen hours.\n")
    (notes / "harbour.md").rename(notes / "port.md")
    (notes / "dogs.md").write_text("# Dogs\n\nDogs bark.\n")
    (notes / "scan.png").write_bytes(b"\x89PNG")
    ran = carrel("sync", str(notes))
    assert ran.code == 0
    assert set(ran.out.splitlines()[:3]) == {
        f"~ {notes / 'cats.md'}",
        f"+ {notes / 'dogs.md'}",
        f"> {notes / 'harbour.md'} -> {notes / 'port.md'}",
    }
    assert "1 .png" in ran.out
    (notes / "dogs.md").unlink()
    assert f"- {notes / 'dogs.md'}" in carrel("sync", str(notes)).out
    assert carrel("search", "bark").code == 1


def test_json_is_one_value_with_counts_and_changes(carrel, notes: Path):
    ran = carrel("sync", str(notes), "--json", "--include", "c*", "--collection", "pets")
    assert (ran.json["added"], ran.json["not_read"], ran.json["state"]) == (1, {"not included": 1}, "done")
    assert [change["kind"] for change in ran.json["changes"]] == ["added"]


def test_a_dry_run_changes_nothing_and_says_so(carrel, notes: Path):
    ran = carrel("sync", str(notes), "--dry-run", "--exclude", "harbour*")
    assert (ran.code, ran.out.splitlines()[0]) == (0, f"+ {notes / 'cats.md'}")
    assert "1 change to make" in ran.err
    assert carrel("sync", str(notes), "--json").json["added"] == 2


def test_what_cannot_be_read_is_shown_with_the_reason(carrel, notes: Path):
    (notes / "broken.md").write_bytes(bytes(range(256)) * 20)
    ran = carrel("sync", str(notes))
    assert ran.code == 0
    assert "broken.md" in ran.out and "binary" in ran.out


@pytest.mark.parametrize("arguments", [["nowhere"], ["notes/cats.md"], ["notes", "--watch", "--dry-run"], []])
def test_wrong_usage_exits_with_2_and_changes_nothing(carrel, notes: Path, arguments: list[str]):
    ran = carrel("sync", *(str(notes.parent / each) if i == 0 else each for i, each in enumerate(arguments)))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err


def test_a_bad_pattern_is_one_line_on_stderr(carrel, notes: Path):
    ran = carrel("sync", str(notes), "--exclude", "!x")
    assert (ran.code, ran.err.count("\n")) == (1, 1)


def test_an_emptied_folder_keeps_many_documents_and_says_so(carrel, notes: Path):
    for number in range(6):
        (notes / f"n{number}.md").write_text(f"yak {number}")
    carrel("sync", str(notes))
    for path in notes.iterdir():
        path.unlink()
    ran = carrel("sync", str(notes))
    assert ran.code == 1
    assert "8 documents of it stay" in ran.err
    assert carrel("search", "yak").code == 0


def test_add_takes_patterns_too(carrel, notes: Path):
    assert carrel("add", str(notes), "--exclude", "cats*", "--json").json["added"] == 1


def watched(monkeypatch: pytest.MonkeyPatch, *steps: object) -> None:
    """Let each rest between two looks do the next step; after the last comes Ctrl-C."""
    left = list(steps)
    real = asyncio.sleep

    async def rest(seconds: float) -> None:
        if seconds == 77 and not left:
            raise KeyboardInterrupt
        if seconds == 77:
            left.pop(0)()  # type: ignore[operator]
        await real(0)

    monkeypatch.setattr("carrel_client.commands.following.asyncio.sleep", rest)


def test_watching_prints_only_what_changes_and_ends_with_130(carrel, notes: Path, monkeypatch: pytest.MonkeyPatch):
    away = notes.with_name("away")
    watched(
        monkeypatch,
        lambda: None,
        lambda: (notes / "cats.md").unlink(),
        lambda: notes.rename(away),
        lambda: None,
        lambda: away.rename(notes),
        lambda: (notes / "broken.md").write_bytes(bytes(range(256)) * 20),
        lambda: None,
    )
    ran = carrel("sync", str(notes), "--watch", "--every", "77")
    assert ran.code == 130
    assert ran.out.splitlines() == [f"+ {notes / 'cats.md'}", f"+ {notes / 'harbour.md'}", f"- {notes / 'cats.md'}"]
    assert ran.err.count("of it stays in the collection") == 1
    assert ran.err.count("broken.md") == 1


def test_watching_with_json_writes_a_line_for_each_look_that_finds_a_change(
    carrel, notes: Path, monkeypatch: pytest.MonkeyPatch
):
    watched(monkeypatch, lambda: None, lambda: (notes / "cats.md").unlink(), lambda: None)
    ran = carrel("sync", str(notes), "--watch", "--every", "77", "--json")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert [(line["added"], line["removed"]) for line in lines] == [(2, 0), (0, 1)]


def test_watching_does_not_begin_with_a_folder_that_cannot_be_kept(carrel, notes: Path):
    ran = carrel("sync", str(notes), "--watch", "--collection", "No Good")
    assert ran.code == 1
    assert "collection name" in ran.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals are otherwise there")
def test_a_real_watch_over_stdio_sees_a_new_file_and_stops_at_ctrl_c(tmp_path: Path, notes: Path):
    command = [sys.executable, "-m", "carrel_client", "sync", str(notes), "--watch", "--every", "0.1", "--json"]
    command += ["--data", str(tmp_path / "data"), "--encoder", "none"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as watching:
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["added"] == 2
        (notes / "new.md").write_text("A new note.")
        assert json.loads(watching.stdout.readline())["changes"][0]["source"] == str(notes / "new.md")
        watching.send_signal(signal.SIGINT)
        _, said = watching.communicate(timeout=30)
        assert watching.returncode == 130
        assert said.strip() == "stopped"
