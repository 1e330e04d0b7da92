"""What a choice means for whoever searches: a setting to use, or none."""

from __future__ import annotations

import json
from dataclasses import replace

from carrel.evaluation.choosing import Choice
from carrel.evaluation.pipelines import DEFAULT, Pipeline
from carrel.retrieve import Weights

__all__ = ["advice"]


def advice(choice: Choice, one: Pipeline) -> str:
    """What to do, in words a user can follow."""
    if one.name == DEFAULT.name:
        return f"Keep the default: {choice.reason}."
    if one == replace(Pipeline(one.name, one.mode), granularity=one.granularity):
        return f'Search this collection with mode "{one.mode}": {choice.reason}.'
    if one == replace(Pipeline(one.name, rerank=one.rerank), granularity=one.granularity):
        return f'Search this collection with rerank "{one.rerank}": {choice.reason}.'
    usual = Weights()
    lines = [
        f"{key} = {json.dumps(value)}"
        for key, value, same in (
            ("dense", one.weights.dense, usual.dense),
            ("fuse", one.weights.fusion, usual.fusion),
            ("retrieve", one.weights.depth, usual.depth),
        )
        if value != same
    ]
    settable = replace(usual, dense=one.weights.dense, fusion=one.weights.fusion, depth=one.weights.depth)
    if one.weights != settable or one.rerank or one.mode != "hybrid" or one.diversity != DEFAULT.diversity:
        return f"The pipeline {one.name} is better, but no setting turns it on: {choice.reason}."
    return "\n".join(
        [
            f'Put this into the file that CARREL_PIPELINES names, and search with rerank "mine": {choice.reason}.',
            "",
            "    [pipelines.mine]",
            *(f"    {line}" for line in lines),
            "",
        ]
    )
