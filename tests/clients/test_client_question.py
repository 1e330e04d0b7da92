from __future__ import annotations

import pytest

from carrel_client.question import content_words, stem, sub_queries, words


def test_the_question_itself_is_always_the_first_query():
    assert sub_queries("  Which   transports does it support? ")[0] == "Which transports does it support?"


def test_question_words_are_dropped_from_the_keyword_query():
    assert sub_queries("What is the Model Context Protocol?")[1] == "model context protocol"


def test_each_clause_of_a_double_question_is_searched_alone():
    queries = sub_queries("What is RapidFuzz written in, and how does chardet guess encodings?")
    assert "rapidfuzz written" in queries
    assert any("chardet" in query and "rapidfuzz" not in query.casefold() for query in queries)


def test_a_quoted_phrase_is_a_query_of_its_own():
    assert "late interaction" in sub_queries('What does "late interaction" mean for ranking models?')


def test_no_query_is_given_twice_in_other_words():
    queries = sub_queries("transport transports")
    assert len(queries) == len({frozenset(map(stem, words(query))) for query in queries})


def test_scripts_without_spaces_give_pairs_of_characters():
    assert content_words("検索文書") == ["検索", "索文", "文書"]


@pytest.mark.parametrize("question", ["", "the of and", "?", "\u202e", "a" * 5000, "? " * 5000])
def test_any_question_gives_a_few_queries_and_never_fails(question: str):
    assert 1 <= len(sub_queries(question)) <= 6


def test_plurals_and_verb_forms_meet_their_stem():
    assert stem("transports") == stem("transport")
    assert stem("libraries") == stem("library")
    assert stem("class") == "class"
