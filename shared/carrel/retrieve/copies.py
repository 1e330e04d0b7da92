"""Passages that say the same, word for word, in several documents or versions of one.

Vectors pick the pairs worth reading; words decide. Two passages are copies when nothing but case, punctuation, marks
of layout and articles differs, in program text nothing but white space. Vectors alone cannot tell: of the pairs with a
cosine above .98 in the development collections, nearly all that are not equal differ in numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from carrel.index import Row, View

__all__ = ["collapsed", "same_words", "wording"]

_ALIKE = 0.92
"""Cosine from which two passages are read. Title and headings are encoded too: the same 100 words under a title that
has nothing to do with the other lie between .5 and .98, under a similar one above this."""
_READ = 9  # first passages that are read whatever their vectors say; most replies show them anyway
_FEWEST = 12  # words from which a text stands for itself; below, its title and headings may be what it is about
_AT_ONCE = 9  # passages compared with all others at once
_COLUMNS = 64  # of them; a product this small stays in this thread, and costs microseconds
_TOKEN = re.compile(
    r"[-\u2212]?\d[\d.,]*(?<![.,])[^\W\d_]*"  # a number with its sign and unit
    r"|[^\W_]+(?:['\u2019][^\W_]+)*"
    r"|[#%<>=~+^/$\u00a3\u00a5\u00b0\u00b1\u00d7\u00f7]"  # signs
    r"|[^\x00-\xbf\w\s\u2010-\u2027\u3000-\u3003\uff01\uff0c\uff1f]"  # others, and vowels and tones inside words
)
_LIGHT = frozenset(("a", "an", "the"))
_PROGRAM = re.compile(
    r"[{};]\s*$|[=!]=|=>|->|:=|&&|\|\||\w\(\w*\)|^\s*(?:def|class|import|from|return)\b", re.MULTILINE
)
_SIGNS = 3  # of program text, from which a text counts as that


def collapsed(view: View, order: Sequence[int], need: int) -> tuple[list[int], dict[int, list[int]]]:
    """``order`` without copies of earlier passages, and per kept passage its copies.

    The first ``need`` passages of the answer have no copy in it, and all of theirs are found; what comes later was not
    compared.
    """
    finder = _Alike(view, order) if view.dense is not None else _Wordings(view, order)
    kept: list[int] = []
    copies: dict[int, list[int]] = {}
    gone: set[int] = set()
    for place, key in enumerate(order):
        if len(kept) >= need:
            break
        if key in gone:
            continue
        kept.append(key)
        if found := [other for other in finder.after(place) if other not in gone]:
            copies[key] = found
            gone.update(found)
    settled = gone.union(kept)
    return [*kept, *(key for key in order if key not in settled)], copies


def wording(text: str) -> tuple[str, ...]:
    """The words of a text that weigh, numbers with their signs, in order and in lower case; program text as it is."""
    if len(_PROGRAM.findall(text)) >= _SIGNS:
        return tuple(text.split())
    return tuple(word for word in _TOKEN.findall(text.casefold()) if word not in _LIGHT)


def same_words(one: Row, other: Row) -> bool:
    """Whether two passages are copies as the module says."""
    said = wording(one.passage.text)
    if said != wording(other.passage.text):
        return False
    return len(said) >= _FEWEST or (bool(said) and _about(one) == _about(other))


def _fingerprint(text: str) -> tuple[int, ...]:
    """How often a few letters and digits occur that no article has: equal for copies, and quickly counted."""
    small = text.casefold()
    return tuple(small.count(char) for char in "iorsd12")


def _about(row: Row) -> tuple[str, ...]:
    return wording(" ".join((row.title, *row.passage.heading)))


class _Alike:
    """Copies among passages in order: those of one digest, and of those worth reading the ones with the same words."""

    def __init__(self, view: View, order: Sequence[int]) -> None:
        self._view, self._order = view, order
        self._keys, self._vectors = view.vectors(order)
        self._row_of = {key: row for row, key in enumerate(self._keys)}
        self._bare = [key for key in order if key not in self._row_of] if len(self._keys) < len(order) else []
        self._alike: dict[int, set[int]] = {}
        self._read: dict[int, Row] = {}
        self._print: dict[int, tuple[int, ...]] = {}
        self._add(order[:_READ])

    def after(self, place: int) -> list[int]:
        """The passages after ``place`` that copy the one there."""
        key = self._order[place]
        if key not in self._alike:
            self._compare(place)
        same = {other for other in self._alike[key] if self._same(key, other)}
        return [other for other in self._order[place + 1 :] if other in same] if same else []

    def _same(self, key: int, other: int) -> bool:
        if self._view.rows[key].digest == self._view.rows[other].digest:
            return True
        return self._print[key] == self._print[other] and same_words(self._read[key], self._read[other])

    def _compare(self, place: int) -> None:
        """Find what is worth reading for a few passages from ``place`` on, and read it."""
        heads = self._order[place : place + _AT_ONCE]
        first = self._order[:_READ]
        self._alike.update((key, {*first} if key in first else set()) for key in heads)
        for head, other in self._near([key for key in heads if key in self._row_of]):
            self._alike[head].add(other)
        digest = {key: self._view.rows[key].digest for key in (*heads, *self._bare)} if self._bare else {}
        for head in heads:
            self._alike[head].update(other for other in self._bare if digest[other] == digest[head])
            self._alike[head].discard(head)
        wanted = {key for head in heads if self._alike[head] for key in (head, *self._alike[head])}
        self._add(sorted(wanted - self._read.keys()))

    def _near(self, heads: Sequence[int]) -> list[tuple[int, int]]:
        """Pairs of one of ``heads`` and a passage whose vectors are alike."""
        import numpy as np

        rows = self._vectors[[self._row_of[key] for key in heads]]
        found = []
        for start in range(0, len(self._keys), _COLUMNS):
            near = np.nonzero(rows @ self._vectors[start : start + _COLUMNS].T >= _ALIKE)
            pairs = zip(*(each.tolist() for each in near), strict=True)
            found += [(heads[one], self._keys[start + other]) for one, other in pairs]
        return found

    def _add(self, keys: Sequence[int]) -> None:
        if keys:
            read = self._view.hydrate(keys)
            self._read.update(read)
            self._print.update((key, _fingerprint(row.passage.text)) for key, row in read.items())


class _Wordings:
    """The same where there are no vectors: every passage is read."""

    def __init__(self, view: View, order: Sequence[int]) -> None:
        self._read = view.hydrate(order)
        groups: dict[tuple[int, ...], list[int]] = {}
        for key in order:
            groups.setdefault(_fingerprint(self._read[key].passage.text), []).append(key)
        self._order = order
        self._group_of = {key: group for group in groups.values() for key in group}

    def after(self, place: int) -> list[int]:
        """The passages after ``place`` that copy the one there."""
        key = self._order[place]
        group = self._group_of[key]
        later = group[group.index(key) + 1 :] if len(group) > 1 else []
        return [other for other in later if same_words(self._read[key], self._read[other])]
