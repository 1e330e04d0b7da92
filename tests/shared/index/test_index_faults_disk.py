"""A full disk and a folder that may not be written: said, nothing half done, and all well again afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fault_kit import BIRDS, bird, by_reference, by_vector, by_words, mend, open_whole, run_script

if sys.platform == "win32":
    pytest.skip("limits and users of POSIX are what these tests work with", allow_module_level=True)

NOBODY = 65_534


def right(data: Path, extra: list[str]) -> None:
    """All that was there before is there, ``extra`` is there whole, and additions work again."""
    library = open_whole(data)
    try:
        names = [*BIRDS, *extra]
        library.encode("default")
        for answers in (by_words(library, names), by_reference(library, names), by_vector(library, names)):
            assert answers.right, answers
        library.add([bird("zebrafinch")])
        assert by_words(library, ["zebrafinch"]).wrong == []
        library.encode("default")
        mend(library)
    finally:
        library.close()


# a full disk ----------------------------------------------------------------------------------------------------------

_ADD_UNTIL_REFUSED = """
    import os
    import resource
    from pathlib import Path
    import fault_kit
    from carrel.errors import CarrelError
    data, room = Path(sys.argv[1]), int(sys.argv[2])
    try:
        library = fault_kit.open_whole(data)
    except CarrelError as error:
        print("[] []", "", f"{error.kind}: {error}", sep="\\n")
        raise SystemExit(0)
    assert fault_kit.by_words(library).wrong == []
    if room:  # no file may grow beyond this; the system refuses to write, as it does when a disk is full
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    done, told = [], []
    for number in range(200):
        name = f"lark{'abcdefghijklmnopqrst'[number // 20]}{'abcdefghijklmnopqrst'[number % 20]}x"
        document = fault_kit.bird(name)
        try:
            library.add([document])
        except CarrelError as error:
            told.append(f"{error.kind}: {error}")
            break
        done.append(name)
    answers = fault_kit.by_words(library), fault_kit.by_reference(library)
    print(*[each.wrong + [f"refused: {words}" for words in each.refused] for each in answers])
    print(*done)
    print(*told, sep="\\n")
    sys.stdout.flush()
    os._exit(0)  # as a process ends that is stopped now: nothing is tidied up
