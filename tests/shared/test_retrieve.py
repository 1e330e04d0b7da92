"""Rankings: right, explained, reproducible, and honest about what they could not see."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrel.errors import BadRequest
from carrel.fusion import convex, reciprocal_rank, reciprocal_rank_share
from carrel.index import Filters, Library
from carrel.records import Document
from carrel.retrieve import evidence, excerpt, search
from kit import FOX, WordEncoder, text_document


@pytest.fixture
def shelf(make_library: Callable[..., Library], fox: Document, owl: Document) -> Library:
    library = make_library(encoder=WordEncoder(), background=False)
    library.add([fox, owl, text_document("Badgers dig setts. They eat worms.", "Badgers")])
    library.encode("default")
    return library


def test_both_arms_find_and_each_hit_tells_which(shelf: Library) -> None:
    hits = search(shelf, ["rodents and berries"]).hits
    assert hits[0].passage.text.startswith("## Diet")
    assert set(hits[0].arms) == {"lexical", "dense"}
    assert hits[0].arms["lexical"].rank == 1
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert all(a.score >= b.score for a, b in itertools.pairwise(hits))


def test_a_document_hit_is_its_best_passage_once(shelf: Library) -> None:
    hits = search(shelf, ["fox food rodents speed"], granularity="document").hits
    assert len({hit.passage.doc_id for hit in hits}) == len(hits)
    passages = search(shelf, ["fox food rodents speed"], k=50).hits
    for hit in hits:
        assert hit.score == max(other.score for other in passages if other.passage.doc_id == hit.passage.doc_id)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_section_hit_spans_the_section(shelf: Library) -> None:
    hit = search(shelf, ["rodents berries"], granularity="section").hits[0]
    assert hit.passage.text.startswith("## Diet") and "500 grams" in hit.passage.text
    assert "48 kilometres" not in hit.passage.text


def test_a_sentence_hit_is_the_sentence_that_says_it(shelf: Library) -> None:
    hit = search(shelf, ["grams of food a day"], granularity="sentence").hits[0]
    assert hit.passage.text == "A grown fox needs 500 grams of food a day."
    assert shelf.resolve(hit.passage.ref).text == hit.passage.text


def test_a_sentence_hit_is_no_heading_where_a_sentence_stands_below_it(shelf: Library) -> None:
    hit = search(shelf, ["the diet of foxes"], granularity="sentence").hits[0]
    assert not hit.passage.text.startswith("#") and hit.passage.text.endswith(".")


def test_several_queries_are_fused(shelf: Library) -> None:
    found = {hit.title for hit in search(shelf, ["barn owl hearing", "badgers worms"], k=2).hits}
    assert found == {"Owls", "Badgers"}


def test_pages_of_results_do_not_overlap_and_leave_nothing_out(shelf: Library) -> None:
    whole = [str(hit.passage.ref) for hit in search(shelf, ["fox owl badger birds"], k=50).hits]
    paged = [
        str(h.passage.ref)
        for start in range(0, 50, 2)
        for h in search(shelf, ["fox owl badger birds"], k=2, offset=start).hits
    ]
    assert paged == whole and len(whole) >= 5


def test_the_same_question_gives_the_same_ranking_in_another_process_of_the_folder(
    shelf: Library, make_library: Callable[..., Library]
) -> None:
    again = make_library(encoder=WordEncoder(), background=False)
    assert search(shelf, ["fox owl birds"]) == search(again, ["fox owl birds"])


def test_filters_limit_both_arms(shelf: Library) -> None:
    shelf.add([text_document("A fox in the city eats rodents.", "City fox")])
    tagged = text_document("A fox in the fields eats rodents and berries.", "Field fox")
    shelf.add([Document(**{**{f: getattr(tagged, f) for f in tagged.__dataclass_fields__}, "tags": ("field",)})])
    hits = search(shelf, ["fox rodents"], filters=Filters(tags=("field",))).hits
    assert {hit.title for hit in hits} == {"Field fox"}
    assert search(shelf, ["fox"], filters=Filters(after="2030")).hits == ()
    assert search(shelf, ["fox"], filters=Filters(source_kinds=("web",))).hits == ()


def test_missing_vectors_are_said_with_their_share(shelf: Library) -> None:
    shelf.add([text_document("A wolf howls.", "Wolves")])
    ranking = search(shelf, ["wolf"])
    assert ranking.hits[0].title == "Wolves"
    assert ranking.coverage["dense"] < 1
    assert "vectors are still being made" in ranking.notes[0]


@pytest.mark.parametrize("query", ["", "   ", "\n\t"])
def test_an_empty_query_says_what_to_do(shelf: Library, query: str) -> None:
    with pytest.raises(BadRequest, match="empty"):
        search(shelf, [query])


@pytest.mark.parametrize(
    "query",
    [
        "foo(",
        "http://x",
        "error: refused",
        '"unbalanced',
        "AND OR NOT",
        "title:fox",
        "fox^2 +owl -bird",
        "\ud800 fox",
        "*",
        "~",
        "fox\0owl",
    ],
)
def test_query_syntax_is_text_like_any_other(shelf: Library, query: str) -> None:
    search(shelf, [query], mode="lexical")


def test_no_term_is_lost_to_query_syntax(shelf: Library) -> None:
    assert search(shelf, ["zzz( rodents: http://x +"], mode="lexical").hits[0].passage.text.startswith("## Diet")


def test_a_query_of_thousands_of_words_is_answered_by_its_rarest(shelf: Library) -> None:
    query = " ".join(["fox"] * 900 + [f"word{number}" for number in range(90)] + ["kilometres"])
    assert "48 kilometres" in search(shelf, [query], mode="lexical").hits[0].passage.text
    with pytest.raises(BadRequest, match="longer than"):
        search(shelf, ["fox " * 10_000])


@given(st.text(max_size=80))
@settings(max_examples=60, deadline=None)
def test_an_excerpt_is_within_its_limits(query: str) -> None:
    start, end = excerpt(FOX, [query], 120)
    assert 0 <= start < end <= len(FOX) and end - start <= 120


def test_an_excerpt_holds_what_was_asked() -> None:
    start, end = excerpt(FOX, ["how fast does it run"], 80)
    assert "run at 48" in FOX[start:end]


def test_evidence_is_found_in_documents_that_no_index_holds(fox: Document, owl: Document) -> None:
    best = evidence([owl, fox], "How much food does a fox need?", k=3)[0]
    assert "500 grams" in best.passage.text
    assert fox.text[best.passage.start : best.passage.end] == best.passage.text


def test_evidence_windows_do_not_overlap(fox: Document) -> None:
    hits = evidence([fox], "fox rodents birds berries food run", k=5, encoder=WordEncoder())
    spans = sorted((hit.passage.start, hit.passage.end) for hit in hits)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


def test_a_claim_that_shares_no_word_has_no_evidence(fox: Document) -> None:
    assert evidence([fox], "quantum chromodynamics") == ()


def test_convex_fusion_weighs_normalised_scores() -> None:
    fused = convex([{"a": 10.0, "b": 0.0}, {"a": 0.2, "b": 0.4}], [0.75, 0.25])
    assert fused == {"a": 0.75, "b": 0.25}
    assert convex([{"a": 3.0}, {}], [0.5, 0.5]) == {"a": 0.5}


def test_reciprocal_rank_fusion_is_the_published_sum() -> None:
    assert reciprocal_rank([["a", "b"], ["b"]])["b"] == pytest.approx(1 / 62 + 1 / 61)
    shared = reciprocal_rank_share([{"a": 1, "b": 1}, {}, {"b": 1, "c": 2}])
    assert shared == pytest.approx({"a": 0.5, "b": 1.0, "c": 61 / 62 / 2})
    assert reciprocal_rank_share([{}]) == reciprocal_rank([]) == {}
