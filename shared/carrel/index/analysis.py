"""Text to terms, by language, once for indexing and for queries, so that a query never loses a term to query syntax.

Words are runs of letters, digits, marks and underscores; Han, Hiragana and Katakana are one character a term (there
are no word boundaries). The words are parted here and filtered by tantivy: its regex tokenizer costs four times as
much as everything else together, so plain ASCII, most text, never meets it.
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

__all__ = ["ANALYSER", "ANALYSERS", "analyser", "filters", "parted", "terms"]

ANALYSER = "english-1"
"""Name of the default analyser; the manifest of each collection carries its analyser's name. Words, lower case,
accents folded, English stop words and Snowball stems."""

_SIMPLE = "simple-1"

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
    {word: f"{name}-1" for name, codes in _STEMMED.items() for word in (name, *codes)}
    | {word: _SIMPLE for name, code in _UNSTEMMED.items() for word in (name, code)}
    | {"simple": _SIMPLE, "none": _SIMPLE}
)
"""Language, as ISO 639-1 code or English name, to the name of its analyser. Languages without a stemmer, mixed
collections ("simple") and "none" have an analyser that neither stems nor drops stop words."""

_WORDS = r"[\p{Han}\p{Hiragana}\p{Katakana}]|[[\p{L}\p{N}\p{M}_]--[\p{Han}\p{Hiragana}\p{Katakana}]]+"
_LONGEST_WORD = 80  # bytes; runs as long as that are base64, hashes, rulers
_ASCII = "".join(chr(code) if chr(code).isalnum() or code == ord("_") else " " for code in range(128))
_OTHER_ASCII = re.compile(r"[\x00-/:-@\[-^`{-\x7f]+")
_NOT_ASCII = re.compile(r"\S*[^\x00-\x7f]\S*", re.ASCII)


def analyser(name: str = ANALYSER) -> tantivy.TextAnalyzer:
    """The analyser of this name, for raw text; safe to share between threads. Raises BadRequest for another name."""
    return _built(_checked(name), _WORDS)


def filters(name: str = ANALYSER) -> tantivy.TextAnalyzer:
    """What `analyser` does after parting words: for text that went through `parted`. Raises BadRequest."""
    return _built(_checked(name), "")


def parted(text: str) -> str:
    """``text`` with its words parted by single ASCII spaces and nothing else left; lone surrogates are dropped."""
    if text.isascii():
        return text.translate(_ASCII)
    clean = text.encode("utf-8", "ignore").decode("utf-8")
    return _OTHER_ASCII.sub(" ", _NOT_ASCII.sub(_part, clean))


def terms(text: str, name: str = ANALYSER) -> list[str]:
    """Analyse ``text`` into index terms, in order, repeats kept. Raises BadRequest for an unknown analyser."""
    return list(filters(name).analyze(parted(text)))


def _part(found: re.Match[str]) -> str:
    return " ".join(_splitter().analyze(found[0]))


def _checked(name: str) -> str:
    if name not in ANALYSERS.values():
        choices = ", ".join(sorted(set(ANALYSERS.values())))
        raise BadRequest(f"there is no analyser of that name; there are: {choices}")
    return name


@lru_cache(maxsize=1)
def _splitter() -> tantivy.TextAnalyzer:
    import tantivy

    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(_WORDS)).build()


@lru_cache(maxsize=64)
def _built(name: str, words: str) -> tantivy.TextAnalyzer:
    """The filters of an analyser behind a regex tokenizer, or behind the whitespace one where ``words`` is empty."""
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    language = name.removesuffix("-1")
    builder = TextAnalyzerBuilder(Tokenizer.regex(words) if words else Tokenizer.whitespace())
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
