"""What a pipeline is: the stages a ranking goes through after it was retrieved, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from carrel.errors import BadRequest

__all__ = ["BUILT_IN", "MOST_FOR_HOST", "Kind", "Pipeline", "Stage", "pipeline_named"]

Kind = Literal["late", "cross", "sparse", "host"]

MOST_FOR_HOST = 50
"""Candidates of one work order: what a reply has room for."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One reranker over the first ``cut`` candidates.

    ``model`` is a hub name or a folder (empty for the host). ``weight`` is its share against the order it was given, 1:
    it alone decides. A stage that needs more than ``seconds`` is left out. The host orders blocks of at most ``block``
    candidates, and sees each in ``rounds`` of them.
    """

    kind: Kind
    model: str = ""
    cut: int = 50
    weight: float = 1.0
    seconds: float = 30.0
    block: int = 8
    rounds: int = 2


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A named way to a ranking: retrieve, fuse, then ``stages`` in turn, each over the first of what it is given.

    ``retrieve`` is candidates per arm and query (0: as without a pipeline), ``fuse`` convex or rrf (empty: likewise),
    ``dense`` the share of the dense arm (-1: likewise). With ``strict`` a stage that cannot run is an error; otherwise
    the ranking comes without it and says so.
    """

    name: str
    stages: tuple[Stage, ...] = ()
    retrieve: int = 0
    fuse: Literal["", "convex", "rrf"] = ""
    dense: float = -1.0
    strict: bool = False

    @property
    def host(self) -> Stage | None:
        """The last stage if it is the host's."""
        return self.stages[-1] if self.stages and self.stages[-1].kind == "host" else None


# Small models under Apache-2.0 that a laptop can run; each pipeline may be defined anew in the configuration.
LATE_MODEL = "answerdotai/answerai-colbert-small-v1"
CROSS_MODEL = "cross-encoder/ms-marco-MiniLM-L6-v2"

BUILT_IN: Mapping[str, Pipeline] = {
    each.name: each
    for each in (
        Pipeline("none"),
        Pipeline("late", (Stage("late", LATE_MODEL, 50),)),
        Pipeline("cross", (Stage("cross", CROSS_MODEL, 30),)),
        Pipeline("host", (Stage("host", cut=20),)),
    )
}
"""What there is without any configuration."""


def pipeline_named(name: str, pipelines: Mapping[str, Pipeline]) -> Pipeline:
    """The pipeline of that name. Raises BadRequest naming those there are."""
    found = pipelines.get(name.strip().lower() or "none")
    if found is None:
        raise BadRequest(f"there is no pipeline of that name; rerank is one of: {', '.join(pipelines)}")
    return found
