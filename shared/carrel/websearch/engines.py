"""The search engines: how each is asked, and how its answer is read.

From their documentation: docs.searxng.org/dev/search_api, api-dashboard.search.brave.com (Web Search API),
docs.tavily.com (Search), docs.exa.ai (Search), developers.google.com/custom-search/v1.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from carrel.errors import Unavailable
from carrel.websearch.asking import Line, rows, said
from carrel.websearch.nouns import Query, Result

__all__ = ["Brave", "Exa", "Google", "SearXNG", "Tavily"]

_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")

Today = Callable[[], date]


@dataclass(frozen=True, slots=True)
class SearXNG:
    """A metasearch engine that people run themselves; JSON must be among the ``formats`` of its settings.

    It knows only ranges of time (day, month, year), so the day is checked here where a result has one.
    """

    line: Line
    today: Today
    name: str = "searxng"

    async def search(self, query: Query, deadline: float) -> Sequence[Result]:
        params: dict[str, str | int] = {"q": _with_site(query), "format": "json"}
        if query.after:
            params["time_range"] = self._range(query.after)
        params = {name: value for name, value in params.items() if value}
        data = await self.line.get("/search", params, deadline)
        found = [_result(row, "url", "content", said(row, "publishedDate")) for row in rows(data, "results")]
        if not found and data.get("unresponsive_engines"):
            raise Unavailable("none of the engines behind it answered; try again later")
        return found

    def _range(self, after: str) -> str:
        days = (self.today() - date.fromisoformat(after)).days
        return next((name for name, most in (("day", 1), ("month", 31), ("year", 366)) if days <= most), "")


@dataclass(frozen=True, slots=True)
class Brave:
    """Brave's web search: twenty results at most, and dates as ``from-to``."""

    line: Line
    today: Today
    name: str = "brave"

    async def search(self, query: Query, deadline: float) -> Sequence[Result]:
        params: dict[str, str | int] = {"q": _with_site(query), "count": min(query.k, 20), "text_decorations": "false"}
        if query.after:
            params["freshness"] = f"{query.after}to{self.today().isoformat()}"
        data = await self.line.get("/res/v1/web/search", params, deadline)
        return [_result(row, "url", "description", said(row, "page_age")) for row in rows(data, "web", "results")]


@dataclass(frozen=True, slots=True)
class Tavily:
    """Tavily: twenty results at most; snippets are sentences of the page."""

    line: Line
    name: str = "tavily"

    async def search(self, query: Query, deadline: float) -> Sequence[Result]:
        content: dict[str, object] = {"query": query.text, "max_results": min(query.k, 20)}
        if query.site:
            content["include_domains"] = [query.site]
        if query.after:
            content["start_date"] = query.after
        data = await self.line.post("/search", content, deadline)
        return [_result(row, "url", "content", said(row, "published_date")) for row in rows(data, "results")]


@dataclass(frozen=True, slots=True)
class Exa:
    """Exa: search by meaning; the beginning of a page's text is the snippet."""

    line: Line
    name: str = "exa"

    async def search(self, query: Query, deadline: float) -> Sequence[Result]:
        content: dict[str, object] = {
            "query": query.text,
            "numResults": query.k,
            "contents": {"text": {"maxCharacters": 400}},
        }
        if query.site:
            content["includeDomains"] = [query.site]
        if query.after:
            content["startPublishedDate"] = f"{query.after}T00:00:00.000Z"
        data = await self.line.post("/search", content, deadline)
        return [_result(row, "url", "text", said(row, "publishedDate")) for row in rows(data, "results")]


@dataclass(frozen=True, slots=True)
class Google:
    """Google's Custom Search JSON API with a search engine of the user's own (``cx``): ten results at most."""

    line: Line
    key: str
    cx: str
    today: Today
    name: str = "google"

    async def search(self, query: Query, deadline: float) -> Sequence[Result]:
        params: dict[str, str | int] = {"key": self.key, "cx": self.cx, "q": query.text, "num": min(query.k, 10)}
        if query.site:
            params |= {"siteSearch": query.site, "siteSearchFilter": "i"}
        if query.after:
            params["sort"] = f"date:r:{query.after}:{self.today().isoformat()}".replace("-", "")
        data = await self.line.get("/customsearch/v1", params, deadline)
        return [_result(row, "link", "snippet", _published(row)) for row in rows(data, "items")]


def _published(item: Mapping[str, Any]) -> str:
    tags = next(rows(item, "pagemap", "metatags"), {})
    return said(tags, "article:published_time", "og:published_time", "date", "article:modified_time")


def _with_site(query: Query) -> str:
    return f"{query.text} site:{query.site}" if query.site else query.text


def _result(row: Mapping[str, Any], url: str, snippet: str, dated: str) -> Result:
    day = _DAY.match(dated.strip())
    return Result(said(row, url).strip(), _plain(said(row, "title")), _plain(said(row, snippet)), day[0] if day else "")


def _plain(text: str) -> str:
    """One line of text without the markup that marks the words found."""
    return " ".join(html.unescape(_TAG.sub("", text[:5_000])).split())
