"""A writer: adds, replaces, deletes, erases, encodes and tidies, and keeps a ledger of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults.ledger import Ledger, Move, Reading, ledger_path
from benchmarks.faults.material import Edition, collection_of, document
from benchmarks.faults.pipe import Announcer

from carrel.errors import CarrelError, NotFound, Unavailable
from carrel.index import Library

__all__ = ["Writer"]

_SOURCES = 90  # sources of one writer; once they are all there, additions are replacements
_LARGEST_BATCH = 30


class Writer:
    """One life of a writer. The first thing it does is to settle what its last life left open."""

    def __init__(self, library: Library, folder: Path, writer: int, chance: random.Random, tell: Announcer) -> None:
        self._library, self._writer, self._chance, self._tell = library, writer, chance, tell
        self._collection = collection_of(writer)
        self._ledger = Ledger(folder, writer)
        self._reading = Reading(ledger_path(folder, writer), writer).refresh()
        self._serial = max(self._reading.moves, default=0)

    def run(self, stopped: Callable[[], bool]) -> None:
        """Do one thing after another until told to stop."""
        self.settle()
        while not stopped():
            self._chance.choices(
                (self.add, self.add_again, self.remove, self.encode, self.tidy), weights=(46, 8, 18, 22, 6)
            )[0]()

    def settle(self) -> None:
        """Find out which way an open intent went: for all of its documents the same, or it is torn."""
        move = self._reading.open_move()
        if move is None:
            return
        with self._tell.phase("settle"):
            done, undone = self._outcomes(move)
            self._show()
        if not done and not undone:
            self._tell.error("torn_batch", f"a {move.verb} of {len(move.editions)} documents was done in part")
        self._ledger.settle(move.serial, done=done)
        self._reading.refresh()

    def _show(self) -> None:
        """What the store has taken is acknowledged only once it is found by words: readers will insist on it."""
        try:
            self._library.catch_up(self._collection)
        except NotFound:
            pass  # no collection yet
        except CarrelError as error:
            self._tell.error("writer", f"settling: {error}")

    def add(self) -> None:
        """Add new sources or new versions of known ones, in one batch."""
        size = min(self._chance.randint(1, _LARGEST_BATCH), self._chance.randint(1, _LARGEST_BATCH))
        numbers = self._chance.sample(range(_SOURCES), size)
        serial = self._serial + 1
        self._move(
            "add", [Edition(self._writer, n, 1 + self._last_version(n), serial) for n in numbers], self._adding(numbers)
        )

    def add_again(self) -> None:
        """Add texts that were there before, whether they still are or not."""
        known = [number for number, moves in self._reading.by_source.items() if moves]
        numbers = self._chance.sample(known, min(len(known), self._chance.randint(1, 6)))
        editions = [self._chance.choice(self._reading.editions(number)) for number in numbers]
        if editions:
            self._move("add", editions, "again")

    def remove(self) -> None:
        """Delete a few documents in one commit; every other time their texts are erased as well."""
        present = [e for n in self._reading.by_source if isinstance(e := self._reading.current(n), Edition)]
        editions = self._chance.sample(present, min(len(present), self._chance.randint(1, 8)))
        if editions:
            self._move(self._chance.choice(("delete", "forget")), editions, "delete")

    def encode(self) -> None:
        """Make the vectors that are missing, or find that another process is at it."""
        with self._tell.phase("encode"):
            try:
                self._library.encode(self._collection)
                self._tell.count("encode")
            except NotFound:
                pass  # the collection's first document is yet to come
            except Unavailable as error:
                if error.retry_after is None:
                    self._tell.error("writer", f"encode: {error}")
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what this program looks for
                self._tell.error("writer", f"encode: {type(error).__name__}: {error}")

    def tidy(self) -> None:
        """Optimise, where the library offers it by itself; otherwise encoding does it when it ends."""
        tidy = getattr(self._library, "tidy", None)
        if tidy is None:
            self.encode()
            return
        with self._tell.phase("optimise"):
            try:
                tidy(self._collection)
                self._tell.count("optimise")
            except NotFound:
                pass
            except Exception as error:  # noqa: BLE001 - as above
                if not (isinstance(error, Unavailable) and error.retry_after is not None):
                    self._tell.error("writer", f"tidy: {type(error).__name__}: {error}")

    def _adding(self, numbers: list[int]) -> str:
        return "replace" if any(number in self._reading.by_source for number in numbers) else "ingest"

    def _last_version(self, number: int) -> int:
        return max((edition.version for edition in self._reading.editions(number)), default=0)

    def _move(self, verb: str, editions: list[Edition], phase: str) -> None:
        self._serial += 1
        self._ledger.intent(self._serial, verb, editions)
        self._reading.refresh()
        try:
            with self._tell.phase("ingest" if phase == "again" else phase):
                generation = self._commit(verb, editions)
        except Exception as error:  # noqa: BLE001 - as above; what became of it is found out as after a kill
            self._tell.error("writer", f"{verb}: {type(error).__name__}: {error}")
            self.settle()
            return
        self._ledger.ack(self._serial, generation)
        self._reading.refresh()
        self._tell.count(phase)

    def _commit(self, verb: str, editions: list[Edition]) -> int:
        documents = [document(edition) for edition in editions]
        if verb == "add":
            return self._library.add(documents, self._collection).generation
        removed = self._library.remove(self._collection, [d.doc_id for d in documents], forget=verb == "forget")
        return removed.generation

    def _outcomes(self, move: Move) -> tuple[bool, bool]:
        """Whether the store is as after the move, and whether it is as before it (both, if it changed nothing)."""
        before = {edition: self._reading.current(edition.number, without=move) for edition in move.editions}
        done = undone = True
        for edition in move.editions:
            found = self._members(edition.source)
            was = before[edition]
            done &= found == ({document(edition).doc_id} if move.verb == "add" else set())
            undone &= found == ({document(was).doc_id} if isinstance(was, Edition) else set())
            if move.verb == "forget":
                readable = self._readable(edition)
                done &= not readable
                undone &= readable
        return done, undone

    def _members(self, source: str) -> set[str]:
        try:
            return set(self._library.find(self._collection, source=source))
        except NotFound:
            return set()  # no collection yet

    def _readable(self, edition: Edition) -> bool:
        try:
            return bool(self._library.document(document(edition).doc_id))
        except NotFound:
            return False
        except CarrelError as error:
            self._tell.error("writer", f"settling: {error}")
            return True
