"""Which stretches of a document bear on a claim: windows of one to three sentences, weighed by rare shared words.

This ranker needs no index and no model; `carrel.citations.meaning` asks one where the words are not enough.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from carrel.citations.lexicon import content_words, stem
from carrel.citations.tokens import tokens
from carrel.records import Document

__all__ = ["Window", "rank_windows", "rank_within", "stems"]

_MAX_SENTENCE = 1_200
_BLOCK = 20_000  # a long document is read in blocks of so many characters …
_MAX_BLOCKS = 20  # … and of these the ones that have most of the claim's words


@dataclass(frozen=True, slots=True, repr=False)
class Window:
    """A stretch ``document.text[start:end]``; ``score``: the weighted share (0..1) of the claim's content it holds."""

    document: Document
    start: int
    end: int
    score: float

    @property
    def text(self) -> str:
        return self.document.text[self.start : self.end]

    @property
    def ref(self) -> str:
        return f"{self.document.doc_id}:{self.start}-{self.end}"


def stems(text: str) -> list[str]:
    """Stems of the content words of ``text``, in order, with repeats."""
    return [stem(word) for word in content_words(token.word for token in tokens(text) if token.word[0].isalnum())]


def rank_windows(documents: Sequence[Document], claim: str, k: int = 3) -> list[Window]:
    """The ``k`` windows that hold most of the claim, best first, at most one of any overlapping two.

    A longer window wins only when it adds content. Ties go to the earlier document and offset.
    """
    wanted = set(stems(claim))
    if not wanted:
        return []
    scored: list[tuple[float, int, Window]] = []
    for order, document in enumerate(documents):
        units = [unit for block in _blocks(document.text, claim) for unit in _units_at(document.text, *block)]
        weights = _weights(wanted, units)
        for start, end, score in _windows(wanted, units, weights):
            scored.append((score, order, Window(document, start, end, score)))
    scored.sort(key=lambda item: (-round(item[0], 6), item[1], item[2].end - item[2].start, item[2].start))
    return _apart([window for _, _, window in scored], k)


def rank_within(document: Document, start: int, end: int, claim: str, k: int = 3) -> list[Window]:
    """The windows of ``document.text[start:end]`` that hold most of the claim, best first; the stretch itself when
    none holds any. Words weigh as in the whole document, so that scores compare."""
    end = min(end, len(document.text))
    wanted = set(stems(claim))
    units = [unit for block in _blocks(document.text, claim) for unit in _units_at(document.text, *block)]
    weights = _weights(wanted, units)
    inside = [
        _Unit(first, last, frozenset(stems(document.text[first:last])))
        for first, last in ((max(start, unit.start), min(end, unit.end)) for unit in units)
        if first < last
    ]
    found = [Window(document, *window) for window in _windows(wanted, inside, weights)] if wanted else []
    found.sort(key=lambda window: (-round(window.score, 6), window.end - window.start, window.start))
    return _apart(found, k) or [Window(document, start, end, 0.0)]


def _apart(windows: Sequence[Window], k: int) -> list[Window]:
    kept: list[Window] = []
    for window in windows:
        clash = any(w.document is window.document and w.start < window.end and window.start < w.end for w in kept)
        if not clash:
            kept.append(window)
        if len(kept) == k:
            break
    return kept


@dataclass(frozen=True, slots=True)
class _Unit:
    start: int
    end: int
    words: frozenset[str]


def _blocks(text: str, claim: str) -> list[tuple[int, int]]:
    """The whole of a text of usual length; of a longer one the blocks that have most of the claim's words."""
    if len(text) <= _BLOCK * _MAX_BLOCKS:
        return [(0, len(text))]
    spans = [(at, min(len(text), at + _BLOCK)) for at in range(0, len(text), _BLOCK)]
    words = {token.word for token in tokens(claim)}
    wanted = [word[:6] for word in content_words(sorted(words))]
    folded = text.casefold()
    if len(folded) != len(text):
        folded = text.lower() if len(text.lower()) == len(text) else text
    scores = [(sum(folded.find(word, start, end) >= 0 for word in wanted), -start) for start, end in spans]
    best = sorted(range(len(spans)), key=lambda i: scores[i], reverse=True)[:_MAX_BLOCKS]
    return [spans[i] for i in sorted(best)]


def _units_at(text: str, start: int, end: int) -> list[_Unit]:
    if (start, end) == (0, len(text)):
        return list(_units(text))
    return [_Unit(unit.start + start, unit.end + start, unit.words) for unit in _units(text[start:end])]


@lru_cache(maxsize=256)
def _units(text: str) -> tuple[_Unit, ...]:
    from carrel.documents import sentences

    found = []
    for start, end in sentences(text):
        for at in range(start, end, _MAX_SENTENCE):
            stop = min(end, at + _MAX_SENTENCE)
            found.append(_Unit(at, stop, frozenset(stems(text[at:stop]))))
    return tuple(found)


def _weights(wanted: set[str], units: Sequence[_Unit]) -> dict[str, float]:
    """Rarer words of the document weigh more; a word it lacks weighs as the rarest (Robertson's IDF, floored)."""
    seen = Counter(word for unit in units for word in unit.words & wanted)
    n = len(units) + 1
    return {word: math.log(1 + (n - seen[word] + 0.5) / (seen[word] + 0.5)) + 0.2 for word in wanted}


def _windows(wanted: set[str], units: Sequence[_Unit], weights: dict[str, float]) -> Iterator[tuple[int, int, float]]:
    total = sum(weights.values())
    for first, unit in enumerate(units):
        held = unit.words & wanted
        if not held:
            continue
        best = sum(weights[word] for word in held) / total
        yield unit.start, unit.end, best
        grown = set(held)
        for last in units[first + 1 : first + 3]:
            if not (last.words & wanted) - grown:
                continue
            grown |= last.words & wanted
            score = sum(weights[word] for word in grown) / total
            if score > best + 0.05:  # an added sentence must bring something
                yield unit.start, last.end, score - 0.02
                best = score
