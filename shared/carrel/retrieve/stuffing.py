"""Text made to be found: the query's words over and over, or lists of words that say nothing.

BM25 saturates, yet a passage that repeats all of a query still has nearly the most that BM25 gives, and an encoder
takes it for the nearest. Such passages come last. A question that is said once is no stuffing: it may be a heading, a
title, or the claim itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from statistics import median

from carrel.index import View, terms
from carrel.retrieve.pooling import Pool

__all__ = ["stuffed", "without_stuffing"]

_SUSPECT = 0.35  # share of the most that BM25 could give, from which a passage is read; the best answer has .4 mostly
_REPEATS = 4  # of each of most query terms: answers repeat one or two of them as often, not all
_COVERED = 0.4  # share of the query's terms that are there
_MADE_OF = 0.55  # share of a passage's terms that are the query's; answers have .1 to .3, rarely .5
_PIECES, _MOSTLY = 4, 0.8  # pieces of an enumeration, and the share of them that are a word or two
_FIRST = 30  # places in which stuffing does harm: what stands below is not looked at
_FEWEST, _LIST = 4, 50  # words of a keyword list, and of a list of many words
_ONCE = 0.93  # share of different words in a list of words; prose of _LIST words has .75
_PROSE = (0.54, 0.9)  # share of different words in most prose of a passage's length, which is not looked at closer
_WORD = re.compile(r"\w+")
_COMMA = re.compile(r"[,;|\n\t\u2022\u3001\uff0c]")
_SENTENCE = re.compile(r"[.!?](?:\s|$)|[\u3002\uff01\uff1f]")
_ROWS = 3  # cells, lines or tabs in a text of so many words each: a table, a glossary, a list of addresses


def without_stuffing(
    view: View, pool: Pool, order: Sequence[int], queries: Sequence[str]
) -> tuple[list[int], list[int]]:
    """``order`` without stuffed passages, and these, in their order."""
    suspects = _suspects(view, pool, order, queries)
    if not suspects:
        return list(order), []
    asked = [set(terms(query)) for query in queries]
    texts = {key: row.passage.text for key, row in view.hydrate(suspects).items()}
    bad = {key for key, text in texts.items() if any(stuffed(text, words) for words in asked)}
    # What is left of a stuffed document's end is too short to tell by itself.
    documents = {view.rows[key].doc_no for key in bad}
    near = [key for key in suspects if view.rows[key].doc_no in documents and key not in bad]
    bad.update(key for key in near if any(_made_of(terms(texts[key]), words) >= _MADE_OF for words in asked))
    return [key for key in order if key not in bad], [key for key in order if key in bad]


def stuffed(text: str, asked: set[str]) -> bool:
    """Whether a text is made of the ``asked`` terms rather than of sentences about them."""
    words = _WORD.findall(text.casefold())
    if not words or _PROSE[0] < len(set(words)) / len(words) < _PROSE[1]:
        return False
    said = terms(text)
    counts = Counter(word for word in said if word in asked)
    if not counts or len(counts) < _COVERED * len(asked):
        return False
    if _made_of(said, asked) >= _MADE_OF and len(words) >= _FEWEST:
        return median(counts.values()) >= _REPEATS or _enumerates(text)
    return len(counts) >= min(3, len(asked)) and _is_list(text, words)


def _made_of(said: Sequence[str], asked: set[str]) -> float:
    """The share of terms that are asked for."""
    return sum(word in asked for word in said) / max(len(said), 1)


def _enumerates(text: str) -> bool:
    """Whether words stand singly or in pairs between commas or line ends."""
    pieces = [piece for piece in _COMMA.split(text) if _WORD.search(piece)]
    return len(pieces) >= _PIECES and sum(len(_WORD.findall(piece)) <= 2 for piece in pieces) >= _MOSTLY * len(pieces)


def _is_list(text: str, words: Sequence[str]) -> bool:
    if len(words) < _LIST or len(set(words)) < _ONCE * len(words) or not text.isascii():
        return False
    if sum(map(text.count, "|\n\t;:")) * _LIST >= _ROWS * len(words) or any(word[0].isdecimal() for word in words):
        return False
    return len(_SENTENCE.findall(text)) * _LIST <= len(words)


def _suspects(view: View, pool: Pool, order: Sequence[int], queries: Sequence[str]) -> list[int]:
    """Of the first passages those whose words match a query suspiciously well; without the lexical arm, all of them."""
    worded = [found for name, found in pool.found if name == "lexical"]
    if not any(worded):
        return list(order[:_FIRST])
    keys: set[int] = set()
    for query, found in zip(queries, worded, strict=True):
        least = _SUSPECT * view.most(query)
        keys.update(key for key, (_, score) in found.items() if least and score >= least)
    return [key for key in order[:_FIRST] if key in keys]
