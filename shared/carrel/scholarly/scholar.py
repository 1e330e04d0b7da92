"""I have a reference, or a question: which works are they? Several providers asked at once, one answer."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeVar

import anyio

from carrel.errors import BadRequest, CarrelError
from carrel.records import Work
from carrel.scholarly.arxiv import Arxiv
from carrel.scholarly.courier import Clock, Getter, utc_now
from carrel.scholarly.crossref import Crossref
from carrel.scholarly.datacite import DataCite
from carrel.scholarly.dblp import Dblp
from carrel.scholarly.doaj import Doaj
from carrel.scholarly.doi import DoiRegistry
from carrel.scholarly.europepmc import EuropePmc
from carrel.scholarly.further import FIRST_HAND, HURRIED, another_name, strays_from
from carrel.scholarly.identifiers import AmbiguousIdentifier, Identifier, parse_identifier
from carrel.scholarly.merge import combine
from carrel.scholarly.openalex import OpenAlex
from carrel.scholarly.openreview import OpenReview
from carrel.scholarly.providers import HELPERS, Lookup, Provider, Query, Record, Shelf, SourceStatus, failed
from carrel.scholarly.pubmed import PubMed
from carrel.scholarly.ranking import Search, fuse
from carrel.scholarly.retractions import Retractions
from carrel.scholarly.semanticscholar import SemanticScholar
from carrel.scholarly.unpaywall import Unpaywall
from carrel.settings import Settings

if TYPE_CHECKING:
    import httpx2

    from carrel.web import OpenWeb, WebClient

__all__ = ["Answer", "AnswerState", "Found", "Scholar", "open_scholar"]

AnswerState = Literal["found", "not_found", "ambiguous", "unavailable", "invalid"]

DEADLINE = 8.0  # seconds for one call, all providers together
MAX_IDS = 50
MAX_LIMIT = 50
_DEEPEST = 1_000  # works per provider that paging goes down to
_FIRST_ROUND = 0.65  # the share of the deadline before the register of DOIs is asked
_PATIENCE = 3.0  # seconds for those who only add to what was found
_KEPT = 500  # answers and searches remembered
_KEEP_FOUND = 3_600.0  # seconds
_KEEP_ABSENT = 300.0
_ODD = (TypeError, ValueError, KeyError, AttributeError, IndexError, RecursionError)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of one identifier as the caller wrote it (``id``).

    ``not_found`` is said only when whoever decides about such identifiers was asked and has none; otherwise, without a
    record, the state is ``unavailable``. ``detail`` is one sentence. ``statuses`` tell who was asked.
    """

    id: str
    state: AnswerState
    identifier: Identifier | None = None
    work: Work | None = None
    detail: str = ""
    statuses: tuple[SourceStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Works best first, merged over providers. ``next_cursor`` is empty at the end; ``complete`` if all answered."""

    works: tuple[Work, ...]
    statuses: tuple[SourceStatus, ...]
    next_cursor: str = ""

    @property
    def complete(self) -> bool:
        """True when every provider that holds such works answered."""
        return all(status.answered or status.state == "skipped" for status in self.statuses)


class Scholar:
    """Asks Crossref, OpenAlex, arXiv and the DOI register; for use within one event loop.

    Further providers are asked where they alone can help: Semantic Scholar for its own ids and for what nobody else
    could tell (with a key, always), DataCite for DOIs that Crossref does not have and for datasets, and each of them,
    DBLP, DOAJ and OpenReview (which decides about its forums) when a search names them. PubMed and Europe PMC are asked
    for PMIDs and PMCIDs, for works that turn out to have a PMID or lack an abstract, and when a search names them;
    Unpaywall, given a ``contact``, for the open copies of every DOI that is found.

    ``client`` should not retry by itself (``WebClient(retries=0)``): each provider has its own pace. ``keys`` and
    ``urls`` map provider names (crossref, openalex, arxiv, doi, semanticscholar, datacite, dblp, doaj, openreview,
    pubmed, europepmc, unpaywall) to keys and base URLs; ``also`` are asked beside them, and ``retractions`` have their
    say in the standing of every work. ``deadline`` is in seconds and bounds every call; what has not answered by then
    is reported as such, and the rest is returned.
    """

    def __init__(
        self,
        client: Getter,
        *,
        contact: str = "",
        keys: Mapping[str, str] | None = None,
        urls: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        now: Callable[[], datetime] = utc_now,
        deadline: float = DEADLINE,
        providers: Sequence[Provider] | None = None,
        registry: Provider | None = None,
        also: Sequence[Provider] = (),
        retractions: Retractions | None = None,
    ) -> None:
        keys, urls = keys or {}, urls or {}
        self.clock = Clock(clock, sleep, now)
        self._deadline = deadline
        crossref, openalex = urls.get("crossref", ""), urls.get("openalex", "")
        key = keys.get("semanticscholar", "")
        asked = SemanticScholar(client, self.clock, base=urls.get("semanticscholar", ""), key=key)
        self._providers: tuple[Provider, ...] = tuple(
            providers
            if providers is not None
            else (
                Crossref(client, self.clock, base=crossref, contact=contact, key=keys.get("crossref", "")),
                OpenAlex(client, self.clock, base=openalex, key=keys.get("openalex", "")),
                Arxiv(client, self.clock, base=urls.get("arxiv", "")),
                *((asked,) if key else ()),
                *also,
            )
        )
        self._further: tuple[Provider, ...] = (
            ()
            if providers is not None
            else (
                *(() if key else (asked,)),
                DataCite(client, self.clock, base=urls.get("datacite", ""), contact=contact),
                Dblp(client, self.clock, base=urls.get("dblp", "")),
                Doaj(client, self.clock, base=urls.get("doaj", "")),
                OpenReview(client, self.clock, base=urls.get("openreview", "")),
                PubMed(client, self.clock, base=urls.get("pubmed", ""), contact=contact, key=keys.get("pubmed", "")),
                EuropePmc(client, self.clock, base=urls.get("europepmc", "")),
            )
        )
        self._copies: tuple[Provider, ...] = (
            (Unpaywall(client, self.clock, base=urls.get("unpaywall", ""), contact=contact),)
            if contact and providers is None
            else ()
        )
        self._retractions = retractions
        self._registry: Provider = registry or DoiRegistry(client, self.clock, base=urls.get("doi", ""))
        self._answers: OrderedDict[Identifier, tuple[float, Answer]] = OrderedDict()
        self._searches: OrderedDict[tuple[Query, tuple[str, ...]], tuple[float, Search]] = OrderedDict()

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the providers that `find` can ask."""
        return tuple(provider.name for provider in (*self._providers, *self._further))

    # --- by identifier -----------------------------------------------------------------------------------------------

    async def get(self, ids: Sequence[str]) -> list[Answer]:
        """Look up to fifty identifiers of any scheme up; one answer for each, in order.

        Raises BadRequest for none or more than fifty; a malformed one is an answer, not an error.
        """
        if not ids:
            raise BadRequest("give at least one identifier, such as a DOI or an arXiv id")
        if len(ids) > MAX_IDS:
            raise BadRequest(f"{len(ids)} identifiers are too many for one call; give at most {MAX_IDS}")
        read = [self._read(text) for text in ids]
        wanted = list(
            dict.fromkeys(a.identifier for a in read if a.identifier is not None and a.state == "unavailable")
        )
        known = await self._look_up(wanted)
        return [
            self._judged(replace(known[a.identifier], id=a.id))
            if a.identifier is not None and a.identifier in known
            else a
            for a in read
        ]

    def _judged(self, answer: Answer) -> Answer:
        """With what the dataset of retractions says, also of a work that nobody could be asked about."""
        if self._retractions is None or answer.identifier is None:
            return answer
        try:
            if answer.work is not None:
                return replace(answer, work=self._retractions.judge([answer.work])[0])
            told = self._retractions.told_of(answer.identifier)
        except CarrelError as error:
            return replace(answer, statuses=(*answer.statuses, failed("retraction-watch", error)))
        if told is None:
            return answer
        said = f"Retraction Watch (as of {told.as_of}) lists it as {told.state.replace('_', ' ')}, {told.date}"
        return replace(answer, detail=f"{answer.detail}; {said}")

    def _read(self, text: str) -> Answer:
        shown = text.strip()[:200]
        try:
            identifier = parse_identifier(text)
        except AmbiguousIdentifier as error:
            return Answer(shown, "ambiguous", detail=str(error))
        except BadRequest as error:
            return Answer(shown, "invalid", detail=str(error))
        if identifier.scheme in ("orcid", "issn"):
            named = "a person" if identifier.scheme == "orcid" else "a journal"
            return Answer(shown, "invalid", identifier, detail=f"that names {named}, not a work; use find_papers")
        if not any(p.reads(identifier) for p in (*self._providers, *self._further)):
            why = f"no provider here looks works up by {identifier.scheme}; give its DOI or use find_papers"
            return Answer(shown, "invalid", identifier, detail=why)
        return Answer(shown, "unavailable", identifier)

    async def _look_up(self, identifiers: Sequence[Identifier]) -> dict[Identifier, Answer]:
        known = {i: answer for i in identifiers if (answer := _recall(self._answers, i, self.clock.time())) is not None}
        asked = [i for i in identifiers if i not in known]
        if not asked:
            return known
        started = self.clock.time()
        first_ends, ends = started + _FIRST_ROUND * self._deadline, started + self._deadline
        alone = [i for i in asked if not any(p.reads(i) for p in self._providers)]
        calls = [(p, [i for i in asked if p.reads(i)]) for p in self._providers]
        calls += [
            (p, [i for i in asked if p.reads(i) and (i in alone or i.scheme in FIRST_HAND.get(p.name, ()))])
            for p in self._further
        ]
        lookups = await self._round(calls, first_ends)
        lookups += await self._second_round(asked, lookups, ends)
        for identifier in asked:
            answer = _answer(identifier, [lookup for lookup in lookups if identifier in lookup.asked])
            known[identifier] = answer
            lost = {status.provider for status in answer.statuses if not status.answered}
            if answer.state != "unavailable" and lost <= set(HELPERS):
                keep = _KEEP_FOUND if answer.state == "found" and not lost else _KEEP_ABSENT
                _remember(self._answers, identifier, answer, self.clock.time() + keep)
        return known

    async def _second_round(self, asked: Sequence[Identifier], lookups: Sequence[_Asked], ends: float) -> list[_Asked]:
        """The register and whoever else may know for what nobody has; those who can add to what was found, by the name
        they read."""
        records = {i: [lookup.found[i] for lookup in lookups if i in lookup.found] for i in asked}
        missing = [i for i in asked if not records[i] and self._registry.reads(i) and not _settled(i, lookups)]
        calls: list[tuple[Provider, list[Identifier]]] = [(self._registry, missing)]
        calls += [(p, [i for i in asked if self._helps(p, i, records[i], lookups)]) for p in self._further]
        results: list[_Asked] = []
        added: dict[str, list[_Asked]] = {}

        async def ask_rest() -> None:
            results.extend(await self._round(calls, ends))

        async def ask_more(provider: Provider) -> None:
            told = {i for i in asked if _told(provider, i, lookups)}
            names = {i: name for i in asked if i not in told and (name := another_name(provider.name, records[i]))}
            until = min(ends, self.clock.time() + _PATIENCE) if provider.name in HURRIED else ends
            found = await self._round([(provider, list(dict.fromkeys(names.values())))], until)
            added[provider.name] = [a.renamed(names).fitting(records) for a in found]

        more = (*self._providers, *self._further, *self._copies)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask_rest)
            for provider in more:
                tasks.start_soon(ask_more, provider)
        return results + [a for provider in more for a in added[provider.name]]

    def _helps(
        self, provider: Provider, identifier: Identifier, records: Sequence[Record], lookups: Sequence[_Asked]
    ) -> bool:
        """May a further provider know more of that identifier than was told so far?"""
        if _told(provider, identifier, lookups) or not provider.reads(identifier) or _settled(identifier, lookups):
            return False
        if provider.name == "datacite":  # the register of the DOIs that Crossref and arXiv say nothing of
            return not (_has(records, "crossref") or _has(records, "arxiv"))
        return not records and not self._registry.reads(identifier)

    async def _round(self, calls: Sequence[tuple[Provider, Sequence[Identifier]]], ends: float) -> list[_Asked]:
        results: list[_Asked] = []

        async def one(provider: Provider, wanted: Sequence[Identifier]) -> None:
            lookup = await self._guard(provider, provider.get(wanted, ends), ends, Lookup)
            settles = frozenset(i for i in wanted if provider.settles(i))
            results.append(
                _Asked(provider.name, frozenset(wanted), lookup.found, lookup.absent, lookup.status, settles)
            )

        async with anyio.create_task_group() as tasks:
            for provider, wanted in calls:
                if wanted:
                    tasks.start_soon(one, provider, wanted)
        order = [provider.name for provider, _ in calls]
        return sorted(results, key=lambda result: order.index(result.provider))

    async def _guard(
        self, provider: Provider, call: Awaitable[T], ends: float, empty: Callable[[SourceStatus], T]
    ) -> T:
        """Await one provider, but not past the deadline, and not at the price of the others."""
        with anyio.move_on_after(max(0.0, ends - self.clock.time()) + 0.25):
            try:
                return await call
            except _ODD:  # a shape that no parser here foresaw is a failure of that source, not of the call
                return empty(SourceStatus(provider.name, "unavailable", f"{provider.name} answered in an unknown form"))
        return empty(SourceStatus(provider.name, "timeout", f"{provider.name} did not answer in time; try again"))

    # --- by search ---------------------------------------------------------------------------------------------------

    async def find(self, query: Query, *, sources: Sequence[str] = (), cursor: str = "") -> Found:
        """Search every provider at once, merge what is one work, and rank by reciprocal rank and agreement.

        Works whose title stands in the query come first, the more so when an author and the year do too. ``sources``
        restricts the providers. Raises BadRequest for an empty query, bad years, an unknown source or cursor.
        """
        _check(query)
        providers = self._chosen(sources, query)
        named = self._read(query.text)
        if named.identifier is not None and named.state == "unavailable":
            return await self._named(query.text)
        page, offset = _read_cursor(cursor)
        search = await self._search(replace(query, page=page), providers)
        works = search.works[offset : offset + query.limit]
        following = ""
        if offset + query.limit < len(search.works):
            following = f"{page}.{offset + query.limit}"
        elif search.more and page * query.limit < _DEEPEST:
            following = f"{page + 1}.0"
        try:
            judged = works if self._retractions is None else tuple(self._retractions.judge(works))
        except CarrelError as error:
            return Found(works, (*search.statuses, failed("retraction-watch", error)), following)
        return Found(judged, search.statuses, following)

    async def _named(self, text: str) -> Found:
        """A query that is nothing but an identifier is looked up."""
        (answer,) = await self.get([text])
        return Found((answer.work,) if answer.work is not None else (), answer.statuses)

    def _chosen(self, sources: Sequence[str], query: Query) -> tuple[Provider, ...]:
        unknown = sorted(set(sources) - set(self.sources))
        if unknown:
            raise BadRequest(f"unknown source; use some of {', '.join(self.sources)}")
        if sources:
            return tuple(p for p in (*self._providers, *self._further) if p.name in sources)
        return (*self._providers, *(p for p in self._further if p.name == "datacite" and "dataset" in query.types))

    async def _search(self, query: Query, providers: Sequence[Provider]) -> Search:
        key = (query, tuple(provider.name for provider in providers))
        remembered = _recall(self._searches, key, self.clock.time())
        if remembered is not None:
            return remembered
        ends = self.clock.time() + self._deadline
        shelves: dict[str, Shelf] = {}

        async def one(provider: Provider) -> None:
            shelves[provider.name] = await self._guard(provider, provider.find(query, ends), ends, Shelf)

        async with anyio.create_task_group() as tasks:
            for provider in providers:
                tasks.start_soon(one, provider)
        search = fuse(query, [shelves[provider.name] for provider in providers])
        if all(status.answered or status.state == "skipped" for status in search.statuses):
            _remember(self._searches, key, search, self.clock.time() + _KEEP_FOUND)
        return search


