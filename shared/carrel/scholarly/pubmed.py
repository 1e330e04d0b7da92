"""PubMed: https://eutils.ncbi.nlm.nih.gov — biomedicine, with abstracts and the standing that MEDLINE records."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from carrel.errors import CarrelError, Unavailable
from carrel.records import Page
from carrel.scholarly.courier import Clock, Courier, Getter, shelve
from carrel.scholarly.elements import xml_root
from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.providers import Lookup, Query, Record, Shelf, SourceStatus, failed
from carrel.scholarly.pubmedrecord import pubmed_record
from carrel.scholarly.shapes import items, json_object, table, text
from carrel.scholarly.titles import title_words, topic_words

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["PubMed"]

_HELD = frozenset(("article", "preprint", "chapter", "book"))
_ABSENT = "cannot get document summary"  # esummary's words for a number that was never given out, or was deleted


class PubMed:
    """Looks PMIDs and PMCIDs up and searches. Every PMID is PubMed's own."""

    name = "pubmed"

    def __init__(self, client: Getter, clock: Clock, *, base: str = "", contact: str = "", key: str = "") -> None:
        # Three requests a second, ten with a key, over all E-utilities.
        self._courier = Courier(
            self.name,
            (base or "https://eutils.ncbi.nlm.nih.gov").rstrip("/"),
            client,
            clock,
            {"eutils": 0.1 if key else 0.34},
        )
        # E-utilities take both only in the URL, which recordings are kept clean of and the store keeps no word of.
        self._own = {"tool": "carrel"} | ({"email": contact} if contact else {}) | ({"api_key": key} if key else {})

    def reads(self, identifier: Identifier) -> bool:
        """PMIDs and PMCIDs."""
        return identifier.scheme in ("pmid", "pmcid")

    def settles(self, identifier: Identifier) -> bool:
        """PubMed knows all its numbers; an article may be in PMC and not in PubMed."""
        return identifier.scheme == "pmid"

    async def get(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        """All in one request, PMCIDs after a search for their PMIDs; missing PMIDs are asked for by name again."""
        started = self._courier.clock.time()
        found: dict[Identifier, Record] = {}
        absent: frozenset[Identifier] = frozenset()
        try:
            pmids = [i.value for i in identifiers if i.scheme == "pmid"]
            pmids += await self._pmids_of([i.value for i in identifiers if i.scheme == "pmcid"], ends)
            records = await self._fetch(list(dict.fromkeys(pmids)), ends)
            named = {(s, v): record for record in records for s, v in record.work.identifiers.items()}
            found = {i: named[i.scheme, i.value] for i in identifiers if (i.scheme, i.value) in named}
            absent = await self._absent([i for i in identifiers if i not in found], ends)
        except CarrelError as error:
            return Lookup(failed(self.name, error, self._ms(started)), found)
        return Lookup(SourceStatus(self.name, "ok" if found else "empty", "", self._ms(started)), found, absent)

    async def _pmids_of(self, pmcids: Sequence[str], ends: float) -> list[str]:
        if not pmcids:
            return []
        term = " OR ".join(f"{pmcid}[pmcid]" for pmcid in pmcids)
        return (await self._esearch({"term": term, "retmax": 2 * len(pmcids)}, ends))[0]

    async def _absent(self, missing: Sequence[Identifier], ends: float) -> frozenset[Identifier]:
        """A PMID that efetch left out is absent only when esummary says so: an empty answer alone proves nothing."""
        told = {i for i in missing if i.scheme == "pmcid"}
        if pmids := [i.value for i in missing if i.scheme == "pmid"]:
            result = table((await self._json("esummary", {"id": ",".join(pmids)}, ends)).get("result"))
            if not isinstance(result.get("uids"), list):
                raise Unavailable("pubmed reported an error instead of an answer; try again later")
            told |= {Identifier("pmid", p) for p in pmids if text(table(result.get(p)).get("error")) == _ABSENT}
        return frozenset(told)

    async def find(self, query: Query, ends: float) -> Shelf:
        """A search for numbers, then their records: a title by its words in titles, a topic by PubMed's best match."""
        if query.types and not _HELD & set(query.types):
            return Shelf(SourceStatus(self.name, "skipped", "PubMed holds none of these types"))
        term = _search(query)
        if not term:
            return Shelf(SourceStatus(self.name, "skipped", "the query has no words that PubMed can search"))
        params: Mapping[str, str | int] = {
            "term": term,
            "retstart": (query.page - 1) * query.limit,
            "retmax": query.limit,
            "sort": "relevance",
        }

        async def ask() -> tuple[tuple[Record, ...], int | None]:
            pmids, total = await self._esearch(params, ends)
            by_pmid = {r.work.identifiers.get("pmid", ""): r for r in await self._fetch(pmids, ends)}
            records = tuple(by_pmid[pmid] for pmid in pmids if pmid in by_pmid)
            if pmids and not records:
                raise Unavailable("pubmed found works but sent no records of them; try again later")
            return records, total

        return await shelve(self._courier, ask)

    async def _esearch(self, params: Mapping[str, str | int], ends: float) -> tuple[list[str], int]:
        result = table((await self._json("esearch", params, ends)).get("esearchresult"))
        count = text(result.get("count"))
        if "ERROR" in result or not isinstance(result.get("idlist"), list) or not re.fullmatch(r"\d{1,12}", count):
            raise Unavailable("pubmed reported an error instead of results; put the query in other words")
        return [pmid for i in items(result["idlist"]) if re.fullmatch(r"\d{1,10}", pmid := text(i))], int(count)

    async def _fetch(self, pmids: Sequence[str], ends: float) -> list[Record]:
        if not pmids:
            return []
        # A list of nothing but unknown numbers gives HTTP 400; esummary then decides about each.
        page = await self._ask("efetch", {"id": ",".join(pmids), "retmode": "xml"}, ends, (200, 400), "text/xml")
        return [] if page.status == 400 else self._records(page)

    def _records(self, page: Page) -> list[Record]:
        root = xml_root(page, self.name, ("PubmedArticleSet", "PubmedArticle", "PubmedBookArticle"))
        articles: list[Element] = [root] if root.tag != "PubmedArticleSet" else list(root)
        as_of = self._courier.clock.now().date().isoformat()
        return [r for article in articles if (r := pubmed_record(article, as_of)) is not None]

    async def _json(self, utility: str, params: Mapping[str, str | int], ends: float) -> Mapping[str, object]:
        page = await self._ask(utility, {**params, "retmode": "json"}, ends, (200,), "application/json")
        return json_object(page, self.name)

    async def _ask(
        self, utility: str, params: Mapping[str, str | int], ends: float, answers: tuple[int, ...], accept: str
    ) -> Page:
        return await self._courier.ask(
            f"/entrez/eutils/{utility}.fcgi",
            kind="eutils",
            ends=ends,
            params={"db": "pubmed", **params, **self._own},
            accept=accept,
            answers=answers,
        )

    def _ms(self, started: float) -> int:
        return round((self._courier.clock.time() - started) * 1000)


def _words(text: str, most: int) -> list[str]:
    return [word for word in topic_words(text, most) if word != "not"]  # an operator here, in small letters too


def _search(query: Query) -> str:
    """The query in PubMed's language; every word is ours, so none can be an operator or a field."""
    if query.title:
        parts = [f"{word}[ti]" for word in _words(query.title, 30)]
    else:
        words = _words(query.text, 12)
        # A few words must all occur; of many, the ranking prefers papers with most of them.
        parts = [f"({(' AND ' if len(words) <= 4 else ' OR ').join(words)})"] if words else []
    parts += [f"{word}[au]" for word in title_words(query.author)[-1:]]
    if not parts:
        return ""
    if query.year_from or query.year_to:
        parts.append(f"{query.year_from or 1500}:{query.year_to or 3000}[dp]")
    if query.open_access:
        parts.append("free full text[sb]")
    if query.types and "preprint" not in query.types:
        return " AND ".join(parts) + " NOT preprint[pt]"
    return " AND ".join([*parts, *(["preprint[pt]"] if query.types == ("preprint",) else [])])
