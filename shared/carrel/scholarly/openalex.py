"""OpenAlex: https://api.openalex.org — everything that has an identifier, with open-access locations and counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from carrel.errors import CarrelError, Unavailable
from carrel.records import Access, Author, Page, Work, WorkStatus
from carrel.scholarly.courier import Clock, Courier, Getter, each
from carrel.scholarly.identifiers import Identifier, parse_identifier
from carrel.scholarly.markup import plain_line, restore_inverted
from carrel.scholarly.names import parse_author
from carrel.scholarly.providers import Lookup, Query, Record, Shelf, SourceStatus, failed
from carrel.scholarly.shapes import Json, iso_date, items, json_object, number, table, tables, text

__all__ = ["OpenAlex"]

_FREE = 12  # single records cost nothing; more identifiers than this would take too long one by one
_BATCH = 50
_DELETED = "W4285719527"  # where OpenAlex redirects records it removed
_SCHEMES = {"doi": "doi", "pmid": "pmid", "pmcid": "pmcid", "openalex": "openalex", "arxiv": "doi"}
_TYPES = {
    "proceedings-article": "conference-paper",
    "posted-content": "preprint",
    "book-chapter": "chapter",
    "dissertation": "thesis",
    "monograph": "book",
    "journal-article": "article",
}
_FILTER_TYPES = {
    "article": "article",
    "conference-paper": "article",
    "preprint": "preprint",
    "chapter": "book-chapter",
    "book": "book",
    "thesis": "dissertation",
    "dataset": "dataset",
    "report": "report",
}


class OpenAlex:
    """Looks up DOIs, PMIDs, PMCIDs, arXiv numbers and its own ids, and searches."""

    name = "openalex"

    def __init__(self, client: Getter, clock: Clock, *, base: str = "", key: str = "") -> None:
        self._courier = Courier(
            self.name,
            (base or "https://api.openalex.org").rstrip("/"),
            client,
            clock,
            {"record": 0.02, "list": 0.1},
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )
        self._keyed = bool(key)

    def reads(self, identifier: Identifier) -> bool:
        """Everything OpenAlex can be asked for directly."""
        return identifier.scheme in _SCHEMES

    def settles(self, identifier: Identifier) -> bool:
        """Only for its own ids: absence from an index is no proof."""
        return identifier.scheme == "openalex"

    async def get(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        """Up to twelve one by one, which is free; more in one cheap list call per scheme."""
        if len(identifiers) <= _FREE:
            return await each(self._courier, identifiers, lambda i: self._single(i, ends))
        return await self._listed(identifiers, ends)

    async def _single(self, identifier: Identifier, ends: float) -> Record | None:
        page = await self._courier.ask(f"/works/{quote(_key(identifier), safe=':/')}", kind="record", ends=ends)
        if page.status == 404:
            _no_record(page)
            return None
        answer = json_object(page, self.name)
        if not re.search(r"W\d+$", text(answer.get("id"))):
            raise Unavailable("openalex reported an error instead of a record; try again later")
        return None if text(answer["id"]).endswith(f"/{_DELETED}") else openalex_record(answer)

    async def _listed(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        started = self._courier.clock.time()
        found: dict[Identifier, Record] = {}
        absent: set[Identifier] = set()
        for scheme in sorted({_SCHEMES[i.scheme] for i in identifiers}):
            wanted = [i for i in identifiers if _SCHEMES[i.scheme] == scheme and not re.search(r"[|,\s]", i.value)]
            for at in range(0, len(wanted), _BATCH):
                part = wanted[at : at + _BATCH]
                try:
                    records = await self._filtered(scheme, part, ends)
                except CarrelError as error:
                    return Lookup(failed(self.name, error, self._ms(started)), found, frozenset(absent))
                names = {(s, v): record for record in records for s, v in record.work.identifiers.items()}
                found |= {i: names[i.scheme, i.value] for i in part if (i.scheme, i.value) in names}
                absent |= {i for i in part if i not in found and scheme == i.scheme}
        status = SourceStatus(self.name, "ok" if found else "empty", "", self._ms(started))
        return Lookup(status, found, frozenset(absent))

    async def _filtered(self, scheme: str, part: Sequence[Identifier], ends: float) -> tuple[Record, ...]:
        values = "|".join(_key(i).removeprefix(f"{scheme}:") for i in part)
        params: Mapping[str, str | int] = {"filter": f"{scheme}:{values}", "per_page": 100}
        return self._records(await self._courier.ask("/works", kind="list", ends=ends, params=params))[0]

    async def find(self, query: Query, ends: float) -> Shelf:
        """One search call, the only thing here that spends the daily budget."""
        started = self._courier.clock.time()
        try:
            page = await self._courier.ask("/works", kind="list", ends=ends, params=_search(query))
            records, total = self._records(page)
        except CarrelError as error:
            status = failed(self.name, error, self._ms(started))
            if status.state == "rate_limited" and not self._keyed:
                return Shelf(
                    SourceStatus(
                        self.name,
                        status.state,
                        f"{status.detail}; a free key in CARREL_KEY_OPENALEX raises the daily budget",
                        status.ms,
                        status.retry_after,
                    )
                )
            return Shelf(status)
        status = SourceStatus(self.name, "ok" if records else "empty", "", self._ms(started))
        return Shelf(status, records, total)

    def _records(self, page: Page) -> tuple[tuple[Record, ...], int | None]:
        answer = json_object(page, self.name)
        if page.status != 200 or not isinstance(answer.get("results"), list) or "meta" not in answer:
            raise Unavailable("openalex reported an error instead of results; try again later")
        works = [item for item in tables(answer["results"]) if re.search(r"W\d+$", text(item.get("id")))]
        return tuple(map(openalex_record, works)), number(table(answer["meta"]).get("count"))

    def _ms(self, started: float) -> int:
        return round((self._courier.clock.time() - started) * 1000)


def _key(identifier: Identifier) -> str:
    if identifier.scheme == "arxiv":
        return f"doi:10.48550/arxiv.{identifier.value}"
    return identifier.value if identifier.scheme == "openalex" else f"{identifier.scheme}:{identifier.value}"


def _no_record(page: Page) -> None:
    """OpenAlex says 404 with its web framework's short page or in JSON; other pages come from something in between."""
    body = page.body[:2_000].lower()
    if b"requested url was not found on the server" in body:
        return
    if page.media_type == "application/json" or body.lstrip().startswith(b"{"):
        json_object(page, "openalex")
        return
    raise Unavailable("something other than openalex answered; check the network and try again")


