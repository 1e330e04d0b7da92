"""Damage to the store, to the clock, to locks and to the folder itself: detected and said, repaired, or refused."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from carrel.errors import CarrelError, IncompatibleIndex, Unavailable
from carrel.index import Library, open_library
from carrel.retrieve import search
from carrel.settings import Settings
from carrel_search.server import create_server
from fault_kit import (
    BIRDS,
    bird,
    by_reference,
    by_vector,
    by_words,
    empty,
    errors,
    junk,
    mend,
    open_whole,
    run_script,
    titles,
    truncate,
)
from kit import Host

Damage = Callable[[Path], None]
Open = Callable[..., Library]
YEAR = 365 * 86_400.0
NOON = 1_750_000_000.0


# the store ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [empty, truncate, junk], ids=lambda damage: damage.__name__)
def test_a_damaged_store_is_refused_with_the_command_that_mends_and_left_as_it_is(
    data: Path, opened: Open, damage: Damage
) -> None:
    store = data / "store.sqlite"
    damage(store)
    before = store.read_bytes()
    try:
        library = opened(data)
        told = errors(lambda: by_reference(library), lambda: library.add([bird("ruff")]))
        answers = [by_reference(library), by_words(library)]
        assert all(answer.wrong == [] for answer in answers)
        told += [words for answer in answers for words in answer.refused]
    except (IncompatibleIndex, Unavailable) as error:
        told = [str(error)]
    assert told
    assert all("carrel doctor --repair" in words for words in told), set(told)
    assert store.read_bytes() == before


def test_a_byte_flipped_anywhere_in_the_store_never_changes_a_text(whole: Path, tmp_path: Path) -> None:
    chance = random.Random(11)
    sound = (whole / "store.sqlite").read_bytes()
    refusals: set[str] = set()
    for number in range(12):
        data = tmp_path / str(number)
        shutil.copytree(whole, data)
        body = bytearray(sound)
        body[chance.randrange(100, len(body))] ^= 0xFF
        (data / "store.sqlite").write_bytes(body)
        try:
            library = open_whole(data)
        except CarrelError as error:
            refusals.add(str(error))
            continue
        try:
            answers = by_reference(library)
            assert answers.wrong == []
            refusals |= set(answers.refused)
            _hits_are_what_they_name(library, refusals)
        finally:
            library.close()
        shutil.rmtree(data)
    assert all("doctor" in words or "no document" in words or "no collection" in words for words in refusals), refusals


def _hits_are_what_they_name(library: Library, refusals: set[str]) -> None:
    for name in BIRDS[:3]:
        try:
            for hit in search(library, [name], mode="lexical").hits:
                passage = hit.passage
                assert library.document(passage.doc_id).text[passage.start : passage.end] == passage.text
        except CarrelError as error:
            refusals.add(str(error))


def test_a_store_damaged_under_a_running_library_neither_kills_it_nor_makes_it_lie(whole: Path, tmp_path: Path) -> None:
    """In a process of its own: a file cut short under a memory map ends a process with a signal."""
    script = """
        from pathlib import Path
        import fault_kit
        from carrel.errors import CarrelError
        for damage in (fault_kit.empty, fault_kit.truncate, fault_kit.junk, fault_kit.delete):
            data = Path(sys.argv[1]) / damage.__name__
            library = fault_kit.open_whole(data)
            assert fault_kit.by_words(library).right and fault_kit.by_reference(library).right
            damage(data / "store.sqlite")
            told, wrong = [], []
            for ask in (fault_kit.by_words, fault_kit.by_reference):
                answers = ask(library)
                told, wrong = told + answers.refused, wrong + answers.wrong + answers.partial
            try:
                library.add([fault_kit.bird("ruff")])
            except CarrelError as error:
                told.append(str(error))
            else:
                wrong.append("an addition was acknowledged")
            library.close()
            print(damage.__name__, wrong, *sorted(set(told)), sep="|")
    """
    damages = ("empty", "truncate", "junk", "delete")
    for damage in damages:
        shutil.copytree(whole, tmp_path / damage)
    ended = run_script(script, tmp_path)
    assert ended.returncode == 0, ended.stderr[-800:]
    lines = [line.split("|") for line in ended.stdout.splitlines()]
    assert [(damage, wrong) for damage, wrong, *_ in lines] == [(damage, "[]") for damage in damages]
    for damage, _, *told in lines:
        assert told and all("doctor" in words or "vanished" in words for words in told), (damage, told)


def test_a_write_ahead_log_cut_in_half_loses_commits_openly_and_the_arms_follow(
    data: Path, tmp_path: Path, opened: Open
) -> None:
    script = """
        import os
        from pathlib import Path
        import fault_kit
        library = fault_kit.open_whole(Path(sys.argv[1]))
        for name in ("ruff", "smew", "twite", "whinchat", "avocet", "brambling"):
            library.add([fault_kit.bird(name)])
        library.encode("default")
        os.kill(os.getpid(), 9)
    """
    assert run_script(script, data).returncode == -9
    log = data / "store.sqlite-wal"
    assert log.stat().st_size > 10_000
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size // 2)
    library = opened(data)
    late = ("ruff", "smew", "twite", "whinchat", "avocet", "brambling")
    there = [name for name in late if library.find("default", source=f"notes/{name}")]
    assert there != list(late)
    for mode in ("lexical", "hybrid"):
        assert [name for name in late if titles(library, name, mode=mode)] == there
    _right(library)
    assert library.problems(), "commits were lost and nobody said so"
    library.add([bird(name) for name in late])
    library.encode("default")
    assert [name for name in late if titles(library, name)] == list(late)
    vectors = by_vector(library, [*BIRDS, *late])
    assert vectors.right, vectors
    mend(library)


def test_a_write_ahead_log_that_is_gone_is_noticed_too(data: Path, opened: Open) -> None:
    script = """
        import os
        from pathlib import Path
        import fault_kit
        library = fault_kit.open_whole(Path(sys.argv[1]))
        library.add([fault_kit.bird("ruff")])
        os.kill(os.getpid(), 9)
    """
    assert run_script(script, data).returncode == -9
    (data / "store.sqlite-wal").unlink()
    (data / "store.sqlite-shm").unlink()
    library = opened(data)
    assert titles(library, "ruff") == []
    _right(library)
    assert library.problems()


@pytest.mark.parametrize("later", [1, 2, 3])
def test_a_restored_store_that_reaches_the_arms_generation_by_other_documents_is_not_confused(
    data: Path, tmp_path: Path, opened: Open, later: int
) -> None:
    shutil.copy(data / "store.sqlite", tmp_path / "copy")
    library = opened(data)
    library.add([bird("smew")])
    library.add([bird("twite")])
    library.remove("default", [bird("ibis").doc_id])
    library.encode("default")
    library.close()
    shutil.copy(tmp_path / "copy", data / "store.sqlite")
    library = opened(data)
    others = ("ruff", "avocet", "brambling")[:later]
    for name in others:
        library.add([bird(name)])
    library.encode("default")
    _right(library)
    assert any("lost commits" in words for words in library.problems())
    for name in ("smew", "twite"):
        assert titles(library, name) == [] == titles(library, name, mode="hybrid")
    vectors = by_vector(library, [*BIRDS, *others])
    assert vectors.right, vectors
    mend(library)


def test_a_store_swapped_for_an_older_one_under_a_running_library_is_seen(
    data: Path, tmp_path: Path, opened: Open
) -> None:
    shutil.copy(data / "store.sqlite", tmp_path / "copy")
    library = opened(data)
    library.add([bird("smew")])
    assert titles(library, "smew") == ["Smew"]
    shutil.copy(tmp_path / "copy", tmp_path / "copy2")
    for name in ("store.sqlite-wal", "store.sqlite-shm"):
        (data / name).unlink(missing_ok=True)
    (tmp_path / "copy2").replace(data / "store.sqlite")
    try:
        assert titles(library, "smew") == []
    except CarrelError as error:
        assert "again" in str(error) or "restart" in str(error) or "doctor" in str(error)
    library.close()
    library = opened(data)
    assert titles(library, "smew") == []
    _right(library)


def test_half_a_data_folder_does_not_pass_for_an_empty_library(data: Path, opened: Open) -> None:
    for path in data.glob("store.sqlite*"):
        path.unlink()
    try:
        library = opened(data)
        told = library.problems()
    except CarrelError as error:
        told = [str(error)]
    assert told and "doctor" in told[0]


def test_the_doctor_of_a_store_beyond_help_does_not_send_us_to_the_doctor(data: Path) -> None:
    junk(data / "store.sqlite")
    command = [sys.executable, "-m", "carrel.index", "doctor", "--repair", "--encoder", "none", "--data", str(data)]
    ended = subprocess.run(command, check=False, timeout=60, capture_output=True, text=True)
    assert ended.returncode == 1
    told = ended.stdout + ended.stderr
    assert "Traceback" not in told and str(data) not in told
    assert "copy" in told and "run `carrel doctor" not in told


async def test_the_tools_say_what_is_wrong_with_the_store(data: Path, tmp_path: Path) -> None:
    junk(data / "store.sqlite")
    host = Host(create_server(Settings(data=data, models=tmp_path / "models", encoder="none")))
    for tool, arguments in (
        ("search_library", {"queries": ["osprey"]}),
        ("library_status", {}),
        ("add_documents", {"text": "The ruff is a wader.", "title": "Ruff"}),
        ("read_document", {"ref": bird("osprey").doc_id}),
    ):
        _, message = await host.refusal(tool, **arguments)
        assert "carrel doctor --repair" in message
        assert str(tmp_path) not in message


# the clock ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leap", [-YEAR, YEAR], ids=["back", "forward"])
def test_a_clock_that_leaps_by_a_year_changes_no_answer(tmp_path: Path, opened: Open, leap: float) -> None:
    data, now = tmp_path / "data", [NOON]
    library = opened(data, clock=lambda: now[0])
    library.add([bird("merlin", 1)])
    library.keep(bird("ruff", 1))
    job = library.jobs.begin("add", "default")
    now[0] += leap
    library.add([bird("merlin", 2)])
    library.keep(bird("ruff", 2))
    library.encode("default")
    assert library.generation() == 2
    newest, kept_newest = library.latest("notes/merlin"), library.latest("notes/ruff")
    assert newest is not None and newest[0].doc_id == bird("merlin", 2).doc_id
    assert kept_newest is not None and kept_newest[0].doc_id == bird("ruff", 2).doc_id
    assert library.jobs.get(job).state in ("running", "interrupted")
    library.close()
    now[0] -= leap
    library = opened(data, clock=lambda: now[0])
    for mode in ("lexical", "dense"):
        hits = search(library, ["merlin"], mode=mode).hits
        assert {hit.passage.doc_id for hit in hits} == {bird("merlin", 2).doc_id}
    library.add([bird("merlin", 3)])
    latest = library.latest("notes/merlin")
    assert latest is not None and latest[0].doc_id == bird("merlin", 3).doc_id
    mend(library)


# locks and the folder -------------------------------------------------------------------------------------------------


def test_a_process_killed_with_locks_in_its_hand_blocks_nobody(data: Path, opened: Open) -> None:
    script = """
        import os
        from pathlib import Path
        import fault_kit
        from carrel.index.dense import DenseArm
        from carrel.index.lexical import LexicalArm
        victim = {"words": (LexicalArm, "apply"), "vectors": (DenseArm, "write")}[sys.argv[2]]
        library = fault_kit.open_whole(Path(sys.argv[1]))
        setattr(*victim, lambda *_, **__: os.kill(os.getpid(), 9))
        library.add([fault_kit.bird(sys.argv[3])])
        library.encode("default")
    """
    for where, name in (("words", "ruff"), ("vectors", "smew")):
        assert run_script(script, data, where, name).returncode == -9
    library = opened(data)
    assert titles(library, "ruff") == ["Ruff"]
    assert titles(library, "smew") == ["Smew"]
    library.add([bird("twite")])
    library.encode("default")
    vectors = by_vector(library, [*BIRDS, "ruff", "smew", "twite"])
    assert vectors.right, vectors


def test_lock_files_that_lie_about_are_no_locks(data: Path, opened: Open) -> None:
    locks = data / "locks"
    locks.mkdir(exist_ok=True)
    for name in ("default.lexical.lock", "encode.lock", "what-is-this.lock"):
        (locks / name).write_bytes(b"99999\n")
    library = opened(data)
    library.add([bird("ruff")])
    assert library.encode("default") > 0
    assert titles(library, "ruff") == ["Ruff"]


def test_a_data_folder_removed_under_a_running_library_acknowledges_nothing(data: Path, opened: Open) -> None:
    library = opened(data)
    _right(library)
    shutil.rmtree(data)
    answers = [by_words(library), by_reference(library), by_vector(library)]
    assert all(each.wrong == [] for each in answers)
    told = [words for each in answers for words in each.refused]
    with pytest.raises(CarrelError) as refused:
        library.add([bird("ruff")])
    told.append(str(refused.value))
    assert all("data folder" in words for words in told), set(told)


def test_a_library_opened_for_reading_changes_nothing(data: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file() and "-shm" not in path.name}
    library = open_library(Settings(data=data, models=tmp_path / "models", encoder="none", read_only=True))
    try:
        _right(library)
        told = errors(
            lambda: library.add([bird("ruff")]),
            lambda: library.keep(bird("ruff")),
            lambda: library.create("other"),
            lambda: library.remove("default", [bird("ibis").doc_id], forget=True),
            lambda: library.jobs.begin("add", "default"),
            lambda: library.encode("default"),
        )
        assert len(told) == 6
        assert all("read" in words or "switched off" in words for words in told), told
    finally:
        library.close()
    after = {path: path.read_bytes() for path in data.rglob("*") if path.is_file() and "-shm" not in path.name}
    after = {path: body for path, body in after.items() if body or path in before}  # an empty log is no change
    assert after == before


def test_a_reading_server_makes_no_folder_and_says_that_there_is_none(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "nowhere", models=tmp_path / "models", encoder="none", read_only=True)
    with pytest.raises(CarrelError, match="--data"):
        open_library(settings)
    assert not (tmp_path / "nowhere").exists()


async def test_the_tools_of_a_reading_server_say_that_there_is_no_library(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "nowhere", models=tmp_path / "models", encoder="none", read_only=True)
    host = Host(create_server(settings))
    _, message = await host.refusal("search_library", queries=["osprey"])
    assert "--data" in message
    assert not (tmp_path / "nowhere").exists()


def test_a_store_locked_by_a_stranger_is_waited_for_by_nobody_who_reads(data: Path, opened: Open) -> None:
    library = opened(data)
    stranger = sqlite3.connect(data / "store.sqlite", isolation_level=None)
    try:
        stranger.execute("BEGIN IMMEDIATE")
        _right(library)
        _right(opened(data))
    finally:
        stranger.close()
    library.add([bird("ruff")])


def _right(library: Library) -> None:
    answers = [by_words(library, [name for name in BIRDS if name != "ibis"]), by_reference(library)]
    assert all(each.right for each in answers), answers
