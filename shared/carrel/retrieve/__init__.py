"""Query to ranking: the one place where retrieval happens, for searches and for the evidence of a claim."""

from carrel.index import Filters
from carrel.retrieve.excerpts import excerpt
from carrel.retrieve.searching import Mode, search
from carrel.retrieve.shaping import Granularity
from carrel.retrieve.within import evidence

__all__ = ["Filters", "Granularity", "Mode", "evidence", "excerpt", "search"]