def _search(query: Query) -> Mapping[str, str | int]:
    params: dict[str, str | int] = {"per_page": query.limit, "page": query.page}
    filters = []
    if query.title:
        filters.append(f"title.search:{_words(query.title)}")
    else:
        params["search"] = _words(" ".join((query.text, query.author)))
    if query.year_from or query.year_to:
        filters.append(f"publication_year:{query.year_from or ''}-{query.year_to or ''}")
    if kinds := sorted({_FILTER_TYPES[kind] for kind in query.types if kind in _FILTER_TYPES}):
        filters.append(f"type:{'|'.join(kinds)}")
    if query.open_access:
        filters.append("is_oa:true")
    return params | ({"filter": ",".join(filters)} if filters else {})


def _words(plain: str) -> str:
    """Only words: commas, bars and colons break a filter; quotes, stars, question marks and booleans are operators."""
    words = re.findall(r"[^\W_]+(?:['’.\-][^\W_]+)*", plain[:500])
    return " ".join(word.lower() if word in ("AND", "OR", "NOT") else word for word in words)


def openalex_record(answer: Json) -> Record:
    """One work object as a record."""
    return Record("openalex", _work(answer))


def _work(answer: Json) -> Work:
    location, biblio = table(answer.get("primary_location")), table(answer.get("biblio"))
    source = table(location.get("source"))
    date = iso_date(text(answer.get("publication_date")))
    year = number(answer.get("publication_year")) or (int(date[:4]) if date else None)
    identifiers = _identifiers(answer)
    return Work(
        title=plain_line(text(answer.get("display_name")) or text(answer.get("title"))),
        authors=tuple(a for a in map(_author, tables(answer.get("authorships"))) if a.family)[:5_000],
        year=year,
        date=date or (str(year) if year else ""),
        venue=plain_line(text(source.get("display_name"))),
        publisher=plain_line(text(source.get("host_organization_name"))),
        type=_TYPES.get(text(answer.get("type_crossref")) or text(answer.get("type")), text(answer.get("type"))),
        volume=text(biblio.get("volume")),
        issue=text(biblio.get("issue")),
        pages=_pages(text(biblio.get("first_page")), text(biblio.get("last_page"))),
        abstract=restore_inverted(table(answer.get("abstract_inverted_index"))),
        language=text(answer.get("language"))[:10],
        identifiers=identifiers,
        cited_by=number(answer.get("cited_by_count")),
        references=tuple(
            f"openalex:{m[0]}" for r in items(answer.get("referenced_works")) if (m := re.search(r"W\d+$", text(r)))
        ),
        status=_status(answer),
        access=_access(answer),
        url=f"https://doi.org/{identifiers['doi']}" if "doi" in identifiers else text(answer.get("id")),
        found_by=("openalex",),
    )


