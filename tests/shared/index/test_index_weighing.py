"""The learned-sparse arm of a collection: made in the background, part of hybrid search, never in the way of it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from carrel.errors import BadRequest, NotFound, Unavailable
from carrel.index import Filters, Library, examine, filling, repair, weighing
from carrel.index.archive import copy_collection, export_collection, import_collection
from carrel.models import SparseVectors
from carrel.records import Ranking
from carrel.retrieve import Signals, search
from kit import WordEncoder, WordWeigher, text_document

Make = Callable[..., Library]
BIRDS = ("heron", "swift", "owl", "wren")


@pytest.fixture
def weigher() -> WordWeigher:
    return WordWeigher(implied={"bird": "heron", "feline": "cat"})


@pytest.fixture
def opened(make_library: Make, weigher: WordWeigher) -> Callable[..., Library]:
    """A library without vectors whose default collection has a learned-sparse arm."""

    def make(model: WordWeigher = weigher, **options: object) -> Library:
        library = make_library(**{"background": False, "sparse": lambda name: model, **options})
        library.create("default", sparse="weigher")
        return library

    return make


def add(library: Library, *names: str, collection: str = "default") -> None:
    library.add([text_document(f"the {name} of the marsh", name) for name in names], collection)


def titles(ranking: Ranking) -> list[str]:
    return [hit.title for hit in ranking.hits]


def share(library: Library, **options: object) -> float:
    return search(library, ["marsh"], **options).coverage["sparse"]  # type: ignore[arg-type]


def folder(library: Library) -> Path:
    return library.arms.folder(library.collection("default")) / "sparse"


def test_what_a_text_implies_is_found_where_its_words_are_not(opened: Callable[..., Library]) -> None:
    library = opened()
    add(library, *BIRDS)
    library.encode("default")
    found = search(library, ["bird"])
    assert titles(found) == ["heron"]
    rank, score = found.hits[0].arms["sparse"].rank, found.hits[0].arms["sparse"].score
    assert (rank, score) == (1, 0.75) and set(found.hits[0].arms) == {"sparse"}
    assert found.coverage == {"lexical": 1.0, "sparse": 1.0}
    assert search(library, ["bird"], mode="lexical").hits == ()
    assert "sparse" not in search(library, ["heron"], mode="lexical").coverage


def test_both_other_arms_count_beside_it(make_library: Make, weigher: WordWeigher) -> None:
    library = make_library(encoder=WordEncoder(), background=False, sparse=lambda name: weigher)
    library.create("default", sparse="weigher")
    add(library, *BIRDS)
    library.encode("default")
    found = search(library, ["the swift bird"])
    assert titles(found)[0] == "swift" and set(found.hits[0].arms) == {"lexical", "dense", "sparse"}
    second = next(hit for hit in found.hits if hit.title == "heron")
    plain = search(library, ["the swift bird"], mode="dense")
    assert "sparse" not in plain.coverage and "sparse" not in plain.hits[0].arms
    others = {hit.title: hit.score for hit in found.hits if hit.title in ("owl", "wren")}
    assert all(second.score > score for score in others.values()), "what the arm implies must count"


def test_a_collection_without_the_arm_never_asks_for_a_model(make_library: Make) -> None:
    def never(name: str) -> WordWeigher:
        raise AssertionError("a model was loaded")

    library = make_library(encoder=WordEncoder(), background=False, sparse=never)
    add(library, *BIRDS)
    library.encode("default")
    assert search(library, ["swift"]).coverage == {"lexical": 1.0, "dense": 1.0}
    assert not library._worker._weighing.waiting()
    assert library.collection("default").sparse == "" and "torch" not in sys.modules


def test_sparse_vectors_come_by_themselves(opened: Callable[..., Library], weigher: WordWeigher) -> None:
    import threading

    done = threading.Event()
    weigher.before = done.set
    add(opened(background=True), "heron")
    assert done.wait(30)


def test_what_was_added_last_is_weighed_first_and_coverage_tells_how_far_it_is(
    opened: Callable[..., Library], weigher: WordWeigher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carrel.index.weighing.BATCH", 1)
    library, other, seen = opened(), opened(), []
    for name in BIRDS:
        add(library, name)
    weigher.before = lambda: seen.append((share(other), other.sparse_encoded("default")))
    assert share(library) == 0.0
    library.encode("default")
    assert [text.split("\n")[0] for text in weigher.weighed] == list(reversed(BIRDS))
    assert seen == [(0.0, 0), (0.25, 1), (0.5, 2), (0.75, 3)]
    assert share(other) == 1.0 and other.sparse_encoded("default") == 4
    add(library, "kite")
    found = search(other, ["kite"])
    assert found.coverage["sparse"] == 0.8 and titles(found) == ["kite"]
    assert any("sparse vectors are still being made: 80 %" in note for note in found.notes)


def test_what_is_added_meanwhile_comes_before_what_waited(
    opened: Callable[..., Library], weigher: WordWeigher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carrel.index.weighing.BATCH", 1)
    library = opened()
    add(library, "heron")
    add(library, "swift")

    def add_once() -> None:
        weigher.before = lambda: None
        add(library, "owl")

    weigher.before = add_once
    library.encode("default")
    assert [text.split("\n")[0] for text in weigher.weighed] == ["swift", "owl", "heron"]


def test_a_library_that_closes_leaves_the_rest_to_the_next(
    opened: Callable[..., Library], weigher: WordWeigher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carrel.index.weighing.BATCH", 1)
    library = opened()
    for name in BIRDS:
        add(library, name)
    turns = iter(range(100))
    weigher.before = lambda: library._worker.close() if next(turns) == 1 else None
    library.encode("default")
    assert len(weigher.weighed) == 2
    again = opened()
    again.encode("default")
    assert share(again) == 1.0 and len(weigher.weighed) == 4, "nothing is made twice"


def test_of_many_processes_one_weighs(opened: Callable[..., Library], weigher: WordWeigher) -> None:
    library, other = opened(), opened()
    add(library, "heron")

    def refused() -> None:
        weigher.before = lambda: None
        with pytest.raises(Unavailable, match="another process"):
            other.encode("default")

    weigher.before = refused
    library.encode("default")
    assert share(other) == 1.0 and len(weigher.weighed) == 1


def test_a_text_that_moved_or_came_back_keeps_its_vector(opened: Callable[..., Library], weigher: WordWeigher) -> None:
    library = opened()
    add(library, *BIRDS)
    library.encode("default")
    library.remove("default", [hit.passage.doc_id for hit in search(library, ["owl"]).hits if hit.title == "owl"])
    assert titles(search(library, ["owl"])) == [] and share(library) == 1.0
    add(library, "owl")
    library.encode("default")
    assert titles(search(library, ["owl"])) == ["owl"] and share(library) == 1.0
    assert len(weigher.weighed) == 4


def test_an_earlier_snapshot_finds_what_it_held_and_nothing_since(opened: Callable[..., Library]) -> None:
    library = opened()
    add(library, "heron", "swift")
    library.encode("default")
    before = library.generation()
    library.remove("default", list(library.find("default", source="")), drop=False)
    library.add([text_document("the bird alone", "other")])
    library.encode("default")
    found = search(library, ["bird"], as_of=before)
    assert titles(found) == ["heron"] and found.coverage["sparse"] == 1.0
    assert titles(search(library, ["bird"])) == ["other"]


def test_limits_and_demands_hold_for_it_too(opened: Callable[..., Library]) -> None:
    library = opened()
    marsh = text_document("a heron of the marsh", "marsh")
    lake = text_document("a heron of the lake", "lake")
    library.add([marsh, lake])
    library.encode("default")
    assert sorted(titles(search(library, ["bird"]))) == ["lake", "marsh"]
    assert titles(search(library, ["bird"], signals=Signals(must=("lake",)))) == ["lake"]
    assert titles(search(library, ["bird"], signals=Signals(must_not=("lake",)))) == ["marsh"]
    assert titles(search(library, ["bird"], filters=Filters(tags=("none",)))) == []


def test_an_erased_text_leaves_the_files(opened: Callable[..., Library], weigher: WordWeigher) -> None:
    library = opened()
    add(library, *BIRDS)
    library.encode("default")
    stray = folder(library) / "of-another-model"
    stray.mkdir()
    erased = [hit.passage.doc_id for hit in search(library, ["owl"]).hits if hit.title == "owl"]
    arm, _ = library.arms.sparse.of(library.collection("default"))
    library.remove("default", erased, forget=True)
    assert arm.count() == 4 and not library.arms.sparse.whole(library.collection("default"))
    library.encode("default")
    assert arm.count() == 3 and arm.verify() == [] and share(library) == 1.0 and not stray.exists()
    assert library.arms.sparse.whole(library.collection("default"))
    assert len(weigher.weighed) == 4


def test_without_its_model_a_search_goes_on_and_says_so(
    opened: Callable[..., Library], make_library: Make, weigher: WordWeigher
) -> None:
    library = opened()
    add(library, *BIRDS)
    library.encode("default")

    def missing(name: str) -> WordWeigher:
        raise Unavailable(f"the model {name} is not on this machine")

    for other in (make_library(background=False, sparse=missing), make_library(background=False)):
        found = search(other, ["owl"])
        assert titles(found) == ["owl"] and found.coverage == {"lexical": 1.0}
        assert any("without the learned-sparse arm" in note for note in found.notes)
        assert other.sparse_encoded("default") == 4
        assert found.sufficiency.level != "none"
    with pytest.raises(Unavailable, match="not on this machine"):
        make_library(background=False, sparse=missing).encode("default")


def test_a_model_that_fails_on_a_query_is_left_out(opened: Callable[..., Library], weigher: WordWeigher) -> None:
    library = opened()
    add(library, *BIRDS)
    library.encode("default")

    def fail(texts: object) -> None:
        raise Unavailable("the learned-sparse model failed on these texts")

    weigher.encode_queries = fail  # type: ignore[method-assign, assignment]
    found = search(library, ["owl"])
    assert titles(found) == ["owl"] and any("failed on these texts" in note for note in found.notes)


class Odd(WordWeigher):
    """Gives what ``spoil`` makes of its vectors wherever a text has a word."""

    word = "toad"

    def __init__(self, spoil: Callable[[SparseVectors], object]) -> None:
        super().__init__()
        self._spoil = spoil

    def encode(self, texts: Sequence[str]) -> SparseVectors:
        return self.encode_queries(texts)

    def encode_queries(self, texts: Sequence[str]) -> SparseVectors:
        made = super().encode_queries(texts)
        odd = any(self.word in text for text in texts)
        return self._spoil(made) if odd else made  # type: ignore[return-value]


def _fail(made: SparseVectors) -> object:
    raise RuntimeError("an index lies beyond the vocabulary")


ODD: dict[str, Callable[[SparseVectors], object]] = {
    "raises": _fail,
    "nothing": lambda made: None,
    "one too few": lambda made: replace(
        made, offsets=made.offsets[:-1], terms=made.terms[: made.offsets[-2]], weights=made.weights[: made.offsets[-2]]
    ),
    "one too many": lambda made: replace(made, offsets=np.append(made.offsets, made.offsets[-1])),
    "cut off": lambda made: replace(made, weights=made.weights[:-1]),
    "no first": lambda made: replace(made, offsets=made.offsets + 1),
    "falling terms": lambda made: replace(made, terms=made.terms[::-1].copy()),
    "below 0": lambda made: replace(made, terms=made.terms - 2**17),
    "no number": lambda made: replace(made, weights=made.weights * np.float32(np.nan)),
    "words": lambda made: replace(made, terms=made.terms.astype(str)),
    "a table": lambda made: replace(made, terms=made.terms[:, None]),
}


@pytest.mark.parametrize("how", ODD)
def test_a_text_on_which_the_model_fails_keeps_no_other_from_its_vector(
    make_library: Make, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(weighing, "BATCH", 2)
    model = Odd(ODD[how])
    library = make_library(background=False, sparse=lambda name: model)
    library.create("default", sparse="weigher")
    add(library, "heron", "swift", "toad", "owl", "wren")
    library.encode("default")
    assert library.sparse_encoded("default") == 4 and library._worker._light() == []
    (told,) = library.problems()
    assert "learned-sparse model fails on passages of 'default', such as " in told
    add(library, "dunnock")
    assert library._worker._light() == ["default"]
    library.encode("default")
    assert library.sparse_encoded("default") == 5

    asked = search(library, ["the toad of the marsh"])  # the model fails on the query too
    assert titles(asked)[0] == "toad" and any("without the learned-sparse arm" in note for note in asked.notes)
    assert library.sparse_encoded("default") == 5 and examine(library)[1:] == []
    for name in ("heron", "wren"):
        assert "sparse" in search(library, [name]).hits[0].arms

    model.word = "nothing such"
    again = make_library(background=False, sparse=lambda name: model)
    again.encode("default")
    assert again.sparse_encoded("default") == 6


def test_a_model_that_fails_on_every_text_is_told(make_library: Make) -> None:
    model = Odd(_fail)
    model.word = ""
    library = make_library(background=False, sparse=lambda name: model)
    library.create("default", sparse="weigher")
    add(library, *BIRDS)
    with pytest.raises(BadRequest, match="the model fails on every text"):
        library.encode("default")
    library._worker._try("default", library._worker.weigh)
    (told,) = library.problems()
    assert told.startswith("no vectors are made for 'default': the model fails on every text")


@pytest.mark.parametrize("hurt", ["head.json", "base-1.weights.bin", "tail-0.terms.bin", "everything"])
def test_damaged_sparse_vectors_are_made_again(
    opened: Callable[..., Library], weigher: WordWeigher, hurt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = opened()
    if hurt.startswith("base"):
        monkeypatch.setattr("carrel.index.sparse.arm._TIDY_ROWS", 0)
    add(library, *BIRDS)
    library.encode("default")
    (path,) = folder(library).iterdir()
    if hurt == "everything":
        shutil.rmtree(path)
    else:
        (path / hurt).write_bytes(b"nonsense")
    again = opened()
    found = search(again, ["owl"])
    assert titles(found) == ["owl"]
    if hurt != "everything":
        assert any("damaged" in note for note in found.notes)
        assert any("sparse" in each.words for each in examine(again))
    again.encode("default")
    assert share(again) == 1.0 and len(weigher.weighed) == 8
    assert titles(search(again, ["bird"])) == ["heron"]
    assert [each for each in again.problems() if "sparse" in each] or hurt == "everything"
    repair(again)
    assert examine(again) == []


def test_a_store_or_an_arm_restored_from_a_copy_fills_itself(
    opened: Callable[..., Library], make_library: Make, weigher: WordWeigher, tmp_path: Path
) -> None:
    library = opened()
    add(library, "heron", "swift")
    library.encode("default")
    shutil.copytree(folder(library), tmp_path / "older")
    add(library, "owl")
    library.encode("default")
    there = folder(library)
    library.close()
    shutil.rmtree(there)
    shutil.copytree(tmp_path / "older", there)
    again = opened()
    assert share(again) == pytest.approx(2 / 3)
    again.encode("default")
    assert share(again) == 1.0 and titles(search(again, ["owl"]))[0] == "owl"


def test_another_models_vectors_are_never_used(opened: Callable[..., Library]) -> None:
    library = opened()
    add(library, *BIRDS)
    library.encode("default")
    retrained = WordWeigher("retrained", implied={"bird": "owl"})
    later = opened(retrained)
    found = search(later, ["bird"])
    assert titles(found) == [] and found.coverage["sparse"] == 0.0
    later._worker.weigh("default")
    assert titles(search(later, ["bird"])) == ["owl"] and titles(search(library, ["bird"])) == ["heron"]
    assert any("another model" in each.words for each in examine(later))
    assert all(each.mended for each in repair(later)) and examine(later) == []


def test_a_collection_says_what_it_was_made_with(opened: Callable[..., Library]) -> None:
    library = opened()
    assert library.collection("default").sparse == "weigher"
    with pytest.raises(BadRequest, match="made otherwise"):
        library.create("default")
    library.create("plain")
    with pytest.raises(BadRequest, match="made otherwise"):
        library.create("plain", sparse="weigher")


def test_a_dropped_collection_takes_its_arm_along_and_one_made_anew_has_none(opened: Callable[..., Library]) -> None:
    library = opened()
    add(library, *BIRDS)
    library.encode("default")
    there = folder(library)
    library.remove("default", list(library.find("default")), drop=True)
    assert not there.exists() and not library.store.rows("SELECT * FROM meta WHERE key LIKE 'sparse%'")
    with pytest.raises(NotFound):
        library.encode("default")
    add(library, "owl")
    assert library.collection("default").sparse == "" and "sparse" not in search(library, ["owl"]).coverage


def test_a_copy_takes_its_sparse_vectors_along(opened: Callable[..., Library], weigher: WordWeigher) -> None:
    library = opened()
    add(library, *BIRDS)
    library.encode("default")
    copy_collection(library, "default", "other")
    library.encode("other")
    assert titles(search(library, ["bird"], collection="other")) == ["heron"]
    assert share(library, collection="other") == 1.0 and len(weigher.weighed) == 4


def test_a_copy_may_be_given_the_arm(make_library: Make, weigher: WordWeigher) -> None:
    library = make_library(background=False, sparse=lambda name: weigher)
    add(library, *BIRDS)
    copy_collection(library, "default", "other", sparse="weigher")
    library.encode("other")
    assert titles(search(library, ["bird"], collection="other")) == ["heron"]
    assert library.collection("default").sparse == ""


def test_an_archive_brings_the_arm_which_is_made_again(
    opened: Callable[..., Library], make_library: Make, weigher: WordWeigher, tmp_path: Path
) -> None:
    library = opened()
    add(library, *BIRDS)
    library.encode("default")
    export_collection(library, "default", tmp_path / "birds.carrel")
    elsewhere = make_library("elsewhere", background=False, sparse=lambda name: weigher)
    import_collection(elsewhere, tmp_path / "birds.carrel")
    import_collection(elsewhere, tmp_path / "birds.carrel")
    assert elsewhere.collection("default").sparse == "weigher" and share(elsewhere) == 0.0
    elsewhere.encode("default")
    assert titles(search(elsewhere, ["bird"])) == ["heron"] and share(elsewhere) == 1.0


def test_texts_repeated_in_many_documents_are_weighed_once(
    opened: Callable[..., Library], weigher: WordWeigher
) -> None:
    library = opened()
    library.add([text_document("the heron of the marsh") for _ in range(2)], beside=True)
    add(library, *BIRDS)
    library.encode("default")
    assert len(weigher.weighed) == len(set(weigher.weighed)) and share(library) == 1.0
    assert filling.BATCH == 256
