"""Topics, what answers them, and what a pipeline found for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["Progress", "Qrels", "Questions", "Run", "as_run"]

Qrels = Mapping[str, Mapping[str, int]]
"""Topic to document to grade; above 0 is relevant, and what is not there counts as not relevant."""

Progress = Callable[[int, int, str], None]
"""Told of work: how much of how much is done, and what is being done."""


@dataclass(frozen=True, slots=True)
class Questions:
    """Topics that have an answer: ``topics`` holds their texts, ``qrels`` their grades.

    ``kinds`` says of a topic what kind of question it is, where there are several. ``notes`` says in words what was
    left out.
    """

    name: str
    topics: Mapping[str, str]
    qrels: Qrels
    kinds: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """What a pipeline found: ``rankings`` holds, per topic, names and scores, best first. ``seconds`` is how long each
    topic took, in the order of ``rankings``; empty for a run that was read."""

    name: str
    rankings: Mapping[str, tuple[tuple[str, float], ...]]
    seconds: tuple[float, ...] = ()


def as_run(name: str, ranked: Mapping[str, list[str]], seconds: tuple[float, ...] = ()) -> Run:
    """A run of names in order, each scored 1 / rank; a repeated name counts where it stands first."""
    rankings = {
        topic: tuple((each, 1.0 / rank) for rank, each in enumerate(dict.fromkeys(names), start=1))
        for topic, names in ranked.items()
    }
    return Run(name, rankings, seconds)
