"""The nouns of the lexical arm: what goes into it, what limits a search, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from carrel.errors import IncompatibleIndex

__all__ = ["DamagedArm", "LexicalFacts", "LexicalFilter", "LexicalRow", "Mark"]


class DamagedArm(IncompatibleIndex):
    """The arm's files are not what was written, or of another form: nothing is answered from them.

    The store has everything that is in an arm: `LexicalArm.renew`, then apply every row.
    """


class Mark(NamedTuple):
    """Which commit of the store an arm has reached; ``Mark(0, 0)`` for a new arm.

    ``nonce`` is random per generation (below 2**63): a generation of that number in a restored store has another.
    """

    generation: int
    nonce: int


@dataclass(frozen=True, slots=True)
class LexicalRow:
    """One passage as the arm takes it. ``date`` is yyyymmdd with zeros for unknown parts, 0 for none."""

    passage_id: int
    doc_id: str
    title: str
    heading: tuple[str, ...]
    body: str
    source_kind: str
    media_type: str
    date: int
    authors: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LexicalFilter:
    """What a hit must fulfil, every part of it; an empty or zero part is no limit.

    One of several kinds, types or tags is enough. ``after`` is inclusive and ``before`` exclusive (yyyymmdd); a
    document without a date passes neither. All words of ``author`` occur among the authors' names.
    """

    source_kinds: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    after: int = 0
    before: int = 0
    author: str = ""


@dataclass(frozen=True, slots=True)
class LexicalFacts:
    """Passages searchable, segments they lie in, bytes on disk of the current snapshot."""

    passages: int
    segments: int
    bytes: int
