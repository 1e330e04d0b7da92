"""Sources to index: files, folders, pages and texts become documents of a collection."""

from carrel.ingest.adding import Unreadable, add, note
from carrel.ingest.finding import allowed_path
from carrel.ingest.outcome import Change, Outcome, Progress, Skipped
from carrel.ingest.pages import HTML, page_document
from carrel.ingest.rendering import Render, Renderer, shown_document
from carrel.ingest.syncing import Drop

__all__ = [
    "HTML", "Change", "Drop", "Outcome", "Progress", "Render", "Renderer", "Skipped", "Unreadable", "add",
    "allowed_path", "note", "page_document", "shown_document",
]  # fmt: skip
