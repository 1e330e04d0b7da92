from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel_client.evidence import Found, plain, sentences_of, spans

DOC = "abcdefgh234567ab"


def passage(text: str, start: int = 0) -> Found:
    return Found(f"{DOC}:{start}-{start + len(text)}", "A title", "a.md", text)


@given(st.text(alphabet='ab .!?\n#*`-"“”。é', max_size=200))
def test_every_sentence_span_is_inside_the_text_trimmed_and_in_order(text: str):
    last = 0
    for start, end in spans(text):
        assert last <= start < end <= len(text)
        assert text[start:end].strip() == text[start:end]
        last = end


@given(st.integers(0, 10_000))
def test_a_sentence_reference_opens_exactly_its_words(start: int):
    text = "# Head\n\nThe first thing is said here plainly. - No.\n\n* A second one is [linked](http://a.b) here too."
    for sentence in sentences_of(passage(text, start)):
        first, last = map(int, re.findall(r"\d+", sentence.ref.split(":")[1]))
        assert text[first - start : last - start] == sentence.raw


def test_a_passage_shorter_than_its_span_is_cited_whole():
    found = Found(f"{DOC}:0-900", "t", "s", "Only this part of the passage was shown here.")
    assert [sentence.ref for sentence in sentences_of(found)] == [f"{DOC}:0-900"]


def test_code_tables_headings_and_scraps_are_no_statements():
    text = (
        "# A heading of more than six words here.\n\n| a table row | with many words in it here. |\n\n"
        "```\nthis code line has quite enough words in it.\n```\n\nToo short.\n\n"
        "import x; y = {z: [f(a) -> b]} == c | d.\n\n"
        "This one alone is a proper statement to quote."
    )
    assert [sentence.text for sentence in sentences_of(passage(text))] == [
        "This one alone is a proper statement to quote."
    ]


def test_header_fields_of_package_metadata_are_no_statements():
    text = "Name: thing\nVersion: 1.2\nSummary: A library that does many things well.\nLicense: MIT for all of it."
    assert sentences_of(passage(text)) == []


def test_abbreviations_and_initials_do_not_end_a_sentence():
    text = "It follows Smith et al. in using e.g. the method of J. Doe for this."
    assert [text[start:end] for start, end in spans(text)] == [text]


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ("Use **bold** and _thin_ words", "Use bold and thin words"),
        ("See [the guide](https://x.y/z_(a)) now", "See the guide now"),
        ("Call `run_it()` then ``stop``", "Call run_it() then stop"),
        ("A `link <https://x.y>`__ in prose", "A link in prose"),
        ("- An item\n  over two lines", "An item over two lines"),
        ("snake_case_name stays", "snake_case_name stays"),
        ("two * three * four", "two * three * four"),
    ],
)
def test_markup_is_taken_off_and_words_stay(markup: str, shown: str):
    assert plain(markup) == shown


@pytest.mark.parametrize(
    "hostile",
    ["." * 200_000, "\n" * 200_000, "<p" * 60_000, "[" * 90_000, "a. " * 60_000, "`" * 90_000, "<!--" * 30_000],
)
def test_hostile_text_is_split_in_linear_time(hostile: str):
    began = time.thread_time()
    sentences_of(passage(hostile))
    assert time.thread_time() - began < 3


def test_a_word_broken_at_the_end_of_a_line_is_made_whole():
    assert plain("A sur-\nvey of well-known trans-\n  ports") == "A survey of well-known transports"


def test_a_list_of_references_holds_no_statements():
    entry = "Smith and Jones. 2023. Ships can be steered by letters alone. arXiv preprint arXiv:2301.00001. "
    assert sentences_of(passage(entry * 5)) == []
    assert sentences_of(passage("Smith and Jones showed in 2023 that ships can be steered by letters alone.")) != []


def test_a_scrap_that_ends_in_a_quotation_mark_is_no_sentence():
    assert sentences_of(passage('We left out the broad topics by hand (e.g., "large models,"\n\n')) == []
