"""Vectors in the background: newest first, queries before everything, one encoder for all processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from carrel.errors import BadRequest, Unavailable
from carrel.index import Library, encoding, examine, repair
from carrel.index.gate import QueryGate
from carrel.retrieve import search
from kit import WordEncoder, text_document

Make = Callable[..., Library]


class Listening(WordEncoder):
    """Remembers what it was given, and calls back before it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.before: Callable[[], None] = lambda: None

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.before()
        self.heard += texts
        return super().encode(texts)


class Steps:
    """An event that is never set and counts how often it was waited for."""

    waited = 0

    def is_set(self) -> bool:
        return False

    def wait(self, timeout: float) -> bool:
        self.waited += 1
        return False


def test_what_was_added_last_is_encoded_first(make_library: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "BATCH", 1)
    encoder = Listening()
    library = make_library(encoder=encoder, background=False)
    for name in ("heron", "swift", "owl"):
        library.add([text_document(f"the {name}", name)])
    library.encode("default")
    assert [text.split("\n")[0] for text in encoder.heard] == ["owl", "swift", "heron"]


def test_what_is_added_meanwhile_comes_before_what_waited(make_library: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "BATCH", 1)
    encoder = Listening()
    library = make_library(encoder=encoder, background=False)
    library.add([text_document("the heron", "heron")])
    library.add([text_document("the swift", "swift")])

    def add_once() -> None:
        encoder.before = lambda: None
        library.add([text_document("the owl", "owl")])

    encoder.before = add_once
    library.encode("default")
    assert [text.split("\n")[0] for text in encoder.heard] == ["swift", "owl", "heron"]


def test_the_background_waits_while_a_query_is_encoded(tmp_path: Path) -> None:
    gate, steps = QueryGate(tmp_path), Steps()
    gate.wait(steps)  # type: ignore[arg-type]  # makes the sign, whose time is now
    steps.waited = 0
    with gate.query():
        gate.wait(steps)  # type: ignore[arg-type]
    assert steps.waited > 0


def test_the_background_waits_for_the_queries_of_other_processes_too(tmp_path: Path) -> None:
    mine, steps = QueryGate(tmp_path), Steps()
    mine.wait(steps)  # type: ignore[arg-type]
    with QueryGate(tmp_path).query():
        pass
    steps.waited = 0
    mine.wait(steps)  # type: ignore[arg-type]
    assert steps.waited > 0


def test_of_many_processes_one_encodes(make_library: Make) -> None:
    encoder = Listening()
    library = make_library(encoder=encoder, background=False)
    library.add([text_document("the heron", "heron")])
    others = [make_library(encoder=WordEncoder(), background=False) for _ in range(7)]
    refused: list[str] = []

    def try_the_others() -> None:
        for other in others:
            with pytest.raises(Unavailable, match="another process") as caught:
                other.encode("default")
            refused.append(str(caught.value))

    encoder.before = try_the_others
    library.encode("default")
    assert len(refused) == 7
    assert library.coverage("default")["dense"] == 1.0


def test_every_server_sees_how_far_the_vectors_are(make_library: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "BATCH", 1)
    encoder = Listening()
    library = make_library(encoder=encoder, background=False)
    library.add([text_document(f"the {name}", name) for name in ("heron", "swift", "owl", "wren")])
    other = make_library(encoder=WordEncoder(), background=False)
    seen: list[float] = []
    encoder.before = lambda: seen.append(search(other, ["heron"]).coverage["dense"])
    library.encode("default")
    assert seen == [0.0, 0.25, 0.5, 0.75]


def test_a_library_that_closes_leaves_the_rest_to_the_next(make_library: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "BATCH", 2)
    encoder = Listening()
    library = make_library(encoder=encoder, background=False)
    library.add([text_document(f"the {name}", name) for name in ("heron", "swift", "owl", "wren")])
    encoder.before = library._worker.close  # in the middle of the first batch
    library.encode("default")
    later = Listening()
    again = make_library(encoder=later, background=False)
    again.encode("default")
    assert again.coverage("default")["dense"] == 1.0
    assert len(encoder.heard) == 2 and sorted({*encoder.heard, *later.heard}) == sorted(
        f"{name}\nthe {name}" for name in ("heron", "swift", "owl", "wren")
    )


