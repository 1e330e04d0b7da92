"""The part of a text that says most of what was asked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from carrel.documents import sentences
from carrel.index import terms
from carrel.records import Passage

__all__ = ["best_sentence", "excerpt"]

_HEADING = re.compile(r"#{1,6} ")


def best_sentence(passage: Passage, asked: set[str]) -> Passage:
    """The sentence of a passage with most of the ``asked`` terms, the first of several; the passage if it has none.

    A heading says what is spoken of and not what is said, so it is taken only where it stands alone.
    """
    found = sentences(passage.text)
    if not found:
        return passage
    spans = [(start, end) for start, end in found if not _HEADING.match(passage.text, start, end)] or found
    start, end = max(spans, key=lambda span: (len(asked & set(terms(passage.text[span[0] : span[1]]))), -span[0]))
    return Passage(passage.doc_id, passage.start + start, passage.start + end, passage.text[start:end], passage.heading)


def excerpt(text: str, queries: Sequence[str], max_chars: int) -> tuple[int, int]:
    """The span of whole sentences of ``text``, at most ``max_chars`` long, that says most of what the queries ask.

    A single sentence that is longer is cut. Returns ``(start, end)`` into ``text``.
    """
    if len(text) <= max_chars:
        return 0, len(text)
    asked = set(terms(" ".join(queries)))
    spans = sentences(text) or ((0, len(text)),)
    found = [asked & set(terms(text[start:end])) for start, end in spans]
    best, best_value = (spans[0][0], min(spans[0][1], spans[0][0] + max_chars)), -1
    for first, (start, _) in enumerate(spans):
        said: set[str] = set()
        for last in range(first, len(spans)):
            if spans[last][1] - start > max_chars and last > first:
                break
            said |= found[last]
            if len(said) > best_value:
                best, best_value = (start, min(spans[last][1], start + max_chars)), len(said)
    return best
