"""Damage and bad luck that once gave a wrong answer, a leak or a hang."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from carrel.errors import BadRequest, CarrelError, Refused, Unavailable
from carrel.index import Library, store
from carrel.records import Document
from carrel.retrieve import search
from kit import WordEncoder, text_document

Make = Callable[..., Library]


def titles(library: Library, query: str, mode: str = "hybrid") -> list[str]:
    return [hit.title for hit in search(library, [query], granularity="document", mode=mode).hits]  # type: ignore[arg-type]


def encoded(make_library: Make, *documents: Document) -> Library:
    library = make_library(encoder=WordEncoder(), background=False)
    library.add(documents)
    library.encode("default")
    return library


def test_a_store_restored_from_a_copy_takes_its_arm_back_with_it(make_library: Make, tmp_path: Path) -> None:
    library = make_library()
    for number in range(3):
        library.add([text_document(f"weasel number {number}", f"Weasel {number}")])
    library.close()
    shutil.copy(tmp_path / "data" / "store.sqlite", tmp_path / "copy")
    library = make_library()
    for number in range(3, 8):
        library.add([text_document(f"weasel number {number}", f"Weasel {number}")])
    library.close()
    shutil.copy(tmp_path / "copy", tmp_path / "data" / "store.sqlite")
    restored = make_library()
    restored.add([text_document("the zebulon is rare", "Zebulon")])
    assert titles(restored, "zebulon") == ["Zebulon"]
    assert sorted(titles(restored, "weasel")) == ["Weasel 0", "Weasel 1", "Weasel 2"]


def test_threads_that_ended_leave_no_open_files(library: Library, fox: Document) -> None:
    def add(number: int) -> None:
        thread = threading.Thread(target=lambda: library.add([text_document(f"emu {number}", f"Emu {number}")]))
        thread.start()
        thread.join(30)

    add(0)
    before = _open_files()
    for number in range(1, 25):
        add(number)
    assert _open_files() <= before + 8


def _open_files() -> int:
    listing = Path("/proc/self/fd")
    if not listing.exists():
        pytest.skip("this system does not list a process's open files")
    return sum(1 for _ in listing.iterdir())


def test_a_text_erased_while_it_was_encoded_leaves_no_vector_to_another(make_library: Make) -> None:
    class Slow(WordEncoder):
        between: Callable[[], object] = staticmethod(lambda: None)

        def encode(self, texts):  # type: ignore[no-untyped-def]
            between, self.between = self.between, lambda: None
            between()
            return super().encode(texts)

    encoder = Slow()
    library = make_library(encoder=encoder, background=False)
    secret, other = text_document("secret plans of the walrus", "Secret"), text_document("a teapot sings", "Teapot")

    def swap() -> None:
        library.remove("default", [secret.doc_id], forget=True)
        library.add([other])

    library.add([secret])
    encoder.between = swap
    library.encode("default")
    library.encode("default")
    arm, _ = library.arms.dense("default")
    nearest = arm.search(WordEncoder().encode_queries(["secret plans of the walrus"])[0], 5)
    assert len(nearest) == 1 and nearest[0][1] < 0.6
    assert titles(library, "teapot", "dense") == ["Teapot"]


def test_damaged_arrays_are_not_believed(make_library: Make, tmp_path: Path, fox: Document) -> None:
    encoded(make_library, fox).close()
    for path in (tmp_path / "data").rglob("base-*.digests.npy"):
        path.write_bytes(b"")
    assert titles(make_library(encoder=WordEncoder(), background=False), "rodents", "dense") == ["Foxes"]


def test_damaged_vectors_leave_a_search_by_words_and_are_made_again(
    make_library: Make, tmp_path: Path, fox: Document
) -> None:
    encoded(make_library, fox).close()
    dense = tmp_path / "data" / "collections" / "default.1" / "dense"
    for path in [*dense.rglob("*.manifest"), *dense.rglob("base-*"), *dense.rglob("tail-*")]:
        path.write_bytes(b"junk")
    library = make_library(encoder=WordEncoder(), background=False)
    ranking = search(library, ["rodents"])
    assert ranking.hits[0].title == "Foxes"
    assert "damaged" in ranking.notes[0]
    with pytest.raises(Unavailable, match="damaged"):
        search(library, ["rodents"], mode="dense")
    library.encode("default")
    assert titles(library, "rodents", "dense") == ["Foxes"]
    assert library.problems() == ["the vectors of 'default' were damaged and have been made again"]


def test_vectors_that_vanished_are_not_called_complete(make_library: Make, tmp_path: Path, fox: Document) -> None:
    library = encoded(make_library, fox)
    shutil.rmtree(tmp_path / "data" / "collections" / "default.1" / "dense")
    assert library.coverage("default")["dense"] == 0.0
    library.close()
    again = make_library(encoder=WordEncoder(), background=False)
    assert again.encode("default") == again.collections()[0].passages


def test_a_lexical_index_removed_under_a_running_server_is_made_again(
    make_library: Make, tmp_path: Path, fox: Document
) -> None:
    library = make_library()
    library.add([fox])
    shutil.rmtree(tmp_path / "data" / "collections" / "default.1" / "lexical")
    assert titles(library, "rodents") == ["Foxes"]


def test_a_collection_takes_an_encoder_of_another_dimension_after_it_was_dropped(
    make_library: Make, fox: Document
) -> None:
    first = encoded(make_library, fox)
    first.remove("default", [fox.doc_id], drop=True)
    first.close()
    second = make_library(encoder=WordEncoder("other-16", 16), background=False)
    second.add([fox])
    assert second.encode("default") == 3
    assert titles(second, "rodents", "dense") == ["Foxes"]


def test_saved_arrays_of_unequal_length_are_not_believed(make_library: Make, tmp_path: Path, fox: Document) -> None:
    encoded(make_library, fox).close()
    for path in (tmp_path / "data").rglob("base-*.digests.npy"):
        np.save(path, np.zeros(1, np.int64))
    assert titles(make_library(encoder=WordEncoder(), background=False), "rodents", "dense") == ["Foxes"]


class _OddEncoder(WordEncoder):
    """Gives vectors of whatever shape it was told to."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self._shape = (rows, columns)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows, columns = self._shape
        return np.ones((rows or len(texts), columns or self.dimension), np.float32)


