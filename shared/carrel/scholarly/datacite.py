"""DataCite: https://api.datacite.org/dois — datasets, software, theses, preprints: the DOIs of repositories."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from carrel.errors import CarrelError, Unavailable
from carrel.records import Access, Author, Page, Work
from carrel.scholarly.courier import Clock, Courier, Getter, each, shelve
from carrel.scholarly.fields import identifiers_of, open_copy, orcid_of
from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.markup import plain_abstract, plain_line
from carrel.scholarly.names import parse_author
from carrel.scholarly.providers import Lookup, Query, Record, Shelf, SourceStatus, failed
from carrel.scholarly.shapes import Json, first, iso_date, json_object, number, table, tables, text
from carrel.scholarly.standing import doi_of
from carrel.scholarly.titles import title_words, topic_words

__all__ = ["DataCite", "datacite_record"]

_BATCH_FROM = 3  # more identifiers than this go into one list request
_BATCH = 50
_ARXIV = "10.48550/arxiv."  # arXiv registers every paper here
_TYPES = {
    "journalarticle": "article",
    "datapaper": "article",
    "article": "article",
    "conferencepaper": "conference-paper",
    "conferenceproceeding": "conference-paper",
    "proceedingsarticle": "conference-paper",
    "preprint": "preprint",
    "workingpaper": "preprint",
    "dissertation": "thesis",
    "thesis": "thesis",
    "doctoralthesis": "thesis",
    "mastersthesis": "thesis",
    "phdthesis": "thesis",
    "book": "book",
    "monograph": "book",
    "monographie": "book",
    "blogposting": "other",
    "bookchapter": "chapter",
    "report": "report",
    "technicalreport": "report",
    "dataset": "dataset",
    "datasets": "dataset",
    "software": "software",
    "peerreview": "peer-review",
}
_CSL_TYPES = {"article-journal": "article", "thesis": "thesis", "book": "book", "chapter": "chapter"}
_FILTER_TYPES = {
    "article": ("JournalArticle", "DataPaper", "Text"),
    "conference-paper": ("ConferencePaper", "Text"),
    "preprint": ("Preprint", "Text"),
    "chapter": ("BookChapter", "Text"),
    "book": ("Book", "Text"),
    "thesis": ("Dissertation", "Text"),
    "dataset": ("Dataset",),
    "report": ("Report", "Text"),
}
_RELATED = frozenset(("IsVersionOf", "HasVersion", "IsIdenticalTo", "IsVariantFormOf", "IsOriginalFormOf"))


class DataCite:
    """Looks up DOIs of repositories and arXiv numbers, and searches. Other agencies' DOIs are not here."""

    name = "datacite"

    def __init__(self, client: Getter, clock: Clock, *, base: str = "", contact: str = "") -> None:
        # Per address and five minutes: 1,000 requests with a contact in the User-Agent, fewer without one.
        self._courier = Courier(
            self.name,
            (base or "https://api.datacite.org").rstrip("/"),
            client,
            clock,
            {"any": 0.3 if contact else 0.6},
        )

    def reads(self, identifier: Identifier) -> bool:
        """DOIs, and arXiv numbers by the DOI that arXiv registers for each."""
        return identifier.scheme in ("doi", "arxiv")

    def settles(self, identifier: Identifier) -> bool:
        """Never: Crossref and others register DOIs too, and a new arXiv paper's DOI comes days after the paper."""
        del identifier
        return False

    async def get(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        """Up to three one by one, more in lists of fifty."""
        if len(identifiers) <= _BATCH_FROM:
            return await each(self._courier, identifiers, lambda i: self._single(i, ends))
        started = self._courier.clock.time()
        found: dict[Identifier, Record] = {}
        absent: set[Identifier] = set()
        status = SourceStatus(self.name, "ok")
        for at in range(0, len(identifiers), _BATCH):
            part = {_doi(i): i for i in identifiers[at : at + _BATCH]}
            try:
                records = await self._listed(list(part), ends)
            except CarrelError as error:
                status = failed(self.name, error)
                break
            found |= {part[doi]: record for doi, record in records.items() if doi in part}
            absent |= {i for i in part.values() if i not in found}
        ms = round((self._courier.clock.time() - started) * 1000)
        state = status.state if status.state != "ok" or found else "empty"
        return Lookup(SourceStatus(self.name, state, status.detail, ms, status.retry_after), found, frozenset(absent))

    async def _single(self, identifier: Identifier, ends: float) -> Record | None:
        page = await self._courier.ask(f"/dois/{quote(_doi(identifier), safe='')}", kind="any", ends=ends)
        answer = json_object(page, self.name)
        if page.status == 404:
            if not any(text(error.get("status")) == "404" for error in tables(answer.get("errors"))):
                raise Unavailable("something other than datacite answered; check the network and try again")
            return None
        entry = table(answer.get("data"))
        if not text(table(entry.get("attributes")).get("doi")):
            raise Unavailable("datacite reported an error instead of a record; try again later")
        return datacite_record(entry)

    async def _listed(self, dois: Sequence[str], ends: float) -> Mapping[str, Record]:
        quoted = " OR ".join('"' + re.sub(r'["\\]', "", doi) + '"' for doi in dois)
        params: Mapping[str, str | int] = {"query": f"doi:({quoted})", "page[size]": len(dois)}
        page = await self._courier.ask("/dois", kind="any", ends=ends, params=params)
        entries, _ = self._entries(page)
        return {text(table(e.get("attributes")).get("doi")).lower(): datacite_record(e) for e in entries}

    async def find(self, query: Query, ends: float) -> Shelf:
        """Words of the title for one work, words anywhere for a topic, best match first."""
        wanted = _search(query)
        if not wanted:
            return Shelf(SourceStatus(self.name, "skipped", "the query has no words that datacite can search"))
        # Only pages by number are ranked; its cursors sort by date.
        params: Mapping[str, str | int] = {
            "query": wanted,
            "page[size]": query.limit,
            "page[number]": query.page,
            "sort": "relevance",
        }

        async def ask() -> tuple[tuple[Record, ...], int | None]:
            entries, total = self._entries(await self._courier.ask("/dois", kind="any", ends=ends, params=params))
            return tuple(map(datacite_record, entries)), total

        return await shelve(self._courier, ask)

    def _entries(self, page: Page) -> tuple[list[Json], int | None]:
        answer = json_object(page, self.name)
        if page.status != 200 or not isinstance(answer.get("data"), list):
            raise Unavailable("datacite reported an error instead of results; try again later")
        return tables(answer["data"]), number(table(answer.get("meta")).get("total"))


def _doi(identifier: Identifier) -> str:
    return identifier.value if identifier.scheme == "doi" else _ARXIV + identifier.value


def _search(query: Query) -> str:
    """The query in Lucene's language; every word is ours, so none can be an operator or a field."""
    if query.title:
        words = list(title_words(query.title)[:20])
        parts = [f"titles.title:({' AND '.join(words)})"] if words else []
    else:
        words = topic_words(query.text)
        parts = [f"({(' AND ' if len(words) <= 4 else ' OR ').join(words)})"] if words else []
    parts += [f"creators.name:{word}" for word in title_words(query.author)[-1:]]
    if not parts:
        return ""
    if query.year_from or query.year_to:
        parts.append(f"publicationYear:[{query.year_from or 1000} TO {query.year_to or 2200}]")
    if kinds := sorted({word for kind in query.types for word in _FILTER_TYPES.get(kind, ())}):
        parts.append(f"types.resourceTypeGeneral:({' OR '.join(kinds)})")
    return " AND ".join(parts)


def datacite_record(entry: Json) -> Record:
    """One ``data`` object (``attributes`` inside) as a record."""
    told = table(entry.get("attributes"))
    doi = text(told.get("doi")) or text(entry.get("id"))
    identifiers = identifiers_of([doi, *_alternate(told)])
    relations = tables(told.get("relatedIdentifiers"))
    related = {i for r in relations if text(r.get("relationType")) in _RELATED and (i := _relative(r))}
    container, date = table(told.get("container")), _date(told)
    work = Work(
        title=_title(told),
        authors=tuple(a for a in map(_author, tables(told.get("creators"))) if a.family)[:5_000],
        year=int(date[:4]) if date else None,
        date=date,
        venue=plain_line(text(container.get("title"))),
        publisher=plain_line(_publisher(told)),
        type=_type(table(told.get("types"))),
        volume=text(container.get("volume")),
        issue=text(container.get("issue")),
        pages=_pages(text(container.get("firstPage")), text(container.get("lastPage"))),
        abstract=_abstract(told),
        language=text(told.get("language"))[:10],
        identifiers=identifiers,
        cited_by=number(told.get("citationCount")),
        references=tuple(
            dict.fromkeys(
                str(i)
                for r in relations[:2_000]
                if text(r.get("relationType")) in ("References", "Cites") and (i := _relative(r))
            )
        ),
        access=_access(told),
        url=f"https://doi.org/{doi.lower()}" if doi_of(doi) else "",
        found_by=("datacite",),
    )
    return Record("datacite", work, frozenset(related))


def _relative(relation: Json) -> Identifier | None:
    named = text(relation.get("relatedIdentifierType")).lower()
    return doi_of(text(relation.get("relatedIdentifier"))) if named in ("doi", "arxiv") else None


def _alternate(told: Json) -> list[str]:
    """Other names of this very work that say what they are."""
    schemes = {"arxiv": "arxiv:", "pmid": "pmid:", "pmcid": "pmcid:"}
    return [
        schemes[kind] + value
        for name in ("identifiers", "alternateIdentifiers")
        for entry in tables(told.get(name))
        if (kind := (text(entry.get("identifierType")) or text(entry.get("alternateIdentifierType"))).lower())
        in schemes
        and (value := text(entry.get("identifier")) or text(entry.get("alternateIdentifier")))
    ]


def _title(told: Json) -> str:
    """The title that has no type, which is the main one, with its subtitle."""
    titles = [(text(t.get("titleType")), plain_line(text(t.get("title")))) for t in tables(told.get("titles"))]
    main = next((title for kind, title in titles if not kind and title), next((t for _, t in titles if t), ""))
    subtitle = next((title for kind, title in titles if kind == "Subtitle"), "")
    joined = subtitle and subtitle.lower() not in main.lower()
    return f"{main.rstrip(' :.')}: {subtitle}" if joined else main


def _author(entry: Json) -> Author:
    named = [text(n.get("nameIdentifier")) for n in tables(entry.get("nameIdentifiers"))]
    orcid = next((found for name in named if "orcid.org" in name and (found := orcid_of(name))), "")
    name, family = plain_line(text(entry.get("name"))), plain_line(text(entry.get("familyName")))
    if family:
        return Author(family, plain_line(text(entry.get("givenName"))), orcid)
    if text(entry.get("nameType")) == "Organizational":
        return Author(name)
    read = parse_author(name)
    return Author(read.family, read.given, orcid)


def _publisher(told: Json) -> str:
    """A name; newer records hold an object."""
    return text(told.get("publisher")) or text(table(told.get("publisher")).get("name"))


def _date(told: Json) -> str:
    """The day it was issued or made available where that is in the year of publication, else that year."""
    stated = number(told.get("publicationYear")) or 0
    # Thai repositories count from the Buddha; nothing else is of the 25th century.
    year = iso_date(str(stated - 543 if 2400 <= stated <= 2700 else stated or text(told.get("publicationYear"))))
    for kind in ("Issued", "Available", "Created"):
        for entry in tables(told.get("dates")):
            date = iso_date(text(entry.get("date"))) if text(entry.get("dateType")) == kind else ""
            if date and (not year or date.startswith(year)):
                return date
    return year


def _type(types: Json) -> str:
    """By what the repository calls it, else by its class, else by what DataCite makes of both in CSL."""
    for name in ("resourceType", "resourceTypeGeneral"):
        word = re.sub(r"[^a-z]", "", text(types.get(name)).lower())
        if word in _TYPES:
            return _TYPES[word]
    return _CSL_TYPES.get(text(types.get("citeproc")), "other" if text(types.get("resourceTypeGeneral")) else "")


def _pages(start: str, end: str) -> str:
    """Repositories write anything here, places and dates too: a page is what ends, or begins, with digits."""
    first_page = re.search(r"(?<!\w)[A-Za-z]{0,3}\d+$", start[-40:])
    last_page = re.match(r"[A-Za-z]{0,3}\d+(?!\w)", end)
    if first_page is None:
        return ""
    return f"{first_page[0]}-{last_page[0]}" if last_page and last_page[0] != first_page[0] else first_page[0]


def _abstract(told: Json) -> str:
    said = (d for d in tables(told.get("descriptions")) if text(d.get("descriptionType")) == "Abstract")
    return next((plain for d in said if (plain := plain_abstract(text(d.get("description"))))), "")


def _access(told: Json) -> tuple[Access, ...]:
    """Where it lies, when an open licence is stated."""
    rights = tables(told.get("rightsList"))
    licence = next(
        (
            text(r.get("rightsIdentifier")) or text(r.get("rightsUri"))
            for r in rights
            if "creativecommons.org" in text(r.get("rightsUri")) or text(r.get("rightsIdentifier")).startswith("cc")
        ),
        "",
    )
    if not licence:
        return ()
    content = first(told.get("contentUrl"))
    return (
        *open_copy(content, "datacite", licence=licence),
        *open_copy(text(told.get("url")), "datacite", licence=licence, media_type="text/html"),
    )
