"""Signals and fusion at the engine's door: weights that hold, rankings that repeat, input that is hostile."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from carrel.errors import BadRequest, NotFound
from carrel.index import Library
from carrel.retrieve import Signals, Weights, search
from kit import WordEncoder, text_document

TEXTS = {
    "Badgers": "Badgers dig setts in woodland and eat worms at night.",
    "Otters": "Otters swim in rivers and hunt fish.",
    "Herons": "Herons stand in rivers and spear fish.",
    "Foxes": "Foxes hunt mice in woodland at night.",
}


@pytest.fixture
def shelf(make_library: Callable[..., Library]) -> Library:
    library = make_library(encoder=WordEncoder("words-256", 256), background=False)
    library.add([text_document(text, title) for title, text in TEXTS.items()])
    library.encode("default")
    return library


def _titles(library: Library, query: str, signals: Signals, **options: object) -> list[str]:
    return [hit.title for hit in search(library, [query], signals=signals, **options).hits]  # type: ignore[arg-type]


def test_the_query_outweighs_signals_that_point_elsewhere(shelf: Library) -> None:
    heron = search(shelf, ["herons"]).hits[0].passage.ref
    for wrong in (
        Signals(hypothetical=TEXTS["Herons"]),
        Signals(like=(str(heron),)),
        Signals(expansions=("herons", "spear fish")),
        Signals(hypothetical=TEXTS["Herons"], like=(str(heron),), expansions=("herons",)),
    ):
        assert _titles(shelf, "badgers dig setts", wrong)[0] == "Badgers"


def test_fusion_by_ranks_finds_the_same_hits_with_scores_up_to_one(shelf: Library) -> None:
    ranking = search(shelf, ["otters hunt fish"], weights=Weights(fusion="rrf"))
    assert ranking.hits[0].title == "Otters" and ranking.hits[0].score == pytest.approx(1.0)
    assert {hit.title for hit in ranking.hits} == {hit.title for hit in search(shelf, ["otters hunt fish"]).hits}
    led = search(shelf, ["otters"], signals=Signals(expansions=("woodland",)), weights=Weights(fusion="rrf"))
    assert any("expansion" in hit.arms for hit in led.hits)


def test_several_queries_keep_equal_weight_beside_signals(shelf: Library) -> None:
    hits = search(shelf, ["otters swim", "badgers dig"], signals=Signals(expansions=("mice",))).hits
    assert {hit.title for hit in hits[:2]} == {"Otters", "Badgers"}


def test_equal_questions_have_equal_rankings(shelf: Library) -> None:
    otter = str(search(shelf, ["otters"]).hits[0].passage.ref)
    signals = Signals("foxes hunt mice", ("rivers",), ("in",), ("setts",), (otter, otter))
    assert search(shelf, ["fsih"], signals=signals) == search(shelf, ["fsih"], signals=signals)


def test_expansions_where_words_do_not_rank_are_said_to_be_unused(shelf: Library) -> None:
    notes = search(shelf, ["fish"], mode="dense", signals=Signals(expansions=("otter",))).notes
    assert any("'expansions' was not used" in note for note in notes)


def test_a_reference_without_text_or_without_document_is_refused(shelf: Library) -> None:
    blank = text_document("Words.\n\n\n\n     \n\nMore words.")
    shelf.keep(blank)
    with pytest.raises(BadRequest, match="no text"):
        search(shelf, ["fish"], signals=Signals(like=(f"{blank.doc_id}:7-9",)))
    shelf.add([blank], "other")
    shelf.remove("other", [blank.doc_id], forget=True)
    with pytest.raises(NotFound):
        search(shelf, ["fish"], signals=Signals(like=(blank.doc_id,)))


@pytest.mark.parametrize("hostile", ['"' * 500, "“" * 400, "\ud800\ud801", "\0", "( AND ) OR *", "a" * 500, "é̀" * 200])
def test_hostile_words_neither_fail_nor_hang(shelf: Library, hostile: str) -> None:
    signals = Signals(hostile, (hostile,), (), (hostile,), ())
    assert _titles(shelf, f"otters {hostile}", signals)[0] == "Otters"
    assert _titles(shelf, "otters", Signals(must=(hostile, "fish")))[:1] in (["Otters"], [])


def test_a_long_query_of_unknown_words_is_answered_at_once(shelf: Library) -> None:
    query = " ".join(f"{chr(97 + i % 26)}qzxwvkjy{chr(97 + i // 26)}" for i in range(60)) + " otters"
    began = time.thread_time()
    assert _titles(shelf, query, Signals())[0] == "Otters"
    assert time.thread_time() - began < 2.0


def test_a_word_replaced_within_a_query_leaves_longer_words_alone(shelf: Library) -> None:
    with shelf.view("default") as view:
        mending = view.mend("rivrs in rivrside, rivrs!")
        assert mending.said == "rivers in rivrside, rivers!" and mending.asked == "rivrs in rivrside, rivrs!"
        assert [word for word, _ in mending.meant] == ["rivrs"]


def test_a_word_of_uncertain_meaning_is_searched_for_but_not_rewritten(shelf: Library) -> None:
    shelf.add([text_document("A boat with a goat and a coat.", "Rhymes")])
    with shelf.view("default") as view:
        mending = view.mend("the noat")
        assert mending.said == "the noat"
        assert {term for term, _ in mending.terms} == {"boat", "goat", "coat"}
