"""A fetched page as a document, its scripts run by a browser where that is asked for or needed."""

from __future__ import annotations

from typing import Literal, Protocol

import anyio

from carrel.errors import CarrelError, Unsupported
from carrel.ingest.pages import HTML, page_document
from carrel.records import Document, Page

__all__ = ["Render", "Renderer", "shown_document"]

Render = Literal["auto", "never", "always"]


class Renderer(Protocol):
    """What runs the scripts of a page: `carrel.web.Browser` with the client that reads what they lead to."""

    async def __call__(self, page: Page) -> Page: ...


async def shown_document(
    page: Page, render: Render, renderer: Renderer, *, lanes: anyio.CapacityLimiter | None = None
) -> tuple[Document, Page, str]:
    """The document, the page it was made of, and a note where the page could not be shown as it is meant to be.

    ``auto`` runs the scripts only of an HTML page that has next to no text without them, and makes do without them
    where they cannot be run. ``lanes`` bounds how many pages are parsed at once. Raises what `page_document` and, for
    ``always``, the renderer raise; a page without any text whose scripts cannot be run is what the renderer says of it.
    """
    if render == "always":
        return await _rendered(page, renderer, lanes)
    try:
        document = await anyio.to_thread.run_sync(page_document, page, limiter=lanes)
    except Unsupported:
        if render == "never" or page.media_type not in HTML:
            raise
        return await _needed(page, renderer, lanes)
    if render == "never" or document.metadata.get("note") != "empty_shell":
        return document, page, ""
    try:
        return await _rendered(page, renderer, lanes)
    except CarrelError as error:
        return document, page, f"not rendered: {error}"


async def _needed(page: Page, renderer: Renderer, lanes: anyio.CapacityLimiter | None) -> tuple[Document, Page, str]:
    try:
        return await _rendered(page, renderer, lanes)
    except Unsupported as error:
        raise Unsupported(f"that page has no readable text without its JavaScript: {error}") from None


async def _rendered(page: Page, renderer: Renderer, lanes: anyio.CapacityLimiter | None) -> tuple[Document, Page, str]:
    shown = await renderer(page)
    note = "" if shown.rendered else "not rendered: only HTML has scripts to run"
    return await anyio.to_thread.run_sync(page_document, shown, limiter=lanes), shown, note
