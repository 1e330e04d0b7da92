"""The lexical arm: rankings, filters, snapshots, equal results, damage, bad luck."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carrel.errors import BadRequest, IncompatibleIndex, NotFound, Unavailable
from carrel.index.lexical import DamagedArm, LexicalArm, LexicalFilter, LexicalRow, Mark
from carrel.index.lexical import files as lexical_files
from carrel.index.lexical.demands import Demands
from carrel.index.lexical.seals import damage

BLANK = LexicalRow(0, "d", "", (), "", "file", "text/plain", 0, (), ())


def row(number: int, body: str, doc_id: str = "", **fields: Any) -> LexicalRow:
    return replace(BLANK, passage_id=number, doc_id=doc_id or f"doc{number}", body=body, **fields)


def mark(generation: int) -> Mark:
    return Mark(generation, generation * 1_000_003)


def ids(arm: Any, query: str, only: LexicalFilter | None = None, depth: int = 50) -> list[int]:
    return [passage_id for passage_id, _ in arm.search(query, depth, only)]


WORDS = [f"{a}{b}" for a in "bdfgklmnprst" for b in ("an", "el", "ir", "ok", "um")]


def prose(count: int, seed: int = 0) -> list[LexicalRow]:
    """Rows of skewed random words: many equal lengths, many near ties."""
    chance = random.Random(seed)
    weights = [1 / (rank + 1) for rank in range(len(WORDS))]
    return [row(n, " ".join(chance.choices(WORDS, weights, k=chance.choice((8, 12, 40))))) for n in range(1, count + 1)]


QUERIES = (
    "ban del",
    "bel dir fok gum",
    "kan lan man nan pan",
    "ban bel bir bok bum dan del dir dok dum",
    "tum tok tir",
)


def answers(arm: Any, depth: int = 60) -> list[list[tuple[int, float]]]:
    return [arm.search(query, depth) for query in QUERIES]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lexical"


@pytest.fixture
def foxes(folder: Path) -> LexicalArm:
    arm = LexicalArm(folder)
    arm.apply([], [row(1, "the red fox"), row(2, "a fox and a fox"), row(3, "an owl", title="Owls")], mark(1))
    return arm


# search ---------------------------------------------------------------------------------------------------------------


def test_a_new_arm_is_empty_and_stands_at_the_beginning(folder: Path) -> None:
    arm = LexicalArm(folder)
    assert (arm.mark(), arm.search("fox", 5), arm.kept(), arm.verify()) == (Mark(0, 0), [], [], [])
    assert (arm.facts().passages, arm.wants_rebuild) == (0, False)
    with pytest.raises(NotFound, match="none is kept"):
        arm.at(1)


def test_what_was_applied_is_found_at_once_and_after_reopening(foxes: LexicalArm, folder: Path) -> None:
    for arm in (foxes, LexicalArm(folder)):
        assert ids(arm, "foxes") == [2, 1]
        assert arm.mark() == mark(1)
        assert arm.facts().passages == 3


def test_title_and_headings_are_found_and_phrases_of_parts_do_not_matter(folder: Path) -> None:
    arm = LexicalArm(folder)
    arm.apply([], [row(1, "nothing", title="Migration"), row(2, "nothing", heading=("Birds", "Storks"))], mark(1))
    assert ids(arm, "migration") == [1]
    assert ids(arm, "stork") == [2]


def test_a_document_that_goes_is_not_found_and_one_that_is_replaced_only_once(foxes: LexicalArm) -> None:
    foxes.apply(["doc1", "doc2", "unknown"], [row(2, "a fox again", "doc2")], mark(2))
    assert ids(foxes, "fox") == [2]
    assert foxes.facts().passages == 2


def test_all_may_go(foxes: LexicalArm) -> None:
    foxes.apply(["doc1", "doc2", "doc3"], [], mark(2))
    assert (ids(foxes, "fox"), foxes.mark(), foxes.facts().passages) == ([], mark(2), 0)
    foxes.apply([], [row(9, "fox")], mark(3))
    assert ids(foxes, "fox") == [9]


def test_beginning_afresh_leaves_nothing_of_before(foxes: LexicalArm) -> None:
    foxes.apply([], [row(9, "fox")], mark(2), afresh=True)
    assert ids(foxes, "fox owl") == [9]


@pytest.mark.parametrize(
    "query",
    [
        "", " ", "…", "fox(", '"red fox', "fox AND", "fox:", "fox -owl", "+fox", "fox*", "[fox TO owl]", "\x00fox\x00",
        "fox\ud800", "fox " * 20_000, "🦊 fox", " ".join(f"w{n}" for n in range(5_000)) + " fox",
    ],
)  # fmt: skip
def test_no_query_is_an_error(foxes: LexicalArm, query: str) -> None:
    assert set(ids(foxes, query)) in ({1, 2}, set(), {1, 2, 3})
    assert bool(ids(foxes, query)) == ("fox" in query)


def test_depth_cuts_and_nothing_is_no_depth(foxes: LexicalArm) -> None:
    assert ids(foxes, "fox owl", depth=1) == ids(foxes, "fox owl")[:1]
    assert ids(foxes, "fox", depth=0) == ids(foxes, "fox", depth=-3) == []
    assert len(ids(foxes, "fox", depth=10**12)) == 2


def test_equal_scores_are_ordered_by_passage_even_at_the_cut(folder: Path) -> None:
    arm = LexicalArm(folder)
    numbers = list(range(1, 701))
    random.Random(3).shuffle(numbers)
    for part in range(7):
        arm.apply([], [row(n, "same words here") for n in numbers[part::7]], mark(part + 1))
    assert ids(arm, "words", depth=10) == list(range(1, 11))
    assert ids(arm, "words", depth=333) == list(range(1, 334))


def test_an_analyser_of_another_language_is_used_for_rows_and_queries(folder: Path) -> None:
    arm = LexicalArm(folder, "german-1")
    arm.apply([], [row(1, "die Häuser der Stadt"), row(2, "das Dorf")], mark(1))
    assert ids(arm, "Haus") == [1]
    assert ids(arm, "die") == []


def test_an_arm_of_an_earlier_version_is_read_and_written_as_it_was_made(folder: Path) -> None:
    made = {version: LexicalArm(folder / version, f"english-{version}") for version in "123"}
    for arm in made.values():
        arm.apply([], [row(1, "call getUserName setValue"), row(2, "the user name")], mark(1))

    def phrase(version: str, text: str) -> list[int]:
        reader = LexicalArm(folder / version, f"english-{version}").now()
        assert reader is not None
        return [key for key, _ in reader.search("", 10, demands=Demands((text,)))]

    assert {version: phrase(version, "user name") for version in made} == {"1": [2], "2": [1, 2], "3": [1, 2]}
    assert {version: phrase(version, "name set") for version in made} == {"1": [], "2": [1], "3": []}
    assert made["2"].search("user value", 10) == made["3"].search("user value", 10)


def test_an_arm_made_with_another_analyser_is_refused(foxes: LexicalArm, folder: Path) -> None:
    with pytest.raises(DamagedArm, match="analyser"):
        LexicalArm(folder, "german-1")
    with pytest.raises(BadRequest, match="english-3"):
        LexicalArm(folder, "klingon-1")


# filters --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> LexicalArm:
    arm = LexicalArm(tmp_path_factory.mktemp("mixed") / "lexical")
    arm.apply(
        [],
        [
            row(1, "fox", source_kind="file", media_type="text/html", date=20200101, authors=("Zoë Müller",)),
            row(2, "fox", source_kind="web", media_type="text/html", date=20210000, tags=("a", "b c")),
            row(3, "fox", source_kind="web", media_type="application/pdf", date=20211231, tags=("B",)),
            row(4, "fox", source_kind="text", media_type="text/plain", authors=("Ann Lee", "Bo Müller")),
        ],
        mark(1),
    )
    return arm


@pytest.mark.parametrize(
    ("only", "found"),
    [
        (LexicalFilter(), [1, 2, 3, 4]),
        (LexicalFilter(source_kinds=("web",)), [2, 3]),
        (LexicalFilter(source_kinds=("web", "text")), [2, 3, 4]),
        (LexicalFilter(media_types=("text/html",), source_kinds=("web",)), [2]),
        (LexicalFilter(media_types=("text",)), []),
        (LexicalFilter(tags=("b c",)), [2]),
        (LexicalFilter(tags=("a", "B")), [2, 3]),
        (LexicalFilter(tags=("b",)), []),
        (LexicalFilter(tags=("\ud800",)), []),
        (LexicalFilter(after=20210000), [2, 3]),
        (LexicalFilter(after=20210001), [3]),
        (LexicalFilter(before=20211231), [1, 2]),
        (LexicalFilter(after=20200101, before=20210000), [1]),
        (LexicalFilter(after=20220101, before=20210000), []),
        (LexicalFilter(before=1), []),
        (LexicalFilter(after=-5, before=10**30), [1, 2, 3]),
        (LexicalFilter(after=10**30), []),
        (LexicalFilter(author="muller"), [1, 4]),
        (LexicalFilter(author="Müller, Zoe"), [1]),
        (LexicalFilter(author="lee muller"), [4]),
        (LexicalFilter(author="mull"), []),
        (LexicalFilter(author="..."), []),
    ],
)
def test_a_filter_limits_the_search(mixed: LexicalArm, only: LexicalFilter, found: list[int]) -> None:
    assert sorted(ids(mixed, "fox", only)) == found


def test_a_filter_changes_no_score(mixed: LexicalArm) -> None:
    every = dict(mixed.search("fox", 9))
    assert mixed.search("fox", 9, LexicalFilter(source_kinds=("web",))) == [(2, every[2]), (3, every[3])]


# equal results --------------------------------------------------------------------------------------------------------


def test_scores_do_not_depend_on_how_rows_were_spread_over_commits(tmp_path: Path) -> None:
    rows = prose(6_000)  # more than tantivy scores in one go (4,096), in the one arm
    rows[:200] = [replace(line, body=f"{line.body} rare{number % 5}") for number, line in enumerate(rows[:200])]
    one, many = LexicalArm(tmp_path / "one"), LexicalArm(tmp_path / "many")
    one.apply([], rows, mark(1))
    for number in range(12):
        many.apply([], rows[number::12], mark(number + 1))
    assert many.facts().segments != one.facts().segments
    assert answers(many) == answers(one)
    assert answers(many, 3_000) == answers(one, 3_000)
    long = [" ".join(["rare0 rare1 rare2", *random.Random(seed).sample(WORDS, 15)]) for seed in range(40)]
    assert [many.search(query, 500) for query in long] == [one.search(query, 500) for query in long]


def test_equal_calls_give_equal_results_with_deletions_too(tmp_path: Path) -> None:
    rows, other = prose(1_500), prose(1_500, seed=1)
    arms = [LexicalArm(tmp_path / name) for name in ("one", "two")]
    for arm in arms:
        for number in range(10):
            gone = [line.doc_id for line in other[number * 50 : number * 50 + 60]]
            arm.apply(gone, rows[number::10], mark(number + 1))
    assert answers(arms[0]) == answers(arms[1])
    assert answers(LexicalArm(tmp_path / "one")) == answers(arms[1])


def test_scores_agree_with_bm25_computed_from_its_definition(tmp_path: Path) -> None:
    import math

    texts = ["red fox", "red red owl", "owl"]  # so short that lengths are stored exactly
    arm = LexicalArm(tmp_path / "lexical")
    arm.apply([], [row(n, text) for n, text in enumerate(texts)], mark(1))

    def bm25(word: str, text: str) -> float:
        """Robertson and Zaragoza 2009, with Lucene's idf; k1 1.2, b .75."""
        words, frequency = text.split(), text.split().count(word)
        holding = sum(word in other.split() for other in texts)
        mean = sum(len(other.split()) for other in texts) / len(texts)
        idf = math.log(1 + (len(texts) - holding + 0.5) / (holding + 0.5))
        return idf * 2.2 * frequency / (frequency + 1.2 * (0.25 + 0.75 * len(words) / mean))

    for number, score in arm.search("red owl", 9):
        assert score == pytest.approx(bm25("red", texts[number]) + bm25("owl", texts[number]), rel=1e-6)


