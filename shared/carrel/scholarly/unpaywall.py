"""Unpaywall: https://api.unpaywall.org/v2 — where a work with a DOI can be read for free, lawfully."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from carrel.errors import Unavailable
from carrel.records import Access, Work
from carrel.scholarly.courier import Clock, Courier, Getter, each
from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.markup import plain_line
from carrel.scholarly.names import parse_author
from carrel.scholarly.providers import Lookup, Query, Record, Shelf, SourceStatus
from carrel.scholarly.shapes import Json, iso_date, json_object, number, table, tables, text
from carrel.scholarly.standing import doi_of

__all__ = ["Unpaywall", "unpaywall_record"]

_TYPES = {
    "journal-article": "article",
    "proceedings-article": "conference-paper",
    "posted-content": "preprint",
    "book-chapter": "chapter",
    "monograph": "book",
    "dissertation": "thesis",
}


class Unpaywall:
    """Looks DOIs up. It must be told an e-mail address, and refuses made-up ones; its search is out of order."""

    name = "unpaywall"

    def __init__(self, client: Getter, clock: Clock, *, base: str = "", contact: str) -> None:
        # 100,000 requests a day; a call of fifty DOIs is a burst, so a few may be on the way at once.
        self._courier = Courier(
            self.name,
            (base or "https://api.unpaywall.org").rstrip("/"),
            client,
            clock,
            {"record": 0.05},
            lanes=4,
        )
        self._contact = contact  # it can only stand in the URL

    def reads(self, identifier: Identifier) -> bool:
        """DOIs only."""
        return identifier.scheme == "doi"

    def settles(self, identifier: Identifier) -> bool:
        """Never: it holds Crossref's DOIs alone."""
        del identifier
        return False

    async def get(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        """One by one, for there is no list."""
        return await each(self._courier, identifiers, lambda i: self._single(i, ends))

    async def find(self, query: Query, ends: float) -> Shelf:
        """Its search has answered with errors since March 2026."""
        del query, ends
        return Shelf(SourceStatus(self.name, "skipped", "unpaywall has no search that works"))

    async def _single(self, identifier: Identifier, ends: float) -> Record | None:
        page = await self._courier.ask(
            f"/v2/{quote(identifier.value, safe='/')}",
            kind="record",
            ends=ends,
            params={"email": self._contact},
            answers=(200, 404, 422),
        )
        answer = json_object(page, self.name)
        if page.status == 422:
            raise Unavailable("unpaywall did not accept the contact; set CARREL_CONTACT to an address of your own")
        if page.status == 404:
            _no_record(answer)
            return None
        doi = doi_of(text(answer.get("doi")))
        if doi is None or doi.value != identifier.value or not isinstance(answer.get("is_oa"), bool):
            raise Unavailable("unpaywall reported an error instead of a record; try again later")
        return unpaywall_record(answer)


def _no_record(answer: Json) -> None:
    """A 404 counts only in Unpaywall's own words."""
    if answer.get("error") is not True or "doi" not in text(answer.get("message")).lower():
        raise Unavailable("something other than unpaywall answered; check the network and try again")


def unpaywall_record(answer: Json) -> Record:
    """One DOI object as a record. What it says besides the copies is Crossref's."""
    doi = doi_of(text(answer.get("doi")))
    date = iso_date(text(answer.get("published_date")))
    year = number(answer.get("year")) or (int(date[:4]) if date else None)
    names = (plain_line(_name(entry)) for entry in tables(answer.get("z_authors")))
    work = Work(
        title=plain_line(text(answer.get("title"))),
        authors=tuple(author for name in names if (author := parse_author(name)).family)[:5_000],
        year=year,
        date=date or (str(year) if year else ""),
        venue=plain_line(text(answer.get("journal_name"))),
        publisher=plain_line(text(answer.get("publisher"))),
        type=_TYPES.get(text(answer.get("genre")), text(answer.get("genre"))),
        identifiers={doi.scheme: doi.value} if doi else {},
        access=_access(answer),
        url=f"https://doi.org/{doi.value}" if doi and doi.scheme == "doi" else "",
        found_by=("unpaywall",),
    )
    return Record("unpaywall", work)


def _name(entry: Json) -> str:
    """Newer answers print the name as it stands on the work, older ones have Crossref's parts."""
    family, given = text(entry.get("family")), text(entry.get("given"))
    return text(entry.get("raw_author_name")) or (f"{family}, {given}" if given else family or text(entry.get("name")))


def _access(answer: Json) -> tuple[Access, ...]:
    """Direct PDFs first, then repositories: publishers' sites more often keep programs out."""
    places = [table(answer.get("best_oa_location")), *tables(answer.get("oa_locations"))]
    places.sort(key=lambda place: (not text(place.get("url_for_pdf")), text(place.get("host_type")) != "repository"))
    copies: dict[str, Access] = {}
    for place in places:
        pdf = text(place.get("url_for_pdf"))
        url = pdf or text(place.get("url_for_landing_page")) or text(place.get("url"))
        if url.startswith(("https://", "http://")):
            kind, version = "application/pdf" if pdf else "text/html", text(place.get("version"))
            copies.setdefault(url, Access(url, kind, version, text(place.get("license")), "unpaywall"))
    return tuple(copies.values())[:10]
