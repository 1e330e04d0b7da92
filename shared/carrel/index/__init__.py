"""I have passages: keep them. I have a query: which passages, at a glance?"""

from carrel.index.analysis import terms
from carrel.index.jobs import Job, Jobs
from carrel.index.library import Added, CollectionStatus, Library, Removed, Span, check_collection
from carrel.index.members import Filters
from carrel.index.opening import LazyLibrary, open_library
from carrel.index.store import Row

__all__ = [
    "Added",
    "CollectionStatus",
    "Filters",
    "Job",
    "Jobs",
    "LazyLibrary",
    "Library",
    "Removed",
    "Row",
    "Span",
    "check_collection",
    "open_library",
    "terms",
]