"""


@pytest.mark.parametrize("room", [0, 4_096, 60_000])
def test_a_store_that_cannot_grow_refuses_in_words_and_loses_nothing(data: Path, room: int) -> None:
    limit = max(path.stat().st_size for path in data.glob("store.sqlite")) + room
    ended = run_script(_ADD_UNTIL_REFUSED, data, limit)
    assert ended.returncode == 0, ended.stderr[-800:]
    wrong, done, *told = ended.stdout.splitlines()
    assert wrong == "[] []"
    assert len(told) == 1, "the limit was never reached"
    assert told[0].startswith(("unavailable", "refused"))
    assert "disk" in told[0] and "free" in told[0]
    right(data, done.split())


def test_a_disk_too_full_for_vectors_leaves_words_and_says_so(data: Path) -> None:
    script = """
        import resource
        from pathlib import Path
        import fault_kit
        import kit
        from carrel.errors import CarrelError
        from carrel.index import Library
        data = Path(sys.argv[1])
        library = Library(data, encoder=lambda: kit.WordEncoder("words-4096", 4096), background=False)
        library.add([fault_kit.bird(name) for name in fault_kit.BIRDS], "large")
        import lancedb, pyarrow  # what is loaded later must not stumble over the limit
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        try:
            library.encode("large")
            print("encoded")
        except CarrelError as error:
            print(f"{error.kind}: {error}")
        from carrel.retrieve import search
        ranking = search(library, ["osprey"], collection="large")
        print(ranking.hits[0].title, *ranking.notes, sep="|")
    """
    ended = run_script(script, data)
    assert ended.returncode == 0, ended.stderr[-800:]
    told, found = ended.stdout.splitlines()
    assert told.startswith(("unavailable", "refused")) and "disk" in told
    title, *notes = found.split("|")
    assert title == "Osprey"
    assert any("vectors" in note for note in notes)
    right(data, [])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own of 6 MB, where this system lets us make one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() or not mount or not unmount:
        pytest.skip("only root can mount a small file system")
    made = subprocess.run([mount, "-t", "tmpfs", "-o", "size=6m", "none", str(place)], check=False, capture_output=True)
    if made.returncode:
        pytest.skip("this system does not let us mount a small file system")
    yield place
    subprocess.run([unmount, "-l", str(place)], check=True)


@pytest.mark.parametrize("spare", [300_000, 60_000, 0])
def test_a_disk_that_is_full_refuses_in_words_and_is_well_once_it_has_room(
    whole: Path, small_disk: Path, spare: int
) -> None:
    """Whichever file meets the end of the disk first: the store, its log, the words, a lock."""
    data = small_disk / "data"
    shutil.copytree(whole, data)
    ballast = small_disk / "ballast"
    free = shutil.disk_usage(small_disk).free
    ballast.write_bytes(b"x" * max(free - spare, 0))
    ended = run_script(_ADD_UNTIL_REFUSED, data, 0)
    assert ended.returncode == 0, ended.stderr[-800:]
    wrong, done, *told = ended.stdout.splitlines()
    assert wrong == "[] []"
    assert told and "disk" in told[0] and "free" in told[0]
    ballast.unlink()
    right(data, done.split())


# a folder that may not be written -------------------------------------------------------------------------------------

_READ_AS_NOBODY = """
    import os
    from pathlib import Path
    import numpy, tantivy  # while the packages can be read
    import fault_kit
    import kit
    from carrel.errors import CarrelError
    from carrel.index import open_library
    from carrel.settings import Settings
    data = Path(sys.argv[1])
    if not os.geteuid():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    assert not os.access(data, os.W_OK)
    settings = Settings(data=data, models=data / "models", encoder="none", read_only=sys.argv[2] == "read-only")
    try:
        library = open_library(settings)
    except CarrelError as error:
        print(f"{error.kind}: {error}")
        raise SystemExit(0)
    answers = fault_kit.by_words(library), fault_kit.by_reference(library)
    print(*[each.wrong + each.refused for each in answers])
    try:
        library.add([fault_kit.bird("ruff")])
        print("acknowledged")
    except CarrelError as error:
        print(f"{error.kind}: {error}")
    library.close()
"""


@pytest.fixture
def locked(whole: Path) -> Iterator[Path]:
    """A data folder, reachable by everybody, in which the process of the test may write nothing."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        data = Path(place) / "data"
        shutil.copytree(whole, data)
        _protect(data, 0o555, 0o444)
        yield data
        _protect(data, 0o755, 0o644)


def _protect(data: Path, folders: int, files: int) -> None:
    for path in (data, *data.rglob("*")):
        path.chmod(folders if path.is_dir() else files)


def test_a_server_that_reads_answers_from_a_folder_it_may_not_write(locked: Path) -> None:
    ended = run_script(_READ_AS_NOBODY, locked, "read-only")
    assert ended.returncode == 0, ended.stderr[-800:]
    answers, added = ended.stdout.splitlines()
    assert answers == "[] []"
    assert added.startswith("refused") and ("--read-only" in added or "permission" in added)


def test_a_server_that_writes_says_that_it_may_not_and_all_is_well_once_it_may(locked: Path) -> None:
    ended = run_script(_READ_AS_NOBODY, locked, "writing")
    assert ended.returncode == 0, ended.stderr[-800:]
    *answers, added = ended.stdout.splitlines()
    assert answers in ([], ["[] []"])
    assert added.startswith("refused")
    assert "permission" in added and "--data" in added
    _protect(locked, 0o755, 0o644)
    right(locked, [])
