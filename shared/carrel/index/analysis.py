"""Text to terms, once for indexing and for queries, so that a query never loses a term to query syntax."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tantivy

__all__ = ["ANALYSER", "analyser", "terms"]

ANALYSER = "english-1"
"""Name of the one analyser so far; the manifest of each collection carries it. Words, lower case, accents folded,
English stop words and Snowball stems; Han, Hiragana and Katakana one character a term (no word boundaries there)."""

_WORDS = r"[\p{Han}\p{Hiragana}\p{Katakana}]|[[\p{L}\p{N}\p{M}_]--[\p{Han}\p{Hiragana}\p{Katakana}]]+"
_LONGEST_WORD = 80  # bytes; longer runs are base64, hashes, rulers


@lru_cache(maxsize=1)
def analyser() -> tantivy.TextAnalyzer:
    """Build the analyser; safe to share between threads."""
    import tantivy

    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(_WORDS))
        .filter(tantivy.Filter.remove_long(_LONGEST_WORD))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stopword("english"))
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )


def terms(text: str) -> list[str]:
    """Analyse ``text`` into index terms, in order, repeats kept. Lone surrogates are dropped, never an error."""
    clean = text.encode("utf-8", "ignore").decode("utf-8")
    return list(analyser().analyze(clean))
