"""arXiv: https://export.arxiv.org/api — preprints, one request in three seconds (arXiv API terms of use)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from carrel.errors import BadRequest, CarrelError, Unavailable
from carrel.records import Access, Page, Work, WorkStatus
from carrel.scholarly.courier import Clock, Courier, Getter
from carrel.scholarly.identifiers import Identifier, parse_identifier
from carrel.scholarly.markup import plain_abstract, plain_line
from carrel.scholarly.names import parse_author
from carrel.scholarly.providers import Lookup, Query, Record, Shelf, SourceStatus, failed
from carrel.scholarly.shapes import iso_date
from carrel.scholarly.titles import title_words, topic_words

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["Arxiv"]

_ATOM, _OWN = "{http://www.w3.org/2005/Atom}", "{http://arxiv.org/schemas/atom}"
_SEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"
_WITHDRAWN = re.compile(
    r"\b(?:has been|is|was|been)\s+(?:\w+\s+)?withdrawn\b|^\W*withdrawn\b|"
    r"\bwithdrawn by (?:the |an )?(?:author|arxiv)",
    re.I,
)

_Entries = tuple[tuple[Identifier, Record], ...]


class Arxiv:
    """Looks arXiv numbers up and searches. One connection, one attempt, a long rest after a refusal."""

    name = "arxiv"

    def __init__(self, client: Getter, clock: Clock, *, base: str = "") -> None:
        self._courier = Courier(
            self.name,
            (base or "https://export.arxiv.org").rstrip("/"),
            client,
            clock,
            {"query": 3.0},
            lanes=1,
            retries=0,
            cooldown=60.0,
        )

    def reads(self, identifier: Identifier) -> bool:
        """arXiv numbers."""
        return identifier.scheme == "arxiv"

    def settles(self, identifier: Identifier) -> bool:
        """arXiv knows all its numbers."""
        return identifier.scheme == "arxiv"

    async def get(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        """All in one request; numbers that do not exist are left out of the answer."""
        names = [i.value + (f"v{i.version}" if i.version else "") for i in identifiers]
        params: Mapping[str, str | int] = {"id_list": ",".join(names), "max_results": len(names)}
        started = self._courier.clock.time()
        try:
            records, total = await self._ask(params, ends)
        except CarrelError as error:
            return Lookup(failed(self.name, error, self._ms(started)))
        told = {name: record for own, record in records for name in (own, Identifier("arxiv", own.value))}
        found = {i: told[i] for i in identifiers if i in told}
        absent = frozenset(i for i in identifiers if i not in found) if total is not None else frozenset()
        return Lookup(SourceStatus(self.name, "ok" if found else "empty", "", self._ms(started)), found, absent)

    async def find(self, query: Query, ends: float) -> Shelf:
        """A title as a phrase in titles, a topic as words anywhere, best match first."""
        if query.types and not {"preprint", "article", "conference-paper"} & set(query.types):
            return Shelf(SourceStatus(self.name, "skipped", "arXiv holds none of these types"))
        wanted = _search(query)
        if not wanted:
            return Shelf(SourceStatus(self.name, "skipped", "the query has no words that arXiv can search"))
        params: Mapping[str, str | int] = {
            "search_query": wanted,
            "start": (query.page - 1) * query.limit,
            "max_results": query.limit,
            "sortBy": "relevance",
            "sortOrder": "descending",
        }
        started = self._courier.clock.time()
        try:
            records, total = await self._ask(params, ends)
        except CarrelError as error:
            return Shelf(failed(self.name, error, self._ms(started)))
        status = SourceStatus(self.name, "ok" if records else "empty", "", self._ms(started))
        return Shelf(status, tuple(record for _, record in records), total)

    async def _ask(self, params: Mapping[str, str | int], ends: float) -> tuple[_Entries, int | None]:
        page = await self._courier.ask(
            "/api/query", kind="query", ends=ends, params=params, accept="application/atom+xml"
        )
        return _records(page)

    def _ms(self, started: float) -> int:
        return round((self._courier.clock.time() - started) * 1000)


def _search(query: Query) -> str:
    """The query in arXiv's language; every word is ours, so none can be an operator or a field."""
    if query.title:
        parts = ["ti:" + '"' + " ".join(title_words(query.title)[:30]) + '"'] if title_words(query.title) else []
    else:
        words = topic_words(query.text)
        # A few words must all occur; of many, the ranking prefers papers with most of them.
        joined = (" AND " if len(words) <= 4 else " OR ").join(f"all:{word}" for word in words)
        parts = [f"({joined})"] if words else []
    parts += [f"au:{word}" for word in title_words(query.author)[-1:]]
    if not parts:
        return ""
    if query.year_from or query.year_to:
        parts.append(f"submittedDate:[{query.year_from or 1991}01010000 TO {query.year_to or 2100}12312359]")
    return " AND ".join(parts)


