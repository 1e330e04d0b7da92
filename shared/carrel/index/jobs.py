"""Jobs: long work with a handle that outlives the call, and the process, that started it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from carrel.errors import NotFound
from carrel.index.store import Store

__all__ = ["Job", "Jobs"]

_SILENT_SECONDS = 40.0  # a running job that has not reported for so long has lost its process
_KEPT = 1000  # older finished jobs are forgotten


@dataclass(frozen=True, slots=True)
class Job:
    """``state``: running, encoding, done, failed or interrupted. ``report`` is JSON text of the job's own making."""

    job_id: str
    kind: str
    collection: str
    state: str
    done: int
    total: int
    report: str
    updated: float


class Jobs:
    """The jobs table of a store. ``clock`` gives Unix seconds."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    def begin(self, kind: str, collection: str) -> str:
        """Record a new running job and return its handle, ``job_`` and eight hexadecimal digits."""
        job_id = f"job_{secrets.token_hex(4)}"
        with self._store.change():
            self._store.run(
                "INSERT INTO jobs VALUES(?,?,?,'running',0,0,'{}',?)", (job_id, kind, collection, self._clock())
            )
            self._store.run(
                "DELETE FROM jobs WHERE job_id IN (SELECT job_id FROM jobs ORDER BY updated DESC LIMIT -1 OFFSET ?)",
                (_KEPT,),
            )
        return job_id

    def report(self, job_id: str, *, state: str, done: int, total: int, report: object) -> None:
        """Replace what is known of a job."""
        with self._store.change():
            self._store.run(
                "UPDATE jobs SET state=?, done=?, total=?, report=?, updated=? WHERE job_id=?",
                (state, done, total, json.dumps(report, ensure_ascii=False), self._clock(), job_id),
            )

    def get(self, job_id: str) -> Job:
        """One job. Raises NotFound."""
        row = self._store.row("SELECT * FROM jobs WHERE job_id=?", (job_id,))
        if row is None:
            raise NotFound("no such job in this data folder; library_status without a job shows what is going on")
        job = Job(*row)
        if job.state == "running" and self._clock() - job.updated > _SILENT_SECONDS:
            return Job(
                job.job_id, job.kind, job.collection, "interrupted", job.done, job.total, job.report, job.updated
            )
        return job
