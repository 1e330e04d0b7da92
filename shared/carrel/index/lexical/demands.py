"""Words and phrases that a passage must hold, or must not: the queries for them, which only limit and never score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from carrel.index.lexical.analysis import filters, parted, parts

if TYPE_CHECKING:
    import tantivy

__all__ = ["Demands", "demanded", "phrase", "without_words"]

_MOST_WORDS = 64  # of one phrase; what follows is not looked at


@dataclass(frozen=True, slots=True)
class Demands:
    """Every one of ``must`` is in a hit and none of ``must_not``; each is a word, or a phrase of words in order."""

    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.must or self.must_not)


def demanded(demands: Demands, analyser: str, form: tantivy.Schema) -> tuple[list[tantivy.Query], list[tantivy.Query]]:
    """The queries that a row must match, and those that it must not; what says nothing limits nothing."""
    must = (phrase(text, analyser, form) for text in demands.must)
    must_not = (phrase(text, analyser, form) for text in demands.must_not)
    return [each for each in must if each is not None], [each for each in must_not if each is not None]


def without_words(demands: Demands, analyser: str) -> list[str]:
    """Those demands that limit nothing: stop words alone, or nothing that is indexed."""
    return [text for text in (*demands.must, *demands.must_not) if not _placed(text, analyser)]


def phrase(text: str, analyser: str, form: tantivy.Schema) -> tantivy.Query | None:
    """The query for a word or phrase, stop words in it standing for any word; None without a single term.

    An identifier or code name is also found where its parts stand in order: ``getUserName`` as ``get_user_name``.
    """
    from tantivy import Occur, Query

    whole = _in_order(_placed(text, analyser), form)
    if whole is None or " " in parted(text, analyser).strip():
        return whole
    pieces = _in_order(_placed(" ".join(parts(text, analyser)), analyser), form)
    return whole if pieces is None else Query.boolean_query([(Occur.Should, whole), (Occur.Should, pieces)])


def _in_order(placed: list[tuple[int, str]], form: tantivy.Schema) -> tantivy.Query | None:
    from tantivy import Query

    if not placed:
        return None
    if len(placed) == 1:
        return Query.term_query(form, "text", placed[0][1], index_option="freq")
    first = placed[0][0]
    return Query.phrase_query(form, "text", [(place - first, term) for place, term in placed])


def _placed(text: str, analyser: str) -> list[tuple[int, str]]:
    """Terms with their places among the words; a word that is no term leaves its place empty, as in the index."""
    through = filters(analyser)
    words = parted(text, analyser).split()[:_MOST_WORDS]
    return [(place, term) for place, word in enumerate(words) for term in through.analyze(word)]
