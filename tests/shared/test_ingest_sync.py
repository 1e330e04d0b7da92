"""A collection kept equal to folders: what is new, changed, moved and gone; and nothing leaves on a mere suspicion."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from carrel import ingest
from carrel.documents import parse
from carrel.errors import BadRequest, Unavailable
from carrel.index import Library

MUCH_LATER = 4e9  # a clock by which every file's time is settled


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    (folder / "deep").mkdir(parents=True)
    (folder / "one.md").write_text("# One\n\nThe aardvark eats ants.\n")
    (folder / "two.md").write_text("# Two\n\nThe bison grazes.\n")
    (folder / "deep" / "three.txt").write_text("The cheetah sprints.\n")
    return folder


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are parsed from now on."""
    names: list[str] = []

    def counting(data: bytes, **options: Any) -> Any:
        names.append(Path(options["source"]).name)
        return parse(data, **options)

    monkeypatch.setattr("carrel.ingest.adding.parse", counting)
    return names


def sync(library: Library, *sources: Path | str, roots: list[Path] | None = None, **options: Any) -> ingest.Outcome:
    """Sync folders; the first one's is the root, unless told otherwise."""
    given = [str(source) for source in sources]
    return ingest.add(
        library, given, roots=roots or [Path(given[0])], sync=True, **{"clock": lambda: MUCH_LATER, **options}
    )


def counts(outcome: ingest.Outcome) -> dict[str, int]:
    names = ("added", "replaced", "moved", "removed", "unchanged")
    return {name: getattr(outcome, name) for name in names if getattr(outcome, name)}


def sources(library: Library, collection: str = "default") -> set[str]:
    """File names of the collection's documents."""
    return {Path(library.document(doc_id).source).name for doc_id in library.find(collection)}


# what changes --------------------------------------------------------------------------------------------------------


def test_new_changed_moved_and_vanished_files_are_told_apart(library: Library, root: Path) -> None:
    assert counts(sync(library, root)) == {"added": 3}
    (root / "new.md").write_text("# New\n\nThe dingo howls.\n")
    (root / "one.md").write_text("# One\n\nThe aardvark sleeps.\n")
    (root / "deep" / "three.txt").rename(root / "three.txt")
    (root / "two.md").unlink()
    outcome = sync(library, root)
    assert counts(outcome) == {"added": 1, "replaced": 1, "moved": 1, "removed": 1}
    told = {(change.kind, Path(change.source).name, Path(change.was).name) for change in outcome.documents}
    assert told == {
        ("added", "new.md", ""),
        ("replaced", "one.md", ""),
        ("moved", "three.txt", "three.txt"),
        ("removed", "two.md", ""),
    }
    assert sources(library) == {"new.md", "one.md", "three.txt"}
    assert counts(sync(library, root)) == {"unchanged": 3}


def test_without_sync_nothing_leaves(library: Library, root: Path) -> None:
    sync(library, root)
    (root / "two.md").unlink()
    assert counts(ingest.add(library, [str(root)], roots=[root])) == {"unchanged": 2}
    assert "two.md" in sources(library)


def test_a_text_that_left_stays_readable_by_its_reference(library: Library, root: Path) -> None:
    gone = next(change for change in sync(library, root).documents if change.title == "Two")
    (root / "two.md").unlink()
    assert [change.doc_id for change in sync(library, root).documents] == [gone.doc_id]
    assert "bison" in library.document(gone.doc_id).text


def test_a_moved_file_is_not_parsed_again_and_keeps_title_and_tags(
    library: Library, root: Path, parsed: list[str]
) -> None:
    sync(library, root, tags=("zoo",))
    parsed.clear()
    (root / "elsewhere").mkdir()
    (root / "one.md").rename(root / "elsewhere" / "renamed.md")
    outcome = sync(library, root)
    assert counts(outcome) == {"moved": 1, "unchanged": 2}
    assert parsed == []
    moved = library.document(outcome.documents[0].doc_id)
    assert (moved.title, moved.tags, Path(moved.source).name) == ("One", ("zoo",), "renamed.md")
    assert outcome.documents[0].doc_id in library.find("default")


