"""Crossref: https://api.crossref.org — bibliographic facts, and retractions from publishers and Retraction Watch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from carrel.errors import CarrelError, Unavailable
from carrel.records import Access, Author, Page, Work
from carrel.scholarly.courier import Clock, Courier, Getter, each
from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.markup import plain_abstract, plain_line
from carrel.scholarly.providers import Lookup, Query, Record, Shelf, SourceStatus, failed
from carrel.scholarly.shapes import Json, first, json_object, number, table, tables, text
from carrel.scholarly.standing import date_of, doi_of, standing

__all__ = ["Crossref", "csl_work"]

_BATCH_FROM = 4  # more identifiers than this go into one list request
_BATCH = 40
_TYPES = {
    "journal-article": "article",
    "article-journal": "article",
    "article": "article",
    "proceedings-article": "conference-paper",
    "paper-conference": "conference-paper",
    "posted-content": "preprint",
    "book-chapter": "chapter",
    "book-section": "chapter",
    "book-part": "chapter",
    "reference-entry": "chapter",
    "chapter": "chapter",
    "monograph": "book",
    "edited-book": "book",
    "reference-book": "book",
    "dissertation": "thesis",
    "report-component": "report",
}
_FILTER_TYPES = {
    "article": ("journal-article",),
    "conference-paper": ("proceedings-article",),
    "preprint": ("posted-content",),
    "chapter": ("book-chapter",),
    "book": ("book", "monograph", "edited-book"),
    "thesis": ("dissertation",),
    "dataset": ("dataset",),
    "report": ("report",),
}


class Crossref:
    """Looks DOIs up and searches metadata. No record here does not mean that a DOI is made up: other agencies exist."""

    name = "crossref"

    def __init__(self, client: Getter, clock: Clock, *, base: str = "", contact: str = "", key: str = "") -> None:
        # Limits since December 2025: 5 records/s and 1 list/s; with a contact in the User-Agent 10/s and 3/s.
        polite = bool(contact)
        self._courier = Courier(
            self.name,
            (base or "https://api.crossref.org").rstrip("/"),
            client,
            clock,
            {"record": 0.1 if polite else 0.2, "list": 0.34 if polite else 1.0},
            lanes=2 if polite else 1,
            headers={"Crossref-Plus-API-Token": f"Bearer {key}"} if key else {},
        )

    def reads(self, identifier: Identifier) -> bool:
        """DOIs only."""
        return identifier.scheme == "doi"

    def settles(self, identifier: Identifier) -> bool:
        """Never: DataCite, JaLC and others register DOIs too."""
        del identifier
        return False

    async def get(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        """Up to four one by one, more in lists of forty; a comma in a DOI would break the list's filter."""
        listed = (
            [i for i in identifiers if re.fullmatch(r"[^,\s|]+", i.value)] if len(identifiers) > _BATCH_FROM else []
        )
        single = [i for i in identifiers if i not in set(listed)]
        lookups = [await self._listed(listed[at : at + _BATCH], ends) for at in range(0, len(listed), _BATCH)]
        if single:
            lookups.append(await each(self._courier, single, lambda i: self._single(i, ends)))
        return _together(self.name, lookups)

    async def _single(self, identifier: Identifier, ends: float) -> Record | None:
        page = await self._courier.ask(f"/works/{quote(identifier.value, safe='')}", kind="record", ends=ends)
        if page.status == 404:
            self._no_record(page)
            return None
        message = self._message(page, "work")
        if not text(message.get("DOI")):
            raise Unavailable("crossref answered in an unknown form; try again later")
        return crossref_record(message)

    async def _listed(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        started = self._courier.clock.time()
        params: dict[str, str | int] = {
            "filter": ",".join(f"doi:{i.value}" for i in identifiers),
            "rows": 2 * len(identifiers),
        }
        try:
            records = self._records(await self._courier.ask("/works", kind="list", ends=ends, params=params))
        except CarrelError as error:
            return Lookup(failed(self.name, error, self._ms(started)))
        by_doi = {record.work.identifiers.get("doi", ""): record for record in records[0]}
        found = {i: by_doi[i.value] for i in identifiers if i.value in by_doi}
        status = SourceStatus(self.name, "ok" if found else "empty", "", self._ms(started))
        return Lookup(status, found, frozenset(i for i in identifiers if i not in found))

    async def find(self, query: Query, ends: float) -> Shelf:
        """``query.bibliographic`` for a topic, ``query.title`` for one work: a title mixed with names ranks worse."""
        started = self._courier.clock.time()
        try:
            page = await self._courier.ask("/works", kind="list", ends=ends, params=_search(query))
            records, total = self._records(page)
        except CarrelError as error:
            return Shelf(failed(self.name, error, self._ms(started)))
        status = SourceStatus(self.name, "ok" if records else "empty", "", self._ms(started))
        return Shelf(status, records, total)

    def _records(self, page: Page) -> tuple[tuple[Record, ...], int | None]:
        message = self._message(page, "work-list")
        if not isinstance(message.get("items"), list):
            raise Unavailable("crossref answered in an unknown form; try again later")
        return tuple(crossref_record(item) for item in tables(message["items"])), number(message.get("total-results"))

    def _message(self, page: Page, kind: str) -> Json:
        answer = json_object(page, self.name)
        if page.status != 200 or text(answer.get("status")) != "ok" or text(answer.get("message-type")) != kind:
            raise Unavailable("crossref reported an error instead of an answer; try again later")
        return table(answer.get("message"))

    def _no_record(self, page: Page) -> None:
        """A 404 counts only in Crossref's own words; a proxy's or a portal's page does not."""
        if not page.body.strip().lower().startswith((b"resource not found", b'{"status"')):
            raise Unavailable("something other than crossref answered; check the network and try again")

    def _ms(self, started: float) -> int:
        return round((self._courier.clock.time() - started) * 1000)


def _together(name: str, lookups: Sequence[Lookup]) -> Lookup:
    """Several lookups of one provider as one; the first failure speaks for it."""
    found = {identifier: record for lookup in lookups for identifier, record in lookup.found.items()}
    absent = frozenset(identifier for lookup in lookups for identifier in lookup.absent)
    ms = sum(lookup.status.ms for lookup in lookups)
    for lookup in lookups:
        if not lookup.status.answered:
            return Lookup(
                SourceStatus(name, lookup.status.state, lookup.status.detail, ms, lookup.status.retry_after),
                found,
                absent,
            )
    return Lookup(SourceStatus(name, "ok" if found else "empty", "", ms), found, absent)


def _search(query: Query) -> Mapping[str, str | int]:
    params: dict[str, str | int] = {"rows": query.limit, "offset": (query.page - 1) * query.limit}
    if query.title:
        params["query.title"] = query.title[:500]
    else:
        params["query.bibliographic"] = query.text[:500]
    if query.author:
        params["query.author"] = query.author[:200]
    if query.venue:
        params["query.container-title"] = query.venue[:200]
    filters = [f"from-pub-date:{query.year_from}"] if query.year_from else []
    filters += [f"until-pub-date:{query.year_to}"] if query.year_to else []
    filters += [f"type:{word}" for kind in query.types for word in _FILTER_TYPES.get(kind, ())]
    if query.open_access:
        filters.append("has-license:true")  # the nearest that Crossref has; the merged record decides
    return params | ({"filter": ",".join(filters)} if filters else {})


def crossref_record(message: Json) -> Record:
    """One ``message`` of ``/works/{doi}`` or item of a list as a record."""
    related = [
        text(entry.get("id"))
        for kind in ("is-preprint-of", "has-preprint", "is-version-of", "has-version", "is-identical-to")
        for entry in tables(table(message.get("relation")).get(kind))
        if text(entry.get("id-type")) == "doi"
    ]
    return Record(
        "crossref", csl_work(message, "crossref"), frozenset(i for i in map(doi_of, related) if i is not None)
    )


def csl_work(message: Json, provider: str) -> Work:
    """A work from Crossref's JSON or from CSL-JSON, which is nearly the same."""
    doi = doi_of(text(message.get("DOI")))
    date = date_of(message)
    pages = text(message.get("page")).replace("--", "-")
    abstract = plain_abstract(first(message.get("abstract")))
    return Work(
        title=_title(message),
        authors=tuple(a for a in map(_author, tables(message.get("author"))) if a.family)[:5_000],
        year=int(date[:4]) if date else None,
        date=date,
        venue=plain_line(first(message.get("container-title")) or _institution(message)),
        publisher=plain_line(text(message.get("publisher"))),
        type=_type(message),
        volume=text(message.get("volume")),
        issue=text(message.get("issue")),
        pages=pages or text(message.get("article-number")),
        abstract=abstract,
        language=text(message.get("language"))[:10],
        identifiers={doi.scheme: doi.value} if doi else {},
        cited_by=number(message.get("is-referenced-by-count")),
        references=_references(message),
        status=standing(message, provider),
        access=_access(message, provider),
        url=f"https://doi.org/{doi.value}" if doi and doi.scheme == "doi" else "",
        found_by=(provider,),
    )


def _title(message: Json) -> str:
    title, subtitle = plain_line(first(message.get("title"))), plain_line(first(message.get("subtitle")))
    if not title:
        return plain_line(first(message.get("original-title")))
    joined = subtitle and subtitle.lower() not in title.lower()
    return f"{title.rstrip(' :.')}: {subtitle}" if joined else title


def _author(entry: Json) -> Author:
    orcid = re.search(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", text(entry.get("ORCID")))
    family = plain_line(text(entry.get("family")) or text(entry.get("name")) or text(entry.get("literal")))
    given = plain_line(text(entry.get("given")))
    if not family:
        family, given = given, ""
    return Author(family, given, orcid[0] if orcid else "")


def _institution(message: Json) -> str:
    return first([text(entry.get("name")) for entry in tables(message.get("institution"))]) or text(
        message.get("group-title")
    )


def _type(message: Json) -> str:
    kind = text(message.get("type"))
    if kind == "posted-content" and text(message.get("subtype")) not in ("", "preprint"):
        return "other"
    return _TYPES.get(kind, kind)


def _references(message: Json) -> tuple[str, ...]:
    dois = (doi_of(text(entry.get("DOI"))) for entry in tables(message.get("reference"))[:2_000])
    return tuple(dict.fromkeys(str(doi) for doi in dois if doi))


def _access(message: Json, provider: str) -> tuple[Access, ...]:
    """Full-text links under an open licence that has begun. A link without such a licence may lead to a paywall."""
    licence = next(
        (url for entry in tables(message.get("license")) if "creativecommons.org" in (url := text(entry.get("URL")))),
        "",
    )
    if not licence:
        return ()
    links = (
        Access(
            url,
            "" if text(entry.get("content-type")) == "unspecified" else text(entry.get("content-type")),
            {"vor": "publishedVersion", "am": "acceptedVersion"}.get(text(entry.get("content-version")), ""),
            licence,
            provider,
        )
        for entry in tables(message.get("link"))
        if (url := text(entry.get("URL"))).startswith(("https://", "http://"))
        and text(entry.get("intended-application")) != "similarity-checking"
    )
    return tuple(dict.fromkeys(links))[:10]
