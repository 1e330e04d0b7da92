"""Looking after a data folder: older formats are brought up to date, damage is found and mended."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from carrel.errors import IncompatibleIndex, NotFound, Refused, Unavailable
from carrel.index import Library
from carrel.index.upkeep import examine, repair
from carrel.records import parse_ref
from carrel.retrieve import search
from kit import FOX, OWL, REPOSITORY, WordEncoder, text_document

Make = Callable[..., Library]
FORMAT_1 = REPOSITORY / "tests" / "data" / "format-1.sql"


def stored(data: Path) -> sqlite3.Connection:
    return sqlite3.connect(data / "store.sqlite", isolation_level=None)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A data folder as format 1 left it."""
    data = tmp_path / "data"
    data.mkdir()
    connection = stored(data)
    connection.executescript(FORMAT_1.read_text())
    connection.close()
    return data


def test_a_store_of_the_first_format_is_opened_and_brought_up_to_date(old: Path, make_library: Make) -> None:
    library = make_library(encoder=WordEncoder(), background=False)
    assert [(each.name, each.documents, each.passages) for each in library.collections()] == [
        ("birds", 1, 1),
        ("default", 2, 5),
    ]
    assert [hit.title for hit in search(library, ["rodents"]).hits][:1] == ["Foxes"]
    assert search(library, ["moineaux"], collection="birds").hits[0].title == "Sparrows – moineaux"
    library.encode("default")
    assert library.coverage("default")["dense"] == 1.0
    assert "cannot move their eyes" in search(library, ["cannot move their eyes"], mode="dense").hits[0].passage.text
    assert ["earlier version (1)" in each.words for each in examine(library)] == [True, True]
    assert all(each.mended for each in repair(library))
    library.encode("default")
    assert examine(library) == []


def test_references_given_by_the_first_format_still_open(old: Path, make_library: Make) -> None:
    library = make_library()
    first = text_document(OWL, "Owls")  # replaced long ago, and in no collection since
    assert library.resolve(parse_ref(f"{first.doc_id}:0-6")).text == "# Owls"
    assert library.document(text_document(FOX, "Foxes").doc_id).text == text_document(FOX, "Foxes").text
    assert library.latest("text:Owls")[0].text.endswith("Owls cannot move their eyes.\n")  # type: ignore[index]
    assert library.document("6mgbwxgdbh6jocxb").title == "Sparrows – moineaux"


def test_a_store_brought_up_to_date_takes_additions(old: Path, make_library: Make) -> None:
    library = make_library()
    did = library.add([text_document("The okapi is striped.", "Okapi")])
    assert did.added == 1 and did.generation > 3
    assert search(library, ["okapi"]).hits


def test_an_older_format_is_not_touched_by_a_reader(old: Path, make_library: Make) -> None:
    with pytest.raises(IncompatibleIndex, match="open it once without --read-only"):
        make_library(read_only=True)


def test_a_format_from_the_future_is_refused(old: Path, make_library: Make) -> None:
    stored(old).execute("UPDATE meta SET value='99' WHERE key='format'")
    with pytest.raises(IncompatibleIndex, match="format 99"):
        make_library()


