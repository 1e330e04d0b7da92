"""The lexical arms of every collection: opened once per process, brought to the store's generation, rebuilt if damaged.

The store is the truth, and each commit is a line of its journal: an arm that lags behind, after a crash or while others
write, takes up what it lacks, and one that cannot be read is made anew.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from carrel.errors import Unavailable
from carrel.index import catalogue, kept, members
from carrel.index.catalogue import Collection
from carrel.index.lexical import DamagedArm, LexicalArm, LexicalRow
from carrel.index.store import Store

__all__ = ["LOCK_SECONDS", "LexicalArms"]

LOCK_SECONDS = 60.0
"""Seconds a writer waits for another one."""

_PATIENCE = 10.0  # seconds a reader waits for an index that is being made


class LexicalArms:
    """``folder`` says where a collection's arm lies; ``exclusive(name, seconds)`` is a lock over all processes.

    ``snapshots`` and ``read_only`` as for `Library`. Thread-safe.
    """

    def __init__(
        self,
        store: Store,
        folder: Callable[[Collection], Path],
        exclusive: Callable[[str, float], AbstractContextManager[None]],
        *,
        snapshots: int,
        read_only: bool,
    ) -> None:
        self._store, self._folder, self._exclusive = store, folder, exclusive
        self._snapshots, self._read_only = snapshots, read_only
        self._lock = threading.Lock()
        self._arms: dict[int, LexicalArm] = {}

    def arm(self, collection: Collection) -> LexicalArm:
        """The arm as it was last seen here. Raises DamagedArm."""
        with self._lock:
            if collection.number not in self._arms:
                self._arms[collection.number] = LexicalArm(self._folder(collection), collection.analyser)
            return self._arms[collection.number]

    def forget(self, collection: Collection) -> None:
        """Let go of a dropped collection's arm."""
        with self._lock:
            self._arms.pop(collection.number, None)

    def fresh(self, collection: Collection) -> LexicalArm:
        """The lexical arm, as fresh as can be without waiting for a writer. Raises NotFound.

        Damaged files are rebuilt from the store, which is noted among the problems; a reader raises Unavailable.
        """
        with catalogue.not_dropped(self._store, collection):
            return self._freshened(collection)

    def _freshened(self, collection: Collection) -> LexicalArm:
        try:
            arm = self.arm(collection)
            arm.reload()
            mark = arm.mark()
        except DamagedArm as error:
            if self._read_only:
                raise Unavailable(f"{error}; run `carrel doctor --repair`, this server may not write") from error
            self.catch_up(collection)  # looks again: another process may have rebuilt it meanwhile
            return self.arm(collection)
        if mark.generation != collection.journalled or not self._store.knows(mark):
            # What is a little behind still answers, from its own snapshot; what is empty or another's does not.
            serves = arm.now() is not None and self._store.knows(mark)
            try:
                self.catch_up(collection, wait=0.0 if serves else _PATIENCE)
            except Unavailable:
                if arm.now() is None:
                    raise
            if not self._store.knows(arm.mark()):
                raise Unavailable(
                    "the index does not belong to this store, which was restored or cut short; it is being rebuilt: "
                    "try again in a moment, or run `carrel doctor --repair`",
                    retry_after=5,
                )
        return arm

    def catch_up(self, there: Collection, *, generation: int = 0, wait: float = LOCK_SECONDS) -> int:
        """Bring the lexical arm to the store's generation, and return the first kept snapshot not before
        ``generation``: a later one where several commits were taken up in one step.

        Raises Unavailable if another process is at it for long, NotFound when the collection was dropped.
        """
        problems = []
        with catalogue.not_dropped(self._store, there):
            with self._only_one(there, wait):
                try:
                    self.arm(there).reload()
                except DamagedArm:
                    self._begin_anew(there)
                    problems.append(f"the lexical index of '{there.name}' was damaged and has been rebuilt")
                problems += self._follow(there)
                reached = [mark.generation for mark in self.arm(there).kept()]
            for words in problems:
                self._store.note_problem(words)
        return next((each for each in reached if each >= generation), generation)

    def rebuild(self, there: Collection) -> None:
        """Make the arm anew from the store, whatever it holds. Earlier snapshots answer no more."""
        with catalogue.not_dropped(self._store, there), self._only_one(there, LOCK_SECONDS):
            self._begin_anew(there)
            self._follow(there)

    @contextlib.contextmanager
    def _only_one(self, there: Collection, wait: float) -> Iterator[None]:
        """The lock of a collection's lexical arm. Who drops it holds this too: inside, the arm's files stay."""
        with self._exclusive(f"{there.number}.lexical", wait):
            catalogue.same(self._store, there)
            yield

    def _begin_anew(self, there: Collection) -> None:
        # A generation of its own: an index without what was deleted weighs words a little otherwise than before.
        with self._store.write() as generation:
            collection = catalogue.same(self._store, there)
            members.journal_rebuilding(self._store, generation, collection.number)
        with self._lock:
            self._arms.pop(collection.number, None)
            LexicalArm.renew(self._folder(collection))

    def _follow(self, there: Collection) -> list[str]:
        """Bring the arm to the store's generation, then forget what nobody can ask for any more. Needs the lock.

        Returns problems in words: commits that were lost must be told.
        """
        with self._store.snapshot():
            collection = catalogue.same(self._store, there)
            arm = self.arm(collection)
            lost = self._apply(collection, arm)
        with self._store.change():
            there = catalogue.same(self._store, there)
            shown = [mark.generation for mark in arm.kept()]
            oldest = members.prune(self._store, there, self._snapshots, shown) if shown else 0
            if collection.words_erased:
                self._store.run(
                    "UPDATE collections SET words_erased=words_erased-? WHERE collection_no=?",
                    (collection.words_erased, collection.number),
                )
        arm.retain([each for each in shown if each >= oldest])
        return lost

    def _apply(self, collection: Collection, arm: LexicalArm) -> list[str]:
        reached, target = arm.mark(), self._store.mark(collection.journalled)
        if reached == target and not collection.words_erased:
            return []
        known = self._store.knows(reached)
        # A store restored from an older copy, or cut short: what the arm holds is not the store's own.
        afresh = (
            not known
            or arm.wants_rebuild
            or bool(collection.words_erased)
            or reached.generation > target.generation
            or reached.generation < collection.horizon
        )
        if afresh:
            touched = members.everyone(self._store, collection.number)
        else:
            touched = members.touched_since(self._store, collection.number, reached.generation)
        staying = members.present(self._store, collection.number, touched)
        rows = self._rows(collection, [doc_no for doc_no in touched if doc_no in staying])
        arm.apply(map(str, touched), rows, target, afresh=afresh)
        if known:
            return []
        return [
            f"the store had lost commits of '{collection.name}' that its index knew (up to {reached.generation}, now "
            f"{target.generation}): it was restored from a copy or cut short; add again what is missing"
        ]

    def _rows(self, collection: Collection, doc_nos: Iterable[int]) -> Iterator[LexicalRow]:
        for doc_no in doc_nos:
            facts = members.facts(self._store, collection.number, doc_no)
            text = kept.span(self._store, doc_no, 0)
            for key, start, end, heading in members.passages(self._store, collection.number, doc_no):
                yield LexicalRow(
                    passage_id=key, doc_id=str(doc_no), heading=heading, body=text[start:end], **facts._asdict()
                )
