"""``carrel collections`` and ``carrel doctor --repair``: a user looks after the library from the command line."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def test_a_collection_is_copied_exported_and_imported_elsewhere(carrel, notes: Path, tmp_path: Path):
    data, other, archive = str(tmp_path / "library"), str(tmp_path / "other"), str(tmp_path / "notes.zip")
    assert carrel("add", str(notes)).code == 0
    assert carrel("collections", "copy", "default", "spare", "--data", data).code == 0
    did = carrel("collections", "export", "spare", archive, "--data", data, "--json").json
    assert (did["collection"], did["documents"]) == ("spare", 2)
    assert carrel("collections", "import", archive, "--as", "ferries", "--data", other, "--json").json["documents"] == 2
    listed = carrel("collections", "list", "--data", other, "--json").json
    assert [(each["name"], each["documents"]) for each in listed] == [("ferries", 2)]


def test_a_collection_is_made_for_a_language(carrel, tmp_path: Path):
    data = str(tmp_path / "data")
    assert carrel("collections", "create", "notizen", "--language", "de", "--data", data).code == 0
    assert carrel("collections", "list", "--data", data, "--json").json[0]["language"] == "de"
    ran = carrel("collections", "create", "other", "--language", "klingon", "--data", data)
    assert ran.code == 1 and "unknown language" in ran.err


def test_the_doctor_reads_the_whole_library_and_mends_it(carrel, notes: Path, tmp_path: Path):
    data = tmp_path / "library"
    assert carrel("add", str(notes)).code == 0
    connection = sqlite3.connect(data / "store.sqlite")
    connection.execute("UPDATE collections SET documents=9")
    connection.commit()
    connection.close()

    def told(*options: str) -> tuple[int, list[str]]:
        ran = carrel("doctor", *options, "--data", str(data), "--json")
        return ran.code, [row["detail"] for row in ran.json if row["check"] == "data folder"]

    code, found = told("--deep")
    assert code == 1 and "the counters of 'default'" in found[0]
    assert told("--repair")[1][0].startswith("mended: ")
    assert told("--deep") == (0, ["everything is as it was written, and store and indexes agree"])


def test_a_collection_is_made_with_a_learned_sparse_model_only_if_that_is_here(carrel, tmp_path: Path):
    data = str(tmp_path / "data")
    ran = carrel("collections", "create", "birds", "--sparse", "../elsewhere", "--data", data)
    assert ran.code == 1 and "neither a hub name" in ran.err
    assert carrel("collections", "list", "--data", data, "--json").json == []
