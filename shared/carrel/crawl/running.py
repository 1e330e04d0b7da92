"""One crawl, from its start to its last page: politely, each page once, nothing lost when it is stopped."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import anyio
from anyio.to_thread import run_sync as in_thread

from carrel.crawl.ledger import Ledger, Seen, Spec, Waiting
from carrel.crawl.listings import MAX_BYTES, Listing, feeds_of, is_listing, read_listing, sitemaps_of
from carrel.crawl.scope import Scope
from carrel.errors import CarrelError, NotFound, RateLimited, Unavailable
from carrel.index import Library
from carrel.ingest import page_document
from carrel.records import Document, Link, Page
from carrel.web import WebClient, loose_key

__all__ = ["Crawl", "Tally"]

_WORKERS = 4  # the client lets two at a time ask one host; the others parse
_BATCH = 16  # pages of one commit
_BATCH_SECONDS = 5.0
_TRIES = 3
_SILENT = 8  # addresses in a row that gave no answer: the site is down, and asking on would not be polite
_LONGEST_WAIT = 120.0  # seconds; a site that asks for more is left to a later crawl
_DEADLINE = 60.0  # seconds for one page, its turn included
_ASKED_FOR_ONE = 3  # requests allowed for each page wanted, so that a site of errors comes to an end
_SITEMAPS = 50
_INDEX_DEPTH = 3
_LISTED_BYTES = 2 * MAX_BYTES  # of all sitemaps and feeds of a crawl
_STAYS = "; what was kept of it before stays in the collection until remove_documents takes it out"
_ACCEPT_LISTING = "application/xml, text/xml;q=0.9, */*;q=0.5"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """Counts of a crawl. ``unchanged`` pages were in the collection already; ``asked`` counts requests for pages."""

    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    passages: int = 0
    asked: int = 0
    generation: int = 0

    @property
    def pages(self) -> int:
        return self.added + self.replaced + self.unchanged

    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class _Batch:
    documents: list[Document] = field(default_factory=list)
    facts: list[tuple[Waiting, Seen]] = field(default_factory=list)
    begun: float = 0.0


class Crawl:
    """Runs the crawl ``job_id`` of the ledger, or what is left of it.

    ``allow_hosts`` are the client's. ``clock`` is monotonic, in seconds.
    """

    def __init__(
        self,
        job_id: str,
        ledger: Ledger,
        library: Library,
        web: WebClient,
        *,
        allow_hosts: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tally = Tally(**ledger.tally(job_id))
        self._job_id = job_id
        self._ledger = ledger
        self._library = library
        self._web = web
        self._allow_hosts = allow_hosts
        self._clock = clock
        self._spec: Spec = ledger.crawling(job_id).spec
        self._base = ledger.crawling(job_id).base
        self._busy: dict[str, Waiting] = {}
        self._news = anyio.Event()
        self._stop = anyio.Event()
        self._hurry = anyio.CancelScope()
        self._batch = _Batch()
        self._committing = 0  # documents
        self._listed_bytes = 0
        self._silent = 0
        self._failure: CarrelError | None = None
        self._scope: Scope | None = None

    def stop(self) -> None:
        """End after the pages in hand; what was read is kept."""
        self._stop.set()
        self._tell()

    def abandon(self) -> None:
        """End now: give up the pages in hand, and keep those that were read."""
        self.stop()
        self._hurry.cancel()

    @property
    def stopped(self) -> bool:
        """Whether it was ended before its end."""
        return self._stop.is_set()

    async def run(self) -> None:
        """Crawl to the end, or until stopped. Raises what keeps the start from being read, and Unavailable for a site
        that stopped answering."""
        with self._hurry:
            await self._go()
        await self._commit()
        if self._failure is not None:
            raise self._failure

    async def _go(self) -> None:
        await in_thread(self._ledger.recover, self._job_id)
        first = None if self._base else await self._begin()
        self._scope = Scope(
            self._base, include=self._spec.include, exclude=self._spec.exclude, allow_hosts=self._allow_hosts
        )
        if first is not None:
            await self._seed(first)
        async with anyio.create_task_group() as group:
            for _ in range(_WORKERS):
                group.start_soon(self._work)

    # the beginning ----------------------------------------------------------------------------------------------------

    async def _begin(self) -> Page:
        page = await self._web.read(self._spec.start, deadline=_DEADLINE)
        self._base = page.final_url
        return page

    async def _seed(self, page: Page) -> None:
        await in_thread(self._ledger.extend, self._job_id, [page.final_url], 0)
        if self._spec.depth:
            await self._read_sitemaps(page.final_url)
            head = page.body[:200_000].decode("utf-8", "replace")
            for feed in feeds_of(head, page.final_url)[:3]:
                if self._scope is not None and self._scope.host_of(feed):
                    await self._extend((await self._listing(feed)).pages, 1)
        await in_thread(self._ledger.set_base, self._job_id, self._base)  # last: a crawl without it begins anew
        waiting = await in_thread(self._ledger.next, self._job_id, ())
        if waiting is not None and waiting.depth == 0:
            await self._page(waiting, page, None)

    async def _read_sitemaps(self, base: str) -> None:
        """Have the pages of the site's sitemaps wait, until there are enough of them."""
        root = "/".join(base.split("/", 3)[:3])
        named: tuple[str, ...] = ()
        try:
            robots = await self._web.get(f"{root}/robots.txt", robots=False, max_bytes=500_000)
            named = sitemaps_of(robots.body.decode("utf-8", "replace")) if robots.status == 200 else ()
        except CarrelError:
            pass  # the start was read, so there is no rule against it; sitemaps are a help and no need
        level, asked = list(named or (f"{root}/sitemap.xml",)), 0
        for _ in range(_INDEX_DEPTH):
            deeper: list[str] = []
            for url in level:
                if (
                    asked >= _SITEMAPS
                    or self._listed_bytes > _LISTED_BYTES
                    or self._stop.is_set()
                    or await self._enough()
                ):
                    return
                asked += 1
                listing = await self._listing(url)
                await self._extend(listing.pages, 1)
                deeper += listing.sitemaps
            level = deeper

    async def _enough(self) -> bool:
        counts = await in_thread(self._ledger.counts, self._job_id)
        return counts.get("waiting", 0) > 5 * self._spec.max_pages

    async def _listing(self, url: str) -> Listing:
        if self._scope is None or not self._scope.may_name(url):
            return Listing()
        try:
            page = await self._web.read(url, max_bytes=MAX_BYTES, deadline=_DEADLINE, accept=_ACCEPT_LISTING)
            listing = await in_thread(lambda: read_listing(page.body, url=page.final_url, whole=not page.truncated))
        except CarrelError:
            return Listing()
        self._listed_bytes += listing.size
        return listing

    async def _extend(self, urls: Sequence[str], depth: int) -> None:
        if depth > self._spec.depth or self._scope is None:
            return
        scope = self._scope

        def extend() -> None:
            wanted = dict.fromkeys(found for url in urls if (found := scope.checked(url)) is not None)
            self._ledger.extend(self._job_id, wanted, depth)

        await in_thread(extend)
        self._tell()

    # pages ------------------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        try:
            while not self._stop.is_set() and self._room() and await self._one():
                pass
        except CarrelError as error:  # the library or the ledger failed: no other page would fare better
            self._failure = error
            self._stop.set()
        self._tell()

    async def _one(self) -> bool:
        """Take one address, or wait for one; False when there will be none."""
        news = self._news
        waiting = await in_thread(self._ledger.next, self._job_id, tuple(self._busy))
        if waiting is None:
            if not self._busy and news is self._news:
                return False
            await news.wait()
            return True
        if waiting.key in self._busy or not self._room():
            return True  # another worker took it meanwhile
        self._busy[waiting.key] = waiting
        try:
            await self._ask(waiting)
            await self._commit_when_due()
        finally:
            self._busy.pop(waiting.key, None)
            self._tell()
        return True

    def _room(self) -> bool:
        most = self._spec.max_pages
        on_the_way = len(self._busy) + len(self._batch.documents) + self._committing
        return self.tally.pages + on_the_way < most and self.tally.asked < most * _ASKED_FOR_ONE + 20

    async def _ask(self, waiting: Waiting) -> None:
        seen = await self._seen(waiting.url)
        self.tally.asked += 1
        # a recording is to hold every page whole: whoever replays it may know none of them
        headers = {} if self._web.recorded else _validators(seen)
        try:
            page = await self._web.read(waiting.url, headers=headers, deadline=_DEADLINE)
        except CarrelError as error:
            if isinstance(error, Unavailable) and error.retryable:
                await self._try_again(waiting, error)
                return
            self._silent = 0
            kept = _STAYS if seen is not None and isinstance(error, NotFound) else ""
            await self._skip(waiting, error.kind, f"{error}{kept}")
            return
        self._silent = 0
        await self._page(waiting, page, seen)

    async def _try_again(self, waiting: Waiting, error: Unavailable) -> None:
        self._silent += not isinstance(error, RateLimited)
        if self._silent >= _SILENT or (error.retry_after or 0.0) > _LONGEST_WAIT:
            self._failure = error  # what waits goes on waiting, for a later crawl
            self._stop.set()
            return
        if waiting.tries + 1 >= _TRIES:
            await self._skip(waiting, error.kind, str(error))
            return
        await in_thread(self._ledger.again, self._job_id, waiting)
        with anyio.move_on_after(error.retry_after or 0.0):
            await self._stop.wait()

    async def _page(self, waiting: Waiting, page: Page, seen: Seen | None) -> None:
        """What becomes of an answer."""
        assert self._scope is not None
        if waiting.depth and self._scope.checked(page.final_url) is None:
            await self._skip(waiting, "refused", "redirects to a page outside of this crawl")
        elif ((key := loose_key(page.final_url)) != waiting.key and key in self._busy) or not await in_thread(
            self._ledger.claim, self._job_id, waiting, page.final_url
        ):
            await self._skip(waiting, "duplicate", "redirects to a page that is read already")
        elif seen is not None and (page.status == 304 or seen.digest == _digest(page.body)):
            await self._same(waiting, page, seen)
        elif is_listing(page):
            await self._follow_listing(waiting, page)
        else:
            await self._new(waiting, page)

    async def _follow_listing(self, waiting: Waiting, page: Page) -> None:
        try:
            listing = await in_thread(lambda: read_listing(page.body, url=page.final_url, whole=not page.truncated))
        except CarrelError as error:
            await self._skip(waiting, error.kind, str(error))
            return
        await self._extend([*listing.pages, *listing.sitemaps], waiting.depth + 1)
        await in_thread(lambda: self._ledger.settle(self._job_id, waiting, "listing"))

    async def _same(self, waiting: Waiting, page: Page, seen: Seen) -> None:
        """The page is in the collection as it is; its links are those of the stored document."""
        document = await in_thread(self._library.document, seen.doc_id)
        await self._extend(_urls(document.links), waiting.depth + 1)
        headers = page.headers
        fresh = Seen(
            seen.url,
            headers.get("etag", seen.etag),
            headers.get("last-modified", seen.modified),
            seen.digest,
            seen.doc_id,
        )
        self.tally.unchanged += 1
        await in_thread(
            self._ledger.keep, self._job_id, self._spec.collection, [(waiting, fresh)], self.tally.counts(), "same"
        )

    async def _new(self, waiting: Waiting, page: Page) -> None:
        try:
            document = await in_thread(page_document, page)
        except CarrelError as error:
            await self._skip(waiting, error.kind, str(error))
            return
        except Exception:  # noqa: BLE001 - whatever it was, the other pages are still wanted
            _log.exception("a page of crawl %s could not be read", self._job_id)
            await self._skip(waiting, "internal", "the server failed at this page; its log says why")
            return
        text_digest = _digest(document.text.encode("utf-8", "replace"))
        twin = await in_thread(self._ledger.read, self._job_id, waiting, text_digest)
        if twin:
            await self._skip(waiting, "duplicate", f"has the text of {twin}")
            return
        await self._extend(_urls(document.links), waiting.depth + 1)
        headers = page.headers
        seen = Seen(
            waiting.url, headers.get("etag", ""), headers.get("last-modified", ""), _digest(page.body), document.doc_id
        )
        if not self._batch.documents:
            self._batch.begun = self._clock()
        self._batch.documents.append(document)
        self._batch.facts.append((waiting, seen))

    async def _skip(self, waiting: Waiting, kind: str, why: str) -> None:
        await in_thread(lambda: self._ledger.settle(self._job_id, waiting, "skipped", kind=kind, why=why))

    async def _seen(self, url: str) -> Seen | None:
        """What the page looked like, if the document made of it is in the collection still."""

        def look() -> Seen | None:
            seen = self._ledger.seen(self._spec.collection, url)
            try:
                there = seen is not None and self._library.find(self._spec.collection, doc_ids=[seen.doc_id])
            except NotFound:  # no such collection now
                there = False
            return seen if there else None

        return await in_thread(look)

    # commits ----------------------------------------------------------------------------------------------------------

    async def _commit_when_due(self) -> None:
        batch = self._batch
        if not batch.documents:
            return
        idle = len(self._busy) == 1 and await in_thread(self._ledger.next, self._job_id, tuple(self._busy)) is None
        if len(batch.documents) >= _BATCH or idle or self._clock() - batch.begun > _BATCH_SECONDS:
            await self._commit()

    async def _commit(self) -> None:
        """Put what was read into the library, in one commit, and only then call it done."""
        batch, self._batch = self._batch, _Batch()
        if not batch.documents:
            return
        self._committing += len(batch.documents)
        with anyio.CancelScope(shield=True):  # a commit that has begun is waited for and counted
            did = await in_thread(self._library.add, batch.documents, self._spec.collection)
            self.tally.added += did.added
            self.tally.replaced += did.replaced
            self.tally.unchanged += did.unchanged
            self.tally.passages += did.passages
            self.tally.generation = did.generation
            self._committing -= len(batch.documents)
            await in_thread(
                self._ledger.keep, self._job_id, self._spec.collection, batch.facts, self.tally.counts(), "kept"
            )

    def _tell(self) -> None:
        """Wake workers that wait for links."""
        self._news.set()
        self._news = anyio.Event()


def _validators(seen: Seen | None) -> Mapping[str, str]:
    if seen is None:
        return {}
    pairs = (("If-None-Match", seen.etag), ("If-Modified-Since", seen.modified))
    return {name: value for name, value in pairs if value}


def _urls(links: Sequence[Link]) -> list[str]:
    return [link.url for link in links]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
