"""Additions that outlive the call that began them."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from carrel.errors import BadRequest, CarrelError, NotFound
from carrel.index import Job, Library
from carrel.ingest import Change, Outcome, Progress, Skipped
from carrel.mcp import ProgressCallback
from carrel_search.replies import AddedDocument, AddReply, JobReply, SkippedSource

__all__ = ["Additions", "Running", "add_reply", "job_reply", "raise_if_all_failed"]

_log = logging.getLogger(__name__)
_LISTED = 20  # documents and skipped sources named in a reply; the counts tell the rest
_CLOSING = 2.0  # seconds a stopping server waits; what an addition has committed is safe, the rest is added again
_TICK = 0.1  # seconds between two looks at a running addition
_REPORT_EVERY = 1.0  # seconds between two entries of a job that gets on
_BEAT = 10.0  # seconds between two entries of one that does not, waiting for its turn or for a slow disk

Work = Callable[[Progress, Callable[[], bool]], Outcome]


class Running:
    """An addition under way in this process."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self.progress = (0, 0, "")
        self.error: Exception | None = None
        self.over = threading.Event()  # the work is, though its last words may still be on their way
        self.finished = threading.Event()
        self.cancelled = threading.Event()

    def wait(self, seconds: float, report: ProgressCallback) -> None:
        """Wait until it has finished, but no longer than ``seconds``, telling its progress; raises its error.

        ``report`` raises when the call was cancelled: then the addition is asked to stop too.
        """
        for _ in range(int(seconds / _TICK)):
            if self.finished.wait(_TICK):
                break
            done, total, message = self.progress
            try:
                report(done, total or None, message)
            except BaseException:
                self.cancelled.set()
                raise
        if self.error is not None:
            raise self.error


