"""Queries as people mistype them: one random edit inside one word."""

from __future__ import annotations

import random
import re

_WORD = re.compile(r"[^\W\d_]{4,}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def misspelt(query: str, seed: int | str = 0) -> str:
    """``query`` with one edit: a letter put in, left out or replaced, or two neighbours changed over.

    The word is any of four letters or more, the place inside it any, and every kind of edit equally likely; the same
    query and seed give the same edit. A query without such a word comes back as it is.
    """
    chance = random.Random(f"{seed}:{query}")
    words = list(_WORD.finditer(query))
    if not words:
        return query
    place = chance.choice(words)
    return query[: place.start()] + _edited(place[0], chance) + query[place.end() :]


def _edited(word: str, chance: random.Random) -> str:
    """One edit that makes another word."""
    while True:
        at = chance.randrange(len(word))
        letter = chance.choice(_LETTERS)
        made = chance.choice(
            (
                word[:at] + letter + word[at:],
                word[:at] + word[at + 1 :],
                word[:at] + letter + word[at + 1 :],
                word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
            )
        )
        if made != word:
            return made
