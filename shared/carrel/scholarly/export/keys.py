"""A key for each work of a list: short, ASCII, unique, and the same whatever the order of the list."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from carrel.records import Work
from carrel.scholarly.names import fold

__all__ = ["citation_keys"]

_WORDS_SMALL = "a an the on in of for and or to with from by at is are as le la les der die das ein eine un une el los"
_SMALL = frozenset(_WORDS_SMALL.split())


def citation_keys(works: Sequence[Work]) -> list[str]:
    """``family2019word`` for each; of those that would share one, the second by identifier gets ``b``, and so on."""
    stems = [_stem(work) for work in works]
    sharing: dict[str, list[int]] = defaultdict(list)
    for place, stem in enumerate(stems):
        sharing[stem].append(place)
    keys = list(stems)
    taken = set(stems)
    for stem, places in sharing.items():
        places.sort(key=lambda place: _identity(works[place]))
        number = 1
        for place in places[1:]:
            while (key := stem + _letters(number)) in taken:
                number += 1
            taken.add(key)
            keys[place] = key
    return keys


def _stem(work: Work) -> str:
    family = _ascii(work.authors[0].family) if work.authors else ""
    words = [_ascii(word) for word in work.title.split()]
    word = next((w for w in words if len(w) > 1 and w not in _SMALL), "")
    return f"{family[:30] or 'anon'}{work.year or ''}{word[:20]}"


def _ascii(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", fold(text))


def _identity(work: Work) -> tuple[list[tuple[str, str]], str, str]:
    return sorted(work.identifiers.items()), work.title, work.date


def _letters(number: int) -> str:
    """1 is b, 25 is z, 26 is ba: the first of a stem goes without."""
    text = ""
    while number:
        number, rest = divmod(number, 26)
        text = chr(ord("a") + rest) + text
    return text