def test_deleted_rows_are_said_to_weigh_until_a_rebuild(tmp_path: Path) -> None:
    arm, pure = LexicalArm(tmp_path / "arm"), LexicalArm(tmp_path / "pure")
    rows = prose(2_000)
    arm.apply([], rows, mark(1))
    assert not arm.wants_rebuild
    arm.apply([line.doc_id for line in rows[:150]], [], mark(2))
    assert not arm.wants_rebuild
    arm.apply([line.doc_id for line in rows[150:300]], [], mark(3))
    assert arm.wants_rebuild
    arm.apply([], rows[300:], mark(4), afresh=True)
    pure.apply([], rows[300:], mark(1))
    assert not arm.wants_rebuild
    assert answers(arm) == answers(pure)


def test_in_a_small_arm_one_deleted_row_is_reason_enough(foxes: LexicalArm) -> None:
    foxes.apply(["doc1"], [], mark(2))
    foxes.apply([], [row(5, "owl")], mark(3))
    assert foxes.wants_rebuild == (foxes.facts().passages < 3 or foxes.facts().segments > 0)


# snapshots ------------------------------------------------------------------------------------------------------------


def test_an_earlier_snapshot_answers_exactly_as_it_did(folder: Path) -> None:
    arm, rows, then = LexicalArm(folder), prose(600), []
    for number in range(12):
        arm.apply([line.doc_id for line in rows[:number]], rows[number::12], mark(number + 1))
        then.append(answers(arm))
    for reader in (arm, LexicalArm(folder)):
        assert [answers(reader.at(number + 1)) for number in range(12)] == then
        assert reader.at(7).mark() == mark(7)
        assert reader.kept() == [mark(number + 1) for number in range(12)]


