"""Sources to index: files, folders, pages and texts become documents of a collection."""

from carrel.ingest.adding import Unreadable, add, note
from carrel.ingest.finding import allowed_path
from carrel.ingest.outcome import Change, Outcome, Progress, Skipped
from carrel.ingest.pages import page_document
from carrel.ingest.syncing import Drop

__all__ = [
    "Change", "Drop", "Outcome", "Progress", "Skipped", "Unreadable", "add", "allowed_path", "note", "page_document",
]  # fmt: skip
