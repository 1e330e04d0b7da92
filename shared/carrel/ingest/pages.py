"""A fetched page as a document."""

from __future__ import annotations

from dataclasses import replace

from carrel.documents import parse
from carrel.errors import BadRequest, Refused, Unsupported
from carrel.records import Document, Page
from carrel.web import barrier_of

__all__ = ["HTML", "page_document"]

HTML = ("text/html", "application/xhtml+xml")
_WAITING = "that page has no readable text of its own; it probably needs JavaScript, which is not run here"
_TEXTLESS = "that page shows no readable text, even after its scripts were run"


def page_document(page: Page) -> Document:
    """Parse a fetched page; its source is the address that answered.

    Raises what `parse` raises; a page whose text only scripts could show is Unsupported, a PDF that came cut off
    Refused.
    """
    if page.truncated and (page.media_type == "application/pdf" or page.body.startswith(b"%PDF-")):
        raise Refused("that PDF is too large, or came only in part, so it was not read")
    try:
        document = parse(
            page.body,
            source=page.final_url,
            source_kind="web",
            media_type=page.media_type,
            charset=page.charset,
            base_url=page.final_url,
        )
    except Unsupported:
        raise
    except BadRequest:
        if page.media_type in HTML and page.body.strip():
            raise Unsupported(_TEXTLESS if page.rendered else _WAITING) from None
        raise
    facts = {**document.metadata, "fetched_at": page.fetched_at, "status": str(page.status)}
    if page.truncated:
        facts["truncated"] = f"after {len(page.body)} bytes"
    if barrier := barrier_of(page, document.title, document.text):
        facts["looks_like"] = barrier
    if page.rendered:
        facts["rendered"] = page.rendered
    if page.redirects:
        facts["asked_for"] = page.url[:500]
    return replace(document, metadata=facts)