def test_a_file_titled_by_its_name_gets_the_new_name_as_title(library: Library, root: Path) -> None:
    sync(library, root)
    (root / "deep" / "three.txt").rename(root / "deep" / "big cats.txt")
    outcome = sync(library, root)
    assert [(change.kind, change.title) for change in outcome.documents] == [("moved", "big cats")]


def test_a_file_that_moved_and_changed_is_one_gone_and_one_new(library: Library, root: Path) -> None:
    sync(library, root)
    (root / "one.md").unlink()
    (root / "eleven.md").write_text("# Eleven\n\nThe aardvark eats termites.\n")
    assert counts(sync(library, root)) == {"added": 1, "removed": 1, "unchanged": 2}


def test_a_rename_that_only_changes_case_is_a_move(library: Library, root: Path) -> None:
    sync(library, root)
    (root / "one.md").rename(root / "ONE.md")
    assert counts(sync(library, root)) == {"moved": 1, "unchanged": 2}
    assert sources(library) == {"ONE.md", "two.md", "three.txt"}


def test_two_files_of_the_same_contents_are_two_documents(library: Library, root: Path) -> None:
    shutil.copy(root / "one.md", root / "copy.md")
    assert counts(sync(library, root)) == {"added": 4}
    (root / "one.md").rename(root / "third.md")
    shutil.copy(root / "third.md", root / "fourth.md")
    assert counts(sync(library, root)) == {"moved": 1, "added": 1, "unchanged": 3}
    (root / "copy.md").unlink()
    (root / "third.md").unlink()
    assert counts(sync(library, root)) == {"removed": 2, "unchanged": 3}


def test_a_file_replaced_by_a_folder_is_gone(library: Library, root: Path) -> None:
    sync(library, root)
    (root / "two.md").unlink()
    (root / "two.md").mkdir()
    (root / "two.md" / "inner.md").write_text("The emu runs.")
    assert counts(sync(library, root)) == {"added": 1, "removed": 1, "unchanged": 2}


def test_tags_stay_when_a_file_changes(library: Library, root: Path) -> None:
    sync(library, root, tags=("zoo",))
    (root / "one.md").write_text("# One\n\nThe aardvark digs.\n")
    (changed,) = sync(library, root).documents
    assert library.document(changed.doc_id).tags == ("zoo",)


# what has not changed ------------------------------------------------------------------------------------------------