def open_scholar(
    settings: Settings,
    *,
    web: OpenWeb | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
    also: Sequence[Provider] = (),
) -> tuple[Scholar, WebClient]:
    """A scholar as the settings describe it, who asks ``also`` too, and the client it speaks through, which the caller
    closes."""
    from carrel.web import OpenWeb

    client = (web or OpenWeb(settings)).client(transport=transport, retries=0)
    scholar = Scholar(
        client,
        contact=settings.contact,
        keys=settings.keys,
        urls=settings.provider_urls,
        now=client.now,
        also=also,
        retractions=Retractions(settings.data),
    )
    return scholar, client


@dataclass(frozen=True, slots=True)
class _Asked:
    """One provider's lookup with what it was asked and which of that it decides."""

    provider: str
    asked: frozenset[Identifier]
    found: Mapping[Identifier, Record]
    absent: frozenset[Identifier]
    status: SourceStatus
    settles: frozenset[Identifier]

    def renamed(self, names: Mapping[Identifier, Identifier]) -> _Asked:
        """The same lookup as an answer about the identifiers that led to those it was asked for."""
        back: dict[Identifier, list[Identifier]] = {}
        for name, doi in names.items():
            back.setdefault(doi, []).append(name)
        return _Asked(
            self.provider,
            frozenset(n for i in self.asked for n in back.get(i, [i])),
            {n: record for i, record in self.found.items() for n in back.get(i, [i])},
            frozenset(n for i in self.absent for n in back.get(i, [i])),
            self.status,
            frozenset(i for i in self.settles if i not in back),
        )

    def fitting(self, records: Mapping[Identifier, Sequence[Record]]) -> _Asked:
        """Without what turns out to be another work: one service's word for an identifier may be wrong."""
        strays = frozenset(i for i, record in self.found.items() if strays_from(record, records[i]))
        found = {i: record for i, record in self.found.items() if i not in strays}
        return replace(self, found=found, absent=self.absent | strays)

    def status_for(self, identifier: Identifier) -> SourceStatus:
        """How this one identifier fared, when others of the same call fared worse."""
        if identifier in self.found:
            return replace(self.status, state="ok", detail="", retry_after=None)
        if identifier in self.absent:
            return replace(self.status, state="empty", detail="", retry_after=None)
        if self.status.answered:
            return replace(self.status, state="unavailable", detail="its answer left this one out")
        return self.status


