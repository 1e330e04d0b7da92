"""Add documents to the library and stay until the last vector is made."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from carrel_client.desk import Progress, Tools

__all__ = ["Added", "Choice", "DocumentChange", "add_and_wait"]

_FIRST_PAUSE = 0.05  # seconds between two looks at a job, doubling up to the longest
_LONGEST_PAUSE = 0.5
_UNDER_WAY = ("running", "encoding")
_DONE = ("added", "replaced", "moved", "removed")
_TO_DO = ("to add", "to replace", "to move", "to remove")
_PER_CALL = 500  # sources named in one call; the server takes 1,000, and a reply lists what it skipped


@dataclass(frozen=True, slots=True)
class Choice:
    """Which files of a folder to take, and whether to ``sync``: drop what vanished. ``dry_run`` only asks."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sync: bool = False
    drop: tuple[str, ...] = ()
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """A document that was added, replaced, moved (from ``was``) or removed, as ``kind`` says."""

    kind: str
    source: str
    was: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """What came of it: counts summed over the calls, some of the changes, skipped sources with the reason, the counts
    of files that were passed over, and how the job ended."""

    collection: str
    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    moved: int = 0
    removed: int = 0
    passages: int = 0
    changes: tuple[DocumentChange, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    skipped_total: int = 0
    not_read: Mapping[str, int] = field(default_factory=dict)
    state: str = ""
    note: str = ""

    @property
    def stored(self) -> bool:
        """Whether the library now holds at least one of the sources given."""
        return self.given > 0

    @property
    def given(self) -> int:
        """How many of the sources given it now holds."""
        return self.added + self.replaced + self.unchanged + self.moved

    @property
    def changed(self) -> int:
        """How many documents joined, left or changed."""
        return self.added + self.replaced + self.moved + self.removed

    def facts(self, *, dry_run: bool = False) -> list[tuple[str, object]]:
        """Counts for a person; of a dry run, what is to be done."""
        added, replaced, moved, removed = _TO_DO if dry_run else _DONE
        return [
            (added, self.added or ("" if dry_run else 0)),
            (replaced, self.replaced or ""),
            (moved, self.moved or ""),
            (removed, self.removed or ""),
            ("unchanged", self.unchanged),
            ("new passages", self.passages or ""),
            ("collection", self.collection),
            ("not read", ", ".join(f"{count:,} {kind}" for kind, count in self.not_read.items())),
            ("state", "" if self.state == "done" else self.state),
            ("note", self.note),
        ]


async def add_and_wait(
    tools: Tools,
    sources: Sequence[str],
    report: Progress,
    *,
    collection: str = "default",
    tags: Sequence[str] = (),
    choice: Choice = Choice(),
) -> Added:
    """Add ``sources`` and follow the background work to its end. Raises ToolFailed as the server says."""
    total = Added(collection)
    chosen = {name: value for name, value in asdict(choice).items() if value}
    for first in range(0, len(sources), _PER_CALL):
        batch = list(sources[first : first + _PER_CALL])
        reply = await tools.call(
            "add_documents", progress=report, sources=batch, collection=collection, tags=list(tags), **chosen
        )
        done = await _finish(tools, reply.data, report)
        total = _sum(total, done)
    return total


async def _finish(tools: Tools, reply: Mapping[str, Any], report: Progress) -> Mapping[str, Any]:
    """Look at the job until it is over; the record of the addition as it stands then."""
    record, pause = reply, _FIRST_PAUSE
    while (job := record.get("job") or {}).get("state") in _UNDER_WAY:
        label = "making vectors" if job["state"] == "encoding" else "reading"
        report(float(job.get("done") or 0), float(job.get("total") or 0) or None, label)
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
        status = (await tools.call("library_status", job=str(job["job"]))).data
        record = {**record, **(status.get("added") or {}), "job": status.get("job") or {}}
    return record


def _sum(total: Added, record: Mapping[str, Any]) -> Added:
    job = record.get("job") or {}
    skipped = tuple((str(row.get("source", "")), str(row.get("reason", ""))) for row in record.get("skipped") or [])
    not_read = Counter(total.not_read) + Counter({str(k): int(n) for k, n in (record.get("not_read") or {}).items()})
    return Added(
        total.collection,
        total.added + int(record.get("added") or 0),
        total.replaced + int(record.get("replaced") or 0),
        total.unchanged + int(record.get("unchanged") or 0),
        total.moved + int(record.get("moved") or 0),
        total.removed + int(record.get("removed") or 0),
        total.passages + int(record.get("passages") or 0),
        total.changes + tuple(_change(row) for row in record.get("documents") or [] if row.get("change")),
        total.skipped + skipped,
        total.skipped_total + int(record.get("skipped_total") or len(skipped)),
        dict(not_read.most_common()),
        str(job.get("state") or total.state),
        str(job.get("note") or total.note),
    )


def _change(row: Mapping[str, Any]) -> DocumentChange:
    return DocumentChange(
        str(row["change"]), str(row.get("source", "")), str(row.get("was") or ""), str(row.get("ref") or "")
    )
