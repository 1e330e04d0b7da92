"""The works of the dumps that were loaded here, as one more provider: offline, at once, by words and by meaning."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import anyio

from carrel.catalogue.names import Names
from carrel.errors import CarrelError, NotFound
from carrel.index import Filters, Library
from carrel.records import Document, Hit
from carrel.retrieve import search
from carrel.scholarly import Identifier, Lookup, Query, Record, Shelf, SourceStatus, document_work, failed

__all__ = ["LocalCatalogue"]

T = TypeVar("T")

_SCHEMES = ("doi", "arxiv", "pmid", "pmcid", "openalex")
_NOTHING = "no dump is loaded here; `carrel catalogue load FILE` loads one"


class LocalCatalogue:
    """Answers from the library. ``library`` opens it when it is first needed; ``clock`` is for the times it tells."""

    name = "local"

    def __init__(
        self, library: Callable[[], Library], names: Names, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._library = library
        self._names = names
        self._clock = clock

    def reads(self, identifier: Identifier) -> bool:
        """Whatever dumps name their works by, once there is one."""
        return identifier.scheme in _SCHEMES and self._names.there

    def settles(self, identifier: Identifier) -> bool:
        """Never: a dump is a part of the literature as it once was."""
        return False

    async def get(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        """Look each one up, by any name that a dump gave the work."""
        started = self._clock()
        try:
            found = await self._thread(partial(self._look_up, identifiers))
        except CarrelError as error:
            return Lookup(failed(self.name, error, self._ms(started)))
        status = SourceStatus(self.name, "ok" if found else "empty", "", self._ms(started))
        return Lookup(status, found, frozenset(i for i in identifiers if i not in found))

    async def find(self, query: Query, ends: float) -> Shelf:
        """Search the collections that dumps were loaded into."""
        if not self._names.there:
            return Shelf(SourceStatus(self.name, "skipped", _NOTHING))
        started = self._clock()
        try:
            records = await self._thread(partial(self._search, query))
        except CarrelError as error:
            return Shelf(failed(self.name, error, self._ms(started)))
        return Shelf(SourceStatus(self.name, "ok" if records else "empty", "", self._ms(started)), tuple(records))

    async def _thread(self, work: Callable[[], T]) -> T:
        """Beside the event loop; whoever waits no longer leaves it to end by itself."""
        return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)

    def _ms(self, started: float) -> int:
        return round((self._clock() - started) * 1000)

    def _look_up(self, identifiers: Sequence[Identifier]) -> dict[Identifier, Record]:
        library, collections = self._library(), frozenset(self._names.collections())
        known = self._names.sources([f"{i.scheme}:{i.value}" for i in identifiers])
        found: dict[Identifier, Record] = {}
        for identifier in identifiers:
            name = f"{identifier.scheme}:{identifier.value}"
            for source in (name, *known[name]):
                document = _held(library, source, collections)
                if document is not None:
                    found[identifier] = self._record(document)
                    break
        return found

    def _search(self, query: Query) -> list[Record]:
        library = self._library()
        there = {each.name for each in library.collections()}
        last = query.page * query.limit
        shelves = [self._hits(library, name, query, last) for name in self._names.collections() if name in there]
        ranked = sorted((hit for hits in shelves for hit in hits), key=lambda hit: (hit.rank, hit.passage.doc_id))
        documents: dict[str, Document] = {}
        for hit in ranked:
            document = library.document(hit.passage.doc_id)
            documents.setdefault(document.source, document)
        records = [self._record(document) for document in documents.values()]
        kept = [record for record in records if not query.types or record.work.type in query.types]
        return kept[last - query.limit : last]

    def _hits(self, library: Library, collection: str, query: Query, last: int) -> Sequence[Hit]:
        """All down to the page's last: which of them stand before it is known when all are merged and filtered."""
        spare = 3 if query.types else 1  # types are not in the index, so there must be some to choose from
        try:
            return search(
                library,
                [(query.title or query.text)[:2_000]],
                collection=collection,
                k=last * spare,
                granularity="document",
                filters=_filters(query),
            ).hits
        except NotFound:  # dropped meanwhile
            return ()

    def _record(self, document: Document) -> Record:
        return Record(self.name, document_work(document, self.name))


def _held(library: Library, source: str, collections: frozenset[str]) -> Document | None:
    """The newest text from that source, if a collection of dumps holds it now."""
    latest = library.latest(source)
    return latest[0] if latest is not None and collections & set(library.members_of(latest[0].doc_id)) else None


def _filters(query: Query) -> Filters:
    return Filters(
        source_kinds=("scholar",),
        author=query.author if re.search(r"\w", query.author) else "",
        after=f"{query.year_from:04d}" if query.year_from else "",
        before=f"{query.year_to + 1:04d}" if query.year_to else "",
    )