class Additions:
    """Runs additions one after the other in the background, and tells their progress through the jobs table."""

    def __init__(self, library: Callable[[], Library], clock: Callable[[], float]) -> None:
        self._library = library
        self._clock = clock
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, collection: str, work: Work) -> Running:
        """Begin ``work(on_progress, cancelled)``; its outcome is stored under the job handle."""
        library = self._library()
        running = Running(library.jobs.begin("add", collection))
        thread = threading.Thread(target=self._run, args=(running, library, work), name="carrel-add", daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()
        return running

    def close(self) -> None:
        """Stop additions after the batch in hand; what they added stays."""
        self._stopping.set()
        ends = time.monotonic() + _CLOSING
        for thread in self._threads:
            thread.join(timeout=max(ends - time.monotonic(), 0.0))

    def _run(self, running: Running, library: Library, work: Work) -> None:
        last = self._clock()

        def on_progress(done: int, total: int, message: str) -> None:
            nonlocal last
            running.progress = (done, total, message)
            if (now := self._clock()) - last >= _REPORT_EVERY:
                last = now
                library.jobs.report(running.job_id, state="running", done=done, total=total, report={})

        beat = threading.Thread(target=self._beat, args=(running, library), name="carrel-add-beat", daemon=True)
        beat.start()
        try:
            with self._turn:
                outcome = work(on_progress, lambda: self._stopping.is_set() or running.cancelled.is_set())
            running.over.set()
            beat.join()
            done, total, _ = running.progress
            library.jobs.report(running.job_id, state=_state(outcome), done=done, total=total, report=_report(outcome))
        except CarrelError as error:
            running.error = error
            self._failed(library, running, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it was, the job must not stay "running" for ever
            running.error = error
            _log.exception("job %s failed", running.job_id)
            self._failed(library, running, "the server failed at this; its log says why")
        finally:
            running.over.set()
            running.finished.set()

    @staticmethod
    def _beat(running: Running, library: Library) -> None:
        """Say now and then that the job's process is alive, until the work is over."""
        while not running.over.wait(_BEAT):
            done, total, _ = running.progress
            try:
                library.jobs.report(running.job_id, state="running", done=done, total=total, report={})
            except CarrelError as error:
                _log.info("job %s: %s", running.job_id, error)

    @staticmethod
    def _failed(library: Library, running: Running, words: str) -> None:
        running.over.set()
        done, total, _ = running.progress
        try:
            library.jobs.report(running.job_id, state="failed", done=done, total=total, report={"error": words})
        except CarrelError as error:
            _log.warning("job %s: %s", running.job_id, error)


def _state(outcome: Outcome) -> str:
    if not outcome.finished:
        return "interrupted"
    there = outcome.added + outcome.replaced + outcome.moved + outcome.unchanged
    return "encoding" if there and not outcome.dry_run else "done"


def _report(outcome: Outcome) -> dict[str, Any]:
    return {
        "added": outcome.added,
        "replaced": outcome.replaced,
        "unchanged": outcome.unchanged,
        "moved": outcome.moved,
        "removed": outcome.removed,
        "passages": outcome.passages,
        "generation": outcome.generation,
        "documents": [asdict(change) for change in _some_of_each(outcome.documents)],
        "skipped": [asdict(skipped) for skipped in outcome.skipped[:_LISTED]],
        "skipped_total": len(outcome.skipped),
        "not_read": dict(list(outcome.not_read.items())[:_LISTED]),
        "dry_run": outcome.dry_run,
    }


def _some_of_each(changes: Sequence[Change]) -> list[Change]:
    """As many as are listed; of many additions some give way to what was removed or moved, which is rarer."""
    seen: Counter[str] = Counter()
    turns = []
    for place, change in enumerate(changes):
        turns.append((seen[change.kind], place))
        seen[change.kind] += 1
    return [changes[place] for place in sorted(place for _, place in sorted(turns)[:_LISTED])]


def job_reply(library: Library, job: Job) -> JobReply:
    """A job as a reply; one whose vectors are all there is done, and so is one that will get none."""
    report = json.loads(job.report)
    if job.state != "encoding":
        return JobReply(job=job.job_id, state=job.state, done=job.done, total=job.total, note=_note(job, report))
    try:
        found = library.collection(job.collection)
        library.arms.dense(job.collection)
    except NotFound:  # the collection was dropped since
        return JobReply(job=job.job_id, state="done", done=job.done, total=job.total)
    except CarrelError as error:
        note = f"searchable by words only: {error}"
        return JobReply(job=job.job_id, state="done", done=job.done, total=job.total, note=note)
    if found.waiting:
        note = f"searchable by words now; {found.encoded} of {found.passages} passages have a vector"
        return JobReply(job=job.job_id, state="encoding", done=found.encoded, total=found.passages, note=note)
    left = f"without vectors, as the encoder fails on them: {found.set_aside} passages" if found.set_aside else None
    return JobReply(job=job.job_id, state="done", done=job.done, total=job.total, note=left)


def _note(job: Job, report: dict[str, Any]) -> str | None:
    if job.state == "interrupted" and job.kind == "crawl":
        return f'its process ended; crawl_site(job="{job.job_id}") goes on with it'
    if job.state == "interrupted":
        return "stopped before the end; add the same sources again, what is there is not read twice"
    return report.get("error")


def add_reply(library: Library, job: Job) -> AddReply:
    """What an addition has done; zeros while it runs."""
    report = json.loads(job.report)
    skipped = [Skipped(**each) for each in report.get("skipped", [])]
    return AddReply(
        job=job_reply(library, job),
        collection=job.collection,
        snapshot=report.get("generation", library.generation()),
        added=report.get("added", 0),
        replaced=report.get("replaced", 0),
        unchanged=report.get("unchanged", 0),
        moved=report.get("moved", 0),
        removed=report.get("removed", 0),
        passages=report.get("passages", 0),
        documents=[_change_reply(Change(**each)) for each in report.get("documents", [])],
        skipped=[SkippedSource(source=each.source[:300], kind=each.kind, reason=each.reason) for each in skipped],
        skipped_total=report.get("skipped_total", 0),
        not_read=report.get("not_read") or None,
        dry_run=report.get("dry_run") or None,
    )


def _change_reply(change: Change) -> AddedDocument:
    return AddedDocument(
        ref=change.doc_id or None,
        title=change.title[:300],
        source=change.source[:300],
        change=change.kind or None,
        was=change.was[:300] or None,
    )


def raise_if_all_failed(reply: AddReply, asked: Sequence[str], *, sync: bool = False) -> None:
    """One source asked for, and it failed: that is an error, not an empty success.

    Of a folder kept in sync only the folder itself can fail: a file in it that cannot be read is listed each time, and
    that documents stay which the patterns leave out now is told and is no failure.
    """
    did = reply.added or reply.replaced or reply.unchanged or reply.moved or reply.removed
    if len(asked) != 1 or did or not reply.skipped:
        return
    first = reply.skipped[0]
    if first.kind == "excluded":
        return
    if not sync or first.source == asked[0][: len(first.source)]:
        raise _by_kind(first.kind, first.reason)


def _by_kind(kind: str, words: str) -> CarrelError:
    classes: list[type[CarrelError]] = [BadRequest]
    while classes:
        current = classes.pop()
        if current.kind == kind:
            return current(words)
        classes += current.__subclasses__()
    return next((each(words) for each in CarrelError.__subclasses__() if each.kind == kind), BadRequest(words))
