"""Token vectors on disk: kept once for all processes, within their room, and gone with the text they were made of."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from carrel.index import Library
from carrel.index.upkeep import examine, repair
from kit import text_document

TEXTS = [f"The animal{number} grazes on plain {number}." for number in range(30)]
Make = Callable[..., Library]


@pytest.fixture
def shelf(make_library: Make) -> Library:
    library = make_library()
    library.add([text_document(text, f"Animal {number}") for number, text in enumerate(TEXTS)])
    return library


def digests(library: Library) -> list[int]:
    return [digest for batch in library.passages("default") for digest, _ in batch]


def keep(library: Library, model: str, made: dict[int, bytes]) -> None:
    written = library.tokens.write(model, made)
    assert written is not None
    written.result()


def test_what_one_process_keeps_another_reads(shelf: Library, make_library: Make) -> None:
    names = digests(shelf)
    assert len(names) == 30 and shelf.tokens.read("model", names) == {}
    other = make_library()
    keep(shelf, "model", {names[0]: b"zero", names[1]: b"one"})
    keep(other, "another", {names[0]: b"else"})
    assert other.tokens.read("model", names) == {names[0]: b"zero", names[1]: b"one"}
    assert shelf.tokens.read("another", names) == {names[0]: b"else"}
    assert shelf.tokens.lacking("model", names) == names[2:]
    assert make_library(read_only=True).tokens.read("model", names[:1]) == {names[0]: b"zero"}


def test_a_read_only_library_and_one_without_room_keep_nothing(shelf: Library, make_library: Make) -> None:
    name = digests(shelf)[0]
    for library in (make_library(read_only=True), make_library(token_room=0)):
        assert library.tokens.write("model", {name: b"x"}) is None and library.tokens.room == 0
    assert not shelf.tokens.path.exists()


def test_nothing_is_kept_of_what_is_no_passage(shelf: Library) -> None:
    keep(shelf, "model", {5: b"of a text that is not here"})
    assert shelf.tokens.read("model", [5]) == {}


def test_vectors_of_an_erased_text_go_with_it(shelf: Library, make_library: Make) -> None:
    names = digests(shelf)
    keep(shelf, "model", {name: b"secret %d" % place for place, name in enumerate(names)})
    other = make_library()
    gone = list(other.find("default"))[:3]
    other.remove("default", gone, forget=True)
    left = digests(shelf)
    assert len(left) == 27 and set(shelf.tokens.read("model", names)) == set(left)
    keep(shelf, "model", dict.fromkeys(set(names) - set(left), b"secret again"))  # an eraser was faster
    assert set(shelf.tokens.read("model", names)) == set(left)
    shelf.close()
    other.close()
    raw = shelf.tokens.path.read_bytes()
    lost = [place for place, name in enumerate(names) if name not in left]
    assert b"secret %d" % names.index(left[0]) in raw
    assert b"secret again" not in raw and not any(b"secret %d'" % place in raw for place in lost)


def test_an_eraser_that_was_killed_before_he_came_to_the_vectors_is_made_up_for(
    shelf: Library, make_library: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = digests(shelf)
    keep(shelf, "model", dict.fromkeys(names, b"vectors"))
    with monkeypatch.context() as killed:
        killed.setattr(type(shelf.tokens), "forget", lambda self: None)
        shelf.remove("default", list(shelf.find("default"))[:1], forget=True)
    assert len(shelf.tokens.read("model", names)) == 30
    later = make_library()
    later.tokens.close()  # what it does in the background when it opens is done
    assert len(make_library().tokens.read("model", names)) == 29


def test_what_was_longest_of_no_use_goes_when_the_room_ends(make_library: Make) -> None:
    now = [0.0]
    library = make_library(token_room=400_000, clock=lambda: now[0])
    library.add([text_document(text, f"Animal {number}") for number, text in enumerate(TEXTS)])
    names = digests(library)
    for name in names[:10]:
        keep(library, "model", {name: bytes(20_000)})
    now[0] += 86_400.0
    assert library.tokens.read("model", names[:1])  # of use today
    assert library.tokens.spare > 0
    for name in names[10:22]:
        keep(library, "model", {name: bytes(20_000)})
        assert library.tokens.taken() <= 400_000
    there = library.tokens.read("model", names)
    assert names[0] in there and names[21] in there and names[1] not in there


def harm(path: Path, damage: str, place: int) -> None:
    raw = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(raw[: len(raw) // 2])
    elif damage == "overwritten":
        path.write_bytes(raw[:8192] + bytes(len(raw) - 8192))
    elif damage == "nonsense":
        path.write_bytes(b"no database at all " * 1_000)
    elif damage == "of another version":
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version=99")
        connection.close()
    else:
        raw[place] ^= 1
        path.write_bytes(raw)


@pytest.mark.parametrize("damage", ["cut", "overwritten", "nonsense", "of another version", "one bit"])
def test_damaged_vectors_are_made_again_and_never_read(shelf: Library, make_library: Make, damage: str) -> None:
    names = digests(shelf)
    made = {name: b"vectors of %d " % name * 1_000 for name in names}
    keep(shelf, "model", made)
    path = shelf.tokens.path
    shelf.close()
    harm(path, damage, path.read_bytes().index(b"vectors of %d " % names[7]) + 3)
    library = make_library()
    found = library.tokens.read("model", names)
    assert all(found[name] == made[name] for name in found) and len(found) < 30
    keep(library, "model", {name: made[name] for name in names if name not in found})
    if len(library.tokens.read("model", names)) < 30:  # it was renewed by that
        keep(library, "model", made)
    assert make_library().tokens.read("model", names) == made


@pytest.mark.parametrize("damage", ["overwritten", "one bit"])  # others are seen when the file is opened
def test_the_doctor_finds_damaged_vectors_and_drops_them(shelf: Library, make_library: Make, damage: str) -> None:
    names = digests(shelf)
    made = {name: b"vectors of %d " % name * 1_000 for name in names}
    keep(shelf, "model", made)
    path = shelf.tokens.path
    assert examine(shelf) == []
    shelf.close()
    harm(path, damage, path.read_bytes().index(b"vectors of %d " % names[7]) + 3)
    library = make_library()
    assert [each.words.partition(":")[0] for each in examine(library)] == ["the token vectors"]
    assert all(each.mended for each in repair(library))
    assert examine(library) == []
    assert len(library.tokens.read("model", names)) == (29 if damage == "one bit" else 0)
    keep(library, "model", made)
    assert make_library().tokens.read("model", names) == made


def test_a_file_that_is_taken_away_under_a_server_is_made_anew(shelf: Library) -> None:
    names = digests(shelf)
    keep(shelf, "model", {names[0]: b"x"})
    for each in shelf.tokens.path.parent.glob("tokens.sqlite*"):
        each.unlink()
    assert shelf.tokens.read("model", names) == {}
    keep(shelf, "model", {names[0]: b"y"})
    assert shelf.tokens.read("model", names) == {names[0]: b"y"}


KILLED = """
import os, signal, sys
from pathlib import Path
from carrel.index import Library
from carrel.index.upkeep import examine, repair
library = Library(Path(sys.argv[1]))
names = [digest for batch in library.passages("default") for digest, _ in batch]
for place, name in enumerate(names):
    library.tokens.write("model", {name: b"%d" % name * 5_000}).result()
    if place == 20:
        library.tokens.write("model", {each: b"%d" % each * 5_000 for each in names})
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_killed_while_it_writes_loses_nothing_that_was_kept(shelf: Library) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(shelf.data)], check=False)
    assert done.returncode == -signal.SIGKILL
    names = digests(shelf)
    found = shelf.tokens.read("model", names)
    assert len(found) >= 21 and all(content == b"%d" % name * 5_000 for name, content in found.items())
