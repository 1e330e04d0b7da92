"""Gathers what is to change in a collection, commits it in batches, and counts."""

# A Path for each of many files takes longer than all the rest, so paths stay strings here.
# ruff: noqa: PTH119
from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from carrel.errors import CarrelError
from carrel.index import KnownFile, Library
from carrel.ingest.outcome import Change, Outcome, Skipped
from carrel.ingest.walking import shown
from carrel.records import Document

__all__ = ["Intake"]

_BATCH_DOCUMENTS = 1024
_BATCH_CHARS = 8_000_000
_MANY = 1000  # files touched, or documents removed, in one transaction


@dataclass(slots=True)
class _Batch:
    """Documents to add, what is remembered of their files, and the documents they take the place of by moving."""

    documents: list[Document] = field(default_factory=list)
    files: list[KnownFile | None] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    chars: int = 0


class Intake:
    """What happens to one collection during an addition. A ``dry_run`` only counts."""

    def __init__(self, library: Library, collection: str, *, dry_run: bool = False) -> None:
        self.dry_run = dry_run
        self._library = library
        self._collection = collection
        self._batch = _Batch()
        self._touched: dict[str, KnownFile] = {}
        self._counts: Counter[str] = Counter()
        self._changes: list[Change] = []
        self._skipped: list[Skipped] = []
        self._generation = library.generation()

    @property
    def full(self) -> bool:
        """Whether it is time to commit."""
        batch = self._batch
        return len(batch.documents) >= _BATCH_DOCUMENTS or batch.chars >= _BATCH_CHARS or len(self._touched) >= _MANY

    def skip(self, source: str, error: CarrelError, more: str = "") -> None:
        """Note that a source was not added, and why."""
        self._skipped.append(Skipped(shown(source), error.kind, f"{error}{more}"))

    def extend_skipped(self, skipped: Iterable[Skipped]) -> None:
        """Note sources that were left out before."""
        self._skipped += skipped

    def same(self, source: str, file: KnownFile | None = None) -> None:
        """An unchanged file; with ``file``, one that looks different and says the same."""
        self._counts["unchanged"] += 1
        if file is not None:
            self._touched[source] = file

    def would(self, kind: Literal["added", "replaced", "moved", "removed"], source: str, was: str = "") -> None:
        """Count what a dry run would do."""
        self._counts[kind] += 1
        self._changes.append(Change("", os.path.basename(source), source, kind, was))

    def put(self, document: Document, file: KnownFile | None = None, *, before: KnownFile | None = None) -> None:
        """Add a document, in place of the one its file was ``before``."""
        kind: Literal["added", "replaced", ""] = "" if file is None else "replaced" if before else "added"
        if before is None or before.doc_id != document.doc_id:
            self._changes.append(Change(document.doc_id, document.title, document.source, kind))
        self._gather(document, file)

    def move(self, document: Document, file: KnownFile, was: str, before: KnownFile) -> None:
        """Add a document under its new source and take it out under the old one."""
        self._changes.append(Change(document.doc_id, document.title, document.source, "moved", was))
        self._gather(document, file)
        self._batch.moved.append(before.doc_id)

    def _gather(self, document: Document, file: KnownFile | None) -> None:
        self._batch.documents.append(document)
        self._batch.files.append(file)
        self._batch.chars += len(document.text)

    def commit(self) -> None:
        """Write what was gathered: additions in one commit, then what moved away, then what was touched."""
        batch, self._batch = self._batch, _Batch()
        if batch.documents:
            did = self._library.add(batch.documents, self._collection, files=batch.files)
            self._counts.update(replaced=did.replaced, unchanged=did.unchanged, passages=did.passages)
            self._counts.update(added=did.added - len(batch.moved), moved=len(batch.moved))
            self._generation = did.generation
        if batch.moved:
            self._generation = self._library.remove(self._collection, batch.moved).generation
        if self._touched:
            touched, self._touched = self._touched, {}
            self._library.touch(self._collection, touched)

    def drop(self, gone: Iterable[tuple[str, KnownFile]]) -> None:
        """Take out documents whose files are gone."""
        if self.dry_run:
            for source, _ in gone:
                self.would("removed", source)
            return
        listed = list(gone)
        for start in range(0, len(listed), _MANY):
            part = listed[start : start + _MANY]
            did = self._library.remove(self._collection, [file.doc_id for _, file in part])
            left = set(did.documents)
            self._counts["removed"] += len(left)
            self._generation = did.generation
            self._changes += [
                Change(file.doc_id, os.path.basename(source), source, "removed")
                for source, file in part
                if file.doc_id in left
            ]

    def outcome(self, not_read: Counter[str], *, finished: bool) -> Outcome:
        """What came of it all."""
        counts = self._counts
        return Outcome(
            added=counts["added"],
            replaced=counts["replaced"],
            unchanged=counts["unchanged"],
            moved=counts["moved"],
            removed=counts["removed"],
            passages=counts["passages"],
            generation=self._generation,
            documents=tuple(self._changes),
            skipped=tuple(self._skipped),
            not_read=MappingProxyType(dict(not_read.most_common())),
            finished=finished,
            dry_run=self.dry_run,
        )
