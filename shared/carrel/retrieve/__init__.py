"""Query to ranking: the one place where retrieval happens, for searches and for the evidence of a claim."""

from carrel.index import Filters
from carrel.retrieve.searching import Granularity, Mode, excerpt, search
from carrel.retrieve.within import evidence

__all__ = ["Filters", "Granularity", "Mode", "evidence", "excerpt", "search"]
