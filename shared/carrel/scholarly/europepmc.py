"""Europe PMC: https://www.ebi.ac.uk/europepmc — MEDLINE, PMC and preprints in one, with open copies and licences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from carrel.errors import CarrelError, Unavailable
from carrel.records import Access, Author, Page, Work
from carrel.scholarly.courier import Clock, Courier, Getter, shelve
from carrel.scholarly.fields import identifiers_of, orcid_of
from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.markup import plain_abstract, plain_line
from carrel.scholarly.medline import Note, full_pages, medline_standing, medline_title, medline_type
from carrel.scholarly.providers import Lookup, Query, Record, Shelf, SourceStatus, failed
from carrel.scholarly.shapes import Json, first, iso_date, items, json_object, number, table, tables, text
from carrel.scholarly.titles import title_words, topic_words

__all__ = ["EuropePmc", "europepmc_record"]

_BATCH = 30
_DEEPEST = 300  # works: further pages need the mark that came with the page before, and records are long
_HELD = frozenset(("article", "preprint", "chapter", "book", "thesis"))
_MEDIA = {"pdf": "application/pdf", "html": "text/html"}


class EuropePmc:
    """Looks PMIDs, PMCIDs and DOIs up and searches; the only keyword search over bioRxiv and medRxiv."""

    name = "europepmc"

    def __init__(self, client: Getter, clock: Clock, *, base: str = "") -> None:
        self._courier = Courier(
            self.name, (base or "https://www.ebi.ac.uk").rstrip("/"), client, clock, {"search": 0.2}
        )

    def reads(self, identifier: Identifier) -> bool:
        """PMIDs, PMCIDs and DOIs."""
        return identifier.scheme in ("pmid", "pmcid", "doi")

    def settles(self, identifier: Identifier) -> bool:
        """Never: PubMed decides about PMIDs, and not all of PMC is here at once."""
        del identifier
        return False

    async def get(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        """Thirty in one search. A quotation mark in a DOI would end its phrase: such a one is not asked for."""
        started = self._courier.clock.time()
        found: dict[Identifier, Record] = {}
        absent: set[Identifier] = set()
        wanted = [i for i in identifiers if not re.search(r'["\\\s]', i.value)]
        for at in range(0, len(wanted), _BATCH):
            part = wanted[at : at + _BATCH]
            params: Mapping[str, str | int] = {"query": " OR ".join(map(_named, part)), "pageSize": 3 * len(part)}
            try:
                records, total = await self._ask(params, ends)
            except CarrelError as error:
                return Lookup(failed(self.name, error, self._ms(started)), found, frozenset(absent))
            named = {(s, v): r for r in reversed(records) for s, v in r.work.identifiers.items()}
            found |= {i: named[i.scheme, i.value] for i in part if (i.scheme, i.value) in named}
            if total <= 3 * len(part):  # else the answer was cut
                absent |= {i for i in part if i not in found}
        status = SourceStatus(self.name, "ok" if found else "empty", "", self._ms(started))
        return Lookup(status, found, frozenset(absent))

    async def find(self, query: Query, ends: float) -> Shelf:
        """A title as a phrase in titles, a topic as words anywhere, best match first."""
        if query.types and not _HELD & set(query.types):
            return Shelf(SourceStatus(self.name, "skipped", "Europe PMC holds none of these types"))
        wanted, until = _search(query), query.page * query.limit
        if not wanted or until > _DEEPEST:
            why = f"Europe PMC is read down to its {_DEEPEST}th work" if wanted else "the query has no words to search"
            return Shelf(SourceStatus(self.name, "skipped", why))

        async def ask() -> tuple[tuple[Record, ...], int | None]:
            records, total = await self._ask({"query": wanted, "pageSize": until}, ends)
            return records[until - query.limit :], total

        return await shelve(self._courier, ask)

    async def _ask(self, params: Mapping[str, str | int], ends: float) -> tuple[tuple[Record, ...], int]:
        page = await self._courier.ask(
            "/europepmc/webservices/rest/search",
            kind="search",
            ends=ends,
            params={**params, "format": "json", "resultType": "core", "cursorMark": "*"},
            answers=(200,),
        )
        return self._records(page)

    def _records(self, page: Page) -> tuple[tuple[Record, ...], int]:
        """Errors come as ``errCode`` with HTTP status 200."""
        answer = json_object(page, self.name)
        total, results = number(answer.get("hitCount")), table(answer.get("resultList")).get("result")
        if "errCode" in answer or total is None or not isinstance(results, list) or (total and not results):
            raise Unavailable("europepmc reported an error instead of results; put the query in other words")
        as_of = self._courier.clock.now().date().isoformat()
        return tuple(r for entry in tables(results) if (r := europepmc_record(entry, as_of)).work.title), total

    def _ms(self, started: float) -> int:
        return round((self._courier.clock.time() - started) * 1000)


def _named(identifier: Identifier) -> str:
    if identifier.scheme == "pmid":
        return f"(EXT_ID:{identifier.value} AND SRC:MED)"
    return f"PMCID:{identifier.value}" if identifier.scheme == "pmcid" else f'DOI:"{identifier.value}"'


def _search(query: Query) -> str:
    """The query in Europe PMC's language; every word is ours, so none can be an operator or a field."""
    if query.title:
        words = title_words(query.title)[:30]
        parts = [f'TITLE:"{" ".join(words)}"'] if words else []
    else:
        topic = topic_words(query.text)
        # A few words must all occur; of many, the ranking prefers papers with most of them.
        parts = [f"({(' AND ' if len(topic) <= 4 else ' OR ').join(topic)})"] if topic else []
    parts += [f'AUTH:"{word}"' for word in title_words(query.author)[-1:]]
    if not parts:
        return ""
    if query.year_from or query.year_to:
        parts.append(f"PUB_YEAR:[{query.year_from or 1500} TO {query.year_to or 3000}]")
    if query.open_access:
        parts.append("(OPEN_ACCESS:y OR HAS_FT:y)")
    if query.types == ("preprint",):
        parts.append("SRC:PPR")
    return " AND ".join(parts) + (" NOT SRC:PPR" if query.types and "preprint" not in query.types else "")


