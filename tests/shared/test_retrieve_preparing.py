"""A collection made ready for late interaction ahead: once, as far as there is room, and resumed where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

import numpy as np
import pytest
from numpy.typing import NDArray

from carrel.errors import BadRequest, NotFound
from carrel.index import Library
from carrel.rerank import Patience, Pipeline, Scorers, Shelf, Stage
from carrel.retrieve import Reranking, prepare, search
from carrel.retrieve.__main__ import main
from carrel.settings import Settings
from kit import text_document

LATE = Pipeline("late", (Stage("late", "reader", cut=50),))
Make = Callable[..., Library]


class Reader:
    """A model that reads passages ahead and counts them; it scores by the number of letters it has read."""

    fingerprint = "reader-1"

    def __init__(self, *, stops_after: int = 10_000, weighs: int = 10) -> None:
        self.read: list[str] = []
        self.ready: dict[str, int] = {}
        self._stops_after = stops_after
        self._weighs = weighs

    def prepare(self, texts: Mapping[int, str], shelf: Shelf, patience: Patience) -> Future[None] | None:
        there = shelf.read(self.fingerprint, list(texts))
        self.ready.update((texts[digest], int(content)) for digest, content in there.items())
        made = {digest: text for digest, text in texts.items() if digest not in there}
        self.read += made.values()
        self.ready.update((text, len(text)) for text in made.values())
        if len(self.read) > self._stops_after:
            raise KeyboardInterrupt
        return shelf.write(
            self.fingerprint, {digest: str(len(text)).zfill(self._weighs).encode() for digest, text in made.items()}
        )

    def score(self, queries: Sequence[str], texts: Sequence[str], patience: Patience) -> NDArray[np.float64]:
        return np.array([[float(self.ready[text]) for text in texts]] * len(queries))


def scorers(reader: Reader, settings: Settings) -> Scorers:
    return Scorers(settings.models, loaders={"late": lambda model, models: reader})


@pytest.fixture
def shelf(make_library: Make) -> Library:
    library = make_library()
    texts = [f"The animal{number} grazes{' on' * (number % 7)} plain {number}." for number in range(600)]
    library.add([text_document(text, f"Animal {number}") for number, text in enumerate(texts)])
    return library


def said(done: int, total: int) -> None:
    assert 0 < done <= total


def test_every_passage_is_read_once_and_then_by_no_search(shelf: Library, settings: Settings) -> None:
    reader = Reader()
    did = prepare(shelf, "default", LATE, scorers(reader, settings), said)
    assert (did.passages, did.made, did.left) == (600, 600, 0) and len(set(reader.read)) == 600
    again = Reader()
    did = prepare(shelf, "default", LATE, scorers(again, settings), said)
    assert (did.passages, did.made, did.left) == (600, 0, 0) and not again.read
    plan = Reranking(LATE, scorers(again, settings))
    hits = search(shelf, ["what grazes"], reranking=plan, k=50).hits
    assert len(hits) == 50 and "late" in hits[0].arms and not again.read
    shelf.add([text_document("A stranger grazes grazes.", "Stranger")])
    search(shelf, ["stranger grazes"], reranking=plan)
    assert [text.splitlines()[0] for text in again.read] == ["Stranger"]


def test_a_search_of_one_process_makes_ready_for_the_others(
    shelf: Library, make_library: Make, settings: Settings
) -> None:
    first, second = Reader(), Reader()
    one = search(shelf, ["what grazes"], reranking=Reranking(LATE, scorers(first, settings)), k=50)
    shelf.close()
    other = search(make_library(), ["what grazes"], reranking=Reranking(LATE, scorers(second, settings)), k=50)
    assert len(first.read) == 50 and not second.read and one == other


def test_who_is_stopped_goes_on_where_he_was(shelf: Library, settings: Settings) -> None:
    stopped = Reader(stops_after=200)
    with pytest.raises(KeyboardInterrupt):
        prepare(shelf, "default", LATE, scorers(stopped, settings), said)
    rest = Reader()
    did = prepare(shelf, "default", LATE, scorers(rest, settings), said)
    assert did.passages == 600 and 400 <= did.made == len(rest.read) < 450


def test_preparing_stops_when_the_room_ends_and_says_for_how_many(make_library: Make, settings: Settings) -> None:
    library = make_library(token_room=1_000_000)
    library.add([text_document(f"The animal{number} grazes.", f"Animal {number}") for number in range(300)])
    reader = Reader(weighs=8_000)
    did = prepare(library, "default", LATE, scorers(reader, settings), said)
    assert did.passages == 300 == did.made + did.left and did.made == 96
    assert library.tokens.taken() <= 1_000_000
    assert prepare(library, "default", LATE, scorers(reader, settings), said).made == 0


def test_what_cannot_be_prepared_is_said_in_one_sentence(
    shelf: Library, make_library: Make, settings: Settings
) -> None:
    with pytest.raises(BadRequest, match="only late ones can"):
        prepare(shelf, "default", Pipeline("host", (Stage("host"),)), scorers(Reader(), settings), said)
    with pytest.raises(NotFound):
        prepare(shelf, "nowhere", LATE, scorers(Reader(), settings), said)
    with pytest.raises(BadRequest, match="CARREL_TOKENS_MB"):
        prepare(make_library(token_room=0), "default", LATE, scorers(Reader(), settings), said)


def test_the_program_answers_in_json_lines_and_makes_no_library(
    shelf: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("carrel.retrieve.__main__.Scorers", lambda models: scorers(Reader(), settings))
    assert main(["prepare", "default", "--data", str(shelf.data), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-2] == {"progress": 1.0}
    assert lines[-1] == {"collection": "default", "passages": 600, "made": 600, "left": 0}
    assert main(["prepare", "default", "--data", str(shelf.data / "nowhere"), "--json"]) == 1
    assert "no library" in json.loads(capsys.readouterr().out)["error"]["message"]
    assert not (shelf.data / "nowhere").exists()