def _records(page: Page) -> tuple[_Entries, int | None]:
    feed = _feed(page)
    entries = feed.findall(f"{_ATOM}entry")
    if any(_text(entry, f"{_ATOM}title") == "Error" for entry in entries):
        raise Unavailable("arxiv reported an error instead of results; put the query in other words")
    total = _text(feed, f"{_SEARCH}totalResults")
    if not total.isdigit() and not entries:
        raise Unavailable("arxiv answered in an unknown form; try again later")
    records = (_record(entry) for entry in entries)
    return tuple(record for record in records if record is not None), int(total[:9]) if total.isdigit() else None


def _feed(page: Page) -> Element:
    """The Atom feed of an answer. A document type or entity declaration is refused: nobody honest sends one here."""
    from xml.etree import ElementTree

    if page.status != 200 or page.truncated:
        raise Unavailable("arxiv broke its answer off or has moved; try again later")
    try:
        body = page.body.decode("utf-8")
        if re.search(r"<!(?:DOCTYPE|ENTITY)", body, re.I):
            raise Unavailable("arxiv sent a web page instead of results; try again later")
        feed = ElementTree.fromstring(body.lstrip("\ufeff \r\n\t"))
    except (UnicodeDecodeError, ElementTree.ParseError, ValueError):
        raise Unavailable("arxiv sent something that is not a feed, as it does when it is busy; try later") from None
    if feed.tag != f"{_ATOM}feed":
        raise Unavailable("arxiv answered in an unknown form; try again later")
    return feed


def _text(element: Element, name: str) -> str:
    found = element.find(name)
    return (found.text or "").strip() if found is not None else ""


def _record(entry: Element) -> tuple[Identifier, Record] | None:
    try:
        own = parse_identifier(_text(entry, f"{_ATOM}id"))
    except BadRequest:
        return None
    if own.scheme != "arxiv":
        return None
    identifiers = {"arxiv": own.value}
    if journal := _journal_doi(_text(entry, f"{_OWN}doi")):
        identifiers["doi"] = journal
    date = iso_date(_text(entry, f"{_ATOM}published"))
    version = f"v{own.version}" if own.version else ""
    authors = (parse_author(plain_line(_text(name, f"{_ATOM}name"))) for name in entry.findall(f"{_ATOM}author"))
    work = Work(
        title=plain_line(_text(entry, f"{_ATOM}title")),
        authors=tuple(author for author in authors if author.family),
        year=int(date[:4]) if date else None,
        date=date,
        venue="arXiv",
        publisher="arXiv",
        type="preprint",
        abstract=plain_abstract(_text(entry, f"{_ATOM}summary")),
        identifiers=identifiers,
        status=_status(entry),
        access=(
            Access(f"https://arxiv.org/pdf/{own.value}{version}", "application/pdf", "submittedVersion", "", "arxiv"),
        ),
        url=f"https://arxiv.org/abs/{own.value}",
        found_by=("arxiv",),
    )
    return own, Record("arxiv", work)


def _journal_doi(value: str) -> str:
    """arXiv's ``doi`` is that of the journal version."""
    try:
        found = parse_identifier(value.split()[0] if value.split() else "")
    except CarrelError:
        return ""
    return found.value if found.scheme == "doi" else ""


def _status(entry: Element) -> WorkStatus:
    """Withdrawn papers keep their number; the comment, or the abstract's first words, say so."""
    as_of = iso_date(_text(entry, f"{_ATOM}updated"))
    said = _WITHDRAWN.search(_text(entry, f"{_OWN}comment")) or _WITHDRAWN.search(_text(entry, f"{_ATOM}summary")[:120])
    if said:
        return WorkStatus("withdrawn", as_of, "its arXiv comment says so", "", "arxiv", as_of)
    return WorkStatus("none_known", provider="arxiv", as_of=as_of)
