"""The demonstration: real documents, a cited answer, an audit of it, and an audit that catches three planted faults."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from carrel_client.adding import Added, add_and_wait
from carrel_client.audits import Audit, Finding, audit, find_fault
from carrel_client.brief import Brief, to_markdown
from carrel_client.desk import SERVERS, Desk, Progress
from carrel_client.distributions import Shipped
from carrel_client.errors import ToolFailed
from carrel_client.naming import Place
from carrel_client.research import study
from carrel_client.screen import counted
from carrel_client.tamper import Planted, tamper

__all__ = ["COLLECTION", "QUESTIONS", "TITLE", "Outcome", "Steps", "collection_of", "demonstrate"]

QUESTIONS = (
    "What is the Model Context Protocol Python SDK, and which transports does it support?",
    "What is RapidFuzz and why is it fast?",
    "Who develops NumPy, and how can I contribute to it?",
)
COLLECTION = "demo"
TITLE = "What the documentation on this machine says"


@dataclass(frozen=True, slots=True)
class Steps:
    """How the demonstration talks: ``told(number, title, words, seconds)`` after each step, ``progress`` during it."""

    told: Callable[[int, str, str, float], None]
    progress: Callable[[str], Progress]
    clock: Callable[[], float] = time.perf_counter
    place: Place = str  # how to name sources


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was made and what the audits found. ``caught``: one finding for each planted fault, in order."""

    briefs: tuple[Brief, ...]
    added: Added
    honest: Audit
    tampered: Audit
    planted: tuple[Planted, ...]
    caught: tuple[Finding, ...]
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def convincing(self) -> bool:
        """Whether faults were planted and the audit let none of them pass."""
        return bool(self.planted) and all(finding.state != "missed" for finding in self.caught)


def collection_of(sources: Sequence[Path]) -> str:
    """The collection for documents of one's own: another for other sources, so that no run sees those of another."""
    named = "\0".join(sorted({str(path.resolve()) for path in sources}))
    return f"{COLLECTION}-{hashlib.sha256(named.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


async def demonstrate(
    desk: Desk,
    documents: Shipped,
    questions: Sequence[str],
    folder: Path,
    steps: Steps,
    *,
    collection: str = COLLECTION,
) -> Outcome:
    """Run every step against the four running servers; files go to ``folder``. Raises ClientError when one fails."""
    began = steps.clock()
    await desk.start()
    count = sum([len((await (await desk.client(name)).list_tools()).tools) for name in SERVERS])
    steps.told(2, "Four servers", f"{', '.join(SERVERS)} are running, with {count} tools", steps.clock() - began)

    began = steps.clock()
    sources = [str(path) for path in documents.files]
    added = await _fill(desk, sources, steps.progress("adding documents"), collection)
    steps.told(3, "The library", _library_words(added), steps.clock() - began)

    began = steps.clock()
    briefs, notes = await _answer(desk, questions, steps.progress("searching"), collection)
    report = to_markdown(briefs, title=TITLE if len(briefs) > 1 else "", notes=notes, place=steps.place)
    chosen = sum(len(brief.lines) for brief in briefs)
    answered = sum(bool(brief.lines) for brief in briefs)
    words = f"{answered} of {len(briefs)} answered, with {counted(chosen, 'quoted sentence')}, each with its reference"
    steps.told(4, "The questions" if len(briefs) > 1 else "The question", words, steps.clock() - began)

    began = steps.clock()
    honest = await audit(desk, report, folder, "report", steps.progress("auditing"))
    steps.told(5, "The audit", honest.verdict, steps.clock() - began)

    began = steps.clock()
    false, planted = tamper(report)
    tampered = await audit(desk, false, folder, "tampered", steps.progress("auditing the tampered report"))
    caught = tuple(find_fault(tampered, fault) for fault in planted)
    steps.told(6, "The tampering", _caught_words(caught), steps.clock() - began)
    files = {name: folder / name for name in ("report.md", "report.html", "tampered.md", "tampered.html")}
    return Outcome(tuple(briefs), added, honest, tampered, planted, caught, files)


async def _fill(desk: Desk, sources: Sequence[str], report: Progress, collection: str) -> Added:
    """Add the documents; a collection that another encoder made, or that holds others too, is emptied and made anew.

    Only the demonstration does that: its library holds nothing but copies of what it is given each time.
    """
    added = await add_and_wait(desk, sources, report, collection=collection)
    if added.stored and await _is_stale(desk, collection, added):
        await desk.call("remove_documents", collection=collection, whole_collection=True, dry_run=False)
        added = await add_and_wait(desk, sources, report, collection=collection)
    return added


async def _is_stale(desk: Desk, collection: str, added: Added) -> bool:
    """Whether a collection has documents that are not among those given now, or vectors of another encoder."""
    status = (await desk.call("library_status", collection=collection)).data
    held = sum(int(one.get("documents") or 0) for one in status.get("collections") or [])
    if held > added.given:
        return True
    try:
        await desk.call("search_library", queries=["test"], k=1, collection=collection)
    except ToolFailed as error:
        if error.kind != "unsupported":
            raise
        return True
    return False


async def _answer(
    desk: Desk, questions: Sequence[str], report: Progress, collection: str
) -> tuple[list[Brief], tuple[str, ...]]:
    briefs: list[Brief] = []
    notes: dict[str, None] = {}
    number = 1
    for question in questions:
        made = await study(desk, question, report, collection=collection, first=number)
        briefs.append(made.brief)
        notes |= dict.fromkeys(made.notes)
        number += len({line.number for line in made.brief.lines})
    return briefs, tuple(notes)


def _caught_words(caught: Sequence[Finding]) -> str:
    if not caught:
        return "nothing to tamper with, for the report quotes nothing"
    states = Counter(finding.state for finding in caught)
    return f"{counted(len(caught), 'fault')} planted: " + ", ".join(
        f"{count} {state}" for state, count in states.items()
    )


def _library_words(added: Added) -> str:
    parts = [
        f"{counted(count, 'document')} {name}"
        for name, count in (("added", added.added), ("replaced", added.replaced), ("unchanged", added.unchanged))
        if count
    ]
    if added.passages:
        parts.append(counted(added.passages, "passage"))
    if added.skipped_total:
        parts.append(f"{added.skipped_total} skipped")
    return ", ".join(parts) + (f"; {added.note}" if added.note else "")