def test_a_reader_of_an_empty_folder_makes_nothing(make_library: Make, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no library"):
        make_library(read_only=True)
    assert not (tmp_path / "data").exists()


@pytest.fixture
def whole(make_library: Make) -> Library:
    """A library in which everything is right."""
    library = make_library(encoder=WordEncoder(), background=False)
    library.add([text_document(FOX, "Foxes"), text_document(OWL, "Owls")])
    library.encode("default")
    assert examine(library) == []
    return library


def test_a_text_that_the_disk_altered_is_never_quoted_and_is_found(whole: Library, tmp_path: Path) -> None:
    connection = stored(tmp_path / "data")
    connection.execute(
        "UPDATE texts SET content=CAST(replace(CAST(content AS TEXT), '500 grams', '900 grams') AS BLOB) "
        "WHERE instr(content, CAST('500 grams' AS BLOB))"
    )
    fox = text_document(FOX, "Foxes")
    with pytest.raises(IncompatibleIndex, match="damaged on the disk"):
        whole.resolve(parse_ref(f"{fox.doc_id}:0-100"))
    with pytest.raises(IncompatibleIndex, match="carrel doctor --repair"):
        search(whole, ["grams of food"])
    assert [each.words for each in examine(whole)] == [
        "the text of 'Foxes' is damaged; add its source again: text:Foxes"
    ]
    assert all(each.mended for each in repair(whole))
    assert whole.add([fox]).added == 1
    assert "500 grams" in search(whole, ["grams of food"]).hits[0].passage.text
    assert examine(whole) == []


def test_wrong_counters_are_found_and_counted_again(whole: Library, tmp_path: Path) -> None:
    stored(tmp_path / "data").execute("UPDATE collections SET passages=99, encoded=98")
    assert [each.mended for each in examine(whole)] == [False, False]  # the counters, and so the index that has fewer
    assert all(each.mended for each in repair(whole))
    assert examine(whole) == []
    assert whole.collection("default").passages == 5


def test_a_collection_of_an_earlier_splitter_takes_additions_and_is_cut_anew_when_asked(
    whole: Library, tmp_path: Path
) -> None:
    stored(tmp_path / "data").execute("UPDATE collections SET splitter='0'")
    whole.add([text_document("more", "More")])
    assert [hit.title for hit in search(whole, ["rodents"]).hits][:1] == ["Foxes"]
    assert search(whole, ["more"]).hits[0].title == "More"
    assert [each.words for each in examine(whole)][:1] == [
        "passages of 'default' were cut by an earlier version (0); --repair cuts them anew"
    ]
    assert all(each.mended for each in repair(whole))
    whole.encode("default")
    assert examine(whole) == []


def test_missing_vectors_are_found_and_made_again(whole: Library) -> None:
    arm, _ = whole.arms.dense("default")
    arm.discard(arm.digests()[:2])
    assert [each.words for each in examine(whole)] == ["the vectors of 'default': 2 are missing"]
    assert all(each.mended for each in repair(whole))
    assert whole.encode("default") == 2
    assert examine(whole) == []


def test_a_folder_that_belongs_to_nothing_is_cleared_away(whole: Library, tmp_path: Path) -> None:
    (tmp_path / "data" / "collections" / "gone.7" / "lexical").mkdir(parents=True)
    assert [each.words for each in examine(whole)] == ["the folder 'gone.7' belongs to no collection"]
    repair(whole)
    assert examine(whole) == []


def test_what_a_reader_cannot_mend_it_says(whole: Library, make_library: Make, tmp_path: Path) -> None:
    for path in (tmp_path / "data").rglob("meta.json"):
        path.write_bytes(b"")
    reader = make_library(read_only=True)
    with pytest.raises(Unavailable, match="carrel doctor --repair"):
        search(reader, ["rodents"])


def test_the_command_says_what_is_wrong_and_mends_it(whole: Library, tmp_path: Path) -> None:
    def doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "carrel.index",
            "doctor",
            "--data",
            str(tmp_path / "data"),
            "--encoder",
            "none",
        ]
        return subprocess.run([*command, *arguments], check=False, capture_output=True, text=True, timeout=60)

    stored(tmp_path / "data").execute("UPDATE collections SET documents=7")
    found = doctor()
    assert found.returncode == 1
    assert "wrong: the counters of 'default'" in found.stdout and "doctor --repair" in found.stdout
    assert doctor("--repair").returncode == 0
    after = doctor()
    assert (after.returncode, after.stdout) == (0, "everything is as it was written, and store and indexes agree\n")


def test_an_unknown_collection_is_not_found(whole: Library) -> None:
    with pytest.raises(NotFound, match="there are: default"):
        whole.collection("other")


def behind(make_library: Make, monkeypatch: pytest.MonkeyPatch) -> Library:
    """A library of three snapshots whose index has not taken up the last commit, as after a kill."""
    library = make_library()
    library.add([text_document(OWL, "Owls")])
    library.add([text_document(FOX, "Foxes")])
    with monkeypatch.context() as killed:
        killed.setattr(library.arms, "catch_up", lambda there, generation: generation)
        library.add([text_document("The okapi is striped.", "Okapi")])
    return library


def test_an_index_that_only_lags_behind_is_no_damage(make_library: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    library = behind(make_library, monkeypatch)
    assert examine(library) == []
    assert [hit.title for hit in search(library, ["okapi"]).hits] == ["Okapi"]


def test_repairing_an_index_that_only_lags_behind_ends_no_snapshot(
    make_library: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = behind(make_library, monkeypatch)
    assert repair(library) == []
    assert library.generation() == 3
    reader = make_library(read_only=True)
    assert [hit.title for hit in search(reader, ["okapi"]).hits] == ["Okapi"]
    assert [hit.title for hit in search(reader, ["rodents"], as_of=2).hits][:1] == ["Foxes"]