def _told(provider: Provider, identifier: Identifier, lookups: Sequence[_Asked]) -> bool:
    return any(a.provider == provider.name and identifier in a.asked for a in lookups)


def _settled(identifier: Identifier, lookups: Sequence[_Asked]) -> bool:
    return any(identifier in lookup.absent and identifier in lookup.settles for lookup in lookups)


def _has(records: Sequence[Record], provider: str) -> bool:
    return any(record.provider == provider for record in records)


def _answer(identifier: Identifier, lookups: Sequence[_Asked]) -> Answer:
    statuses = tuple(lookup.status_for(identifier) for lookup in lookups)
    records = [lookup.found[identifier] for lookup in lookups if identifier in lookup.found]
    if records:
        return Answer("", "found", identifier, combine(records), _told_apart(records), statuses)
    if _settled(identifier, lookups):
        who = next(a.provider for a in lookups if identifier in a.absent and identifier in a.settles)
        told = tuple(s for s in statuses if s.answered or s.provider not in HELPERS)
        return Answer("", "not_found", identifier, None, f"{_OFFICIAL.get(who, who)} has no such work", told)
    asked = [status.provider for status in statuses if status.answered]
    if len(asked) == len(statuses):
        why = (
            f"{' and '.join(asked)} have no record, which proves nothing for {identifier.scheme}; check the identifier"
        )
    else:
        lost = [status.provider for status in statuses if not status.answered]
        why = f"could not look: no answer from {', '.join(lost)}; try again later"
    return Answer("", "unavailable", identifier, None, why, statuses)


