"""read_page and read_pages."""

from __future__ import annotations

from typing import Annotated, Literal

import anyio
from pydantic import Field

from carrel.errors import BadRequest
from carrel.index import LazyLibrary
from carrel.ingest import Render
from carrel.mcp import CarrelServer, Context, progress
from carrel.settings import Settings
from carrel.web import check_url
from carrel_web.goals import Reader, open_reader, show_goal
from carrel_web.many import DEADLINE, read_all, show_all
from carrel_web.pages import Pages, Reading
from carrel_web.views import show_links, show_metadata, show_outline, show_tables, show_text

__all__ = ["add_reading"]

View = Literal["text", "outline", "links", "tables", "metadata"]
Goal = Annotated[str, Field(max_length=1_000, description="show only what bears on this")]


def add_reading(server: CarrelServer, pages: Pages, shelf: LazyLibrary, settings: Settings) -> None:
    """Give the server its tools that read."""
    _add_page(server, pages, shelf, settings)
    _add_pages(server, pages, shelf, settings)


def _add_page(server: CarrelServer, pages: Pages, shelf: LazyLibrary, settings: Settings) -> None:
    @server.tool(title="Read a web page", text=True, open_world=True, max_chars=48_000)
    async def read_page(
        ctx: Context,
        url: Annotated[str, Field(description="http(s) address")],
        goal: Goal = "",
        view: View = "text",
        section: Annotated[str, Field(description="heading or outline number")] = "",
        cursor: Annotated[str, Field(description="from the last reply: the next part, without a request")] = "",
        fresh: Annotated[bool, Field(description="ask the site even if the page was read within the hour")] = False,
        render: Annotated[
            Render, Field(description="run the page's JavaScript; auto: when it shows no text without")
        ] = "auto",
        max_chars: Annotated[int, Field(ge=200, le=40_000)] = 8_000,
        keep: Annotated[bool, Field(description="also make it searchable in the library")] = False,
        collection: Annotated[str, Field(description="where keep puts it")] = "default",
    ) -> str:
        """Read a web page or PDF as clean Markdown with references to cite. The reply says what was left out and the
        call that shows the next part."""
        if goal and view not in ("text", "links"):
            raise BadRequest("goal goes with view=text or view=links; leave one of them out")
        report = progress(ctx)
        report(0, None, "asking the site")
        reading = await pages.read(url, fresh=fresh, any_age=bool(cursor), render=render)
        kept = ""
        if keep:
            passages = await pages.index(reading.document, collection)
            kept = f"kept: in collection '{collection}', {passages} new passages\n"
        address = check_url(url, allow_hosts=settings.allow_hosts).text
        if goal:
            # weighing a long page takes seconds; the loop goes on meanwhile
            return kept + await anyio.to_thread.run_sync(
                lambda: _aimed(
                    reading, address, view, goal, section, cursor, max_chars, open_reader(shelf, settings.encoder)
                )
            )
        return kept + _show(reading, address, view, section, cursor, max_chars)


def _add_pages(server: CarrelServer, pages: Pages, shelf: LazyLibrary, settings: Settings) -> None:
    @server.tool(title="Read several web pages", text=True, open_world=True, max_chars=48_000)
    async def read_pages(
        ctx: Context,
        urls: Annotated[list[str], Field(min_length=1, max_length=20)],
        goal: Goal = "",
        max_chars: Annotated[int, Field(ge=1_000, le=40_000, description="for all pages together")] = 12_000,
    ) -> str:
        """Read up to 20 pages at once. With a goal the best passages of all pages share the room; without, each shows
        its beginning. Every URL has a status; pages that fail or come too late spare the others."""
        outcomes = await read_all(pages, urls, DEADLINE, progress(ctx))
        return await anyio.to_thread.run_sync(
            lambda: show_all(
                outcomes, goal, max_chars, open_reader(shelf, settings.encoder) if goal else Reader(None, "")
            )
        )


def _aimed(
    reading: Reading, url: str, view: View, goal: str, section: str, cursor: str, max_chars: int, reader: Reader
) -> str:
    if view == "links":
        return show_links(reading, url, section, cursor, max_chars, goal, reader.encoder)
    return show_goal(reading, url, goal, section, cursor, max_chars, reader)


def _show(reading: Reading, url: str, view: View, section: str, cursor: str, max_chars: int) -> str:
    if view == "outline":
        return show_outline(reading, url)
    if view == "links":
        return show_links(reading, url, section, cursor, max_chars)
    if view == "tables":
        return show_tables(reading, url, section, cursor, max_chars)
    if view == "metadata":
        return show_metadata(reading)
    return show_text(reading, url, section, cursor, max_chars)
