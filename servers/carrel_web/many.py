"""Several pages at once, under one budget of characters and one deadline."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from carrel.documents import marked_text, window
from carrel.errors import CarrelError
from carrel.mcp import ProgressCallback, next_cursor, untrusted
from carrel.records import Document
from carrel_web.goals import Choice, Reader, choose, marked
from carrel_web.pages import Pages, Reading
from carrel_web.views import byline

__all__ = ["DEADLINE", "Outcome", "read_all", "show_all"]

DEADLINE = 25.0
"""Seconds for all pages together; hosts give up at about 60."""

_LEAST = 200  # characters of a page that has any room at all
_SHOWN_URL = 300
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Outcome:
    """What became of one URL: ``ok`` with a reading, or the kind and words of what went wrong."""

    url: str
    kind: str = "timeout"
    words: str = "was not read before the deadline; ask for it again"
    reading: Reading | None = None


async def read_all(pages: Pages, urls: Sequence[str], deadline: float, report: ProgressCallback) -> list[Outcome]:
    """Read every URL at once, each once; what is not there after ``deadline`` seconds is left out.

    One page's failure is its own, whatever it is.
    """
    outcomes = {url: Outcome(url) for url in urls}
    done = 0

    async def read(outcome: Outcome) -> None:
        nonlocal done
        with anyio.move_on_after(deadline):
            try:
                outcome.reading = await pages.read(outcome.url)
                outcome.kind, outcome.words = "ok", ""
            except CarrelError as error:
                outcome.kind, outcome.words = error.kind, str(error)
            except Exception:  # noqa: BLE001 - whatever it was, the other pages are still wanted
                _log.exception("a page could not be read")
                outcome.kind, outcome.words = "internal", "the server failed at this page; its log says why"
        done += 1
        report(done, len(outcomes), "reading pages")

    async with anyio.create_task_group() as group:
        for outcome in outcomes.values():
            group.start_soon(read, outcome)
    return list(outcomes.values())


def show_all(outcomes: Sequence[Outcome], goal: str, max_chars: int, reader: Reader) -> str:
    """A line for each URL, then what was read: with a goal the passages that bear on it, the best of all pages first
    in line for the room; without, the beginning of each page."""
    # two addresses of one document are shown once
    documents = {o.reading.document.doc_id: o.reading.document for o in outcomes if o.reading is not None}
    if goal:
        choice = choose(list(documents.values()), goal, reader, max_chars)
        bodies = {doc_id: marked(document, choice) for doc_id, document in documents.items()}
        facts = {doc_id: f"{len(choice.of(document))} passages" for doc_id, document in documents.items()}
        lines = _goal_lines(choice, goal, reader)
    else:
        bodies, facts = _beginnings(list(documents.values()), max_chars)
        lines = []
    head = [f"pages: {sum(o.kind == 'ok' for o in outcomes)} of {len(outcomes)} read"]
    head += [_status(number, outcome, facts) for number, outcome in enumerate(outcomes, start=1)]
    shown = [
        untrusted(f"{byline(documents[doc_id])}\n{body}", source=documents[doc_id].source, ref=doc_id)
        for doc_id, body in bodies.items()
        if body
    ]
    return "\n".join([*head, *lines, *shown])


def _goal_lines(choice: Choice, goal: str, reader: Reader) -> list[str]:
    shown = len(choice.shown)
    line = f"goal: {shown} of {shown + choice.left} passages that bear on it, {choice.chars} characters, {reader.how}"
    if not choice.left:
        return [line]
    return [f"{line}; for the rest: read_page(url=…, goal={json.dumps(goal, ensure_ascii=False)}), or more max_chars"]


def _status(number: int, outcome: Outcome, facts: dict[str, str]) -> str:
    url = outcome.url if len(outcome.url) <= _SHOWN_URL else f"{outcome.url[:_SHOWN_URL]}…"
    if outcome.reading is None:
        return f"{number}. {outcome.kind} {url}: {outcome.words}"
    document = outcome.reading.document
    notes = "".join(f"; {note}" for note in outcome.reading.notes)
    return f"{number}. ok {url} {document.doc_id}, {len(document.text)} characters, {facts[document.doc_id]}{notes}"


def _beginnings(documents: Sequence[Document], max_chars: int) -> tuple[dict[str, str], dict[str, str]]:
    """The beginning of each document; what short ones leave over goes to the long ones."""
    bodies: dict[str, str] = {}
    facts: dict[str, str] = {}
    room = max_chars
    for left, document in zip(
        range(len(documents), 0, -1), sorted(documents, key=lambda document: len(document.text)), strict=True
    ):
        shown = window(document, max_chars=max(room // left, _LEAST))
        room -= shown.end - shown.start
        bodies[document.doc_id] = marked_text(document, shown)
        facts[document.doc_id] = f"shown: {shown.start}-{shown.end}"
        if shown.next_start is not None:
            cursor = next_cursor(shown.next_start, document.doc_id, "")
            facts[document.doc_id] += f'; more: read_page with cursor="{cursor}"'
    order = [document.doc_id for document in documents]
    return {doc_id: bodies[doc_id] for doc_id in order}, facts
