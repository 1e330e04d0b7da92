"""Additions that outlive the call that began them."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from carrel.errors import BadRequest, CarrelError
from carrel.index import Job, Library
from carrel.ingest import Outcome, Progress, Skipped
from carrel.mcp import ProgressCallback
from carrel_search.replies import AddedDocument, AddReply, JobReply, SkippedSource

__all__ = ["Additions", "Running", "add_reply", "job_reply", "raise_if_all_failed"]

_log = logging.getLogger(__name__)
_LISTED = 20  # documents and skipped sources named in a reply; the counts tell the rest
_CLOSING = 2.0  # seconds a stopping server waits; what an addition has committed is safe, the rest is added again
_TICK = 0.1  # seconds between two looks at a running addition
_REPORT_EVERY = 1.0  # seconds between two entries of a running job in the store

Work = Callable[[Progress, Callable[[], bool]], Outcome]


class Running:
    """An addition under way in this process."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self.progress = (0, 0, "")
        self.error: Exception | None = None
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

        try:
            with self._turn:
                outcome = work(on_progress, lambda: self._stopping.is_set() or running.cancelled.is_set())
            done, total, _ = running.progress
            state = "encoding" if done >= total else "interrupted"
            library.jobs.report(running.job_id, state=state, done=done, total=total, report=_report(outcome))
        except CarrelError as error:
            running.error = error
            self._failed(library, running, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it was, the job must not stay "running" for ever
            running.error = error
            _log.exception("job %s failed", running.job_id)
            self._failed(library, running, "the server failed at this; its log says why")
        finally:
            running.finished.set()

    @staticmethod
    def _failed(library: Library, running: Running, words: str) -> None:
        done, total, _ = running.progress
        try:
            library.jobs.report(running.job_id, state="failed", done=done, total=total, report={"error": words})
        except CarrelError as error:
            _log.warning("job %s: %s", running.job_id, error)


def _report(outcome: Outcome) -> dict[str, Any]:
    return {
        **asdict(outcome),
        "documents": outcome.documents[:_LISTED],
        "skipped": [asdict(skipped) for skipped in outcome.skipped[:_LISTED]],
        "skipped_total": len(outcome.skipped),
    }


def job_reply(library: Library, job: Job) -> JobReply:
    """A job as a reply; one whose vectors are all there is done, and so is one that will get none."""
    report = json.loads(job.report)
    if job.state != "encoding":
        return JobReply(job=job.job_id, state=job.state, done=job.done, total=job.total, note=_note(job, report))
    total = library.store.count_passages(job.collection)
    missing = library.pending(job.collection)
    try:
        library.dense(job.collection)
    except CarrelError as error:
        note = f"searchable by words only: {error}"
        return JobReply(job=job.job_id, state="done", done=job.done, total=job.total, note=note)
    if missing:
        note = f"searchable by words now; {total - missing} of {total} passages have a vector"
        return JobReply(job=job.job_id, state="encoding", done=total - missing, total=total, note=note)
    return JobReply(job=job.job_id, state="done", done=job.done, total=job.total)


def _note(job: Job, report: dict[str, Any]) -> str | None:
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
        passages=report.get("passages", 0),
        documents=[
            AddedDocument(ref=ref, title=title[:300], source=source[:300])
            for ref, title, source in report.get("documents", [])
        ],
        skipped=[SkippedSource(source=each.source[:300], kind=each.kind, reason=each.reason) for each in skipped],
        skipped_total=report.get("skipped_total", 0),
    )


def raise_if_all_failed(reply: AddReply, asked: int) -> None:
    """One source asked for, and it failed: that is an error, not an empty success."""
    if asked == 1 and reply.skipped_total and not (reply.added or reply.replaced or reply.unchanged):
        first = reply.skipped[0]
        raise _by_kind(first.kind, first.reason)


def _by_kind(kind: str, words: str) -> CarrelError:
    classes: list[type[CarrelError]] = [BadRequest]
    while classes:
        current = classes.pop()
        if current.kind == kind:
            return current(words)
        classes += current.__subclasses__()
    return next((each(words) for each in CarrelError.__subclasses__() if each.kind == kind), BadRequest(words))
