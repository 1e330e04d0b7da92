"""After the last kill: is everything there that was acknowledged, everywhere, and nothing else?"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.faults.ledger import Reading, ledger_path
from benchmarks.faults.material import COLLECTIONS, Edition, WordEncoder, collection_of, document, marker, passages
from benchmarks.faults.reader import spans_by_document

from carrel.errors import NotFound
from carrel.index import Library
from carrel.index.upkeep import examine
from carrel.retrieve import search

__all__ = ["Checked", "check"]

Problem = tuple[str, str]


class Checked(Counter[str]):
    """What was looked at, by kind."""


def check(data: Path, ledgers: Path, writers: int) -> tuple[Checked, list[Problem]]:
    """Reopen the data folder and hold it against the ledgers. Returns counts and ``(kind, words)`` of each problem."""
    readings = [Reading(ledger_path(ledgers, writer), writer).refresh() for writer in range(writers)]
    encoder, seen = WordEncoder(), Checked()
    library = Library(data, encoder=lambda: encoder, background=False)
    try:
        problems = [*_by_reference(library, readings, seen), *_by_words(library, readings, seen)]
        for collection in {collection_of(reading.writer) for reading in readings if reading.moves}:
            library.encode(collection)
        problems += [*_by_meaning(library, readings, seen), *_counts(library, readings, seen)]
        problems += _own_words(library, seen)
    finally:
        library.close()
    return seen, [*problems, *_integrity(data)]


def _by_reference(library: Library, readings: list[Reading], seen: Checked) -> Iterator[Problem]:
    for reading, edition in _editions(readings):
        erased = reading.erased(edition)
        seen["references"] += 1
        try:
            text = library.document(document(edition).doc_id).text
        except NotFound:
            if erased is False:
                yield "lost", f"{edition} cannot be read"
            continue
        if erased is True:
            yield "not_erased", f"{edition}"
        if text != document(edition).text:
            yield "wrong_text", f"{edition}"


def _by_words(library: Library, readings: list[Reading], seen: Checked) -> Iterator[Problem]:
    for reading, edition in _editions(readings):
        current = reading.current(edition.number)
        if current == "unknown":
            yield "harness", f"the ledger of writer {reading.writer} was left open"
            continue
        ranking = search(library, [marker(edition)], collection=collection_of(reading.writer), k=50, mode="lexical")
        found = spans_by_document(ranking.hits).get(document(edition).doc_id, frozenset())
        seen["lexical searches"] += 1
        if edition != current and found:
            yield "revenant", f"{edition} is found by its word"
        if edition == current and found != passages(edition):
            yield ("half_visible" if found else "lost"), f"{len(found)} of {len(passages(edition))} of {edition}"


def _by_meaning(library: Library, readings: list[Reading], seen: Checked) -> Iterator[Problem]:
    """Each document that is there is the nearest to its own passages; one that is gone is near to nothing."""
    for reading, edition in _editions(readings):
        current = reading.current(edition.number)
        if edition.number % 4 and edition != current:
            continue  # of those that are gone, a quarter
        text, spans = document(edition).text, sorted(passages(edition))
        if edition != current:
            spans = spans[:1]
        for start, end in spans:
            ranking = search(library, [text[start:end]], collection=collection_of(reading.writer), k=5, mode="dense")
            near = {(hit.passage.doc_id, hit.passage.start, hit.passage.end) for hit in ranking.hits}
            seen["dense searches"] += 1
            if ((document(edition).doc_id, start, end) in near) != (edition == current):
                yield ("lost" if edition == current else "revenant"), f"{edition} {start}-{end} by its vector"


def _counts(library: Library, readings: list[Reading], seen: Checked) -> Iterator[Problem]:
    there = {status.name: status for status in library.collections()}
    for name in COLLECTIONS:
        present = [
            edition
            for reading in readings
            if collection_of(reading.writer) == name
            for number in reading.by_source
            if isinstance(edition := reading.current(number), Edition)
        ]
        wanted = (len(present), sum(len(passages(edition)) for edition in present))
        status = there.get(name)
        counted = (status.documents, status.passages) if status else (0, 0)
        seen["documents"] += wanted[0]
        seen["passages"] += wanted[1]
        if counted != wanted:
            yield "disagreement", f"{name} has {counted} documents and passages instead of {wanted}"
        if status and status.encoded != status.passages:
            yield "disagreement", f"{status.encoded} of {status.passages} passages of {name} have a vector"
        if status:
            coverage = search(library, ["part"], collection=name, k=1).coverage
            if coverage != {"lexical": 1.0, "dense": 1.0}:
                yield "disagreement", f"{name} is covered {coverage}"


def _own_words(library: Library, seen: Checked) -> Iterator[Problem]:
    """What the library itself finds wrong when it reads every byte, as `carrel doctor` does."""
    seen["examined"] += 1
    for finding in examine(library):
        yield "disagreement", f"doctor: {finding.words}"


def _integrity(data: Path) -> Iterator[Problem]:
    connection = sqlite3.connect(data / "store.sqlite")
    try:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    finally:
        connection.close()
    if found != "ok":
        yield "integrity", str(found)


def _editions(readings: list[Reading]) -> Iterator[tuple[Reading, Edition]]:
    for reading in readings:
        for number in sorted(reading.by_source):
            for edition in reading.editions(number):
                yield reading, edition
