"""DOAJ: https://doaj.org/api — articles of open-access journals, nearly all with an abstract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from carrel.errors import Unavailable
from carrel.records import Access, Author, Page, Work
from carrel.scholarly.courier import Clock, Courier, Getter, shelve
from carrel.scholarly.fields import identifiers_of, open_copy, orcid_of
from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.markup import plain_abstract, plain_line
from carrel.scholarly.names import parse_author
from carrel.scholarly.providers import Lookup, Query, Record, Shelf, SourceStatus
from carrel.scholarly.shapes import Json, first, iso_date, json_object, number, table, tables, text
from carrel.scholarly.titles import title_words, topic_words

__all__ = ["Doaj", "doaj_record"]


class Doaj:
    """Searches. Its articles are found by identifier elsewhere, with the same facts."""

    name = "doaj"

    def __init__(self, client: Getter, clock: Clock, *, base: str = "") -> None:
        # Two requests a second.
        self._courier = Courier(
            self.name, (base or "https://doaj.org").rstrip("/"), client, clock, {"search": 0.5}, lanes=1
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
        """It is asked for no identifiers."""
        del identifiers, ends
        return Lookup(SourceStatus(self.name, "skipped", "doaj is only searched"))

    async def find(self, query: Query, ends: float) -> Shelf:
        """A title as a phrase in titles, a topic as words anywhere."""
        if query.types and "article" not in query.types:
            return Shelf(SourceStatus(self.name, "skipped", "doaj holds only articles"))
        wanted = _search(query)
        if not wanted:
            return Shelf(SourceStatus(self.name, "skipped", "the query has no words that doaj can search"))
        params: Mapping[str, str | int] = {"page": query.page, "pageSize": query.limit}

        async def ask() -> tuple[tuple[Record, ...], int | None]:
            path = f"/api/v4/search/articles/{quote(wanted, safe='')}"
            return self._records(await self._courier.ask(path, kind="search", ends=ends, params=params, answers=(200,)))

        return await shelve(self._courier, ask)

    def _records(self, page: Page) -> tuple[tuple[Record, ...], int | None]:
        answer = json_object(page, self.name)
        if not isinstance(answer.get("results"), list):
            raise Unavailable("doaj reported an error instead of results; try again later")
        records = map(doaj_record, tables(answer["results"]))
        return tuple(record for record in records if record.work.title), number(answer.get("total"))


def _search(query: Query) -> str:
    """The query in Lucene's language; every word is ours, so none can be an operator or a field."""
    if query.title:
        words = title_words(query.title)[:30]
        parts = [f'bibjson.title:"{" ".join(words)}"'] if words else []
    else:
        topic = topic_words(query.text)
        parts = [f"({(' AND ' if len(topic) <= 4 else ' OR ').join(topic)})"] if topic else []
    parts += [f"bibjson.author.name:{word}" for word in title_words(query.author)[-1:]]
    if parts and (query.year_from or query.year_to):
        parts.append(f"bibjson.year:[{query.year_from or 1000} TO {query.year_to or 2200}]")
    return " AND ".join(parts)


def doaj_record(entry: Json) -> Record:
    """One article as a record."""
    told = table(entry.get("bibjson"))
    journal = table(told.get("journal"))
    names = tables(told.get("identifier"))
    identifiers = identifiers_of(text(n.get("id")) for n in names if text(n.get("type")).lower() == "doi")
    date = _date(text(told.get("year")), text(told.get("month")))
    start, end = text(told.get("start_page")), text(told.get("end_page"))
    number_of = text(entry.get("id"))
    return Record(
        "doaj",
        Work(
            title=plain_line(text(told.get("title"))),
            authors=tuple(a for a in map(_author, tables(told.get("author"))) if a.family)[:5_000],
            year=int(date[:4]) if date else None,
            date=date,
            venue=plain_line(text(journal.get("title"))),
            publisher=plain_line(text(journal.get("publisher"))),
            type="article",
            volume=text(journal.get("volume")),
            issue=text(journal.get("number")),
            pages=f"{start}-{end}" if start and end and start != end else start,
            abstract=plain_abstract(text(told.get("abstract"))),
            language=first(journal.get("language")).lower()[:10],
            identifiers=identifiers,
            access=_access(told, journal),
            url=f"https://doi.org/{identifiers['doi']}"
            if "doi" in identifiers
            else f"https://doaj.org/article/{number_of}",
            found_by=("doaj",),
        ),
    )


def _author(entry: Json) -> Author:
    read = parse_author(plain_line(text(entry.get("name"))))
    return Author(read.family, read.given, orcid_of(text(entry.get("orcid_id"))))


def _date(year: str, month: str) -> str:
    return iso_date(f"{year}-{month.zfill(2)}") or iso_date(year)


def _access(told: Json, journal: Json) -> tuple[Access, ...]:
    """Links to the full text, which for most journals is a page that leads there."""
    licence = next((kind for entry in tables(journal.get("license")) if (kind := text(entry.get("type")))), "")
    return tuple(
        copy
        for link in tables(told.get("link"))
        if text(link.get("type")) == "fulltext"
        for copy in open_copy(
            text(link.get("url")),
            "doaj",
            licence=licence,
            version="publishedVersion",
            # Many links called "pdf" lead to a page: there only the address is believed.
            media_type="text/html" if text(link.get("content_type")).lower().endswith("html") else "",
        )
    )[:5]
