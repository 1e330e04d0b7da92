"""Files and folders with hostile names: told on one line with the reason; names that are only unusual are read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from carrel import ingest
from carrel.errors import Unsupported
from carrel.index import Library

if sys.platform != "linux":
    pytest.skip("only here may a name be any bytes", allow_module_level=True)

HOSTILE = [
    b"two\nlines.md",
    b"a\ttab.md",
    b"esc\x1b[31m.md",
    b"bell\x07.md",
    b"latin-1 \xe9.md",
    "paragraph\u2029separator.md".encode(),
    "\u202etxt.dm".encode() + b".md",
    "isolate\u2066x.md".encode(),
]
HARMLESS = [
    "right-to-left \u200fשלום.md",
    "שלום.md",
    "emoji \U0001f989.md",
    "with  spaces .md",
    "back\\slash.md",
    "'\"`$(x).md",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "documents"
    made.mkdir()
    return made


def write(folder: Path, name: str | bytes, text: str) -> str:
    path = folder / os.fsdecode(name)
    path.write_text(text)
    return str(path)


def shown_on_one_line(text: str) -> bool:
    unseen = [char for char in text if char < " " or "\ud800" <= char <= "\udfff" or char in "\u202e\u2066"]
    return len(text.splitlines()) == 1 and not unseen


def test_every_hostile_name_is_told_on_one_line_with_the_reason(library: Library, folder: Path) -> None:
    for number, name in enumerate(HOSTILE):
        write(folder, name, f"# Owl {number}\n\nAn owl.")
    write(folder, "plain.md", "# Plain\n\nAn owl.")
    for _ in range(2):
        did = ingest.add(library, [str(folder)], roots=[folder], sync=True)
        assert [Path(change.source).name for change in did.documents] in (["plain.md"], [])
        assert len(did.skipped) == len(HOSTILE)
        assert all(each.kind == "unsupported" and "rename it" in each.reason for each in did.skipped)
        assert all(shown_on_one_line(each.source) for each in did.skipped), did.skipped
        assert len({each.source for each in did.skipped}) == len(HOSTILE)
    assert len(library.find("default")) == 1


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_given_by_itself_is_refused_in_words(library: Library, folder: Path, name: bytes) -> None:
    did = ingest.add(library, [write(folder, name, "An owl.")], roots=[folder])
    (skipped,) = did.skipped
    assert skipped.kind == "unsupported" and "rename" in skipped.reason
    assert shown_on_one_line(skipped.source)


def test_a_folder_with_a_hostile_name_is_told_once_whatever_is_in_it(library: Library, folder: Path) -> None:
    for name in (b"evil\nfolder", b"folder \xff"):
        hostile = folder / os.fsdecode(name)
        hostile.mkdir()
        for number in range(20):
            write(hostile, f"{number}.md", "An owl.")
    write(folder, "plain.md", "An owl.")
    did = ingest.add(library, [str(folder)], roots=[folder])
    assert len(did.skipped) == 2
    assert all("folder" in each.reason and shown_on_one_line(each.source) for each in did.skipped)


@pytest.mark.parametrize("name", HARMLESS, ids=ascii)
def test_a_name_that_is_only_unusual_is_read_and_is_its_own_source(library: Library, folder: Path, name: str) -> None:
    path = write(folder, name, "# Owl\n\nAn owl.")
    did = ingest.add(library, [str(folder)], roots=[folder], sync=True)
    assert (did.added, did.skipped) == (1, ())
    assert did.documents[0].source == path
    assert ingest.add(library, [path], roots=[folder]).unchanged == 1
    Path(path).unlink()
    assert ingest.add(library, [str(folder)], roots=[folder], sync=True).removed == 1


def test_a_file_renamed_to_a_hostile_name_does_not_take_its_document_along(library: Library, folder: Path) -> None:
    path = write(folder, "owl.md", "# Owl\n\nAn owl.")
    write(folder, "fox.md", "# Fox\n\nA fox.")
    ingest.add(library, [str(folder)], roots=[folder])
    Path(path).rename(folder / "owl\n.md")
    did = ingest.add(library, [str(folder)], roots=[folder], sync=True)
    assert did.removed == 1
    assert len(did.skipped) == 1


@pytest.mark.parametrize("source", ["\ud800", "no\nsuch.md", "*\n*", "\udcff.md", "a\0b", "\u202e"], ids=ascii)
def test_a_source_that_no_file_can_have_is_told_on_one_line(library: Library, folder: Path, source: str) -> None:
    did = ingest.add(library, [source], roots=[folder])
    assert len(did.skipped) == 1
    assert shown_on_one_line(did.skipped[0].source)


def test_a_root_with_a_hostile_name_is_refused_once(library: Library, tmp_path: Path) -> None:
    root = tmp_path / "line\nbreak"
    root.mkdir()
    write(root, "owl.md", "An owl.")
    did = ingest.add(library, [str(root)], roots=[root])
    (skipped,) = did.skipped
    assert skipped.kind == Unsupported.kind


def test_a_link_to_a_hostile_name_is_told_by_its_own_name(library: Library, folder: Path) -> None:
    path = write(folder, b".hidden\n.md", "An owl.")
    (folder / "link.md").symlink_to(path)
    write(folder, "plain.md", "A fox.")
    did = ingest.add(library, [str(folder)], roots=[folder])
    (skipped,) = did.skipped
    assert Path(skipped.source).name == "link.md"
    assert did.added == 1