def test_vectors_come_by_themselves(make_library: Make) -> None:
    done = threading.Event()
    encoder = Listening()
    encoder.before = done.set
    library = make_library(encoder=encoder)
    library.add([text_document("the heron", "heron")])
    assert done.wait(30)


def test_a_collection_can_have_an_encoder_of_its_own(make_library: Make) -> None:
    by_name = {"big-64": WordEncoder("big-64", 64)}
    library = make_library(encoder=WordEncoder(), models=by_name.__getitem__, background=False)
    library.create("own", model="big-64")
    for collection in ("own", "default"):
        library.add([text_document("the swift hunts", "swift")], collection)
        library.encode(collection)
        assert search(library, ["swift"], collection=collection, mode="dense").hits[0].title == "swift"
    assert [each.encoder for each in library.collections()] == ["words-32", "big-64"]


class Picky(WordEncoder):
    """Fails on texts with a word, in one of several ways; on every text when it is ``broken``."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.word, self.broken = how, "toad", False

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = super().encode(texts)
        bad = [self.broken or self.word in text for text in texts]
        if any(bad) and self.how == "raises":
            raise RuntimeError("an index lies beyond the vocabulary")
        if any(bad) and self.how == "drops it":
            return vectors[[not each for each in bad]]
        vectors[bad] = {"no number": np.nan, "nothing": 0.0}.get(self.how, 1.0)
        return vectors


WAYS = ["raises", "drops it", "no number", "nothing"]


@pytest.mark.parametrize("how", WAYS)
def test_a_text_on_which_the_encoder_fails_is_set_aside_and_said_and_the_rest_encoded(
    make_library: Make, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(encoding, "BATCH", 3)
    encoder = Picky(how)
    library = make_library(encoder=encoder, background=False)
    library.add([text_document(f"the {name}", name) for name in ("heron", "swift", "toad", "owl", "wren")])
    library.encode("default")
    there = library.collection("default")
    assert (there.encoded, there.set_aside, library.pending("default")) == (4, 1, 0)
    assert search(library, ["wren"], mode="dense").hits[0].title == "wren"
    assert search(library, ["wren"]).coverage["dense"] == 0.8
    by_words = search(library, ["toad"])  # the encoder fails on the query too
    assert by_words.hits[0].title == "toad" and "lexical only: the encoder fails" in by_words.notes[0]
    with pytest.raises(Unavailable, match="fails on that text"):
        search(library, ["toad"], mode="dense")
    (told,) = library.problems()
    (ref,) = library.find("default", source="text:toad")
    assert "fails on passages of 'default'" in told and ref in told
    (found,) = [each for each in examine(library) if each.words not in library.problems()]
    assert "1 passages" in found.words and "--repair" in found.words

    encoder.word = "nothing such"
    assert all(each.mended for each in repair(library)) and library.problems() == []
    library.encode("default")
    assert search(library, ["toad"], mode="dense").hits[0].title == "toad"
    assert examine(library) == []


@pytest.mark.parametrize("how", WAYS)
def test_an_encoder_that_fails_on_every_text_sets_none_aside(make_library: Make, how: str) -> None:
    encoder = Picky(how)
    encoder.broken = True
    library = make_library(encoder=encoder, background=False)
    library.add([text_document(f"the {name}", name) for name in ("heron", "swift")])
    with pytest.raises(BadRequest, match="use another"):
        library.encode("default")
    assert library.pending("default") == 2
    encoder.broken = False
    library.encode("default")
    assert library.pending("default") == 0 and library.collection("default").set_aside == 0


def test_what_was_set_aside_is_forgotten_with_its_document(make_library: Make) -> None:
    library = make_library(encoder=Picky("raises"), background=False)
    library.add([text_document(f"the {name}", name) for name in ("heron", "toad")])
    library.encode("default")
    library.remove("default", list(library.find("default", source="text:toad")))
    there = library.collection("default")
    assert (there.passages, there.encoded, there.set_aside, there.waiting) == (1, 1, 0, 0)
