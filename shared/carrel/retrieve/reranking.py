"""A ranking's first candidates, put in order again by the stages of a pipeline."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from carrel.errors import Unavailable, Unsupported
from carrel.index import Row, View
from carrel.rerank import Patience, Pipeline, Prepares, Scorers, Shelf, Stage
from carrel.retrieve.nouns import Weights
from carrel.retrieve.pooling import Pool

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Reranking", "judged_text", "reranked", "weighed"]

_READ = 20_000  # characters of a passage, more than any of these models sees: a table kept whole may have a million


@dataclass(frozen=True, slots=True)
class Reranking:
    """A pipeline, and what runs its models.

    ``begun`` are the places of the stages that ordered the listing whose later page is asked for: they run again and no
    other does, or its pages would not fit together. None where a listing begins.
    """

    pipeline: Pipeline
    scorers: Scorers
    begun: tuple[int, ...] | None = None


def weighed(weights: Weights, plan: Reranking | None) -> Weights:
    """The first stage's weights with what the pipeline says about retrieving and fusing."""
    if plan is None:
        return weights
    asked = plan.pipeline
    return replace(
        weights,
        depth=asked.retrieve or weights.depth,
        fusion=asked.fuse or weights.fusion,
        dense=asked.dense if asked.dense >= 0.0 else weights.dense,
    )


def reranked(
    view: View,
    pool: Pool,
    order: Sequence[int],
    queries: Sequence[str],
    plan: Reranking | None,
    shelf: Shelf | None = None,
) -> tuple[list[int], tuple[int, ...]]:
    """The order after every stage of the plan, and the places of those that ran; the view's notes tell of each that
    could not.

    Each stage is credited in the pool as an arm of its kind; the host's is left to who asked. Candidates beyond a
    stage's cut keep their places behind it. Raises Unavailable or Unsupported instead of a note when the pipeline is
    strict, and when the listing was begun with that stage. ``shelf`` is where what models make of passages stays.
    """
    kept, ran = list(order), []
    if plan is None:
        return kept, ()
    for place, stage in enumerate(plan.pipeline.stages):
        if stage.kind == "host" or not kept:
            continue
        if plan.begun is not None and place not in plan.begun:
            view.notes.append(f"{stage.kind} reranking was left out, as on the pages before")
            continue
        try:
            kept = _after(view, pool, kept, queries, stage, plan.scorers, shelf)
            ran.append(place)
        except (Unavailable, Unsupported) as lack:
            if plan.begun is not None:
                raise type(lack)(
                    f"{stage.kind} reranking put the pages before in order and cannot run now: {lack}; ask for this "
                    "page again, or begin anew without the cursor"
                ) from lack
            if plan.pipeline.strict:
                raise
            view.notes.append(f"{stage.kind} reranking was left out: {lack}")
    return kept, tuple(ran)


def _after(
    view: View,
    pool: Pool,
    order: list[int],
    queries: Sequence[str],
    stage: Stage,
    scorers: Scorers,
    shelf: Shelf | None,
) -> list[int]:
    scorer = scorers.of(stage)
    rows = view.hydrate(order[: stage.cut])
    head = [key for key in order[: stage.cut] if key in rows]  # erased this moment: it has no text to judge
    if not head:
        return order
    texts = [judged_text(rows[key]) for key in head]
    patience = Patience(stage.seconds)
    if shelf is not None and isinstance(scorer, Prepares):
        digests = (view.rows[key].digest for key in head)
        scorer.prepare(dict(zip(digests, texts, strict=True)), shelf, patience)
    scores = scorer.score(queries, texts, patience).mean(axis=0)
    if not all(map(math.isfinite, scores.tolist())):
        raise Unavailable("its model gave something that is no number; fetch the model again")
    by_key = dict(zip(head, _blended(scores, [pool.fused[key] for key in head], stage.weight), strict=True))

    def place(key: int) -> tuple[float, str, int, int]:
        passage = rows[key].passage
        return -by_key[key], passage.doc_id, passage.start, passage.end

    first = sorted(head, key=place)
    _credit(pool, stage.kind, dict(zip(head, scores.tolist(), strict=True)), lambda key: place(key)[1:])
    behind = order[stage.cut :]
    _rescale(pool, first, by_key, pool.fused[behind[0]] if behind else 0.0)
    return first + behind


def judged_text(row: Row) -> str:
    """A passage as a reranker reads it: with what its document and section are called, which alone may say what it is
    about."""
    path = [part for part in dict.fromkeys((row.title, *row.passage.heading)) if part]
    missing = [part for part in path if part not in row.passage.text[:400]]
    return "\n".join((*missing, row.passage.text))[:_READ]


def _blended(scores: NDArray[np.float64], before: Sequence[float], weight: float) -> list[float]:
    """Both scores from 0 to 1, the stage's with ``weight``; rounded, so that equal ones are equal."""
    import numpy as np

    blended = weight * _spread(scores) + (1.0 - weight) * _spread(np.asarray(before, np.float64))
    rounded: list[float] = np.round(blended, 6).tolist()
    return rounded


def _spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else values * 0.0


def _credit(pool: Pool, arm: str, scores: dict[int, float], ref: Callable[[int], tuple[str, int, int]]) -> None:
    """Say in the pool where the stage alone would put each passage."""
    order = sorted(scores, key=lambda key: (-round(scores[key], 9), ref(key)))
    pool.found.append((arm, {key: (rank, scores[key]) for rank, key in enumerate(order, start=1)}))


def _rescale(pool: Pool, first: Sequence[int], by_key: dict[int, float], floor: float) -> None:
    """Give reranked passages scores between those of the best before and of the best behind, so that scores fall."""
    top = max(pool.fused[key] for key in first)
    steps = len(first) + 1
    for key in first:
        share = (by_key[key] * len(first) + 1.0) / steps
        pool.fused[key] = floor + (top - floor) * share