def _identifiers(answer: Json) -> dict[str, str]:
    """Its own id, those it lists, and an arXiv number where a location is on arXiv."""
    ids = table(answer.get("ids"))
    named = [
        text(answer.get("id")),
        text(answer.get("doi")) or text(ids.get("doi")),
        text(ids.get("pmid")),
        text(ids.get("pmcid")),
    ]
    arxiv = [url for place in _places(answer) if "arxiv.org/" in (url := text(place.get("landing_page_url")))]
    found: dict[str, str] = {}
    for name in [*named, *arxiv]:
        try:
            identifier = parse_identifier(f"PMC{name}" if name.isdigit() else name)
        except CarrelError:
            continue
        found.setdefault(identifier.scheme, identifier.value)
    return found


def _places(answer: Json) -> list[Json]:
    return [
        table(answer.get("primary_location")),
        table(answer.get("best_oa_location")),
        *tables(answer.get("locations")),
    ]


def _author(entry: Json) -> Author:
    """The name as printed on the work where it is whole; OpenAlex's own form of it may belong to a namesake."""
    known = table(entry.get("author"))
    own = plain_line(text(known.get("display_name")))
    name = parse_author(own or plain_line(text(entry.get("raw_author_name"))))
    orcid = re.search(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", text(known.get("orcid")))
    return Author(name.family, name.given, orcid[0] if orcid else "")


def _pages(start: str, end: str) -> str:
    return f"{start}-{end}" if start and end and start != end else start


def _status(answer: Json) -> WorkStatus | None:
    if not isinstance(answer.get("is_retracted"), bool):
        return None
    as_of = iso_date(text(answer.get("updated_date")))
    return WorkStatus("retracted" if answer["is_retracted"] else "none_known", provider="openalex", as_of=as_of)


def _access(answer: Json) -> tuple[Access, ...]:
    copies: dict[str, Access] = {}
    for place in _places(answer):
        url = text(place.get("pdf_url")) or text(place.get("landing_page_url"))
        if place.get("is_oa") is True and url.startswith(("https://", "http://")) and url not in copies:
            media_type = "application/pdf" if text(place.get("pdf_url")) else "text/html"
            copies[url] = Access(url, media_type, text(place.get("version")), text(place.get("license")), "openalex")
    return tuple(copies.values())[:10]
