"""What an audit needs to know of a cited source, and the seam through which it asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from carrel.citations.bibliography import Reference
from carrel.citations.verify import READABLE, SourceState
from carrel.records import Document

__all__ = ["Existence", "SourceText", "Sources", "classify"]

Existence = Literal[
    "found", "not_found", "likely_fabricated", "mismatch", "unconfirmed", "could_not_look", "not_checked"
]
"""``found``: the source is there. ``not_found``: asked, and it is not. ``unconfirmed``: asked, and
nobody is sure. ``could_not_look``: nothing is known."""

_THIN = 400  # characters under which a page has said next to nothing
_ERROR_WORDS = (
    "page not found", "404 not found", "access denied", "403 forbidden", "enable javascript", "are you a robot",
    "verify you are human", "captcha", "just a moment...", "checking your browser", "subscribe to continue",
    "this page isn’t available", "this page isn't available",
)  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class SourceText:
    """A cited source as far as it could be had. ``reason``: what happened when there is no ``document``, in a sentence.

    ``span``: the part of the document that the reference names, if it names one. ``note``: anything a reader should
    know of the source itself, such as a retraction. ``complete``: nothing of the source is missing from the document,
    so that even a short one can be said to be silent.
    """

    existence: Existence
    state: SourceState = "unavailable"
    document: Document | None = None
    span: tuple[int, int] | None = None
    reason: str = ""
    note: str = ""
    complete: bool = False

    @property
    def readable(self) -> bool:
        return self.document is not None and self.state in READABLE


class Sources(Protocol):
    """Gets at cited sources. Never raises for a source that cannot be had: that is an answer too."""

    async def resolve(self, reference: Reference) -> SourceText: ...


def classify(document: Document) -> SourceState:
    """Whether a fetched page has the text of a source, too little of it, or is the page of an error or a barrier."""
    head = f"{document.title}\n{document.text[:1_500]}".casefold()
    if len(document.text) < 3_000 and any(words in head for words in _ERROR_WORDS):
        return "error_page"
    return "thin" if len(document.text.strip()) < _THIN else "ok"
