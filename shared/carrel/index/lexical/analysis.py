"""Text to terms, by language, once for indexing and for queries, so that a query never loses a term to query syntax.

Words are runs of letters, digits, marks and underscores; where a script has no word boundaries (Han, kana, Thai, Lao,
Khmer, Burmese) each character is a term. Beside them stand `parts`: what an identifier or code name is made of
(``getUserName`` and ``get_user_name``: get, user, name; ``IL6`` as ``IL-6``: il, 6) and, in those scripts, each two
neighbours. The words are parted here and filtered by tantivy: its regex tokenizer costs four times as much as
everything else together, so plain ASCII, most text, never meets it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from carrel.errors import BadRequest

if TYPE_CHECKING:
    import tantivy

__all__ = ["ANALYSER", "ANALYSERS", "NAMES", "filters", "parted", "parts", "terms"]

ANALYSER = "english-3"
"""Name of the default analyser; the manifest of each collection carries its analyser's name. Words and parts, lower
case, accents folded, English stop words and Snowball stems."""

NAMES = "simple-1"
"""Name of the analyser for people's names: words as they are, so that McDonald is no Donald."""

_SIMPLE = "simple-3"

_STEMMED = {  # every language that tantivy stems -> its ISO 639-1 codes
    "arabic": ("ar",), "danish": ("da",), "dutch": ("nl",), "english": ("en",), "finnish": ("fi",), "french": ("fr",),
    "german": ("de",), "greek": ("el",), "hungarian": ("hu",), "italian": ("it",), "norwegian": ("no", "nb", "nn"),
    "portuguese": ("pt",), "romanian": ("ro",), "russian": ("ru",), "spanish": ("es",), "swedish": ("sv",),
    "tamil": ("ta",), "turkish": ("tr",),
}  # fmt: skip
_STOPPED = frozenset(
    ("danish", "dutch", "english", "finnish", "french", "german", "hungarian", "italian", "norwegian", "portuguese",
     "russian", "spanish", "swedish")
)  # fmt: skip  # those of them with a stop-word list in tantivy
_UNSTEMMED = {
    "bengali": "bn", "bulgarian": "bg", "catalan": "ca", "chinese": "zh", "croatian": "hr", "czech": "cs",
    "estonian": "et", "hebrew": "he", "hindi": "hi", "icelandic": "is", "indonesian": "id", "irish": "ga",
    "japanese": "ja", "korean": "ko", "latin": "la", "latvian": "lv", "lithuanian": "lt", "malay": "ms",
    "persian": "fa", "polish": "pl", "serbian": "sr", "slovak": "sk", "slovenian": "sl", "thai": "th",
    "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi",
}  # fmt: skip

ANALYSERS: Mapping[str, str] = MappingProxyType(
    {word: f"{name}-3" for name, codes in _STEMMED.items() for word in (name, *codes)}
    | {word: _SIMPLE for name, code in _UNSTEMMED.items() for word in (name, code)}
    | {"simple": _SIMPLE, "none": _SIMPLE}
)
"""Language, as ISO 639-1 code or English name, to the name of its analyser. Languages without a stemmer, mixed
collections ("simple") and "none" have an analyser that neither stems nor drops stop words. Collections made by an
earlier version keep theirs: one that ends in -1 knows no parts, and with one in -2 a phrase may go from the parts of a
word into those of the next."""

_EARLIER = frozenset(f"{name[:-1]}{version}" for name in ANALYSERS.values() for version in "12")
_SPACELESS = {"1": r"\p{Han}\p{Hiragana}\p{Katakana}"}  # by version: scripts of which each character is a word
_SPACELESS["2"] = _SPACELESS["3"] = _SPACELESS["1"] + r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_RUN = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]{2,}"
)
_LONGEST_WORD = 80  # bytes; runs as long as that are base64, hashes, rulers
_ASCII = "".join(chr(code) if chr(code).isalnum() or code == ord("_") else " " for code in range(128))
_OTHER_ASCII = re.compile(r"[\x00-/:-@\[-^`{-\x7f]+")
_NOT_ASCII = re.compile(r"\S*[^\x00-\x7f]\S*", re.ASCII)

# The kind of each character (a lower, A upper, 0 digit, g Greek, _), and where within a word one part of it ends.
_KINDS = "".join(
    "a" if char.islower() else "A" if char.isupper() else "0" if char.isdigit() else "_" if char == "_" else " "
    for char in map(chr, range(128))
)
_ACCENTED = re.compile("[^\x00-\x7f]+")
_SEAM = re.compile("_|a[A0]|A0|0[aA]|AAaa|g[aA0]|[aA0]g")
_WORD = re.compile("[aA0g_]+")
_PART = re.compile("A{2,}a(?!a)|A+(?!a)|A?a+|0+|g+")  # HTTPServer: HTTP, Server; mRNAs: m, RNAs


