"""Quotes: what may differ, what may not, and where they stand."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrel.citations import check_quote
from carrel.errors import BadRequest, Refused

SOURCE = (
    "The survey, led by Maria Schmidt [3], was unable to find 1.5 % growth in 2019. We do not recommend it; see the "
    "results¹². Costs rose by $3,000 and p < 0.05 was used.\nThe well-\nknown eﬀect of Müller’s “model” persists. "
    "It may help most patients with asthma (n = 40). The first layer was larger than the second layer, which increased "
    "the accuracy of all runs. Results are notable. The drug is effective before surgery."
)
TRUE = [
    "unable to find 1.5% growth in 2019",
    'The well-known effect of Muller\'s "model" persists',
    "the well-known eﬀect of Müller’s “model”",
    "led by Maria Schmidt was unable",
    "led by Maria Schmidt [3], was unable",
    "Costs rose by $3000 and p < 0.05",
    "WE DO NOT RECOMMEND IT",
    "**We do not** recommend it",
    "see the results. Costs rose",
    "We do\u00a0not   recom\u00admend it",
    "[i]t may help most patients with asthma",
]
ALTERED = [
    ("unable to find 15% growth in 2019", "number"),
    ("unable to find 1.5% growth in 2018", "number"),
    ("p > 0.05 was used", "number"),
    ("Costs rose by €3,000", "number"),
    ("5 % growth in 2019", "number"),
    ("patients with asthma (n = 4)", "number"),
    ("We do recommend it", "negation"),
    ("able to find 1.5 % growth", "negation"),
    ("It may not help most patients with asthma", "negation"),
    ("most patients without asthma", "negation"),
    ("led by Mario Schmidt, was unable", "name"),
    ("led by Maria Schneider, was unable to find", "name"),
    ("Results are no table", "negation"),
    ("which decreased the accuracy of all runs", "antonym"),
    ("The drug is ineffective before surgery", "antonym"),
    ("The drug is effective after surgery", "antonym"),
    ("The last layer was larger than the second layer", "antonym"),
    ("the accuracy of some runs", "antonym"),
    ("It helps most patients with asthma", "modality"),
]


@pytest.mark.parametrize("quote", TRUE)
def test_what_may_differ_leaves_a_true_quote_true(quote: str) -> None:
    assert check_quote(quote, SOURCE).verdict in ("verbatim", "normalized")


@pytest.mark.parametrize(("quote", "kind"), ALTERED)
def test_a_changed_number_negation_name_or_opposite_is_never_verbatim(quote: str, kind: str) -> None:
    check = check_quote(quote, SOURCE)
    assert check.verdict == "altered"
    assert kind in {edit.kind for edit in check.critical}


def test_exact_words_are_verbatim_with_true_offsets_and_selectors() -> None:
    check = check_quote("We do not recommend it", SOURCE)
    assert check.verdict == "verbatim"
    assert SOURCE[check.start : check.end] == check.matched == "We do not recommend it"
    assert check.selectors is not None
    assert check.selectors.prefix == SOURCE[check.start - 32 : check.start]
    assert check.selectors.suffix == SOURCE[check.end : check.end + 32]


def test_an_ellipsis_shows_what_it_left_out() -> None:
    check = check_quote("The survey … was unable to find … growth in 2019", SOURCE)
    assert check.verdict == "elided"
    assert check.omitted == (", led by Maria Schmidt [3],", "1.5 %")


def test_segments_in_the_wrong_order_are_not_elided() -> None:
    assert check_quote("We do not recommend it … unable to find", SOURCE).verdict != "elided"


def test_an_altered_part_of_an_elided_quote_is_altered() -> None:
    assert check_quote("The survey … growth in 2016. We do not recommend", SOURCE).verdict == "altered"


def test_a_slip_of_a_small_word_is_near() -> None:
    check = check_quote("Costs rose by $3,000 and the p < 0.05 was used", SOURCE)
    assert check.verdict == "near"
    assert not check.critical


def test_words_of_another_text_are_absent() -> None:
    check = check_quote("The albatross crosses the southern ocean without resting for weeks", SOURCE)
    assert (check.verdict, check.start, check.end, check.matched) == ("absent", 0, 0, "")


def test_a_running_head_in_a_sentence_does_not_hide_it() -> None:
    text = "The committee found that\n\nJournal of Rivers 12\n\nthe dam had been sound for years."
    check = check_quote("The committee found that the dam had been sound for years", text)
    assert check.verdict == "near"
    assert check.omitted == ("Journal of Rivers 12",)


def test_of_equal_places_the_expected_one_is_chosen() -> None:
    text = "the same words here. " * 5
    check = check_quote("the same words", text, near=(42, 56))
    assert (check.start, check.occurrences) == (42, 5)


def test_a_page_gets_a_link_to_the_words_and_a_pdf_none() -> None:
    text = "One long sentence, with a comma and a-hyphen, that is quoted from a page."
    link = check_quote("a comma and a-hyphen, that", text, url="https://example.org/a#top").fragment
    assert link == "https://example.org/a#:~:text=a%20comma%20and%20a%2Dhyphen%2C%20that"
    assert check_quote("a comma and a-hyphen", text, url="https://example.org/a.pdf").fragment == ""


@pytest.mark.parametrize("quote", ["", "   ", "word", "…", "[1]"])
def test_fewer_than_two_words_are_refused_with_advice(quote: str) -> None:
    with pytest.raises(BadRequest, match="at least two words"):
        check_quote(quote, SOURCE)


def test_an_endless_quote_is_refused() -> None:
    with pytest.raises(Refused):
        check_quote("word " * 10_000, SOURCE)


def test_unspaced_scripts_are_found_and_told_apart() -> None:
    text = "这项研究表明，该药物在2019年有效。"
    assert check_quote("该药物在2019年有效", text).verdict in ("verbatim", "normalized")
    assert check_quote("该药物在2018年有效", text).verdict not in ("verbatim", "normalized")


WORDS = st.lists(
    st.sampled_from(
        [
            "ash",
            "Bo",
            "cat",
            "den",
            "12",
            "3.5",
            "not",
            "é",
            "ﬂow",
            "naïve",
            "ß",
            "—",
            "“x”",
            "[4]",
            "²",
            "*em*",
            "猫",
            "\xad",
            "\n",
            "-\n",
        ]
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(before=WORDS, inside=WORDS, after=WORDS)
def test_what_was_cut_from_a_text_is_found_at_true_offsets(
    before: list[str], inside: list[str], after: list[str]
) -> None:
    quote = " ".join(["river", *inside, "stone"])
    text = " ".join([*before, quote, *after])
    check = check_quote(quote, text)
    assert check.verdict in ("verbatim", "normalized")
    assert text[check.start : check.end] == check.matched


@settings(max_examples=150, deadline=None)
@given(quote=st.text(max_size=60), text=st.text(max_size=300))
def test_any_text_gives_an_answer_with_offsets_inside_it(quote: str, text: str) -> None:
    try:
        check = check_quote(quote, text)
    except BadRequest:
        return
    assert 0 <= check.start <= check.end <= len(text)
    assert text[check.start : check.end] == check.matched


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("a " * 5_000 + "b", "a " * 250_000),
        ("[ab " * 4_000, "[ab " * 100_000),
        ("a b ... " * 2_000, "a b c " * 80_000),
        ("<a " * 5_000, "<a " * 150_000),
        ("1 2 3 4", "1," * 250_000),
        ("x y", "(https://" * 60_000),
    ],
)
def test_hostile_texts_take_no_longer_than_friendly_ones(quote: str, text: str) -> None:
    began = time.process_time()
    check_quote(quote, text)
    assert time.process_time() - began < 30  # seconds; what grows with the square takes minutes
