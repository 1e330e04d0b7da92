"""What came of an addition: counts, what changed, and what was left out and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

__all__ = ["Change", "Outcome", "Progress", "Skipped"]

Progress = Callable[[int, int, str], None]
"""Called with how many sources are done, how many there are, and what is being done."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A source that was not added, with the kind and the words of the error that says why."""

    source: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """A document that joined or left the collection; ``doc_id`` is empty in a dry run, for it was not read.

    ``kind`` is empty for texts and pages, of which only the counts tell whether they were new. ``was`` is the source
    that a moved document had before.
    """

    doc_id: str
    title: str
    source: str
    kind: Literal["added", "replaced", "moved", "removed", ""] = ""
    was: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Counts of documents and passages, what changed, and what was not read.

    ``not_read`` counts what a walk passed over by design: a suffix that is not read, ``hidden``, ``excluded by
    pattern`` … ``skipped`` names what should have been read and could not be. ``finished`` is False when it was
    cancelled before the end. In a ``dry_run`` the counts are what would be.
    """

    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    moved: int = 0
    removed: int = 0
    passages: int = 0
    generation: int = 0
    documents: tuple[Change, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    not_read: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    finished: bool = True
    dry_run: bool = False
