"""Pipelines by name: ``lexical``, ``dense``, ``default``, and any with weights of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

from carrel.errors import BadRequest
from carrel.retrieve import Diversity, Fusion, Granularity, Mode, Weights

__all__ = ["DEFAULT", "Pipeline", "Words", "ablation", "candidates", "leans_on_words", "pipeline", "usual"]

Words = Literal["usual", "whole"]
"""How the lexical arm reads words: as usual, or ``whole``, without the parts of identifiers."""

Copies = Literal["folded", "kept"]
_DEEPEST = 10_000


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One way to search. ``granularity`` empty: what the questions ask for. ``words`` chooses the index, ``rerank``
    a reranking pipeline by name."""

    name: str
    mode: Mode = "hybrid"
    weights: Weights = field(default_factory=Weights)
    granularity: Granularity | Literal[""] = ""
    words: Words = "usual"
    rerank: str = ""
    diversity: Diversity = field(default_factory=Diversity)


DEFAULT = Pipeline("default")


def usual() -> tuple[Pipeline, ...]:
    """Each arm by itself, and both as a search combines them."""
    return (Pipeline("lexical", "lexical"), Pipeline("dense", "dense"), DEFAULT)


def leans_on_words(one: Pipeline, other: Pipeline) -> bool:
    """Whether words have a larger share in this pipeline than in the other one."""
    return _share_of_meaning(one) < _share_of_meaning(other)


def _share_of_meaning(one: Pipeline) -> float:
    return {"lexical": 0.0, "dense": 1.0, "hybrid": one.weights.dense}[one.mode]


def candidates() -> tuple[Pipeline, ...]:
    """What may suit a collection better than the default, each of which a search can be told."""
    return (*usual(), *map(pipeline, ("hybrid:dense=0.4", "hybrid:dense=0.8", "hybrid:fusion=rrf")))


def pipeline(text: str) -> Pipeline:
    """Read ``MODE`` or ``MODE:key=value,…``, as ``hybrid:dense=.5,feedback=0``; ``default`` is ``hybrid``.

    Keys: ``dense`` and ``feedback`` (0 to 1), ``depth`` (candidates per arm), ``fusion`` (convex, rrf), ``words``
    (usual, whole), ``copies`` (folded, kept), ``rerank`` (a name) and ``granularity``. Raises BadRequest
    saying what there is.
    """
    mode, _, rest = text.strip().partition(":")
    if mode not in (*get_args(Mode), "default"):
        raise BadRequest(f"a pipeline begins with default, {', '.join(get_args(Mode))}; then :key=value,…")
    made = Pipeline(text.strip(), "hybrid" if mode == "default" else _chosen("mode", mode, Mode))
    for part in filter(None, (each.strip() for each in rest.split(","))):
        key, _, value = part.partition("=")
        made = _with(made, key.strip(), value.strip())
    return made


def _with(made: Pipeline, key: str, value: str) -> Pipeline:
    weights = made.weights
    if key == "granularity":
        return replace(made, granularity=_chosen(key, value, Granularity))
    if key == "words":
        return replace(made, words=_chosen(key, value, Words))
    if key == "rerank":
        return replace(made, rerank=value)
    if key == "copies":
        kept = _chosen(key, value, Copies) == "kept"
        return replace(made, diversity=replace(made.diversity, duplicates=kept))
    if key == "fusion":
        return replace(made, weights=replace(weights, fusion=_chosen(key, value, Fusion)))
    if key == "depth":
        return replace(made, weights=replace(weights, depth=int(_number(key, value, 1, _DEEPEST))))
    if key == "dense":
        return replace(made, weights=replace(weights, dense=_number(key, value, 0, 1)))
    if key == "feedback":
        return replace(made, weights=replace(weights, feedback=_number(key, value, 0, 1)))
    known = ", ".join([*(each.name for each in fields(Weights)), "granularity", "words", "rerank", "copies"])
    raise BadRequest(f"a pipeline has no such key; there are: {known}")


def _chosen(key: str, value: str, choices: Any) -> Any:
    if value not in get_args(choices):
        raise BadRequest(f"{key} of a pipeline is one of: {', '.join(get_args(choices))}")
    return value


def _number(key: str, value: str, low: float, high: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise BadRequest(f"{key} of a pipeline is a number from {low} to {high}")
    return number


def ablation() -> tuple[tuple[Pipeline, str], ...]:
    """The stages of the default pipeline, each with the name of the one it is compared with (empty: none)."""
    whole = Pipeline("words", "lexical", words="whole")
    words = Pipeline("words + identifier parts", "lexical")
    dense = Pipeline("vectors", "dense")
    fused = Pipeline("fusion", weights=Weights(feedback=0.0))
    second = Pipeline("fusion + second look")
    return (
        (whole, ""),
        (words, whole.name),
        (dense, words.name),
        (fused, dense.name),
        (second, fused.name),
        (Pipeline("all, without identifier parts", words="whole"), second.name),
        (Pipeline("all, by ranks (RRF)", weights=Weights(fusion="rrf")), second.name),
        (Pipeline("all, copies kept", diversity=Diversity(duplicates=True)), second.name),
    )