def test_who_holds_on_to_what_is_now_keeps_it(foxes: LexicalArm) -> None:
    now = foxes.now()
    foxes.apply(["doc1"], [row(8, "fox")], mark(2))
    assert now is not None
    assert (now.mark(), ids(now, "fox")) == (mark(1), [2, 1])
    assert 8 in ids(foxes.now(), "fox")


def test_what_is_not_kept_is_said_with_what_is(foxes: LexicalArm) -> None:
    for generation in (2, 3, 5, 9):
        foxes.apply([], [row(generation * 10, "fox")], mark(generation))
    with pytest.raises(NotFound, match=r"^snapshot 4 is not kept; kept are 1 to 3, 5, 9$"):
        foxes.at(4)
    reader = foxes.at(2)
    foxes.retain([3, 77])
    assert foxes.kept() == [mark(3), mark(9)]
    with pytest.raises(NotFound, match="kept are 3, 9"):
        foxes.at(2)
    assert ids(reader, "fox") == [2, 20, 1] or len(ids(reader, "fox")) == 3  # who has it open goes on


def test_a_generation_applied_again_takes_the_place_of_it_and_of_what_came_after(foxes: LexicalArm) -> None:
    for generation in (2, 3, 4):
        foxes.apply([], [row(generation * 10, "fox")], mark(generation))
    foxes.apply(["doc30", "doc40"], [row(50, "fox")], Mark(3, 5))
    assert foxes.kept() == [mark(1), mark(2), Mark(3, 5)]
    assert 50 in ids(foxes.at(3), "fox")
    assert len(list((foxes.folder / "snapshots").iterdir())) == 3