def filters(name: str = ANALYSER) -> tantivy.TextAnalyzer:
    """What makes words terms: for text that went through `parted`. Safe to share between threads.

    Raises BadRequest for an unknown name."""
    return _built(_checked(name))


def parted(text: str, name: str = ANALYSER) -> str:
    """``text`` with its words parted by single ASCII spaces and nothing else left; lone surrogates are dropped."""
    if text.isascii():
        return text.translate(_ASCII)
    clean = text.encode("utf-8", "ignore").decode("utf-8")
    splitter = _splitter(name[-1])
    parts = _NOT_ASCII.sub(lambda found: " ".join(splitter.analyze(found[0])), clean)
    return _OTHER_ASCII.sub(" ", parts)


def parts(text: str, name: str = ANALYSER) -> list[str]:
    """What words in ``text`` are made of, the parts of each word by spaces; see the module. As values of their own in
    the index they do not run into each other."""
    if name.endswith("1"):
        return []
    found = [" ".join(pieces) for pieces in _parts_of_words(text)]
    pairs = () if text.isascii() else (run[at : at + 2] for run in _RUN.findall(text) for at in range(len(run) - 1))
    found.append(" ".join(pairs))
    return list(filter(None, [" ".join(found)] if name.endswith("2") else found))


def terms(text: str, name: str = ANALYSER) -> list[str]:
    """Analyse ``text`` into index terms: those of its words, in order, repeats kept, then those of their parts.

    Raises BadRequest for an unknown analyser.
    """
    through = filters(name)
    return [*through.analyze(parted(text, name)), *through.analyze(" ".join(parts(text, name)))]


def _parts_of_words(text: str) -> list[list[str]]:
    """The parts of each word that has several.

    Most text has no seam, which a few searches for short strings tell at once; other text is read seam by seam.
    """
    kinds = text.translate(_KINDS)
    if not text.isascii():
        kinds = _ACCENTED.sub(lambda run: "".join(map(_kind, run[0])), kinds)
    elif not ("aA" in kinds or "a0" in kinds or "0a" in kinds or "A0" in kinds or "0A" in kinds or "_" in kinds) and (
        "AAaa" not in kinds
    ):
        return []
    found: list[list[str]] = []
    place = 0
    while seam := _SEAM.search(kinds, place):
        start = max(kinds.rfind(" ", place, seam.start() + 1) + 1, place)
        word = _WORD.match(kinds, seam.start())
        place = word.end() if word else seam.end()
        pieces = [text[piece.start() : piece.end()] for piece in _PART.finditer(kinds, start, place)]
        if place - start < _LONGEST_WORD and (len(pieces) > 1 or "_" in text[start:place]):
            found.append(pieces)
    return found


def _kind(char: str) -> str:
    """Of a character outside ASCII: Latin and Cyrillic ones as theirs, of other scripts none."""
    if "\u0370" <= char < "\u0400":
        return "g"
    return " " if char >= "\u0530" else "A" if char.isupper() else "a" if char.isalpha() or char >= "\u0300" else " "


def _checked(name: str) -> str:
    if name not in ANALYSERS.values() and name not in _EARLIER:
        choices = ", ".join(sorted(set(ANALYSERS.values())))
        raise BadRequest(f"there is no analyser of that name; there are: {choices}")
    return name


@lru_cache(maxsize=2)
def _splitter(version: str) -> tantivy.TextAnalyzer:
    import tantivy

    single = _SPACELESS[version]
    words = rf"[{single}]|[[\p{{L}}\p{{N}}\p{{M}}_]--[{single}]]+"
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(words)).build()


@lru_cache(maxsize=64)
def _built(name: str) -> tantivy.TextAnalyzer:
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    language = name[:-2]
    builder = TextAnalyzerBuilder(Tokenizer.whitespace())
    builder = builder.filter(Filter.remove_long(_LONGEST_WORD)).filter(Filter.lowercase())
    # Stop words and stems of other languages are written with their accents, so those fold at the end.
    if language in ("english", "simple"):
        builder = builder.filter(Filter.ascii_fold())
    if language in _STOPPED:
        builder = builder.filter(Filter.stopword(language))
    if language in _STEMMED:
        builder = builder.filter(Filter.stemmer(language))
    if language not in ("english", "simple"):
        builder = builder.filter(Filter.ascii_fold())
    return builder.build()
