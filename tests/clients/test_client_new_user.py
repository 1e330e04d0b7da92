"""The command line as a new user meets it: nothing is made by looking, and every message says what to do."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from carrel.citations.summary import PROBLEM_WORDS as ENGINE_WORDS
from carrel_client.cli import Session, run_command
from carrel_client.wording import PROBLEM_WORDS, in_commands

READING = [
    ["search", "owls"],
    ["read", "abcdefghijklmnop"],
    ["remove", "owls.md", "--yes"],
    ["research", "What do owls eat?"],
    ["collections", "list"],
    ["collections", "export", "default", "out.zip"],
    ["collections", "remove", "default"],
    ["doctor", "--deep"],
]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """A command as the ``carrel`` script runs it: it looks for the library itself and starts processes."""
    capsys.readouterr()
    code = run_command(arguments, Session(environment=dict(os.environ)))
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize("arguments", READING, ids=lambda given: " ".join(given[:2]))
def test_reading_where_there_is_no_library_says_so_and_makes_none(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    mistyped = tmp_path / "libary"
    code, out, err = run(capsys, *arguments, "--data", str(mistyped))
    assert (code, out) == (1, "")
    assert f"there is no library at {mistyped}; `carrel sync FOLDER` makes one" in err
    assert not list(tmp_path.glob("*ibary*"))


def test_the_doctor_of_a_new_machine_warns_of_no_library_and_makes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    code, out, _ = run(capsys, "doctor", "--encoder", "none", "--data", str(tmp_path / "none"), "--json")
    row = next(row for row in json.loads(out) if row["check"] == "library")
    assert (code, row["state"]) == (0, "warn")
    assert row["detail"] == f"there is no library at {tmp_path / 'none'}; `carrel sync FOLDER` makes one"
    assert not (tmp_path / "none").exists()


def test_the_doctor_and_the_list_say_where_the_library_lies_and_name_no_inner_names(
    carrel, notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    data = tmp_path / "library"
    assert carrel("add", str(notes)).code == 0
    listed = carrel("collections", "list", "--data", str(data)).out
    assert f"The library is at {data}" in listed
    assert "english" in listed and "english-" not in listed
    code, out, _ = run(capsys, "doctor", "--data", str(data), "--encoder", "none", "--json")
    assert code == 0
    details = {row["check"].strip(): row["detail"] for row in json.loads(out)}
    assert details["library"] == f"{data}: 1 collection, 2 documents"
    assert details["default"].startswith("2 documents, 0 of ")


def test_the_doctor_warns_of_a_collection_whose_encoder_is_not_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    data = tmp_path / "library"
    monkeypatch.setenv("CARREL_MODELS", str(tmp_path / "models"))
    assert run(capsys, "collections", "create", "own", "--language", "german", "--data", str(data))[0] == 0
    connection = sqlite3.connect(data / "store.sqlite")
    connection.execute("UPDATE collections SET encoder='far-away-model', fingerprint='x'")
    connection.commit()
    connection.close()
    _, out, _ = run(capsys, "doctor", "--data", str(data), "--json")
    row = next(row for row in json.loads(out) if row["check"].strip() == "own")
    assert row["state"] == "warn"
    assert "words only" in row["detail"]


@pytest.mark.parametrize("option", ["--encoder", "--model"])
def test_a_collection_without_vectors_of_its_own_is_refused_with_what_to_do(carrel, tmp_path: Path, option: str):
    ran = carrel("collections", "create", "plain", option, "none", "--data", str(tmp_path / "data"))
    assert ran.code == 1
    assert "--mode lexical" in ran.err
    assert not (tmp_path / "data").exists()


def test_two_encoders_for_one_collection_are_wrong_usage(carrel, tmp_path: Path):
    ran = carrel("collections", "create", "x", "--encoder", "a", "--model", "b", "--data", str(tmp_path / "data"))
    assert ran.code == 2


def test_an_unknown_language_is_one_short_line(carrel, tmp_path: Path):
    ran = carrel("collections", "create", "x", "--language", "germann", "--data", str(tmp_path / "data"))
    assert (ran.code, ran.err) == (1, "carrel: unknown language; did you mean german?\n")
    ran = carrel("collections", "create", "x", "--language", "klingon", "--data", str(tmp_path / "data"))
    assert len(ran.err) < 120 and not (tmp_path / "data").exists()


def test_a_search_narrows_by_author_and_date_and_shows_the_date(carrel, tmp_path: Path):
    (tmp_path / "refs.bib").write_text(
        "@article{a, author={LeCun, Yann and Hinton, Geoffrey}, title={Deep learning}, year=2015}"
    )
    (tmp_path / "other.md").write_text("# Deep water\n\nDeep learning of fish in deep water.\n")
    carrel("add", str(tmp_path / "refs.bib"), str(tmp_path / "other.md"))
    ran = carrel("search", "deep", "learning", "--author", "hinton")
    assert "Deep learning" in ran.out and "(2015)" in ran.out and "water" not in ran.out
    assert carrel("search", "deep", "--after", "2016").code == 1
    assert "fewer conditions" in carrel("search", "deep", "--author", "nobody").err


def test_a_search_of_an_earlier_snapshot_finds_what_was_there(carrel, notes: Path):
    carrel("add", str(notes / "cats.md"))
    snapshot = str(carrel("search", "cats", "--json").json["snapshot"])
    carrel("add", str(notes / "harbour.md"))
    assert carrel("search", "harbour").code == 0
    assert carrel("search", "harbour", "--as-of", snapshot).code == 1


def test_removing_what_is_not_there_says_so(carrel, notes: Path):
    carrel("add", str(notes))
    ran = carrel("remove", "nowhere.md")
    assert ran.code == 1
    assert "nothing to remove: the collection default holds no document of nowhere.md" in ran.err


def test_what_a_pattern_leaves_out_now_is_counted_with_the_command_that_drops_it(carrel, notes: Path):
    carrel("sync", str(notes))
    ran = carrel("sync", str(notes), "--exclude", "cats*")
    assert ran.code == 0
    assert "1 document that include or exclude leaves out now stays" in ran.err
    assert "add --drop-excluded" in ran.err
    dry = carrel("sync", str(notes), "--exclude", "cats*", "--drop-excluded", "--dry-run")
    assert f"- {notes / 'cats.md'}" in dry.out and carrel("search", "cats").code == 0
    assert f"- {notes / 'cats.md'}" in carrel("sync", str(notes), "--exclude", "cats*", "--drop-excluded").out
    assert carrel("search", "cats").code == 1 and (notes / "cats.md").exists()
    assert "leaves out" not in carrel("sync", str(notes), "--exclude", "cats*").err


def test_a_sync_whose_patterns_leave_out_all_is_no_failure(carrel, notes: Path):
    carrel("sync", str(notes))
    ran = carrel("sync", str(notes), "--include", "*.rst")
    assert ran.code == 0
    assert "leaves out now stay" in ran.err and "add --drop-excluded" in ran.err


def test_a_folder_of_which_the_patterns_leave_nothing_is_not_called_unreadable(carrel, notes: Path):
    ran = carrel("add", str(notes), "--include", "*.rst")
    assert (ran.code, "include and exclude leave nothing" in ran.err, "supported are" in ran.err) == (1, True, False)


def test_most_of_a_folder_gone_at_once_stays_and_the_message_names_the_command(carrel, notes: Path):
    for number in range(6):
        (notes / f"n{number}.md").write_text(f"yak {number}")
    carrel("sync", str(notes))
    for path in notes.iterdir():
        path.unlink()
    (notes / "foreign.md").write_text("A foreign file that was left on the mount point of another disk.")
    ran = carrel("sync", str(notes))
    assert "has lost 8 of 9 documents" in ran.err or "has lost 8 of 8 documents" in ran.err
    assert "add --drop-most" in ran.err
    assert carrel("search", "yak").code == 0
    assert carrel("sync", str(notes), "--drop-most", "--json").json["removed"] == 8
    assert carrel("search", "yak").code == 1


def test_a_dry_run_without_changes_speaks_of_none(carrel, notes: Path):
    first = carrel("sync", str(notes), "--dry-run")
    assert "to add" in first.out and "passages" not in first.out
    carrel("sync", str(notes))
    again = carrel("sync", str(notes), "--dry-run")
    assert "nothing would change" in again.err and "--dry-run" not in again.err


def test_messages_name_commands_and_not_tools():
    told = "sync with drop=most, or read_page(keep=true), or library_status"
    assert in_commands(told, "/my docs") == "add --drop-most, or carrel fetch --keep, or carrel doctor"


def test_a_verdict_is_called_the_same_in_the_terminal_and_on_the_page():
    assert PROBLEM_WORDS == ENGINE_WORDS
