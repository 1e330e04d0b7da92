"""Semantic Scholar: https://api.semanticscholar.org/graph/v1 — abstracts, counts, open copies, and its own ids.

Without a key the service shares one small allowance among all its callers and often answers "too many requests".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from carrel.errors import CarrelError, Unavailable
from carrel.records import Page, Work
from carrel.scholarly.courier import Clock, Courier, Getter, shelve
from carrel.scholarly.fields import identifiers_of, open_copy
from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.markup import plain_abstract, plain_line
from carrel.scholarly.names import parse_author
from carrel.scholarly.providers import Lookup, Query, Record, Shelf, SourceStatus, failed
from carrel.scholarly.shapes import Json, iso_date, items, json_object, number, parse_json, table, tables, text
from carrel.scholarly.titles import title_words

__all__ = ["SemanticScholar", "semanticscholar_record"]

_PATIENCE = 3.0  # seconds: a service that is often busy must not be what a call waits for
_BATCH = 500
_DEEPEST = 1_000  # results that paging may reach
_FIELDS = (
    "title,abstract,authors,year,publicationDate,venue,journal,publicationTypes,externalIds,citationCount,"
    "openAccessPdf,corpusId"
)
_PREFIXES = {
    "s2": "",
    "corpusid": "CorpusId:",
    "doi": "DOI:",
    "arxiv": "ARXIV:",
    "pmid": "PMID:",
    "pmcid": "PMCID:",
    "acl": "ACL:",
}
_TYPES = (
    ("Dataset", "dataset"),
    ("BookSection", "chapter"),
    ("Book", "book"),
    ("Conference", "conference-paper"),
    ("JournalArticle", "article"),
    ("Review", "article"),
)
_FILTER_TYPES = {
    "article": "JournalArticle,Review",
    "preprint": "JournalArticle",
    "conference-paper": "Conference",
    "book": "Book",
    "chapter": "BookSection",
    "dataset": "Dataset",
}
_SERVERS = re.compile(r"arxiv|bioRxiv|medRxiv|chemRxiv|ssrn|preprint", re.I)


class SemanticScholar:
    """Looks up its own ids, DOIs, arXiv numbers, PMIDs, PMCIDs and ACL ids, and searches."""

    name = "semanticscholar"

    def __init__(self, client: Getter, clock: Clock, *, base: str = "", key: str = "") -> None:
        # One request a second for a key over all routes; who has none goes slower still.
        self._courier = Courier(
            self.name,
            (base or "https://api.semanticscholar.org").rstrip("/"),
            client,
            clock,
            {"any": 1.0 if key else 2.0},
            lanes=1,
            retries=0,
            headers={"x-api-key": key} if key else {},
        )
        self._keyed = bool(key)

    def reads(self, identifier: Identifier) -> bool:
        """Its own ids, and most others."""
        return identifier.scheme in _PREFIXES

    def settles(self, identifier: Identifier) -> bool:
        """Only for its own ids: absence from an index is no proof."""
        return identifier.scheme in ("s2", "corpusid")

    async def get(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        """One as a record, several in one batch."""
        started = self._courier.clock.time()
        ends = min(ends, started + _PATIENCE)
        told: dict[Identifier, Record | None] = {}
        status = SourceStatus(self.name, "ok")
        try:
            for at in range(0, len(identifiers), _BATCH):
                part = identifiers[at : at + _BATCH]
                if len(part) == 1:
                    told[part[0]] = await self._single(part[0], ends)
                else:
                    await self._batch(part, ends, told)
        except CarrelError as error:
            status = self._advised(failed(self.name, error))
        found = {i: _as_asked(i, record) for i, record in told.items() if record is not None}
        state = "empty" if status.state == "ok" and not found else status.state
        ms = round((self._courier.clock.time() - started) * 1000)
        return Lookup(replace(status, state=state, ms=ms), found, frozenset(i for i in told if told[i] is None))

    async def _single(self, identifier: Identifier, ends: float) -> Record | None:
        path = f"/graph/v1/paper/{quote(_name(identifier), safe=':/')}"
        page = await self._courier.ask(path, kind="any", ends=ends, params={"fields": _FIELDS})
        if page.status == 404:
            self._no_record(page, r"paper with id .* not found")
            return None
        answer = json_object(page, self.name)
        if not _paper_id(answer):
            raise Unavailable("semanticscholar reported an error instead of a record; try again later")
        return semanticscholar_record(answer)

    async def _batch(self, part: Sequence[Identifier], ends: float, told: dict[Identifier, Record | None]) -> None:
        """Put the record of each into ``told``, None for what the service does not have."""
        body = json.dumps({"ids": [_name(i) for i in part]}).encode()
        path = f"/graph/v1/paper/batch?fields={_FIELDS}"
        page = await self._courier.ask(path, kind="any", ends=ends, answers=(200, 400, 500), body=body)
        if page.status == 500 and len(part) > 1:  # one bad identifier may spoil the batch
            middle = len(part) // 2
            await self._batch(part[:middle], ends, told)
            await self._batch(part[middle:], ends, told)
            return
        if page.status == 400:
            self._no_record(page, r"no valid paper ids given")
            told |= dict.fromkeys(part)
            return
        answer = items(parse_json(page, self.name)) if page.status == 200 else ()
        if len(answer) != len(part) or not all(entry is None or _paper_id(table(entry)) for entry in answer):
            raise Unavailable("semanticscholar answered in an unknown form; try again later")
        told |= {i: e if e is None else semanticscholar_record(table(e)) for i, e in zip(part, answer, strict=True)}

    async def find(self, query: Query, ends: float) -> Shelf:
        """A title by the route that gives its one best match, a topic by relevance."""
        if query.types and not set(query.types) & set(_FILTER_TYPES):
            return Shelf(SourceStatus(self.name, "skipped", "semanticscholar tells none of these types apart"))
        ends = min(ends, self._courier.clock.time() + _PATIENCE)
        if query.title:
            if query.page > 1:
                return Shelf(SourceStatus(self.name, "empty"))
            shelf = await shelve(self._courier, lambda: self._match(query, ends))
        elif query.page * query.limit > _DEEPEST:
            return Shelf(SourceStatus(self.name, "skipped", f"semanticscholar shows {_DEEPEST} results and no more"))
        else:
            shelf = await shelve(self._courier, lambda: self._search(query, ends))
        return replace(shelf, status=self._advised(shelf.status))

    async def _match(self, query: Query, ends: float) -> tuple[tuple[Record, ...], int | None]:
        params = {"query": " ".join(title_words(query.title)[:40]), "fields": _FIELDS}
        page = await self._courier.ask("/graph/v1/paper/search/match", kind="any", ends=ends, params=params)
        if page.status == 404:
            self._no_record(page, r"title match not found")
            return (), None
        return self._records(page)[0], None

    async def _search(self, query: Query, ends: float) -> tuple[tuple[Record, ...], int | None]:
        page = await self._courier.ask("/graph/v1/paper/search", kind="any", ends=ends, params=_params(query))
        return self._records(page)

    def _records(self, page: Page) -> tuple[tuple[Record, ...], int | None]:
        answer = json_object(page, self.name)
        total = number(answer.get("total"))
        if page.status != 200 or not (isinstance(answer.get("data"), list) or total == 0):
            raise Unavailable("semanticscholar reported an error instead of results; try again later")
        papers = tables(answer.get("data"))
        if not all(map(_paper_id, papers)):
            raise Unavailable("semanticscholar answered in an unknown form; try again later")
        return tuple(map(semanticscholar_record, papers)), total

    def _no_record(self, page: Page, words: str) -> None:
        """An error counts as "no such paper" only in the service's own words."""
        if re.match(words, text(json_object(page, self.name).get("error")), re.I | re.S) is None:
            raise Unavailable("semanticscholar could not answer, or something else did; try again later")

    def _advised(self, status: SourceStatus) -> SourceStatus:
        if status.state != "rate_limited" or self._keyed:
            return status
        return replace(status, detail=f"{status.detail}; a free key in CARREL_KEY_SEMANTICSCHOLAR helps")


