"""Query to ranking: the one place where retrieval happens, for searches and for the evidence of a claim."""

from carrel.index import Filters
from carrel.retrieve.excerpts import excerpt
from carrel.retrieve.nouns import Diversity, Fusion, Signals, Weights
from carrel.retrieve.preparing import Prepared, prepare
from carrel.retrieve.reranking import Reranking
from carrel.retrieve.searching import Mode, search
from carrel.retrieve.shaping import Granularity
from carrel.retrieve.sufficiency import SUFFICIENT, Features, features, probability
from carrel.retrieve.within import evidence, rank_links

__all__ = [
    "SUFFICIENT",
    "Diversity",
    "Features",
    "Filters",
    "Fusion",
    "Granularity",
    "Mode",
    "Prepared",
    "Reranking",
    "Signals",
    "Weights",
    "evidence",
    "excerpt",
    "features",
    "prepare",
    "probability",
    "rank_links",
    "search",
]
