"""A collection that somebody drops meanwhile: whoever is at it hears that it is not there, and nothing was damaged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from carrel.errors import CarrelError, NotFound
from carrel.index import Library
from carrel.index.archive import copy_collection, export_collection, import_collection
from carrel.index.arms import Arms
from carrel.index.lexical import LexicalArm
from carrel.index.upkeep import examine, repair
from carrel.retrieve import search
from fault_kit import BIRDS, PARTS, bird
from kit import WordEncoder

Make = Callable[..., Library]


def fill(library: Library, *names: str) -> None:
    library.add([bird(name) for name in names or BIRDS[:3]], "c")


def drop(library: Library) -> None:
    library.remove("c", list(library.find("c")), drop=True)


@pytest.fixture
def here(make_library: Make) -> Library:
    """The library under test, with a collection ``c`` that has its vectors."""
    library = make_library(encoder=WordEncoder(), background=False)
    library.add([bird("quail")], "other")
    fill(library)
    library.encode("c")
    return library


@pytest.fixture
def there(here: Library, make_library: Make) -> Iterator[Library]:
    """Another process's handle on the same data; at the end nothing may be left of what was dropped."""
    yield make_library(encoder=WordEncoder(), background=False)
    assert here.problems() == []
    names = {here.arms.folder(each).name for each in here.collections()}
    assert {path.name for path in (here.data / "collections").iterdir()} <= names
    assert examine(here) == []


def once(act: Callable[[], object]) -> Callable[[], None]:
    """``act`` the first time it is called, and nothing afterwards."""
    left = [act]

    def first() -> None:
        if left:
            left.pop()()

    return first


def before(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, act: Callable[[], object]) -> None:
    """Have ``act`` happen before the next call of a method."""
    real, first = getattr(owner, name), once(act)

    def wrapped(*given: Any, **more: Any) -> Any:
        first()
        return real(*given, **more)

    monkeypatch.setattr(owner, name, wrapped)


def titles(library: Library, name: str, mode: Any = "hybrid") -> list[str]:
    hits = search(library, [name], collection="c", mode=mode, k=50).hits
    return [hit.title for hit in hits if name in hit.passage.text]


def test_a_search_whose_collection_is_dropped_before_its_index_is_opened_says_not_found(
    here: Library, there: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, LexicalArm, "reload", lambda: drop(here))
    with pytest.raises(NotFound, match="there are: other"):
        search(there, ["osprey"], collection="c")


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "dense"])
def test_a_search_whose_collection_is_dropped_under_it_gives_no_half_answer(
    here: Library, there: Library, monkeypatch: pytest.MonkeyPatch, mode: Any
) -> None:
    assert titles(there, "albatross", mode)
    monkeypatch.setattr(there.arms, "encoder", lambda name="": DroppingEncoder(lambda: drop(here)))
    if mode == "lexical":
        before(monkeypatch, LexicalArm, "now", lambda: drop(here))
    with pytest.raises(NotFound, match="there are: other"):
        search(there, ["albatross"], collection="c", mode=mode)


