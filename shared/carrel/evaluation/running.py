"""Questions through a pipeline: the run, and how long each question took."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

from carrel.evaluation.nouns import Progress, Questions, Run, as_run
from carrel.evaluation.pipelines import Pipeline, Words
from carrel.index import Library
from carrel.records import Hit
from carrel.retrieve import Granularity, Reranking, search

__all__ = ["DEPTH", "Shelf", "percentiles", "run_pipeline"]

DEPTH = 100
"""Hits per question, unless asked otherwise: what R@100 needs."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where questions are asked: a library, the collection for each way to read words, and what a hit is called in the
    judgements. ``kinds`` gives the granularity that answers a kind of question, ``reranking`` what a name means."""

    library: Library
    collections: Mapping[Words, str]
    name: Callable[[Hit, Granularity], str]
    granularity: Granularity = "document"
    kinds: Mapping[str, Granularity] = field(default_factory=dict)
    reranking: Callable[[str], Reranking | None] = lambda name: None
    bytes: int = 0


def run_pipeline(
    shelf: Shelf,
    questions: Questions,
    pipeline: Pipeline,
    *,
    depth: int = DEPTH,
    clock: Callable[[], float],
    progress: Progress = lambda done, total, what: None,
) -> Run:
    """Ask every question and keep the ``depth`` best hits. ``clock`` counts seconds. Raises what `search` raises."""
    found: dict[str, list[str]] = {}
    seconds: list[float] = []
    for number, (topic, text) in enumerate(questions.topics.items()):
        size = _granularity(shelf, questions, topic, pipeline)
        if not number:  # the first search opens files and loads the encoder
            _ask(shelf, text, size, pipeline, depth)
        began = clock()
        hits = _ask(shelf, text, size, pipeline, depth)
        seconds.append(clock() - began)
        found[topic] = [shelf.name(hit, size) for hit in hits]
        progress(number + 1, len(questions.topics), pipeline.name)
    return as_run(pipeline.name, found, tuple(seconds))


def _granularity(shelf: Shelf, questions: Questions, topic: str, pipeline: Pipeline) -> Granularity:
    return pipeline.granularity or shelf.kinds.get(questions.kinds.get(topic, ""), shelf.granularity)


def _ask(shelf: Shelf, text: str, granularity: Granularity, pipeline: Pipeline, depth: int) -> tuple[Hit, ...]:
    return search(
        shelf.library,
        [text],
        collection=shelf.collections[pipeline.words],
        k=depth,
        mode=pipeline.mode,
        granularity=granularity,
        weights=pipeline.weights,
        diversity=pipeline.diversity,
        reranking=shelf.reranking(pipeline.rerank) if pipeline.rerank else None,
    ).hits


def percentiles(seconds: tuple[float, ...]) -> tuple[float, float]:
    """The median and the 95th percentile, in milliseconds; 0 for a run that was not timed."""
    if not seconds:
        return 0.0, 0.0
    ordered = sorted(seconds)
    return 1000 * median(ordered), 1000 * ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
