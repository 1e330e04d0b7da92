"""I have passages: keep them. I have a query: which passages, at a glance?"""

from carrel.index.catalogue import Collection
from carrel.index.catalogue import check_name as check_collection
from carrel.index.files import KnownFile
from carrel.index.jobs import Job, Jobs
from carrel.index.lexical.analysis import ANALYSERS, terms
from carrel.index.lexical.demands import Demands
from carrel.index.lexical.mending import Mending
from carrel.index.library import SNAPSHOTS, Added, Library, Removed, Span
from carrel.index.lookups import Candidate, Filters
from carrel.index.lookups import Span as PassageSpan
from carrel.index.opening import LazyLibrary, open_library
from carrel.index.sparse import Matches
from carrel.index.upkeep import Finding, examine, repair
from carrel.index.view import Found, Row, View

__all__ = [
    "ANALYSERS",
    "SNAPSHOTS",
    "Added",
    "Candidate",
    "Collection",
    "Demands",
    "Filters",
    "Finding",
    "Found",
    "Job",
    "Jobs",
    "KnownFile",
    "LazyLibrary",
    "Library",
    "Matches",
    "Mending",
    "PassageSpan",
    "Removed",
    "Row",
    "Span",
    "View",
    "check_collection",
    "examine",
    "open_library",
    "repair",
    "terms",
]