def _name(identifier: Identifier) -> str:
    value = identifier.value.removeprefix("PMC") if identifier.scheme == "pmcid" else identifier.value
    return _PREFIXES[identifier.scheme] + value


def _params(query: Query) -> Mapping[str, str | int]:
    # Hyphens make its relevance search miss: the words are parted there.
    words = re.findall(r"[^\W_]+(?:['’.][^\W_]+)*", f"{query.text} {query.author}"[:500])
    params: dict[str, str | int] = {
        "query": " ".join(words),
        "offset": (query.page - 1) * query.limit,
        "limit": query.limit,
        "fields": _FIELDS,
    }
    if query.year_from or query.year_to:
        params["year"] = f"{query.year_from or ''}-{query.year_to or ''}"
    if kinds := sorted({word for k in query.types for word in _FILTER_TYPES.get(k, "").split(",") if word}):
        params["publicationTypes"] = ",".join(kinds)
    if query.open_access:
        params["openAccessPdf"] = ""
    return params


def _paper_id(answer: Json) -> bool:
    return re.fullmatch(r"[0-9a-f]{40}", text(answer.get("paperId"))) is not None


def _as_asked(identifier: Identifier, record: Record) -> Record:
    """The service merges a preprint with its article: asked by one DOI, it may tell the other, which is a relative."""
    told = record.work.identifiers.get("doi")
    if identifier.scheme != "doi" or told in (None, identifier.value):
        return record
    work = replace(record.work, identifiers={**record.work.identifiers, "doi": identifier.value})
    return replace(record, work=work, related=record.related | {Identifier("doi", told)})


