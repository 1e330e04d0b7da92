"""DBLP: https://dblp.org/search/publ/api — computer science, with venues in full. Since autumn 2026 it shows a page
for browsers to programs at times, which is a failure and never "no results"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from carrel.errors import Unavailable
from carrel.records import Page, Work
from carrel.scholarly.courier import Clock, Courier, Getter, shelve
from carrel.scholarly.fields import identifiers_of, open_copy
from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.markup import plain_line
from carrel.scholarly.names import parse_author
from carrel.scholarly.providers import Lookup, Query, Record, Shelf, SourceStatus
from carrel.scholarly.shapes import Json, first, items, json_object, table, tables, text
from carrel.scholarly.titles import title_words, topic_words

__all__ = ["Dblp", "dblp_record"]

_TYPES = {
    "Journal Articles": "article",
    "Conference and Workshop Papers": "conference-paper",
    "Parts in Books or Collections": "chapter",
    "Reference Works": "chapter",
    "Books and Theses": "book",
    "Editorship": "book",
    "Informal and Other Publications": "preprint",
    "Informal Publications": "preprint",
    "Data and Artifacts": "dataset",
}
_HELD = frozenset((*_TYPES.values(), "thesis"))


class Dblp:
    """Searches. It has no lookup by the identifiers that Carrel reads."""

    name = "dblp"

    def __init__(self, client: Getter, clock: Clock, *, base: str = "") -> None:
        self._courier = Courier(
            self.name, (base or "https://dblp.org").rstrip("/"), client, clock, {"search": 1.0}, lanes=1, retries=0
        )

    def reads(self, identifier: Identifier) -> bool:
        """None."""
        del identifier
        return False

    def settles(self, identifier: Identifier) -> bool:
        """Nothing."""
        del identifier
        return False

    async def get(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        """It cannot be asked for identifiers."""
        del identifiers, ends
        return Lookup(SourceStatus(self.name, "skipped", "dblp looks nothing up by identifier"))

    async def find(self, query: Query, ends: float) -> Shelf:
        """All words must occur, in titles, names or venues; dates and types are left to the merged record."""
        if query.types and not _HELD & set(query.types):
            return Shelf(SourceStatus(self.name, "skipped", "dblp holds none of these types"))
        words = list(title_words(query.title)[:20]) if query.title else topic_words(query.text, 8)
        words += title_words(query.author)[-1:]
        if not words:
            return Shelf(SourceStatus(self.name, "skipped", "the query has no words that dblp can search"))
        params: Mapping[str, str | int] = {
            "q": " ".join(words),
            "h": query.limit,
            "f": (query.page - 1) * query.limit,
            "c": 0,
            "format": "json",
        }

        async def ask() -> tuple[tuple[Record, ...], int | None]:
            page = await self._courier.ask("/search/publ/api", kind="search", ends=ends, params=params, answers=(200,))
            return self._records(page)

        return await shelve(self._courier, ask)

    def _records(self, page: Page) -> tuple[tuple[Record, ...], int | None]:
        result = table(json_object(page, self.name).get("result"))
        hits, total = table(result.get("hits")), text(table(result.get("hits")).get("@total"))
        if text(table(result.get("status")).get("@code")) != "200" or not re.fullmatch(r"\d{1,9}", total):
            raise Unavailable("dblp reported an error instead of results; try again later")
        found = [table(hit.get("info")) for hit in tables(hits.get("hit"))]
        return tuple(record for record in map(dblp_record, found) if record.work.title), int(total)


def dblp_record(info: Json) -> Record:
    """One hit's ``info`` as a record."""
    links = [text(info.get("ee")), *(text(link) for link in items(info.get("ee")))]
    year = text(info.get("year")) if re.fullmatch(r"[12]\d{3}", text(info.get("year"))) else ""
    identifiers = identifiers_of([text(info.get("doi")), *_arxiv(info), *links])
    open_links = links if text(info.get("access")) == "open" else []
    return Record(
        "dblp",
        Work(
            title=re.sub(r"(?<!\.)\.$", "", plain_line(text(info.get("title")))),
            authors=tuple(a for a in map(parse_author, _names(info)) if a.family)[:5_000],
            year=int(year) if year else None,
            date=year,
            venue=plain_line(first(info.get("venue"))),
            publisher=plain_line(text(info.get("publisher"))),
            type=_type(info),
            volume=text(info.get("volume")),
            issue=text(info.get("number")),
            pages=text(info.get("pages")).replace("--", "-"),
            identifiers=identifiers,
            access=tuple(copy for link in open_links[:5] for copy in open_copy(link, "dblp"))[:3],
            url=next((link for link in (text(info.get("url")), *links) if re.match(r"https?://\S+$", link)), ""),
            found_by=("dblp",),
        ),
    )


def _names(info: Json) -> list[str]:
    """One author is an object, several are a list of them; older answers hold bare names."""
    told = table(info.get("authors")).get("author")
    entries = items(told) or (told,)
    return [plain_line(text(entry) or text(table(entry).get("text"))) for entry in entries]


def _arxiv(info: Json) -> list[str]:
    """CoRR is arXiv: its volume is ``abs/`` and the number."""
    volume = text(info.get("volume"))
    return ["arxiv:" + volume.removeprefix("abs/")] if volume.startswith("abs/") else []


def _type(info: Json) -> str:
    kind, key = text(info.get("type")), text(info.get("key"))
    return "thesis" if key.startswith(("phd/", "ms/")) else _TYPES.get(kind, "other" if kind else "")
