"""I have a question: which named things does it ask about, and does a text speak of them or of others?

A library on lighthouses answers "How much did the Skerryvore lighthouse cost?" with the cost of another one, unless
the name is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from carrel_client.question import clauses, content_words, stem

__all__ = ["NAME", "Things", "things_in"]

NAME = re.compile(r"(?<=\s)[A-Z][\w.-]*|\b\w*(?:[a-z][A-Z]|\d|\w-\w)\w*")  # not the first word, unless its shape tells
_TOGETHER = re.compile(r"\s+(?:of\s+(?:the\s+)?)?")  # what may stand between the words of one name
_ALTERNATIVES = re.compile(r"\b(?:and|or|vs|versus|with|than|between|from|to)\b|[,/&]", re.I)
_YEAR = re.compile(r"\b(1[5-9]\d\d|20\d\d)\b")
_IN_YEAR = re.compile(r"\b(?:in|of|for|during)\s+(?:[A-Z][a-z]+\s+)?(1[5-9]\d\d|20\d\d)\b")
_JOINTS = re.compile(r"[-_'’.]")
_ENOUGH = 0.5  # share of the words of a name: "Stevenson" speaks of Robert Stevenson

Name = tuple[str, ...]  # its words by stem, in order


@dataclass(frozen=True, slots=True)
class Things:
    """``wanted``: per clause, groups of names of which one must be met; ``years`` are those it asks about."""

    wanted: tuple[tuple[tuple[Name, ...], ...], ...] = ()
    years: frozenset[str] = frozenset()

    def spoken_of(self, text: str, about: frozenset[str]) -> bool:
        """Whether ``text`` may answer: ``about`` are the stems of it, its title and its heading.

        All the names of one clause must be met; and a text that names years must name one that was asked about.
        """
        named = set(_YEAR.findall(text))
        if self.years and named and not named & self.years:
            return False
        return not self.wanted or any(
            all(any(_is_met(name, about) for name in group) for group in clause) for clause in self.wanted
        )


def _is_met(name: Name, about: frozenset[str]) -> bool:
    """Whether enough words of a name are there; "MCP" stands for all of Model Context Protocol."""
    met = {part for part in name if any(o == part or (len(part) >= 4 and o.startswith(part)) for o in about)}
    initials = "".join(part[0] for part in name)
    for short in about:
        if len(short) >= 2 and (begin := initials.find(short)) >= 0:
            met.update(name[begin : begin + len(short)])
    return len(met) >= _ENOUGH * len(name)


def things_in(question: str) -> Things:
    """The named things of ``question``. A clause without a name of its own ("and how fast is it?") asks about those of
    the others."""
    parts = clauses(question)
    found = (tuple(_groups(part, opens=place == 0)) for place, part in enumerate(parts))
    return Things(tuple(clause for clause in found if clause), frozenset(_IN_YEAR.findall(question)))


def _groups(clause: str, *, opens: bool) -> Iterator[tuple[Name, ...]]:
    """Names that belong together by and, or, with …: to speak of one of them is enough."""
    group: list[Name] = []
    last = 0
    for start, end in _spans(" " + clause, opens=opens):
        name = tuple(stem(word) for word in content_words(_JOINTS.sub(" ", clause[start - 1 : end - 1])))
        name = tuple(part for part in name if not part.isdigit())
        if not name:
            continue
        if group and not _ALTERNATIVES.search(clause[last : start - 1]):
            yield tuple(group)
            group = []
        group.append(name)
        last = end - 1
    if group:
        yield tuple(group)


def _spans(clause: str, *, opens: bool) -> Iterator[tuple[int, int]]:
    """Where the names stand; words of one name follow each other. A large letter tells none where a question opens."""
    start = end = -1
    for match in NAME.finditer(clause):
        word = match.group()
        if opens and match.start() == 1 and not any(letter.isupper() for letter in word[1:]):
            continue
        if start >= 0 and _TOGETHER.fullmatch(clause, end, match.start()):
            end = match.end()
            continue
        if start >= 0:
            yield start, end
        start, end = match.span() if any(letter.isupper() for letter in word) else (-1, -1)
    if start >= 0:
        yield start, end
