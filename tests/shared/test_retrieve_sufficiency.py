"""A ranking says whether the collection holds evidence, and never takes "could not look" for "no"."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel.index import Filters, Library
from carrel.models import DEFAULT_NAME
from carrel.retrieve import Features, Mode, Signals, probability, search
from kit import FOX, OWL, REPOSITORY, WordEncoder, text_document

DATA = REPOSITORY.parent / "shared" / "data" / "retrieval"
ASTRAY = "quarterly revenue of semiconductor suppliers"
shares = st.floats(0, 1)


@pytest.fixture
def shelf(make_library: Callable[..., Library]) -> Library:
    library = make_library(encoder=WordEncoder(DEFAULT_NAME, 256), background=False)
    library.add([text_document(FOX, "Foxes"), text_document(OWL, "Owls")])
    library.encode("default")
    return library


def level(library: Library, query: str, **options: object) -> str:
    found = search(library, [query], **options).sufficiency  # type: ignore[arg-type]
    assert found is not None
    return found.level


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "dense"])
def test_a_question_that_is_answered_is_told_from_one_that_is_not(shelf: Library, mode: str) -> None:
    assert level(shelf, "How much food does a grown fox need a day?", mode=mode) == "sufficient"
    assert level(shelf, ASTRAY, mode=mode) == "none"


def test_none_is_said_in_words_with_what_was_asked(shelf: Library) -> None:
    note = search(shelf, [ASTRAY]).notes[-1]
    assert note == f"no good evidence in this collection for: {ASTRAY}; what was found is only the nearest"
    assert search(shelf, [ASTRAY], mode="lexical").notes[-1].endswith("; nothing was found")
    assert search(shelf, [ASTRAY], signals=Signals(must=("fox",))).notes[-1].startswith("no good evidence within these")
    long = search(shelf, [f"{ASTRAY} {'of asia ' * 60}"]).notes[-1]
    assert len(long) < 220 and "…" in long


def test_evidence_leaves_no_such_note(shelf: Library) -> None:
    assert not search(shelf, ["How much food does a grown fox need a day?"]).notes


def test_the_best_of_several_wordings_counts(shelf: Library) -> None:
    both = search(shelf, [ASTRAY, "How much food does a grown fox need a day?"]).sufficiency
    assert both == search(shelf, ["How much food does a grown fox need a day?"]).sufficiency


def test_every_page_of_a_listing_says_the_same(shelf: Library) -> None:
    pages = [search(shelf, ["fox owl birds"], k=1, offset=offset).sufficiency for offset in range(5)]
    assert len(set(pages)) == 1


def test_vectors_that_are_still_being_made_are_no_reason_to_say_none(shelf: Library) -> None:
    shelf.add([text_document("Wolves howl to each other over many miles of forest.", "Wolves")])
    found = search(shelf, [ASTRAY])
    assert found.sufficiency is not None and found.sufficiency.level == "weak"
    assert "still being made" in found.notes[0]
    assert level(shelf, "wolves howl over the forest") == "sufficient"


def test_without_an_encoder_meaning_was_not_looked_at_and_none_is_not_said(library: Library) -> None:
    library.add([text_document(FOX, "Foxes")])
    assert level(library, "fox revenue of semiconductor suppliers in asia") == "weak"
    assert level(library, "fox revenue of semiconductor suppliers in asia", mode="lexical") == "none"


def test_another_encoder_is_judged_by_words_or_not_at_all(make_library: Callable[..., Library]) -> None:
    library = make_library(encoder=WordEncoder("another"), background=False)
    library.add([text_document(FOX, "Foxes")])
    library.encode("default")
    hybrid = search(library, ["grown fox food a day"]).sufficiency
    dense = search(library, ["grown fox food a day"], mode="dense").sufficiency
    assert hybrid is not None and (hybrid.level, hybrid.basis) == ("sufficient", "words")
    assert dense is not None and (dense.level, dense.probability) == ("uncalibrated", None)


@pytest.mark.parametrize("mode", ["hybrid", "lexical"])
def test_a_typing_error_is_no_missing_evidence(shelf: Library, mode: Mode) -> None:
    right = search(shelf, ["grown fox food"], mode=mode).sufficiency
    slips = search(shelf, ["groown fox foood"], mode=mode).sufficiency
    assert right is not None and slips is not None and slips.level == "sufficient"
    assert slips.probability == pytest.approx(right.probability, abs=0.04)


def test_one_phrase_that_is_there_does_not_answer_the_rest(shelf: Library) -> None:
    asked = 'revenue of "grown fox" semiconductor suppliers in asia during winter'
    plain = search(shelf, [asked.replace('"', "")], mode="lexical").sufficiency
    quoted = search(shelf, [asked], mode="lexical").sufficiency
    assert plain is not None and quoted is not None and plain.probability is not None and quoted.probability is not None
    assert quoted.level != "sufficient" and quoted.probability <= plain.probability + 0.15


def test_an_empty_collection_or_filter_has_none(shelf: Library) -> None:
    shelf.create("empty")
    assert level(shelf, "fox", collection="empty") == "none"
    found = search(shelf, ["fox"], filters=Filters(after="2030"))
    assert found.sufficiency is not None and found.sufficiency.level == "none"
    assert found.notes[-1] == "no good evidence within these limits for: fox; nothing was found"


@pytest.mark.parametrize("query", ["the of and", "?", "🦊", "\ud800", "fox " * 900, '"fox"', "狐狸"])
def test_odd_queries_are_judged_too(shelf: Library, query: str) -> None:
    found = search(shelf, [query]).sufficiency
    assert found is not None and (found.probability is None or 0 <= found.probability <= 1)


@given(cosine=st.none() | st.floats(-1, 1), words=st.none() | shares, more=shares)
def test_more_likeness_never_means_less_evidence(cosine: float | None, words: float | None, more: float) -> None:
    before, _ = probability(Features(cosine, words), DEFAULT_NAME)
    if before is None:
        assert cosine is None and words is None
        return
    for near, wordy in itertools.product((0, more), repeat=2):
        after, _ = probability(
            Features(None if cosine is None else cosine + near, None if words is None else words + wordy), DEFAULT_NAME
        )
        assert after is not None and 0 <= before <= after <= 1


def test_questions_of_one_collection_find_little_in_another_by_words(library: Library) -> None:
    """Small cuts of two collections; benchmarks/sufficiency measures whole ones, with vectors."""
    if not DATA.is_dir():
        pytest.skip("the retrieval test data is not beside the repository")
    asked = {}
    for name in ("cranfield", "scifact"):
        documents, asked[name] = cut(name, 60)
        library.add([text_document(text, title) for title, text in documents], name)
    rates = {(of, name): share_below(library, of, asked[name]) for of in asked for name in asked}
    assert rates["cranfield", "scifact"] >= 0.8 and rates["scifact", "cranfield"] >= 0.8, rates
    assert rates["scifact", "scifact"] <= 0.1 and rates["cranfield", "cranfield"] <= 0.25, rates


def share_below(library: Library, of: str, queries: list[str]) -> float:
    """The share of queries that are called weak or none."""
    levels = [level(library, query, collection=of, mode="lexical", k=1) for query in queries]
    return sum(each != "sufficient" for each in levels) / len(levels)


def cut(name: str, most: int) -> tuple[list[tuple[str, str]], list[str]]:
    """Documents that answer questions, some that do not, and the questions."""
    folder = DATA / name
    relevant: dict[str, list[str]] = {}
    for line in (folder / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        topic, document, grade = line.split("\t")
        if int(grade) > 0:
            relevant.setdefault(topic, []).append(document)
    chosen = random.Random(1).sample(sorted(relevant), most)
    wanted = {document for topic in chosen for document in relevant[topic]}
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    kept = [row for number, row in enumerate(rows) if row["_id"] in wanted or number % 20 == 0]
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    queries = {row["_id"]: row["text"] for row in map(json.loads, lines)}
    return [(row.get("title", ""), row["text"]) for row in kept], [queries[topic] for topic in chosen]
