"""I have candidates: which of them truly answer? Rerankers as declared pipelines, the host among them."""

from carrel.rerank.configuration import read_pipelines
from carrel.rerank.handles import WorkOrder, open_handle, seal
from carrel.rerank.pipelines import BUILT_IN, Kind, Pipeline, Stage, pipeline_named
from carrel.rerank.scorers import Patience, Prepares, Scorer, Scorers, Shelf
from carrel.rerank.work_orders import Outcome, aggregated, blocks_of

__all__ = [
    "BUILT_IN",
    "Kind",
    "Outcome",
    "Patience",
    "Pipeline",
    "Prepares",
    "Scorer",
    "Scorers",
    "Shelf",
    "Stage",
    "WorkOrder",
    "aggregated",
    "blocks_of",
    "open_handle",
    "pipeline_named",
    "read_pipelines",
    "seal",
]