_OFFICIAL = {
    "doi": "doi.org, the register of all DOIs,",
    "arxiv": "arXiv",
    "openalex": "OpenAlex",
    "semanticscholar": "Semantic Scholar",
    "openreview": "OpenReview",
    "pubmed": "PubMed",
}


def _told_apart(records: Sequence[Record]) -> str:
    return (
        "providers disagree on the title; see conflicts"
        if any(conflict.startswith("title:") for conflict in combine(records).conflicts)
        else ""
    )


def _check(query: Query) -> None:
    if not (query.text.strip() or query.title.strip()):
        raise BadRequest("the query is empty; give a topic, a title or a citation")
    if not re.search(r"\w", query.text + query.title):
        raise BadRequest("the query has no words; give a topic, a title or a citation")
    if not 1 <= query.limit <= MAX_LIMIT:
        raise BadRequest(f"limit must be between 1 and {MAX_LIMIT}")
    for year in (query.year_from, query.year_to):
        if year and not 1000 <= year <= 2200:
            raise BadRequest("a year must have four digits, such as 2019")
    if query.year_from and query.year_to and query.year_from > query.year_to:
        raise BadRequest("year_from is after year_to; swap them")


def _read_cursor(cursor: str) -> tuple[int, int]:
    if not cursor:
        return 1, 0
    match = re.fullmatch(r"([1-9]\d{0,2})\.(\d{1,4})", cursor)
    if match is None:
        raise BadRequest("that cursor is not one that find_papers gave; leave it out to start again")
    return int(match[1]), int(match[2])


K = TypeVar("K")
V = TypeVar("V")


def _recall(memory: OrderedDict[K, tuple[float, V]], key: K, now: float) -> V | None:
    until, value = memory.get(key, (0.0, None))
    return value if value is not None and now < until else None


def _remember(memory: OrderedDict[K, tuple[float, V]], key: K, value: V, until: float) -> None:
    memory[key] = (until, value)
    memory.move_to_end(key)
    if len(memory) > _KEPT:
        memory.popitem(last=False)