def test_snapshots_share_what_did_not_change(folder: Path) -> None:
    arm = LexicalArm(folder)
    arm.apply([], prose(3_000), mark(1))
    alone = _on_disk(folder)
    for number in range(5):
        arm.apply([], [row(10_000 + number, "fox")], mark(number + 2))
    assert _on_disk(folder) < alone * 1.5


def _on_disk(folder: Path) -> int:
    found = {path.stat().st_ino: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    return sum(found.values())


def test_without_hard_links_only_the_current_snapshot_is_kept(
    foxes: LexicalArm, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    foxes.apply([], [row(8, "fox")], mark(2))
    assert foxes.kept() == [mark(2)]
    assert sorted(ids(LexicalArm(folder), "fox")) == [1, 2, 8]
    assert foxes.verify() == []


# several at once ------------------------------------------------------------------------------------------------------


def test_another_arm_on_the_folder_sees_a_commit_when_it_reloads(foxes: LexicalArm, folder: Path) -> None:
    other = LexicalArm(folder)
    foxes.apply([], [row(8, "fox")], mark(2))
    assert (other.mark(), len(ids(other, "fox"))) == (mark(1), 2)
    other.reload()
    assert (other.mark(), len(ids(other, "fox"))) == (mark(2), 3)
    other.apply([], [row(9, "fox")], mark(3))
    foxes.reload()
    assert len(ids(foxes, "fox")) == 4


def test_who_applies_without_having_looked_adds_to_what_is_there(foxes: LexicalArm, folder: Path) -> None:
    other = LexicalArm(folder)
    foxes.apply([], [row(8, "fox")], mark(2))
    other.apply([], [row(9, "fox")], mark(3))
    assert sorted(ids(other, "fox")) == [1, 2, 8, 9]


def test_an_index_renewed_elsewhere_is_read_on_until_it_is_filled(foxes: LexicalArm, folder: Path) -> None:
    other = LexicalArm(folder)
    LexicalArm.renew(folder)
    fresh = LexicalArm(folder)
    assert (fresh.mark(), ids(fresh, "fox")) == (Mark(0, 0), [])
    other.reload()
    assert (other.mark(), ids(other, "fox")) == (Mark(0, 0), [2, 1])  # nothing reached, but nothing lost to readers
    fresh.apply([], [row(7, "fox")], mark(1))
    other.reload()
    assert (other.mark(), ids(other, "fox")) == (mark(1), [7])


def test_who_fills_an_index_renewed_elsewhere_mixes_nothing_of_the_old_into_it(foxes: LexicalArm, folder: Path) -> None:
    LexicalArm.renew(folder)
    foxes.reload()
    foxes.apply([], [row(7, "fox")], mark(1))
    assert ids(foxes, "fox owl") == [7]


def test_readers_are_never_disturbed_by_commits_drops_and_renewals(folder: Path) -> None:
    writer, reader = LexicalArm(folder), LexicalArm(folder)
    writer.apply([], prose(200), mark(1))
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                reader.reload()
                assert len(reader.search("ban", 20)) == 20
                for kept in reader.kept()[:2]:
                    with contextlib.suppress(NotFound):
                        assert len(reader.at(kept.generation).search("ban", 20)) == 20
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test is to see it
            failures.append(error)

    reader.reload()
    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(2, 17):
            writer.apply([f"doc{number}"], [row(1000 + number, "ban del")], mark(number))
            if number % 3 == 0:
                writer.retain([number - 1])
            if number % 6 == 0:
                LexicalArm.renew(folder)
                writer = LexicalArm(folder)
                writer.apply([], prose(200), mark(number))
    finally:
        done.set()
        for thread in threads:
            thread.join(30)
    assert failures == []


@pytest.mark.parametrize("moment", ["_listed", "manifest", "check"])
def test_a_renewal_in_the_midst_of_a_look_is_only_looked_past(
    foxes: LexicalArm, folder: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    other = LexicalArm(folder)
    real = getattr(lexical_files.Shelf, moment)

    def between(shelf: lexical_files.Shelf, *args: Any) -> Any:
        monkeypatch.setattr(lexical_files.Shelf, moment, real)
        found = None if moment == "_listed" else real(shelf, *args)
        LexicalArm.renew(folder)
        LexicalArm(folder).apply([], [row(7, "fox")], mark(1))
        if moment == "_listed":
            raise damage("was renewed")
        return found

    for look in (lambda: other.kept() == [mark(1)], lambda: ids(other.at(1), "fox") == [7]):
        monkeypatch.setattr(lexical_files.Shelf, moment, between)
        assert look()
    assert other.verify() == []


def test_a_snapshot_that_is_dropped_while_it_is_opened_is_not_kept(
    foxes: LexicalArm, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foxes.apply([], [row(8, "fox")], mark(2))
    other = LexicalArm(folder)
    real = lexical_files.Shelf.manifest

    def between(shelf: lexical_files.Shelf, name: str) -> Any:
        monkeypatch.setattr(lexical_files.Shelf, "manifest", real)
        foxes.retain([])
        return real(shelf, name)

    monkeypatch.setattr(lexical_files.Shelf, "manifest", between)
    with pytest.raises(NotFound, match="kept are 2"):
        other.at(1)


def test_many_commits_leave_no_files_open_and_no_threads(folder: Path) -> None:
    listing = Path("/proc/self/fd")
    if not listing.exists():
        pytest.skip("this system does not list a process's open files")

    def held() -> tuple[int, int]:
        return len(list(listing.iterdir())), len(list(Path("/proc/self/task").iterdir()))

    arm = LexicalArm(folder)
    arm.apply([], [row(1, "fox")], mark(1))
    before = held()
    for number in range(2, 22):
        arm.apply([f"doc{number - 1}"], [row(number, "fox")], mark(number))
        arm.at(number - 1).search("fox", 1)
    assert held()[0] <= before[0] + 8
    until = time.monotonic() + 10  # the engine's threads notice within half a second that they are not needed
    while held()[1] > before[1] + 8:
        assert time.monotonic() < until


# damage ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an arm with every kind of file, deletions included; to be copied."""
    folder = tmp_path_factory.mktemp("complete") / "lexical"
    big_enough(folder)
    return folder


@pytest.fixture
def copied(complete: Path, folder: Path) -> Path:
    return Path(shutil.copytree(complete, folder))


def big_enough(folder: Path) -> LexicalArm:
    arm = LexicalArm(folder)
    arm.apply([], prose(400), mark(1))
    arm.apply(["doc3"], [row(900, "fox")], mark(2))
    return arm


def flip(path: Path) -> None:
    with path.open("r+b") as file:  # in place: a file that is open elsewhere must not become shorter
        middle = path.stat().st_size // 3
        file.seek(middle)
        byte = file.read(1)[0]
        file.seek(middle)
        file.write(bytes([byte ^ 0x10]))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0")


def exchange(path: Path) -> None:
    """A sound file of the same kind, but not this one."""
    other = path.parent.parent.parent.parent / "other"
    arm = LexicalArm(other)
    arm.apply([], prose(300, seed=8), mark(1))
    arm.apply(["doc9"], [], mark(2))
    found = next((f for f in sorted(other.rglob(f"*.{path.name.split('.')[-1]}")) if f.parent.name[0] == "2"), None)
    path.write_bytes(found.read_bytes() if found else b"")


KINDS = ("idx", "pos", "term", "store", "fast", "fieldnorm", "del", "meta.json", "manifest")
HARMS = (flip, cut, empty, zero, grow, exchange, Path.unlink)


def current_files(folder: Path, kind: str) -> list[Path]:
    (snapshot,) = (folder / "snapshots").glob("2-*")
    found = sorted(path for path in snapshot.iterdir() if path.name.endswith(kind))
    assert found, kind
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_damage_of_any_file_is_found_on_opening(copied: Path, kind: str, harm: Callable[[Path], None]) -> None:
    harm(max(current_files(copied, kind), key=lambda file: file.stat().st_size))
    with pytest.raises(DamagedArm) as caught:
        LexicalArm(copied)
    assert isinstance(caught.value, IncompatibleIndex)
    assert "carrel doctor --repair" in str(caught.value)
    assert str(copied) not in str(caught.value)


@pytest.mark.parametrize("kind", ["idx", "meta.json", "manifest"])
def test_a_damaged_arm_is_renewed_and_filled_again(copied: Path, kind: str) -> None:
    sound = answers(LexicalArm(copied))
    flip(current_files(copied, kind)[0])
    LexicalArm.renew(copied)
    assert LexicalArm(copied).mark() == Mark(0, 0)
    assert answers(big_enough(copied)) == sound


@pytest.mark.parametrize("kind", KINDS[:-1])
@pytest.mark.parametrize("harm", [flip, grow, Path.unlink], ids=lambda harm: harm.__name__)
def test_damage_while_the_arm_is_open_is_found_within_a_second(
    copied: Path, kind: str, harm: Callable[[Path], None]
) -> None:
    now = [100.0]
    arm = LexicalArm(copied, clock=lambda: now[0])
    harm(current_files(copied, kind)[0])
    arm.reload()
    now[0] += 1.0
    with pytest.raises(DamagedArm):
        arm.reload()
    with pytest.raises(DamagedArm):  # again, until it is mended
        arm.reload()


def test_looking_at_the_files_again_does_not_follow_a_clock_set_back(copied: Path) -> None:
    now = [100.0]
    arm = LexicalArm(copied, clock=lambda: now[0])
    now[0] = -5.0
    arm.reload()
    assert arm.mark() == mark(2)


@pytest.mark.parametrize("kind", ["idx", "fast", "meta.json"])
def test_damage_that_hides_behind_an_old_time_is_found_by_verifying(copied: Path, kind: str) -> None:
    arm = LexicalArm(copied)
    assert arm.verify() == []
    path = current_files(copied, kind)[0]
    found = path.stat()
    flip(path)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    problems = arm.verify()
    assert problems
    assert all("damaged or missing" in problem and str(copied) not in problem for problem in problems)


def test_a_damaged_file_stops_every_snapshot_that_shares_it_and_no_other(copied: Path) -> None:
    arm = LexicalArm(copied)
    arm.apply([], [row(901, "fox")], mark(3))
    flip(current_files(copied, "del")[0])
    with pytest.raises(DamagedArm):
        LexicalArm(copied)
    with pytest.raises(DamagedArm):
        arm.at(2)
    assert len(ids(arm.at(1), "ban")) == 50


@pytest.mark.parametrize("content", [b"", b"{", b"2 00000000 {}", b'2 ffffffff {"snapshot":"1-0"}', b"\0" * 60, b"9 x"])
def test_a_damaged_pointer_is_damage(foxes: LexicalArm, folder: Path, content: bytes) -> None:
    (folder / "current").write_bytes(content)
    with pytest.raises(DamagedArm):
        foxes.reload()
    with pytest.raises(DamagedArm):
        LexicalArm(folder)
    assert len(foxes.verify()) == 1
    LexicalArm.renew(folder)
    assert LexicalArm(folder).mark() == Mark(0, 0)


def test_an_index_of_the_earlier_layout_is_to_be_rebuilt(folder: Path) -> None:
    folder.mkdir()
    (folder / "meta.json").write_text("{}")
    with pytest.raises(DamagedArm, match="another version"):
        LexicalArm(folder)
    LexicalArm.renew(folder)
    assert LexicalArm(folder).mark() == Mark(0, 0)


def test_a_lost_or_damaged_note_of_sound_files_costs_time_alone(foxes: LexicalArm, folder: Path) -> None:
    for content in (None, b"", b"garbage", b"2 00000000 []"):
        (folder / "sound").unlink() if content is None else (folder / "sound").write_bytes(content)
        assert ids(LexicalArm(folder), "fox") == [2, 1]


def test_a_damaged_arm_can_be_written_afresh(copied: Path) -> None:
    arm = LexicalArm(copied)
    flip(current_files(copied, "idx")[0])
    with pytest.raises(DamagedArm):
        arm.apply([], [row(950, "fox")], mark(3))
    arm.apply([], [row(950, "fox")], mark(3), afresh=True)
    assert ids(arm, "fox") == [950]
    assert arm.kept()[-1] == mark(3)


# bad luck -------------------------------------------------------------------------------------------------------------


def test_rows_that_break_off_leave_the_arm_as_it_was(foxes: LexicalArm, folder: Path) -> None:
    def rows() -> Iterator[LexicalRow]:
        yield row(8, "fox")
        raise Unavailable("the store is gone")

    with pytest.raises(Unavailable, match="the store is gone"):
        foxes.apply(["doc1"], rows(), mark(2))
    assert (foxes.mark(), ids(foxes, "fox")) == (mark(1), [2, 1])
    assert sorted(path.name for path in folder.iterdir()) == ["current", "snapshots", "sound"]
    foxes.apply([], [row(8, "fox")], mark(2))
    assert len(ids(foxes, "fox")) == 3


_KILLED = """
import os, signal, sys
from pathlib import Path
from carrel.index.lexical import files as lexical_files
from carrel.index.lexical import LexicalArm, LexicalRow, Mark
step = int(sys.argv[2])
def dying(real, number):
    def call(*args, **kwargs):
        if number == step:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **kwargs)
        if number + 1 == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call
shelf = lexical_files.Shelf
for number, name in enumerate(["workplace", "publish", "_remember", "_replace", "drop"]):
    setattr(shelf, name, dying(getattr(shelf, name), number * 10))
def rows():
    for number in range(2000):
        if step == 99 and number == 1500:
            os.kill(os.getpid(), signal.SIGKILL)
        yield LexicalRow(100 + number, f"n{number}", "", (), "fox again", "file", "", 0, (), ())
arm = LexicalArm(Path(sys.argv[1]))
arm.apply(["doc1"], rows(), Mark(2, 2))
arm.apply(["doc1"], rows(), Mark(2, 2))  # publishes over a snapshot of that name
"""


@pytest.mark.parametrize("step", [0, 1, 10, 11, 20, 21, 30, 31, 40, 99])
def test_a_kill_at_any_step_of_a_commit_leaves_the_one_state_or_the_other(folder: Path, step: int) -> None:
    if not hasattr(signal, "SIGKILL"):
        pytest.skip("this system has no SIGKILL")
    LexicalArm(folder).apply([], [row(1, "the red fox"), row(2, "a fox and a fox")], mark(1))
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(folder), str(step)], timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    arm = LexicalArm(folder)
    assert (arm.mark(), arm.facts().passages) in ((mark(1), 2), (Mark(2, 2), 2001), (Mark(2, 2), 4001))
    assert arm.verify() == []
    arm.apply(["doc2"], [row(3, "weasel")], mark(3))
    assert ids(arm, "weasel") == [3]
    assert not list(folder.glob("work-*"))


_LIMITED = """
import resource, signal, sys
from pathlib import Path
from carrel.errors import Unavailable
from carrel.index.lexical import LexicalArm, LexicalRow, Mark
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
arm = LexicalArm(Path(sys.argv[1]))
rows = (LexicalRow(9 + n, "x", "", (), f"word{n} more{n % 9}", "file", "", 0, (), ()) for n in range(5000))
try:
    arm.apply([], rows, Mark(2, 2))
except Unavailable as error:
    assert "free space" in str(error) and "/" not in str(error), error
    assert arm.mark().generation == 1 and len(arm.search("fox", 9)) == 2
    sys.exit(7)
"""


def test_a_full_disk_is_said_and_costs_nothing(foxes: LexicalArm, folder: Path) -> None:
    pytest.importorskip("resource", reason="this system has no resource limits")
    ended = subprocess.run([sys.executable, "-c", _LIMITED, str(folder)], timeout=60, check=False)
    assert ended.returncode == 7
    assert LexicalArm(folder).verify() == []


_READER = """
import os, sys
from pathlib import Path
from carrel.errors import Unavailable
from carrel.index.lexical import LexicalArm, Mark
os.setgid(65534); os.setuid(65534)
arm = LexicalArm(Path(sys.argv[1]))
assert len(arm.search("fox", 9)) == 2 and len(arm.at(1).search("fox", 9)) == 2
try:
    arm.apply([], [], Mark(2, 2))
except Unavailable:
    sys.exit(7)
"""


def test_a_reader_needs_no_permission_to_write(tmp_path: Path) -> None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can become a user without permissions")
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "lexical"
        LexicalArm(folder).apply([], [row(1, "the red fox"), row(2, "a fox")], mark(1))
        ended = subprocess.run([sys.executable, "-c", _READER, str(folder)], timeout=60, check=False)
        assert ended.returncode == 7


def test_a_failure_of_the_engine_is_damage_and_no_panic(foxes: LexicalArm, monkeypatch: pytest.MonkeyPatch) -> None:
    from carrel.index.lexical import reader as lexical_reader

    class PanicException(BaseException):
        pass

    def panic(*_: Any) -> None:
        raise PanicException("index out of bounds")

    monkeypatch.setattr(lexical_reader, "rank", panic)
    with pytest.raises(DamagedArm):
        foxes.search("fox", 3)


def test_too_few_file_handles_are_no_damage(foxes: LexicalArm, folder: Path) -> None:
    resource = pytest.importorskip("resource", reason="this system has no resource limits")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(folder, os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        with pytest.raises(Unavailable):
            LexicalArm(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert ids(LexicalArm(folder), "fox") == [2, 1]