@pytest.mark.parametrize(("rows", "columns"), [(1, 0), (0, 1), (0, 7)], ids=["one for all", "one number", "narrow"])
def test_an_encoder_that_gives_vectors_of_another_shape_is_refused(
    make_library: Make, fox: Document, owl: Document, rows: int, columns: int
) -> None:
    library = make_library(encoder=_OddEncoder(rows, columns), background=False)
    library.add([fox, owl])
    with pytest.raises(BadRequest, match="another encoder"):
        library.encode("default")
    assert library.pending("default") == library.collections()[0].passages


@pytest.mark.parametrize("kind", ["a file", "a link to itself"])
def test_a_data_folder_that_something_else_has_replaced_is_told(
    make_library: Make, tmp_path: Path, fox: Document, kind: str
) -> None:
    library, place = make_library(), tmp_path / "data"
    library.add([fox])
    place.rename(tmp_path / "elsewhere")
    if kind == "a file":
        place.write_text("mine")
    else:
        place.symlink_to(place)
    for ask in (library.collections, lambda: library.add([fox])):
        with pytest.raises((Unavailable, Refused), match="data folder"):
            ask()
    place.unlink()
    (tmp_path / "elsewhere").rename(place)
    assert titles(library, "rodents") == ["Foxes"]


def test_a_store_that_cannot_be_opened_just_now_is_told_in_words(
    make_library: Make, fox: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = make_library()
    library.add([fox])
    told: list[BaseException] = []

    def ask() -> None:
        try:
            with library.store.snapshot():
                pass
        except (CarrelError, sqlite3.Error) as error:
            told.append(error)

    def refuse(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(sqlite3, "connect", refuse)  # as it is without a free file handle
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert [type(error) for error in told] == [Refused]


def test_a_library_is_not_closed_under_the_statement_that_another_thread_runs(
    make_library: Make, fox: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go_on, connect = threading.Event(), threading.Event(), sqlite3.connect

    def hold() -> int:
        inside.set()
        return int(go_on.wait(30))

    def with_hold(*arguments: Any, **options: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = connect(*arguments, **options)
        made.create_function("hold", 0, hold)
        return made

    monkeypatch.setattr(sqlite3, "connect", with_hold)
    monkeypatch.setattr(store, "_CLOSING", 0.05)
    library = make_library()
    library.add([fox])
    found: list[Any] = []
    asking = threading.Thread(target=lambda: found.append(library.store.value("SELECT hold()")))
    asking.start()
    assert inside.wait(30)
    library.close()
    go_on.set()
    asking.join(30)
    assert found == [1]
    with pytest.raises(Unavailable, match="closed"):
        library.store.rows("SELECT 1")


@pytest.mark.parametrize("writing", [True, False], ids=["writing", "reading"])
def test_a_library_closed_while_another_thread_is_at_it_tells_that_one_in_words(
    make_library: Make, fox: Document, writing: bool
) -> None:
    library = make_library()
    library.add([fox])
    inside, closed = threading.Event(), threading.Event()
    told: list[BaseException] = []

    def work() -> None:
        try:
            with library.store.change() if writing else library.store.snapshot():
                inside.set()
                closed.wait(30)
                library.store.rows("SELECT 1")
        except BaseException as error:  # noqa: BLE001 - whatever it is
            told.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(30)
    library.close()
    closed.set()
    thread.join(30)
    assert [type(error) for error in told] == [Unavailable] and "closed" in str(told[0])
