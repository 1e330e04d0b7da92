"""Sources to index: files, folders, pages and texts become documents of a collection."""

from carrel.ingest.adding import Outcome, Progress, add, note
from carrel.ingest.finding import Skipped, allowed_path
from carrel.ingest.pages import page_document

__all__ = ["Outcome", "Progress", "Skipped", "add", "allowed_path", "note", "page_document"]