def semanticscholar_record(answer: Json) -> Record:
    """One paper object as a record."""
    date, year = iso_date(text(answer.get("publicationDate"))), number(answer.get("year"))
    journal = table(answer.get("journal"))
    venue = plain_line(text(answer.get("venue")) or text(journal.get("name")))
    identifiers = _identifiers(answer)
    authors = (parse_author(plain_line(text(author.get("name")))) for author in tables(answer.get("authors")))
    copy = table(answer.get("openAccessPdf"))
    return Record(
        "semanticscholar",
        Work(
            title=plain_line(text(answer.get("title"))),
            authors=tuple(author for author in authors if author.family)[:5_000],
            year=int(date[:4]) if date else year,
            date=date or iso_date(str(year or "")),
            venue=venue,
            type=_type(answer, venue, identifiers),
            volume=text(journal.get("volume")),
            pages="".join(text(journal.get("pages")).split()),
            abstract=plain_abstract(text(answer.get("abstract"))),
            identifiers=identifiers,
            cited_by=number(answer.get("citationCount")),
            access=tuple(open_copy(text(copy.get("url")), "semanticscholar", licence=text(copy.get("license")))),
            url=f"https://www.semanticscholar.org/paper/{identifiers['s2']}" if "s2" in identifiers else "",
            found_by=("semanticscholar",),
        ),
    )


def _identifiers(answer: Json) -> dict[str, str]:
    told = table(answer.get("externalIds"))
    corpus = text(told.get("CorpusId")) or text(answer.get("corpusId"))
    return identifiers_of(
        [
            text(told.get("DOI")),
            f"arxiv:{text(told.get('ArXiv'))}",
            f"pmid:{text(told.get('PubMed'))}",
            f"pmcid:{text(told.get('PubMedCentral'))}",
            f"acl:{text(told.get('ACL'))}",
            f"s2:{text(answer.get('paperId'))}",
            f"corpusid:{corpus}",
        ]
    )


def _type(answer: Json, venue: str, identifiers: Mapping[str, str]) -> str:
    """The service calls a preprint a journal article; where it stands, and that it has no other DOI, say better."""
    if _SERVERS.search(venue) and ("doi" not in identifiers or not text(table(answer.get("journal")).get("volume"))):
        return "preprint"
    told = {text(kind) for kind in items(answer.get("publicationTypes"))}
    return next((word for kind, word in _TYPES if kind in told), "")
