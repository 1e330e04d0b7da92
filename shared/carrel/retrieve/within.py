"""A claim, a few documents: the stretches of their text that bear on it. No index is needed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from carrel.documents import sentences
from carrel.index import terms
from carrel.models import Encoder
from carrel.records import ArmScore, Document, Hit, Link, Passage, Section
from carrel.retrieve.searching import checked_queries
from carrel.retrieve.weighing import Words, fused, weigh, words_of

__all__ = ["evidence", "rank_links"]

_SENTENCES = 3  # in the longest window
_CHARS = 700
_ENCODED = 48  # windows worth encoding for one query


@dataclass(frozen=True, slots=True)
class _Window:
    """One to three sentences of a document, and their words."""

    document: Document
    passage: Passage
    words: Words


def evidence(
    documents: Sequence[Document], query: str, *, k: int = 5, encoder: Encoder | None = None, depth: int = 0
) -> tuple[Hit, ...]:
    """Rank windows of one to three sentences of the given documents, indexed or not; no two of them overlap.

    BM25 over the windows picks candidates, the encoder (if given) scores them too, and both are fused as in `search`.
    A window that shares no term with the query is never returned. The hits' ``arms`` hold BM25 (``lexical``) and cosine
    (``dense``); ``depth`` is how many candidates there are, 0 for what ``k`` needs. Raises BadRequest for an empty
    query.
    """
    text = checked_queries([query])[0]
    asked = frozenset(terms(text))
    windows = [window for document in documents for window in _windows(document, asked)]
    arms = weigh(
        [window.passage.text for window in windows],
        [window.words for window in windows],
        text,
        depth=depth or max(_ENCODED, 4 * k),
        encoder=encoder,
    )
    scores = fused(arms)
    kept = _apart(list(scores), windows, k)
    found_by = _arm_scores(arms)
    return tuple(_hit(windows[place], rank, scores[place], found_by[place]) for rank, place in enumerate(kept, start=1))


def rank_links(links: Sequence[Link], query: str, *, encoder: Encoder | None = None) -> tuple[Link, ...]:
    """The links whose anchor, surroundings or address share a word with the query, best first.

    Raises BadRequest for an empty query.
    """
    text = checked_queries([query])[0]
    said = [f"{link.text} {link.text} {link.context} {_words_of(link.url)}" for link in links]
    asked = frozenset(terms(text))
    arms = weigh(said, [words_of(each, asked) for each in said], text, depth=4 * _ENCODED, encoder=encoder)
    return tuple(links[place] for place in fused(arms))


def _words_of(url: str) -> str:
    """The path of an address as words; the host names the site and not what the link leads to."""
    return " ".join(re.findall(r"\w+", unquote(urlsplit(url).path)))


def _hit(window: _Window, rank: int, score: float, arms: Mapping[str, ArmScore]) -> Hit:
    document = window.document
    return Hit(window.passage, rank, score, document.title, document.source, document.date, arms)


def _arm_scores(arms: Mapping[str, Mapping[int, float]]) -> dict[int, dict[str, ArmScore]]:
    """For each place, its rank and score on every arm."""
    found: dict[int, dict[str, ArmScore]] = {}
    for name, scores in arms.items():
        order = sorted(scores, key=lambda place: (-scores[place], place))
        for rank, place in enumerate(order, start=1):
            found.setdefault(place, {})[name] = ArmScore(rank, scores[place])
    return found


def _windows(document: Document, asked: Collection[str]) -> Iterator[_Window]:
    spans = sentences(document.text)
    words = [words_of(document.text[start:end], asked) for start, end in spans]
    sections = document.sections or (Section("", 0, 0, len(document.text)),)
    at = 0
    for first, (start, _) in enumerate(spans):
        while at + 1 < len(sections) and sections[at].end <= start:
            at += 1
        held = Words(0, {})
        for last in range(first, min(first + _SENTENCES, len(spans))):
            end = spans[last][1]
            if last > first and (end - start > _CHARS or end > sections[at].end):
                break
            held += words[last]
            passage = Passage(document.doc_id, start, end, document.text[start:end], sections[at].path)
            yield _Window(document, passage, held)


def _apart(order: Sequence[int], windows: Sequence[_Window], k: int) -> list[int]:
    """The first ``k`` places whose windows do not overlap an earlier one."""
    kept: list[int] = []
    for place in order:
        if len(kept) == k:
            break
        window = windows[place].passage
        others = (windows[other].passage for other in kept)
        if all(w.doc_id != window.doc_id or w.end <= window.start or window.end <= w.start for w in others):
            kept.append(place)
    return kept