def europepmc_record(entry: Json, as_of: str) -> Record:
    """One result of ``resultType=core`` as a record."""
    journal, book = table(entry.get("journalInfo")), table(entry.get("bookOrReportDetails"))
    preprint = text(entry.get("source")) == "PPR"
    types = [text(kind) for kind in items(table(entry.get("pubTypeList")).get("pubType"))]
    title = medline_title(plain_line(text(entry.get("title"))))
    identifiers = _identifiers(entry)
    date = _date(entry, journal)
    notes = tables(table(entry.get("commentCorrectionList")).get("commentCorrection"))
    publisher = plain_line(text(book.get("publisher")))
    work = Work(
        title=title,
        authors=_authors(entry),
        year=int(date[:4]) if date else None,
        date=date,
        venue=plain_line(text(table(journal.get("journal")).get("title"))) or (publisher if preprint else ""),
        publisher=publisher,
        type="preprint" if preprint else medline_type(types),
        volume=text(journal.get("volume")),
        issue=text(journal.get("issue")),
        pages=full_pages(text(entry.get("pageInfo"))),
        abstract=plain_abstract(re.sub(r"(</?)h4>", r"\1title>", text(entry.get("abstractText")))),
        language=text(entry.get("language"))[:10],
        identifiers=identifiers,
        cited_by=number(entry.get("citedByCount")),
        status=medline_standing(title, types, [_note(note) for note in notes], "europepmc", as_of),
        access=_access(entry),
        url=f"https://europepmc.org/article/{text(entry.get('source'))}/{text(entry.get('id'))}",
        found_by=("europepmc",),
    )
    return Record("europepmc", work, _other_forms(notes))


def _identifiers(entry: Json) -> dict[str, str]:
    pmid = text(entry.get("pmid"))
    return identifiers_of([text(entry.get("doi")), f"pmid:{pmid}", text(entry.get("pmcid"))])


def _authors(entry: Json) -> tuple[Author, ...]:
    authors = map(_author, tables(table(entry.get("authorList")).get("author"))[:5_000])
    return tuple(author for author in authors if author.family)


def _author(entry: Json) -> Author:
    named = table(entry.get("authorId"))
    orcid = orcid_of(text(named.get("value"))) if text(named.get("type")) == "ORCID" else ""
    family = plain_line(text(entry.get("lastName")))
    given = plain_line(text(entry.get("firstName")) or text(entry.get("initials"))) if family else ""
    whole = plain_line(text(entry.get("collectiveName")) or text(entry.get("fullName")))
    return Author(family or whole, given, orcid)


def _date(entry: Json, journal: Json) -> str:
    """The date of the issue, which is what is cited; the first of January stands for a year and nothing more."""
    year = text(entry.get("pubYear")) or text(journal.get("yearOfPublication"))
    dates = (text(journal.get("printPublicationDate")), text(entry.get("firstPublicationDate")))
    told = [date for date in map(iso_date, dates) if date and date.startswith(year)]
    return (
        iso_date(year) if not told else next((d for d in told if not d.endswith("-01-01")), iso_date(year) or told[0])
    )


def _note(note: Json) -> Note:
    pmid = text(note.get("id")) if text(note.get("source")) == "MED" else ""
    return Note(text(note.get("type")), pmid if pmid.isdigit() else "", plain_line(text(note.get("reference"))))


def _other_forms(notes: Sequence[Json]) -> frozenset[Identifier]:
    """The published article of a preprint."""
    told = [_note(note) for note in notes]
    return frozenset(Identifier("pmid", n.pmid) for n in told if n.pmid and n.kind.lower().startswith("preprint"))


def _access(entry: Json) -> tuple[Access, ...]:
    """Open-access copies and free ones (``OA``, ``F``); ``S`` is for subscribers. PDFs first, at Europe PMC first."""
    licence = text(entry.get("license"))
    links = sorted(
        tables(table(entry.get("fullTextUrlList")).get("fullTextUrl")),
        key=lambda link: (text(link.get("site")) != "Europe_PMC", text(link.get("documentStyle")) != "pdf"),
    )
    copies = [
        Access(url, _MEDIA.get(text(link.get("documentStyle")), ""), "", licence, "europepmc")
        for link in links
        if text(link.get("availabilityCode")) in ("OA", "F")
        and (url := first(link.get("url"))).startswith(("https://", "http://"))
    ]
    return tuple(dict.fromkeys(copies))[:10]
