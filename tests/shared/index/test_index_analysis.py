"""Analysers: text to terms, by language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrel.errors import BadRequest
from carrel.index import analysis
from carrel.index.analysis import ANALYSERS, analyser, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Foxes' running, over the HILLS!", ["fox", "run", "over", "hill"]),
        ("naïve café Müller", ["naiv", "cafe", "muller"]),
        ("snake_case x86-64 C++ 3.14", ["snake_cas", "x86", "64", "c", "3", "14"]),
        ("東京タワー and 日本", ["東", "京", "タ", "ワ", "ー", "日", "本"]),
        ("a\tb\x0bc\x00d\x1fe\u2003f\u00a0g", ["b", "c", "d", "e", "f", "g"]),
        ("“quoted” — dash…end", ["quot", "dash", "end"]),
        ("x" * 79 + " " + "y" * 80, ["x" * 79]),
        ("caf\ud800e", ["cafe"]),
        ("हिन्दी", ["हिन्दी"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_the_default_analyser(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


_ALPHABET = st.one_of(
    st.sampled_from(" \t\n\x0b\x0c\r\x1c\x85_-.,'\u2003\u2028\u3000"),
    st.characters(codec="ascii"),
    st.characters(min_codepoint=0x80, max_codepoint=0x3FF),
    st.characters(min_codepoint=0x3000, max_codepoint=0x30FF),
    st.characters(exclude_categories=["Cs"]),
)


@given(st.text(_ALPHABET, max_size=60), st.sampled_from(sorted(set(ANALYSERS.values()))))
def test_parting_words_first_gives_the_terms_of_the_whole_analyser(text: str, name: str) -> None:
    assert terms(text, name) == list(analyser(name).analyze(text))


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "Die Häuser und die Bäume", ["haus", "baum"]),
        ("german", "Die Häuser und die Bäume", ["haus", "baum"]),
        ("fr", "les étudiantes travaillaient", ["etudi", "travaill"]),
        ("ru", "и новые книги", ["нов", "книг"]),
        ("es", "las canciones de la niña", ["cancion", "nin"]),
        ("nb", "de norske husene", ["norsk", "hus"]),
        ("tr", "evler", ["ev"]),
        ("pl", "Zażółć gęślą jaźń and the", ["zazolc", "gesla", "jazn", "and", "the"]),
        ("japanese", "京都 the cats", ["京", "都", "the", "cats"]),
        ("none", "The running foxes", ["the", "running", "foxes"]),
    ],
)
def test_each_language_has_its_analyser(language: str, text: str, expected: list[str]) -> None:
    assert terms(text, ANALYSERS[language]) == expected


def test_codes_and_names_lead_to_the_same_analysers() -> None:
    assert ANALYSERS["en"] == ANALYSERS["english"] == analysis.ANALYSER
    assert ANALYSERS["no"] == ANALYSERS["nn"] == ANALYSERS["norwegian"] == "norwegian-1"
    assert ANALYSERS["cs"] == ANALYSERS["simple"] == ANALYSERS["none"] == ANALYSERS["zh"] == "simple-1"
    assert all(terms("fox", name) for name in set(ANALYSERS.values()))


@pytest.mark.parametrize("name", ["", "english", "english-2", "klingon-1", "../x"])
def test_an_unknown_analyser_is_refused_with_the_choices(name: str) -> None:
    for call in (lambda: terms("fox", name), lambda: analyser(name)):
        with pytest.raises(BadRequest, match=r"english-1.*simple-1"):
            call()


def test_long_text_without_a_break_costs_no_more_than_its_length() -> None:
    assert terms("é" * 1_000_000) == []
    assert len(terms("é " * 100_000)) == 100_000
    assert len(terms("東" * 100_000)) == 100_000
