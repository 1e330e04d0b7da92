"""Analysers: text to terms, by language."""

from __future__ import annotations

import pytest
import tantivy
from hypothesis import given
from hypothesis import strategies as st

from carrel.errors import BadRequest
from carrel.index.lexical import analysis
from carrel.index.lexical.analysis import ANALYSERS, filters, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Foxes' running, over the HILLS!", ["fox", "run", "over", "hill"]),
        ("naïve café Müller", ["naiv", "cafe", "muller"]),
        ("C++ 3.14 x64", ["c", "3", "14", "x64", "x", "64"]),
        ("東京タワー and 日本", ["東", "京", "タ", "ワ", "ー", "日", "本", "東京", "京タ", "タワ", "ワー", "日本"]),
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


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("getUserName", ["get", "user", "name"]),
        ("get_user_name", ["get", "user", "name"]),
        ("HTTPServer", ["http", "server"]),
        ("parseHTMLTables", ["pars", "html", "tabl"]),
        ("mRNAs", ["m", "rnas"]),
        ("IL6", ["il", "6"]),
        ("utf8Text", ["utf", "8", "text"]),
        ("__init__", ["init"]),
        ("TNFα", ["tnf", "α"]),
        ("überGroß", ["uber", "gross"]),
        ("Fox", []),
        ("FOX", []),
        ("FOXs", []),
        ("1984", []),
        ("naïve", []),
        ("мамаПапа", ["мама", "папа"]),
        ("xB" * 45, []),
    ],
)
def test_the_parts_of_an_identifier_stand_beside_it(word: str, parts: list[str]) -> None:
    for text in (word, f"a {word}", f"({word}.", f"naïve {word} x"):
        assert [term for term in terms(text) if term not in ("naiv", "x")][1 if len(word) < 80 else 0 :] == parts


def test_an_analyser_of_an_earlier_version_knows_no_parts() -> None:
    assert terms("getUserName 東京", "english-1") == ["getusernam", "東", "京"]
    assert terms("ไทย", "simple-1") == ["ไทย"]
    assert terms("ไทย", "simple-2") == ["ไ", "ท", "ย", "ไท", "ทย"]


_ALPHABET = st.one_of(
    st.sampled_from(" \t\n\x0b\x0c\r\x1c\x85_-.,'\u2003\u2028\u3000aAbB01αж"),
    st.characters(codec="ascii"),
    st.characters(min_codepoint=0x80, max_codepoint=0x3FF),
    st.characters(min_codepoint=0x3000, max_codepoint=0x30FF),
    st.characters(exclude_categories=["Cs"]),
)


@given(st.text(_ALPHABET, max_size=60))
def test_words_are_what_a_unicode_tokenizer_finds_and_parts_are_what_words_are_made_of(text: str) -> None:
    spaceless = analysis._SPACELESS["3"]
    words = tantivy.TextAnalyzerBuilder(
        tantivy.Tokenizer.regex(rf"[{spaceless}]|[[\p{{L}}\p{{N}}\p{{M}}_]--[{spaceless}]]+")
    ).build()
    found = words.analyze(text)
    assert analysis.parted(text).split() == found
    joined = "".join(found)
    assert all(part in joined for part in " ".join(analysis.parts(text)).split() if part.isascii())


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
        ("japanese", "京都 the cats", ["京", "都", "the", "cats", "京都"]),
        ("none", "The running foxes", ["the", "running", "foxes"]),
    ],
)
def test_each_language_has_its_analyser(language: str, text: str, expected: list[str]) -> None:
    assert terms(text, ANALYSERS[language]) == expected


def test_codes_and_names_lead_to_the_same_analysers() -> None:
    assert ANALYSERS["en"] == ANALYSERS["english"] == analysis.ANALYSER
    assert ANALYSERS["no"] == ANALYSERS["nn"] == ANALYSERS["norwegian"] == "norwegian-3"
    assert ANALYSERS["cs"] == ANALYSERS["simple"] == ANALYSERS["none"] == ANALYSERS["zh"] == "simple-3"
    assert all(terms("fox", name) for name in set(ANALYSERS.values()))


@pytest.mark.parametrize("name", ["", "english", "english-4", "klingon-1", "../x"])
def test_an_unknown_analyser_is_refused_with_the_choices(name: str) -> None:
    for call in (lambda: terms("fox", name), lambda: filters(name)):
        with pytest.raises(BadRequest, match=r"english-3.*simple-3"):
            call()


def test_long_text_without_a_break_costs_no_more_than_its_length() -> None:
    assert terms("é" * 1_000_000) == []
    assert len(terms("é " * 100_000)) == 100_000
    assert len(terms("東" * 100_000)) == 199_999
    assert terms("xB" * 500_000) == []
    assert len(terms("xB " * 100_000)) == 300_000