def test_a_file_touched_but_not_changed_is_hashed_once_and_never_parsed(
    library: Library, root: Path, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(library, root)
    parsed.clear()
    os.utime(root / "one.md", (1e9, 1e9))
    outcome = sync(library, root)
    assert counts(outcome) == {"unchanged": 3}
    assert (parsed, outcome.documents) == ([], ())
    monkeypatch.setattr("carrel.ingest.adding.read_file", lambda *_: pytest.fail("a file was read again"))
    assert counts(sync(library, root)) == {"unchanged": 3}


def test_a_change_that_keeps_size_and_time_is_seen(library: Library, root: Path) -> None:
    before = (root / "one.md").stat()
    sync(library, root)
    (root / "one.md").write_text("# One\n\nThe aardvark eats bees.\n")
    os.utime(root / "one.md", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (root / "one.md").stat().st_size == before.st_size
    assert counts(sync(library, root)) == {"replaced": 1, "unchanged": 2}


def test_a_file_that_may_still_be_changing_is_not_trusted_by_its_time(library: Library, root: Path) -> None:
    now = (root / "one.md").stat().st_mtime
    sync(library, root, clock=lambda: now)
    read: list[str] = []
    kept = ingest.adding.read_file

    def counting(path: str, at: float) -> Any:
        read.append(Path(path).name)
        return kept(path, at)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("carrel.ingest.adding.read_file", counting)
        assert counts(sync(library, root, clock=lambda: now + 60)) == {"unchanged": 3}
        assert len(read) == 3
        assert counts(sync(library, root, clock=lambda: now + 61)) == {"unchanged": 3}
        assert len(read) == 3


@pytest.mark.parametrize("clock", [lambda: 1e9, time.time])
def test_times_in_the_future_and_a_clock_set_back_miss_no_change(
    library: Library, root: Path, clock: Callable[[], float]
) -> None:
    future = time.time() + 1e8
    os.utime(root / "one.md", (future, future))
    sync(library, root, clock=clock)
    (root / "one.md").write_text("# One\n\nThe aardvark eats bees.\n")
    os.utime(root / "one.md", (future, future))
    assert counts(sync(library, root, clock=clock)) == {"replaced": 1, "unchanged": 2}


# nothing leaves on a suspicion ---------------------------------------------------------------------------------------


def many(root: Path, number: int = 12) -> None:
    for each in range(number):
        (root / f"many-{each:02}.md").write_text(f"The yak number {each} grazes.")


def test_a_folder_that_is_not_there_keeps_its_documents_and_says_so(library: Library, root: Path) -> None:
    sync(library, root, roots=[root.parent])
    root.rename(root.with_name("away"))
    outcome = sync(library, root, roots=[root.parent])
    assert counts(outcome) == {}
    assert [(skipped.source, skipped.kind) for skipped in outcome.skipped] == [(str(root), "not_found")]
    assert "3 documents of it stay" in outcome.skipped[0].reason
    assert len(library.find("default")) == 3


def test_a_folder_suddenly_empty_keeps_many_documents_but_not_a_few(library: Library, root: Path) -> None:
    many(root)
    sync(library, root)
    kept = {path: path.read_text() for path in root.rglob("*.*")}
    for path in kept:
        path.unlink()
    shutil.rmtree(root / "deep")
    (root / ".hidden").touch()
    outcome = sync(library, root)
    assert counts(outcome) == {}
    assert "15 documents of it stay" in outcome.skipped[0].reason
    (root / "many-03.md").write_text("The yak number 3 grazes.")
    outcome = sync(library, root)
    assert counts(outcome) == {"unchanged": 1}, "one file that came back is no proof that the others are gone"
    assert "has lost 14 of 15 documents" in outcome.skipped[0].reason
    for path, text in list(kept.items())[:8]:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert sync(library, root).removed > 0, "half of them are there again"
    assert sync(library, root).skipped == ()


def test_a_foreign_file_in_an_emptied_folder_does_not_let_its_documents_go(library: Library, root: Path) -> None:
    many(root)
    sync(library, root)
    for path in root.rglob("*.*"):
        path.unlink()
    (root / "lost+found.md").write_text("What a mount point holds while its disk is away is not what the disk held.")
    outcome = sync(library, root)
    assert counts(outcome) == {"added": 1}
    assert "has lost 15 of 15 documents" in outcome.skipped[0].reason
    assert sync(library, root, dry_run=True).removed == 0
    assert len(library.find("default")) == 16


def test_a_folder_renamed_with_all_it_holds_is_moved_and_not_doubted(library: Library, root: Path) -> None:
    (root / "old").mkdir()
    for number in range(12):
        (root / "old" / f"note-{number}.md").write_text(f"The yak {number} grazes. " * (number + 1))
    sync(library, root)
    (root / "old").rename(root / "new")
    outcome = sync(library, root)
    assert (counts(outcome)["moved"], outcome.removed, outcome.skipped) == (12, 0, ())


def test_what_a_pattern_leaves_out_now_stays_and_is_told(library: Library, root: Path) -> None:
    sync(library, root)
    there = len(library.find("default"))
    outcome = sync(library, root, exclude=["*.md"])
    assert outcome.removed == 0 and len(library.find("default")) == there
    (told,) = [each for each in outcome.skipped if each.kind == "excluded"]
    assert told.source == str(root)
    assert "leaves out now stay" in told.reason and "drop=excluded" in told.reason
    outcome = sync(library, root, exclude=["*.md"], drop=["excluded"])
    assert counts(outcome) == {"removed": 2, "unchanged": 1} and (root / "one.md").exists()
    assert sync(library, root).added == 2
    assert sync(library, root).skipped == ()


class Scan:
    """os.scandir that fails on one folder, as a disk does."""

    def __init__(self, folder: Path, error: OSError) -> None:
        self._folder, self._error, self._real = str(folder), error, os.scandir

    def __call__(self, place: str) -> Iterator[os.DirEntry[str]]:
        if place == self._folder:
            raise self._error
        return self._real(place)  # type: ignore[return-value]


def test_what_lies_in_a_subfolder_without_permission_is_kept_and_the_rest_goes_on(
    library: Library, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(library, root)
    (root / "two.md").unlink()
    (root / "deep" / "three.txt").unlink()
    monkeypatch.setattr(os, "scandir", Scan(root / "deep", PermissionError(13, "Permission denied")))
    outcome = sync(library, root)
    assert counts(outcome) == {"removed": 1, "unchanged": 1}
    assert [(s.source, s.kind, s.reason) for s in outcome.skipped] == [
        (str(root / "deep"), "unavailable", "cannot be read: permission denied")
    ]
    assert sources(library) == {"one.md", "three.txt"}


@pytest.mark.parametrize("place", [".", "deep"])
def test_a_disk_that_fails_takes_nothing_away(
    library: Library, root: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    sync(library, root)
    (root / "two.md").unlink()
    monkeypatch.setattr(os, "scandir", Scan(root / place, OSError(5, "Input/output error")))
    outcome = sync(library, root)
    assert outcome.removed == 0
    assert any("stay in the collection" in skipped.reason for skipped in outcome.skipped)
    assert len(library.find("default")) == 3


def test_a_file_that_cannot_be_read_keeps_its_document_and_is_listed(
    library: Library, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(library, root)
    (root / "one.md").write_text("# One\n\nThe aardvark digs.\n")
    real = os.open

    def refusing(path: Any, *rest: Any, **more: Any) -> int:
        if str(path).endswith("one.md"):
            raise PermissionError(13, "Permission denied")
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", refusing)
    outcome = sync(library, root)
    assert counts(outcome) == {"unchanged": 2}
    (skipped,) = outcome.skipped
    assert (Path(skipped.source).name, skipped.kind) == ("one.md", "unavailable")
    assert skipped.reason == "cannot be read: permission denied; its earlier text stays in the collection"


def test_a_file_emptied_or_made_unreadable_keeps_its_earlier_text(library: Library, root: Path) -> None:
    sync(library, root)
    (root / "one.md").write_bytes(b"")
    (root / "two.md").unlink()
    os.mkfifo(root / "two.md")
    outcome = sync(library, root)
    assert counts(outcome) == {"unchanged": 1}
    assert {Path(s.source).name: s.kind for s in outcome.skipped} == {"one.md": "invalid", "two.md": "unsupported"}
    assert len(library.find("default")) == 3


def test_a_file_that_vanishes_between_listing_and_reading_is_listed(
    library: Library, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ingest.adding.find_scopes

    def and_then_gone(*arguments: Any) -> Any:
        found = real(*arguments)
        (root / "two.md").unlink()
        return found

    monkeypatch.setattr("carrel.ingest.adding.find_scopes", and_then_gone)
    outcome = sync(library, root)
    assert counts(outcome) == {"added": 2}
    assert [s.reason for s in outcome.skipped] == ["it went away before it could be read"]


def test_a_file_that_comes_back_meanwhile_stays(library: Library, root: Path) -> None:
    sync(library, root)
    text = (root / "two.md").read_text()
    (root / "two.md").unlink()

    def back(done: int, total: int, message: str) -> None:
        if message == "reading":
            (root / "two.md").write_text(text)

    assert counts(sync(library, root, on_progress=back)) == {"unchanged": 2}


def test_documents_that_came_from_elsewhere_never_leave(library: Library, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "documents-2"
    outside.mkdir()
    (outside / "other.md").write_text("The fossa climbs.")
    ingest.add(library, [str(outside)], roots=[tmp_path], notes=[ingest.note("A note.", title=str(root / "x.md"))])
    sync(library, root, roots=[tmp_path])
    (outside / "other.md").unlink()
    assert counts(sync(library, root, roots=[tmp_path])) == {"unchanged": 3}
    assert len(library.find("default")) == 5


def test_cancelling_before_the_end_takes_nothing_away(library: Library, root: Path) -> None:
    sync(library, root)
    (root / "two.md").unlink()
    outcome = sync(library, root, cancelled=lambda: True)
    assert (outcome.finished, outcome.removed) == (False, 0)
    assert counts(sync(library, root)) == {"unchanged": 2, "removed": 1}


def test_a_dry_run_tells_what_would_be_and_changes_nothing(library: Library, root: Path, parsed: list[str]) -> None:
    sync(library, root)
    parsed.clear()
    (root / "new.md").write_text("The dingo howls.")
    (root / "one.md").write_text("The aardvark sleeps.")
    (root / "deep" / "three.txt").rename(root / "three.txt")
    (root / "two.md").unlink()
    before = library.generation()
    outcome = sync(library, root, dry_run=True)
    assert counts(outcome) == {"added": 1, "replaced": 1, "moved": 1, "removed": 1}
    assert (parsed, library.generation(), outcome.dry_run) == ([], before, True)
    assert counts(sync(library, root)) == counts(outcome)
    assert counts(ingest.add(library, [str(root)], roots=[root], collection="none-yet", dry_run=True)) == {"added": 3}
    assert [collection.name for collection in library.collections()] == ["default"]


def test_a_dry_run_of_pages_and_texts_is_refused(library: Library) -> None:
    with pytest.raises(BadRequest, match="dry run"):
        ingest.add(library, ["https://example.org/"], dry_run=True)


# which files ---------------------------------------------------------------------------------------------------------


def test_patterns_choose_and_everything_left_out_is_counted(library: Library, root: Path) -> None:
    (root / "deep" / "drafts").mkdir()
    (root / "deep" / "drafts" / "four.md").write_text("The gnu grazes.")
    (root / "node_modules").mkdir()
    (root / "a.png").touch()
    (root / "b.PNG").touch()
    (root / "c.we ird").touch()
    (root / "no-suffix").touch()
    (root / ".git").mkdir()
    outcome = sync(library, root, exclude=["drafts/", "two.*"])
    assert counts(outcome) == {"added": 2}
    assert outcome.not_read == {
        ".png": 2,
        "excluded by pattern": 2,
        "hidden": 1,
        "folders of builds": 1,
        "odd suffixes": 1,
        "without suffix": 1,
    }
    assert sync(library, root, include=["*.md"]).not_read["not included"] >= 1


def test_documents_that_the_patterns_do_not_cover_stay(library: Library, root: Path) -> None:
    sync(library, root)
    (root / "deep" / "three.txt").unlink()
    assert counts(sync(library, root, include=["*.md"])) == {"unchanged": 2}
    assert counts(sync(library, root, exclude=["deep/"])) == {"unchanged": 2}
    (root / "two.md").unlink()
    assert counts(sync(library, root, exclude=["one.*"])) == {"removed": 2}
    assert sources(library) == {"one.md"}


def test_a_glob_is_kept_in_sync_like_a_folder(library: Library, root: Path) -> None:
    sync(library, root)
    (root / "two.md").unlink()
    (root / "deep" / "three.txt").unlink()
    assert counts(sync(library, "*.md", roots=[root])) == {"unchanged": 1, "removed": 1}
    assert counts(sync(library, "**/*.txt", roots=[root])) == {"removed": 1}


def test_documents_of_a_glob_go_when_they_are_not_most_of_it(library: Library, root: Path) -> None:
    many(root)
    sync(library, root)
    for number in range(7):
        (root / f"many-{number:02}.md").unlink()
    assert counts(sync(library, "*.md", roots=[root])) == {"removed": 7, "unchanged": 7}
    for path in root.glob("*.md"):
        path.unlink()
    outcome = sync(library, "*.md", roots=[root])
    assert counts(outcome) == {}
    assert "has lost 7 of 7 documents" in outcome.skipped[0].reason


def test_nested_folders_are_one_tree(library: Library, root: Path) -> None:
    assert counts(sync(library, root, root / "deep")) == {"added": 3}
    (root / "one.md").rename(root / "deep" / "one.md")
    assert counts(sync(library, root / "deep", root, roots=[root])) == {"moved": 1, "unchanged": 2}
    (root / "deep" / "three.txt").unlink()
    assert counts(sync(library, root, root / "deep")) == {"removed": 1, "unchanged": 2}


def test_each_collection_keeps_its_own_account(library: Library, root: Path) -> None:
    assert counts(sync(library, root, collection="a")) == {"added": 3}
    (root / "two.md").unlink()
    assert counts(sync(library, root, collection="b")) == {"added": 2}
    assert counts(sync(library, root, collection="a")) == {"removed": 1, "unchanged": 2}
    assert counts(sync(library, root, collection="b")) == {"unchanged": 2}


def test_links_are_followed_to_files_but_not_around_or_out(library: Library, root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("not yours")
    (root / "out.md").symlink_to(tmp_path / "secret.md")
    (root / "loop").symlink_to(root)
    (root / "deep" / "up").symlink_to("..")
    (root / "self.md").symlink_to("self.md")
    (root / "nowhere.md").symlink_to("not-there.md")
    (root / "again.md").symlink_to("one.md")
    outcome = sync(library, root)
    assert counts(outcome) == {"added": 3}
    assert outcome.not_read == {"links to folders": 2}
    assert {Path(s.source).name: s.kind for s in outcome.skipped} == {
        "out.md": "refused",
        "self.md": "unavailable",
        "nowhere.md": "unavailable",
    }
    assert counts(sync(library, root)) == {"unchanged": 3}


def test_a_file_that_became_a_link_to_its_new_place_has_moved(library: Library, root: Path) -> None:
    sync(library, root)
    (root / "one.md").rename(root / "deep" / "one.md")
    (root / "one.md").symlink_to("deep/one.md")
    assert counts(sync(library, root)) == {"moved": 1, "unchanged": 2}


def test_names_that_are_no_text_are_listed_and_the_others_go_in(library: Library, root: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.md")).write_text("The dodo is gone.")
        Path(os.fsdecode(os.fsencode(root) + b"/d\xe9p")).mkdir()
        Path(os.fsdecode(os.fsencode(root) + b"/d\xe9p/x.md")).write_text("The auk is gone.")
    except OSError:
        pytest.skip("this file system keeps no such names")
    outcome = sync(library, root)
    assert counts(outcome) == {"added": 3}
    assert ["rename it" in skipped.reason for skipped in outcome.skipped] == [True, True]


@pytest.mark.parametrize("pattern", ["", "!x"])
def test_a_pattern_that_cannot_be_is_refused_before_anything_is_read(
    library: Library, root: Path, pattern: str
) -> None:
    with pytest.raises(BadRequest):
        sync(library, root, exclude=[pattern])


# under attack --------------------------------------------------------------------------------------------------------


def test_two_syncs_at_once_agree(make_library: Callable[..., Library], root: Path) -> None:
    many(root, 40)
    first, second = make_library(), make_library()
    sync(first, root)
    for path in list(root.glob("many-*"))[:20]:
        path.rename(root / "deep" / path.name)
    errors: list[BaseException] = []

    def work(library: Library) -> None:
        try:
            sync(library, root)
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(library,)) for library in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(first.find("default")) == 43
    assert counts(sync(second, root)) == {"unchanged": 43}


def test_a_sync_cut_off_between_its_commits_is_made_good_by_the_next(
    library: Library, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(library, root)
    (root / "one.md").rename(root / "deep" / "one.md")
    with monkeypatch.context() as patch:
        patch.setattr(library, "remove", lambda *_: (_ for _ in ()).throw(Unavailable("the disk is full")))
        with pytest.raises(Unavailable):
            sync(library, root)
    assert len(library.find("default")) == 4
    assert counts(sync(library, root)) == {"unchanged": 3, "removed": 1}


def test_ten_thousand_unchanged_files_take_less_than_two_seconds(library: Library, root: Path) -> None:
    for number in range(800):
        (root / f"n{number:04}.txt").write_text(f"The zebra number {number}.")
    sync(library, root)
    started = time.thread_time()
    assert counts(sync(library, root)) == {"unchanged": 803}
    assert (time.thread_time() - started) * 10_000 / 803 < 2


def test_a_file_that_could_not_be_parsed_is_tried_again_only_when_it_changes(
    library: Library, root: Path, parsed: list[str]
) -> None:
    (root / "broken.md").write_bytes(bytes(range(256)) * 20)
    unreadable: ingest.Unreadable = {}
    first = sync(library, root, unreadable=unreadable)
    parsed.clear()
    assert sync(library, root, unreadable=unreadable).skipped == first.skipped
    assert parsed == []
    (root / "broken.md").write_text("Mended.")
    assert counts(sync(library, root, unreadable=unreadable)) == {"added": 1, "unchanged": 3}