def test_a_search_answers_from_the_collection_that_was_made_anew(
    here: Library, there: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remade() -> None:
        drop(here)
        fill(here, "osprey")

    before(monkeypatch, LexicalArm, "reload", remade)
    assert titles(there, "osprey") == ["Osprey"] * PARTS


def test_who_brings_an_index_up_to_date_never_writes_into_the_one_made_anew(
    here: Library, there: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock that is held is the old one's."""
    held: list[str] = []
    real = Arms.exclusive

    def remade() -> None:
        drop(here)
        fill(here, "osprey")

    first = once(remade)

    def exclusive(self: Arms, name: str, wait: float) -> Any:
        if self is there.arms:
            first()
            held.append(name)
        return real(self, name, wait)

    monkeypatch.setattr(Arms, "exclusive", exclusive)
    written: list[str] = []
    real_apply = LexicalArm.apply

    def apply(self: LexicalArm, *given: Any, **more: Any) -> None:
        written.append(self.folder.parent.name)
        real_apply(self, *given, **more)

    monkeypatch.setattr(LexicalArm, "apply", apply)
    old = there.collection("c").number
    with pytest.raises(NotFound, match="made anew"):
        there.catch_up("c")
    assert held == [f"{old}.lexical"]
    assert len(written) == 1  # by the one who made it
    assert titles(there, "osprey") == ["Osprey"] * PARTS


def test_an_addition_that_is_dropped_before_it_is_indexed_was_an_addition(
    here: Library, there: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, there.arms, "catch_up", lambda: drop(here))
    assert there.add([bird("osprey")], "c").added == 1
    assert not [each for each in there.collections() if each.name == "c"]
    assert there.document(bird("osprey").doc_id)


def test_rebuilding_a_collection_that_is_dropped_says_not_found(
    here: Library, there: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, there.arms, "exclusive", lambda: drop(here))
    with pytest.raises(NotFound):
        there.arms.rebuild("c")


class DroppingEncoder(WordEncoder):
    """Drops the collection while it is at work."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act = once(act)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self._act()
        return super().encode(texts)


def test_encoding_a_collection_that_is_dropped_says_not_found_and_leaves_nothing(
    here: Library, there: Library, make_library: Make
) -> None:
    fill(here, "osprey", "merlin")
    worker = make_library(encoder=DroppingEncoder(lambda: drop(here)), background=False)
    with pytest.raises(NotFound):
        worker.encode("c")


def test_encoding_never_touches_the_vectors_of_the_collection_made_anew(
    here: Library, there: Library, make_library: Make
) -> None:
    def remade() -> None:
        drop(here)
        fill(here, "pintail")

    fill(here, "osprey", "merlin")
    worker = make_library(encoder=DroppingEncoder(remade), background=False)
    with pytest.raises(NotFound, match="made anew"):
        worker.encode("c")
    assert there.encode("c") == PARTS
    assert titles(there, "pintail", "dense") == ["Pintail"] * PARTS


def test_an_export_of_a_collection_that_is_dropped_leaves_no_archive(
    here: Library, there: Library, tmp_path: Path
) -> None:
    act = once(lambda: drop(here))
    with pytest.raises(NotFound):
        export_collection(there, "c", tmp_path / "c.zip", lambda done, total: act())
    assert list(tmp_path.glob("*.zip")) == []
    assert list(tmp_path.glob(".*.part")) == []


def test_an_import_into_a_collection_that_is_dropped_says_so(here: Library, there: Library, tmp_path: Path) -> None:
    export_collection(here, "c", tmp_path / "c.zip")
    drop(here)
    act = once(lambda: drop(here))
    with pytest.raises(NotFound):
        import_collection(there, tmp_path / "c.zip", "c", lambda done, total: act())


def test_a_copy_of_a_collection_that_is_dropped_says_so(
    here: Library, there: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, there, "add", lambda: drop(here))
    with pytest.raises(NotFound):
        copy_collection(there, "c", "copy")
    assert [each.name for each in here.collections()] == ["other"]


def test_a_removal_counts_what_it_removed_and_not_what_another_did(
    here: Library, there: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = list(here.find("c"))
    before(monkeypatch, there.store, "write", lambda: here.remove("c", ids[:1]))
    did = there.remove("c", ids)
    assert did.documents == tuple(ids[1:])
    assert did.passages == PARTS * 2


@pytest.mark.parametrize("look", [examine, repair], ids=["examine", "repair"])
def test_the_doctor_finds_nothing_wrong_with_what_is_dropped_under_its_hands(
    here: Library, there: Library, look: Callable[..., object]
) -> None:
    def say(words: str) -> None:
        if words == "collection c":
            drop(here)

    assert look(there, say) == []


def test_a_drop_waits_for_nobody_who_encodes_another_collection(here: Library, there: Library) -> None:
    with there.arms.exclusive("encode", 1.0):
        dropping = threading.Thread(target=drop, args=(here,), daemon=True)
        dropping.start()
        dropping.join(timeout=20)
        assert not dropping.is_alive()


def test_many_at_once_hear_of_a_drop_only_in_words(here: Library, there: Library) -> None:
    """Threads of two handles, each with its own errand, a fixed number of times."""
    ends = threading.Barrier(5)
    unforeseen: list[BaseException] = []

    def repeat(act: Callable[[], object], times: int) -> None:
        ends.wait()
        for _ in range(times):
            try:
                act()
            except CarrelError:
                pass
            except BaseException as error:  # noqa: BLE001 - what it is, the assertion shows
                unforeseen.append(error)

    def sought() -> None:
        found = titles(there, "osprey")
        assert found in ([], ["Osprey"] * PARTS)

    errands = [
        (lambda: fill(here, "osprey"), 15),
        (lambda: drop(there), 15),
        (sought, 40),
        (lambda: here.encode("c"), 15),
        (lambda: there.arms.rebuild("c"), 10),
    ]
    threads = [threading.Thread(target=repeat, args=errand) for errand in errands]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert unforeseen == []
