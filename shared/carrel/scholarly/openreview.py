"""OpenReview: https://api2.openreview.net — submissions to ICLR, NeurIPS, TMLR and others, published or not.

Older venues are only in the first API, newer ones only in the second; a forum is absent when both say so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from carrel.errors import Unavailable
from carrel.records import Author, Page, Work
from carrel.scholarly.courier import Clock, Courier, Getter, each, shelve
from carrel.scholarly.fields import open_copy
from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.markup import plain_abstract, plain_line
from carrel.scholarly.names import parse_author
from carrel.scholarly.providers import Lookup, Query, Record, Shelf, SourceStatus
from carrel.scholarly.shapes import Json, items, json_object, number, table, tables, text
from carrel.scholarly.titles import title_words, topic_words

__all__ = ["OpenReview", "openreview_record"]

_HELD = frozenset(("preprint", "conference-paper", "article"))
_PUBLIC = "https://openreview.net"
_OPEN = re.compile(r"submi|reject|withdraw|under review|blind", re.I)  # a venue that says "not published here"


class OpenReview:
    """Looks forum ids up and searches."""

    name = "openreview"

    def __init__(self, client: Getter, clock: Clock, *, base: str = "") -> None:
        new, old = (base, base) if base else ("https://api2.openreview.net", "https://api.openreview.net")
        self._couriers = tuple(
            Courier(self.name, address.rstrip("/"), client, clock, {"any": 1.0}, lanes=1) for address in (new, old)
        )

    def reads(self, identifier: Identifier) -> bool:
        """Forum ids."""
        return identifier.scheme == "openreview"

    def settles(self, identifier: Identifier) -> bool:
        """It knows all its forums; one that may not be read is refused, not denied."""
        return identifier.scheme == "openreview"

    async def get(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        """One by one, in the second API and then in the first."""
        return await each(self._couriers[0], identifiers, lambda i: self._single(i, ends))

    async def _single(self, identifier: Identifier, ends: float) -> Record | None:
        for courier in self._couriers:
            page = await courier.ask("/notes", kind="any", ends=ends, params={"id": identifier.value})
            if page.status == 404:
                self._no_record(page)
                continue
            if notes := self._notes(page)[0]:
                return openreview_record(notes[0])
        return None

    async def find(self, query: Query, ends: float) -> Shelf:
        """Words in titles for one work, words anywhere for a topic; only submissions, not what is said about them."""
        if query.types and not _HELD & set(query.types):
            return Shelf(SourceStatus(self.name, "skipped", "openreview holds none of these types"))
        words = list(title_words(query.title)[:30]) if query.title else topic_words(query.text)
        words += title_words(query.author)[-1:]
        if not words:
            return Shelf(SourceStatus(self.name, "skipped", "the query has no words that openreview can search"))
        params: Mapping[str, str | int] = {
            "term": " ".join(words),
            "type": "terms",
            "content": "title" if query.title else "all",
            "group": "all",
            "source": "forum",
            "limit": query.limit,
            "offset": (query.page - 1) * query.limit,
        }

        async def ask() -> tuple[tuple[Record, ...], int | None]:
            page = await self._couriers[0].ask("/notes/search", kind="any", ends=ends, params=params, answers=(200,))
            notes, total = self._notes(page)
            return tuple(map(openreview_record, notes)), total

        return await shelve(self._couriers[0], ask)

    def _notes(self, page: Page) -> tuple[list[Json], int | None]:
        """The notes that are submissions with a title."""
        answer = json_object(page, self.name)
        if not isinstance(answer.get("notes"), list):
            raise Unavailable("openreview reported an error instead of an answer; try again later")
        notes = [n for n in tables(answer["notes"]) if text(n.get("id")) and text(n.get("forum")) == text(n.get("id"))]
        return [n for n in notes if _value(n, "title")], number(answer.get("count"))

    def _no_record(self, page: Page) -> None:
        """A 404 counts only in OpenReview's own words."""
        if text(json_object(page, self.name).get("name")) != "NotFoundError":
            raise Unavailable("something other than openreview answered; check the network and try again")


def _told(note: Json, name: str) -> object:
    """A field of the content: the second API wraps each in an object."""
    value = table(note.get("content")).get(name)
    return table(value).get("value") if isinstance(value, dict) else value


def _value(note: Json, name: str) -> str:
    return text(_told(note, name))


def openreview_record(note: Json) -> Record:
    """One submission as a record. A withdrawn or rejected one is a preprint: it may well be published elsewhere."""
    forum, venue = text(note.get("id")), plain_line(_value(note, "venue"))
    place = f"{venue} {_value(note, 'venueid')}"
    date = _date(note, place)
    pdf = _value(note, "pdf")
    address = f"{_PUBLIC}{pdf}" if pdf.startswith("/pdf/") else pdf if pdf.startswith("https://") else ""
    return Record(
        "openreview",
        Work(
            title=plain_line(_value(note, "title")),
            authors=tuple(a for a in map(_author, items(_told(note, "authors"))) if a.family)[:5_000],
            year=int(date[:4]) if date else None,
            date=date,
            venue=venue,
            type=_type(place),
            abstract=plain_abstract(_value(note, "abstract")),
            identifiers={"openreview": forum} if re.fullmatch(r"[\w-]{8,12}", forum) else {},
            access=tuple(
                open_copy(address, "openreview", licence=text(note.get("license")), media_type="application/pdf")
            ),
            url=f"{_PUBLIC}/forum?id={forum}" if re.fullmatch(r"[\w-]+", forum) else "",
            found_by=("openreview",),
        ),
    )


def _author(entry: object) -> Author:
    """A name, or an object with one."""
    return parse_author(plain_line(text(entry) or text(table(entry).get("fullname"))))


def _date(note: Json, place: str) -> str:
    """The day of publication or submission where the venue is of that year, else the venue's year."""
    years = re.findall(r"(?<!\d)20[0-4]\d(?!\d)", place)
    millis = next((n for name in ("pdate", "odate", "cdate") if (n := number(note.get(name)))), 0)
    day = datetime.fromtimestamp(millis / 1000, UTC).date().isoformat() if 0 < millis < 4_000_000_000_000 else ""
    return day if day and (not years or day[:4] == years[0]) else (years[0] if years else "")


def _type(place: str) -> str:
    if _OPEN.search(place) or not place.strip():
        return "preprint"
    return "article" if re.search(r"\b(?:TMLR|JMLR|transactions|journal)\b", place, re.I) else "conference-paper"
