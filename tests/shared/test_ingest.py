"""Sources to documents: inside the roots only, one bad source never spares the others, nothing read twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from carrel import ingest
from carrel.errors import BadRequest, NotFound, Refused, Unavailable
from carrel.index import Library
from carrel.records import Document


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    (folder / "deep").mkdir(parents=True)
    (folder / "one.md").write_text("# One\n\nThe aardvark eats ants.\n")
    (folder / "deep" / "two.txt").write_text("The bison grazes.\n")
    (folder / ".hidden.md").write_text("secret")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    return folder


def add(library: Library, *sources: str, **options: object) -> ingest.Outcome:
    return ingest.add(library, list(sources), **options)  # type: ignore[arg-type]


def test_a_folder_is_walked_and_what_it_leaves_out_is_counted(library: Library, root: Path) -> None:
    outcome = add(library, str(root), roots=[root])
    assert outcome.added == 2
    assert [document.title for document in outcome.documents] == ["One", "two"]
    assert outcome.skipped == ()
    assert outcome.not_read == {".png": 1, "hidden": 1}


def test_globs_and_relative_paths_start_at_the_roots(library: Library, root: Path) -> None:
    assert add(library, "**/*.txt", "one.md", roots=[root]).added == 2


def test_a_file_whose_name_looks_like_a_glob_is_that_file(library: Library, root: Path) -> None:
    (root / "notes [old].md").write_text("The cheetah sprints.")
    assert add(library, "notes [old].md", roots=[root]).added == 1


def test_unchanged_files_are_not_read_again(library: Library, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(library, str(root), roots=[root])

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("an unchanged file was read")

    monkeypatch.setattr("carrel.ingest.adding.parse", forbidden)
    outcome = add(library, str(root), roots=[root])
    assert (outcome.added, outcome.unchanged) == (0, 2)


def test_a_changed_file_replaces_its_document(library: Library, root: Path) -> None:
    add(library, "one.md", roots=[root])
    (root / "one.md").write_text("# One\n\nThe anteater eats ants too.\n")
    assert add(library, "one.md", roots=[root]).replaced == 1


def test_one_bad_source_does_not_spare_the_others(library: Library, root: Path) -> None:
    (root / "junk.md").write_bytes(bytes(range(256)) * 40)
    (root / "empty.txt").write_text("")
    outcome = add(library, str(root), "missing.md", "/etc/passwd", roots=[root])
    assert outcome.added == 2
    kinds = {Path(skipped.source).name: skipped.kind for skipped in outcome.skipped}
    assert kinds["missing.md"] == "not_found"
    assert kinds["passwd"] == "refused"
    assert kinds["junk.md"] in ("invalid", "unsupported")
    assert kinds["empty.txt"] == "invalid"


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside.md", "deep/../../outside.md", "file:///etc/passwd"])
def test_a_path_outside_the_roots_is_refused(root: Path, path: str) -> None:
    (root.parent / "outside.md").write_text("not yours")
    with pytest.raises(Refused, match="--root"):
        ingest.allowed_path(path, [root])


def test_a_link_that_leads_out_of_the_roots_is_refused(library: Library, root: Path) -> None:
    (root.parent / "outside.md").write_text("not yours")
    (root / "link.md").symlink_to(root.parent / "outside.md")
    with pytest.raises(Refused):
        ingest.allowed_path("link.md", [root])
    assert add(library, "*.md", roots=[root]).added == 1


def test_without_roots_no_file_is_read(root: Path) -> None:
    with pytest.raises(Refused, match="--root FOLDER"):
        ingest.allowed_path(str(root / "one.md"), [])


def test_a_missing_file_is_not_found_and_a_nul_is_invalid(root: Path) -> None:
    with pytest.raises(NotFound):
        ingest.allowed_path("nowhere.md", [root])
    with pytest.raises(BadRequest):
        ingest.allowed_path("a\0b", [root])


def test_pages_come_through_the_door_that_may_fetch_them(library: Library) -> None:
    def read(url: str) -> Document:
        if "down" in url:
            raise Unavailable("could not reach the host")
        return ingest.note("The dingo howls.", title=url)

    outcome = add(library, "https://example.org/dingo", "https://example.org/down", read_url=read)
    assert outcome.added == 1
    assert [(skipped.source, skipped.kind) for skipped in outcome.skipped] == [
        ("https://example.org/down", "unavailable")
    ]


def test_progress_reaches_the_total_and_cancelling_keeps_what_is_there(library: Library, root: Path) -> None:
    for number in range(600):
        (root / f"many-{number:03}.txt").write_text(f"emu number {number}")
    seen: list[tuple[int, int]] = []
    outcome = add(
        library,
        "many-*.txt",
        roots=[root],
        on_progress=lambda done, total, message: seen.append((done, total)),
        cancelled=lambda: len(seen) > 255,
    )
    assert 200 < outcome.added < 600
    assert not outcome.finished
    assert add(library, "many-*.txt", roots=[root]).added == 600 - outcome.added


def test_a_note_with_a_title_is_replaced_by_its_next_version(library: Library) -> None:
    add(library, notes=[ingest.note("first thought", title="Ideas")])
    assert add(library, notes=[ingest.note("second thought", title="Ideas")]).replaced == 1


def test_a_named_pipe_is_skipped_and_nothing_waits_for_it(library: Library, root: Path) -> None:
    os.mkfifo(root / "pipe.md")
    outcome = add(library, str(root), roots=[root])
    assert outcome.added == 2
    assert [s.kind for s in outcome.skipped if s.source.endswith("pipe.md")] == ["unsupported"]


@pytest.mark.parametrize("name", ["x" * 300 + ".md", "*" + "x" * 300 + ".md", "~nosuchuser/x.md", "a/" * 3000 + "x.md"])
def test_a_path_no_system_can_have_is_skipped_and_the_others_go_in(library: Library, root: Path, name: str) -> None:
    outcome = add(library, name, "one.md", roots=[root])
    assert outcome.added == 1
    assert outcome.skipped[0].kind in ("invalid", "not_found", "refused")


def test_a_file_name_that_is_no_text_is_skipped_and_the_others_go_in(library: Library, root: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.md")).write_text("The dodo is gone.")
    except OSError:
        pytest.skip("this file system keeps no such names")
    outcome = add(library, str(root), roots=[root])
    assert outcome.added == 2
    assert any("rename it" in skipped.reason for skipped in outcome.skipped)


def test_a_glob_that_would_explode_or_climb_is_tamed(library: Library, root: Path) -> None:
    deep = root.joinpath(*"abcdefghijklmnopqrstuvwxyz")
    deep.mkdir(parents=True)
    (deep / "deep.md").write_text("The eel is long.")
    assert add(library, "**/**/**/**/**/**/**/**/deep.md", roots=[root]).added == 1
    assert "cannot contain '..'" in add(library, "../**/*.md", roots=[root]).skipped[0].reason


def test_an_absolute_glob_works_below_a_root_that_is_a_link(library: Library, root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert add(library, f"{tmp_path / 'link'}/*.md", roots=[tmp_path / "link"]).added == 1
