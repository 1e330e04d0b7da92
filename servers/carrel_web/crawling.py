"""crawl_site: crawls that outlive the call that began them, and the process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import Annotated, Any

import anyio
from anyio.to_thread import run_sync as in_thread
from filelock import FileLock, Timeout
from pydantic import BaseModel, Field

from carrel.crawl import Crawl, Crawling, Ledger, Spec
from carrel.errors import BadRequest, CarrelError, Unavailable
from carrel.index import Job, LazyLibrary, Library, check_collection
from carrel.mcp import CarrelServer, Context, ProgressCallback, progress
from carrel.settings import Settings
from carrel.web import WebClient, check_url

__all__ = ["CrawlReply", "Crawls", "add_crawling"]

_log = logging.getLogger(__name__)
_PATIENCE = 20.0  # seconds a crawl is waited for before its job handle is returned; hosts give up at about 60
_CLOSING = 2.0  # seconds a stopping server waits for pages in hand; the rest goes on in another process
_COMMITTING = 5.0  # and then for the last commit
_BEAT = 5.0  # seconds between two looks at whether the crawl shall stop, and two entries of its job
_BEGINNING = 30.0  # seconds for another process to write its crawl down
_LISTED = 20  # skipped pages named in a reply

Skips = Annotated[list[str], Field(max_length=20)]


class SkippedPage(BaseModel):
    """A page that was not kept, and why."""

    url: str
    kind: str
    reason: str


class CrawlReply(BaseModel):
    """How a crawl stands. ``state``: running, encoding (searchable by words, vectors follow), done, stopped, failed or
    interrupted. ``unchanged`` pages were in the collection already; ``waiting`` are known and not yet asked for."""

    job: str
    state: str
    start: str
    collection: str
    added: int
    replaced: int
    unchanged: int
    passages: int
    waiting: int
    asked: int
    snapshot: int
    skipped_total: int
    skipped: list[SkippedPage]
    note: str | None = None
    omitted: int = 0


class _Running:
    def __init__(self, crawl: Crawl, task: asyncio.Task[None]) -> None:
        self.crawl = crawl
        self.task = task


class Crawls:
    """The crawls of a data folder; those of this process run as tasks of its event loop, through its web client."""

    def __init__(self, settings: Settings, shelf: LazyLibrary, web: WebClient) -> None:
        self._settings = settings
        self._shelf = shelf
        self._web = web
        self._opened: Ledger | None = None
        self._opening = anyio.Lock()
        self._beginning = anyio.Lock()  # calls of one process do not poll the lock file
        self._running: dict[str, _Running] = {}

    async def begin(self, spec: Spec) -> str:
        """The job of a crawl of this spec: one that is not over, gone on with, else a new one."""
        ledger, library = await self._ledger(), await in_thread(self._shelf)
        async with self._beginning:
            found = await in_thread(self._unfinished_or_new, spec, ledger, library)
            await self.go_on(found)
        return found.job_id

    async def crawling(self, job_id: str) -> Crawling:
        """What the ledger knows of a crawl. Raises NotFound."""
        return await in_thread((await self._ledger()).crawling, job_id)

    async def go_on(self, found: Crawling) -> None:
        """Run a crawl, unless it is over or some process runs it."""
        ledger, library = await self._ledger(), await in_thread(self._shelf)
        if found.job_id in self._running:
            return
        if found.state == "stopping":
            await self._end(found.job_id)
        if found.state != "open":
            return
        lock = FileLock(self._folder / f"{found.job_id}.lock", thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return
        # nothing is waited for between the lock and the task that gives it back
        crawl = Crawl(found.job_id, ledger, library, self._web, allow_hosts=self._settings.allow_hosts)
        task = asyncio.create_task(self._run(found.job_id, crawl, ledger, library, lock), name="carrel-crawl")
        task.add_done_callback(lambda over: over.cancelled() or over.exception())  # seen, whether anyone waits or not
        self._running[found.job_id] = _Running(crawl, task)

    async def wait(self, job_id: str, most: int, report: ProgressCallback) -> None:
        """Wait until it has finished, but not for long, telling its progress; raises what it failed of."""
        running = self._running.get(job_id)
        if running is None:
            return
        ends = anyio.current_time() + _PATIENCE
        while not running.task.done() and anyio.current_time() < ends:
            report(running.crawl.tally.pages, most, "crawling")
            await asyncio.wait([running.task], timeout=0.1)
        if running.task.done():
            running.task.result()

    async def stop(self, job_id: str) -> None:
        """Ask whoever runs a crawl to end it, and wait where that is here; it will not go on."""
        ledger = await self._ledger()
        await in_thread(ledger.set_state, job_id, "stopping")
        running = self._running.get(job_id)
        if running is not None:
            running.crawl.stop()
            await asyncio.wait([running.task], timeout=_PATIENCE)
        else:
            await self._end(job_id)

    async def reply(self, job_id: str) -> CrawlReply:
        """How a crawl stands."""
        ledger, library = await self._ledger(), await in_thread(self._shelf)
        return await in_thread(self._reply, job_id, ledger, library)

    async def aclose(self) -> None:
        """Let pages in hand end; unfinished crawls go on when another process is asked for them."""
        there = list(self._running.values())
        for end, seconds in ((Crawl.stop, _CLOSING), (Crawl.abandon, _COMMITTING)):
            left = [running for running in there if not running.task.done()]
            for running in left:
                end(running.crawl)
            if left:
                await asyncio.wait([running.task for running in left], timeout=seconds)
        for running in there:
            running.task.cancel()
        await asyncio.gather(*(running.task for running in there), return_exceptions=True)
        if self._opened is not None:
            self._opened.close()

    # ------------------------------------------------------------------------------------------------------------------

    @property
    def _folder(self) -> Any:
        return self._settings.data / "crawls"

    async def _ledger(self) -> Ledger:
        async with self._opening:
            if self._opened is None:
                self._opened = await in_thread(Ledger, self._folder)
            return self._opened

    def _unfinished_or_new(self, spec: Spec, ledger: Ledger, library: Library) -> Crawling:
        """One call at a time, of all processes: asked for twice at once, a site is crawled once."""
        try:
            with FileLock(self._folder / "begin.lock", timeout=_BEGINNING, thread_local=False):
                found = ledger.unfinished(spec)
                if found is None:
                    job_id = library.jobs.begin("crawl", spec.collection)
                    ledger.begin(job_id, spec)
                    found = ledger.crawling(job_id)
                return found
        except Timeout:
            raise Unavailable("another process is beginning a crawl and does not come to an end; try again") from None

    async def _end(self, job_id: str) -> None:
        """End a crawl that shall stop, if no process runs it; one that does looks every few seconds."""
        ledger, library = await self._ledger(), await in_thread(self._shelf)
        with contextlib.suppress(Timeout), FileLock(self._folder / f"{job_id}.lock", timeout=0, thread_local=False):
            if (await in_thread(ledger.crawling, job_id)).state == "stopping":
                await in_thread(ledger.set_state, job_id, "over")
                await in_thread(self._enter, job_id, ledger, library, "stopped", "")

    async def _run(self, job_id: str, crawl: Crawl, ledger: Ledger, library: Library, lock: FileLock) -> None:
        error, state, over = "", "interrupted", asyncio.Event()
        beat = asyncio.create_task(self._beat(job_id, crawl, ledger, library, over))
        try:
            await crawl.run()
            if crawl.stopped:
                state = "stopped" if (await in_thread(ledger.crawling, job_id)).state == "stopping" else "interrupted"
            else:
                state = "encoding" if crawl.tally.pages else "done"
        except CarrelError as failure:
            error, state = str(failure), "failed"
            raise
        except Exception:
            _log.exception("crawl %s failed", job_id)
            error, state = "the server failed at this; its log says why", "failed"
            raise
        finally:
            over.set()  # no cancelling: its thread would write into a library that may be closed by then
            with anyio.CancelScope(shield=True), contextlib.suppress(CarrelError):
                await asyncio.wait([beat])
                if state in ("encoding", "done", "stopped"):
                    await in_thread(ledger.set_state, job_id, "over")
                await in_thread(self._enter, job_id, ledger, library, state, error)
            self._running.pop(job_id, None)
            lock.release()

    async def _beat(self, job_id: str, crawl: Crawl, ledger: Ledger, library: Library, over: asyncio.Event) -> None:
        """Say now and then that the crawl is alive, and look whether another process wants it stopped."""
        while not over.is_set():
            with contextlib.suppress(CarrelError):
                await in_thread(self._enter, job_id, ledger, library, "running", "")
                if (await in_thread(ledger.crawling, job_id)).state == "stopping":
                    crawl.stop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), _BEAT)

    @staticmethod
    def _enter(job_id: str, ledger: Ledger, library: Library, state: str, error: str) -> None:
        """Write into the jobs table how the crawl stands, in the words of an addition, so that library_status reads
        it."""
        tally, counts = ledger.tally(job_id), ledger.counts(job_id)
        done = sum(tally.get(name, 0) for name in ("added", "replaced", "unchanged"))
        skipped = [{"source": url, "kind": kind, "reason": why} for url, kind, why in ledger.skipped(job_id, _LISTED)]
        report = {**tally, "skipped": skipped, "skipped_total": counts.get("skipped", 0), "error": error or None}
        most = ledger.crawling(job_id).spec.max_pages
        total = min(most, done + counts.get("waiting", 0) + counts.get("read", 0))
        library.jobs.report(job_id, state=state, done=done, total=total, report=report)

    def _reply(self, job_id: str, ledger: Ledger, library: Library) -> CrawlReply:
        found, job = ledger.crawling(job_id), library.jobs.get(job_id)
        tally, counts = ledger.tally(job_id), ledger.counts(job_id)
        state = _state(job, found, library, here=job_id in self._running)
        return CrawlReply(
            job=job_id,
            state=state,
            start=found.spec.start,
            collection=found.spec.collection,
            added=tally.get("added", 0),
            replaced=tally.get("replaced", 0),
            unchanged=tally.get("unchanged", 0),
            passages=tally.get("passages", 0),
            waiting=counts.get("waiting", 0),
            asked=tally.get("asked", 0),
            snapshot=tally.get("generation", 0),
            skipped_total=counts.get("skipped", 0),
            skipped=[
                SkippedPage(url=url[:300], kind=kind, reason=why[:400])
                for url, kind, why in ledger.skipped(job_id, _LISTED)
            ],
            note=_note(job, found, state, counts.get("waiting", 0)),
        )


def _note(job: Job, found: Crawling, state: str, waiting: int) -> str | None:
    if found.state == "stopping":
        return "it ends with the pages in hand"
    if state == "running":
        return f'it goes on; crawl_site(job="{found.job_id}") shows how it stands'
    if found.state == "over" and job.state != "stopped" and waiting:
        most = found.spec.max_pages
        return f"max_pages={most} ended it with pages waiting; crawl again with more max_pages to have them too"
    error: str | None = json.loads(job.report).get("error")
    return error


def _state(job: Job, found: Crawling, library: Library, *, here: bool) -> str:
    if here and found.state == "open":
        return "running"
    if job.state != "encoding":
        return job.state
    with contextlib.suppress(CarrelError):  # the collection was dropped since, or no vectors are made
        library.arms.dense(job.collection)
        return "encoding" if library.pending(job.collection) else "done"
    return "done"


def add_crawling(server: CarrelServer, crawls: Crawls, settings: Settings) -> None:
    """Give the server its tool that crawls."""

    @server.tool(title="Crawl a site", writes=True, open_world=True, tail="skipped")
    async def crawl_site(
        ctx: Context,
        start: Annotated[str, Field(description="page, sitemap or feed to start from")] = "",
        max_pages: Annotated[int, Field(ge=1, le=5_000)] = 100,
        depth: Annotated[int, Field(ge=0, le=20, description="links away from start")] = 3,
        include: Annotated[Skips, Field(description="paths to take instead of start's folder: '/docs/*'")] = [],
        exclude: Skips = [],
        collection: str = "default",
        job: Annotated[str, Field(description="instead of start: see, or go on with, a crawl")] = "",
        stop: Annotated[bool, Field(description="end that job")] = False,
    ) -> CrawlReply:
        """Bring the pages of a site into the library, politely: its host, below start's folder, by links, sitemaps and
        feeds. A crawl that takes long gives a job; ask for it again with job. It survives a restart, and crawling again
        costs little where pages have not changed."""
        if bool(start) == bool(job) or (stop and not job):
            raise BadRequest("give either start, to crawl, or job, to see or stop a crawl")
        if job and stop:
            await crawls.crawling(job)
            await crawls.stop(job)
            return await crawls.reply(job)
        if job:
            found = await crawls.crawling(job)
            await crawls.go_on(found)
            await crawls.wait(job, found.spec.max_pages, progress(ctx))
            return await crawls.reply(job)
        check_collection(collection)
        url = check_url(start, allow_hosts=settings.allow_hosts).text
        spec = Spec(url, collection, max_pages, depth, tuple(include), tuple(exclude))
        begun = await crawls.begin(spec)
        await crawls.wait(begun, max_pages, progress(ctx))
        return await crawls.reply(begun)
