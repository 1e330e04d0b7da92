"""Questions made of one's own collection, and the pipeline chosen by them; test sets with vectors."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("ir_measures", reason="the measures need the extra 'evaluate'")

from carrel.errors import BadRequest, NotFound, Unavailable
from carrel.evaluation import (
    Shelf,
    compared,
    halves,
    own_questions,
    pipeline,
    read_corpus,
    run_pipeline,
    shelf_of,
)
from carrel.evaluation.options import parser, read_options
from carrel.evaluation.own import GRANULARITY, place_name
from carrel.evaluation.work import Surroundings, work
from carrel.index import Library, terms
from carrel.records import parse_ref
from carrel.settings import Settings
from kit import WordEncoder, text_document

BEASTS = ("fox", "heron", "otter", "lynx", "badger", "salmon", "beetle", "falcon", "newt", "hare")
DEEDS = ("hunting at dusk", "building shelters", "crossing rivers", "raising young", "surviving winter")


def clock() -> Callable[[], float]:
    ticks = itertools.count()
    return lambda: float(next(ticks))


def beast_document(beast: str, number: int) -> str:
    """A document with sections, each with sentences that no other document has."""
    parts = [f"# Field notes about the {beast} of valley {number}\n"]
    for place, deed in enumerate(DEEDS):
        parts.append(f"\n## The {beast} and {deed}\n")
        parts.append(
            f"\nObservers in valley {number} measured how often every {beast} was {deed} during season {place}. "
            f"Nobody expected station {number * 10 + place} to report so many sightings of the {beast} at once.\n"
        )
    return "".join(parts)


@pytest.fixture
def notes(library: Library) -> Library:
    library.add([text_document(beast_document(beast, n)) for n, beast in enumerate(BEASTS)], "mine")
    return library


def test_each_question_is_answered_by_the_place_it_was_made_of(notes: Library):
    questions = own_questions(notes, "mine", each=20)
    assert {kind: list(questions.kinds.values()).count(kind) for kind in ("title", "heading", "sentence")} == {
        "title": 10,
        "heading": 20,
        "sentence": 20,
    }
    for topic, text in questions.topics.items():
        ((place, grade),) = questions.qrels[topic].items()
        span = notes.resolve(parse_ref(place))
        said = set(terms(span.text + " " + span.document.title))
        assert grade == 1
        assert len(set(terms(text))) >= 3
        assert set(terms(text)) <= said, f"{text!r} is not of {span.text!r}"


def test_a_question_keeps_the_order_of_its_words_and_not_all_of_them(notes: Library):
    questions = own_questions(notes, "mine", each=20)
    shorter = 0
    for topic in (topic for topic, kind in questions.kinds.items() if kind == "sentence"):
        (place,) = questions.qrels[topic]
        words = terms(notes.resolve(parse_ref(place)).text)
        asked = iter(words)
        said = terms(questions.topics[topic])
        assert all(word in asked for word in said)
        shorter += len(said) < len(words) / 2
    assert shorter >= 15


def test_the_same_seed_gives_the_same_questions_and_another_one_others(notes: Library):
    first = own_questions(notes, "mine", each=8, seed=1)
    assert own_questions(notes, "mine", each=8, seed=1) == first
    assert own_questions(notes, "mine", each=8, seed=2).topics != first.topics


def test_a_question_that_fits_two_places_is_dropped(library: Library):
    said = "# Ferry timetable of the northern line\n\nThe ferry leaves the northern harbour each hour till midnight."
    library.add([text_document(said, title) for title in ("Ferry timetable one", "Ferry timetable two")], "mine")
    questions = own_questions(library, "mine")
    assert set(questions.kinds.values()) == {"title"}
    assert "0 questions of kind sentence; 2 that fit several places dropped" in questions.notes


def test_a_collection_that_is_empty_or_unknown_is_told(library: Library):
    with pytest.raises(NotFound):
        own_questions(library, "nowhere")
    library.add([text_document("short")], "mine")
    with pytest.raises(BadRequest, match="no question can be made"):
        own_questions(library, "mine")


def test_no_document_is_in_both_halves(notes: Library):
    one, other = halves(own_questions(notes, "mine", each=20))
    documents = [{name.partition(":")[0] for grades in half.qrels.values() for name in grades} for half in (one, other)]
    assert documents[0] & documents[1] == set()
    assert documents[0] and documents[1]
    assert set(one.topics) & set(other.topics) == set()


def test_a_search_by_words_finds_most_of_the_places(notes: Library):
    questions = own_questions(notes, "mine", each=20)
    shelf = Shelf(notes, {"usual": "mine"}, place_name, kinds=GRANULARITY)
    run = run_pipeline(shelf, questions, pipeline("lexical"), depth=10, clock=clock())
    table = compared(questions, [run], [], measures=["RR@10"])
    assert set(table.rows[0].by_kind) == {"title", "heading", "sentence"}
    assert min(table.rows[0].by_kind.values()) > 0.8
    assert table.rows[0].p50_ms == 1000  # the pretended clock ticks once per question


@pytest.fixture
def around(tmp_path: Path, notes: Library) -> Surroundings:
    settings = Settings(data=notes.data, models=tmp_path / "models", encoder="none", read_only=True)
    return Surroundings(settings, tmp_path / "cache", clock(), lambda done, total, what: None)


def options(*arguments: str):
    return read_options(parser().parse_args(arguments))


def test_the_default_is_kept_unless_another_pipeline_is_surely_better(around: Surroundings):
    (outcome,) = work(
        options("--own", "mine", "--pipeline", "lexical", "--pipeline", "default", "--questions", "20"), around
    )
    assert outcome.data["choice"] == "default"
    assert "Keep the default" in outcome.markdown
    assert "title (10)" in outcome.markdown
    assert [half["set"] for half in outcome.data["halves"]] == ["mine (picking)", "mine (proving)"]
    assert any("20 questions of kind heading" in note for note in outcome.data["notes"])


def test_a_collection_is_measured_by_its_owners_judgements(around: Surroundings, notes: Library, tmp_path: Path):
    named = {notes.document(doc_id).title: doc_id for doc_id in notes.find("mine")}
    fox, hare = (next(doc_id for title, doc_id in named.items() if beast in title) for beast in ("fox", "hare"))
    (tmp_path / "q.tsv").write_text("1\tfox raising young\n2\thare crossing rivers\n", encoding="utf-8")
    (tmp_path / "r.txt").write_text(f"1 0 {fox} 1\n2 0 {hare} 1\n2 0 ghost 1\n", encoding="utf-8")
    files = ("--queries", str(tmp_path / "q.tsv"), "--qrels", str(tmp_path / "r.txt"))
    (outcome,) = work(options("--collection", "mine", *files, "--pipeline", "lexical", "--measure", "RR@10"), around)
    assert outcome.data["pipelines"][0]["means"]["RR@10"] == 1
    assert "1 relevant documents are not in the collection and count as not found" in outcome.data["notes"]


def test_a_library_has_one_index(around: Surroundings):
    with pytest.raises(BadRequest, match="one index"):
        list(work(options("--own", "mine", "--pipeline", "lexical:words=whole"), around))


def test_stages_that_need_vectors_are_an_error_where_there_are_none(around: Surroundings):
    with pytest.raises(Unavailable, match="encoder"):
        list(work(options("--own", "mine", "--ablate"), around))


CORPUS = "".join(
    f'{{"_id": "{beast}", "title": "Notes on the {beast}", "text": "The {beast} lives in valley number {n}."}}\n'
    for n, beast in enumerate(BEASTS)
)


def test_vectors_are_made_once_for_all_ways_to_read_words(tmp_path: Path, encoder: WordEncoder):
    (tmp_path / "corpus.jsonl").write_text(CORPUS, encoding="utf-8")
    corpus = read_corpus(tmp_path / "corpus.jsonl")
    with shelf_of(corpus, tmp_path / "cache", lambda: encoder, words=("usual", "whole")) as shelf:
        assert encoder.encoded == len(BEASTS)
        assert {shelf.library.collection(name).encoded for name in shelf.collections.values()} == {len(BEASTS)}
    with shelf_of(corpus, tmp_path / "cache", lambda: encoder, words=("usual", "whole")):
        assert encoder.encoded == len(BEASTS)


def test_encoding_that_was_interrupted_goes_on_from_there(tmp_path: Path):
    rows = "".join(
        f'{{"_id": "d{n}", "title": "", "text": "observation number {n} of the valley"}}\n' for n in range(600)
    )
    (tmp_path / "corpus.jsonl").write_text(rows, encoding="utf-8")
    corpus = read_corpus(tmp_path / "corpus.jsonl")

    class Interrupted(WordEncoder):
        def encode(self, texts):
            if self.encoded >= 256:
                raise KeyboardInterrupt
            return super().encode(texts)

    with pytest.raises(KeyboardInterrupt), shelf_of(corpus, tmp_path / "cache", Interrupted):
        pass
    second = WordEncoder()
    with shelf_of(corpus, tmp_path / "cache", lambda: second) as shelf:
        assert 0 < second.encoded < 600
        assert shelf.library.collection("set").encoded == 600


def test_a_cache_of_another_program_is_made_anew(tmp_path: Path, encoder: WordEncoder):
    (tmp_path / "corpus.jsonl").write_text(CORPUS, encoding="utf-8")
    corpus = read_corpus(tmp_path / "corpus.jsonl")
    with shelf_of(corpus, tmp_path / "cache", lambda: encoder) as shelf:
        store = shelf.library.data / "store.sqlite"
    import sqlite3

    connection = sqlite3.connect(store)
    connection.execute("PRAGMA user_version=99")
    connection.execute("UPDATE meta SET value='999' WHERE key='format'")
    connection.commit()
    connection.close()
    with shelf_of(corpus, tmp_path / "cache", lambda: encoder) as shelf:
        assert shelf.library.collection("set").documents == len(BEASTS)
