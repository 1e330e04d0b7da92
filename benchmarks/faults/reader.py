"""A reader: searches and reads without end, and holds every answer against the writers' ledgers."""

from __future__ import annotations

import random
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from benchmarks.faults.ledger import Move, Reading, ledger_path
from benchmarks.faults.material import Edition, batch_marker, collection_of, document, marker, passages
from benchmarks.faults.pipe import Announcer

from carrel.errors import NotFound
from carrel.index import Library
from carrel.records import Hit, Ranking, document_id
from carrel.retrieve import search

__all__ = ["Reader", "spans_by_document"]

_PAUSE = 0.04  # seconds at most between two questions; without it, four readers leave two cores to nobody else
# Few questions by meaning: encoding waits while they are encoded, and is to be killed at its work too.
_WEIGHTS = (32, 18, 16, 5, 12, 8, 8, 2)
_DEEP = 200  # hits asked for: a batch has at most 150 passages


class Reader:
    """One life of a reader."""

    def __init__(self, library: Library, folder: Path, writers: int, chance: random.Random, tell: Announcer) -> None:
        self._library, self._chance, self._tell = library, chance, tell
        self._readings = [Reading(ledger_path(folder, writer), writer) for writer in range(writers)]
        self._remembered: deque[tuple[int, str, Ranking, int]] = deque(maxlen=12)
        self._newest: Counter[str] = Counter()  # generation last seen: of each collection, and (empty) of all

    def run(self, stopped: Callable[[], bool]) -> None:
        """Ask one question after another until told to stop."""
        checks = (
            *(self.marker, self.batch, self.replacement, self.meaning),
            *(self.reference, self.repeat, self.recall, self.status),
        )
        while not stopped():
            time.sleep(self._chance.uniform(0.0, _PAUSE))
            check = self._chance.choices(checks, _WEIGHTS)[0]
            with self._tell.phase("search"):
                try:
                    check()
                    self._tell.count(check.__name__)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is what this program looks for
                    self._tell.error("reader", f"{check.__name__}: {type(error).__name__}: {error}")

    def marker(self) -> None:
        """A document is found by its word, whole, if it must be there, and not at all if it must not."""
        reading, edition = self._some_edition()
        if edition is None:
            return
        before, moves = reading.current(edition.number), reading.count(edition.number)
        ranking = self._search([marker(edition)], reading, "lexical", k=_DEEP)
        found = spans_by_document(ranking.hits).get(document(edition).doc_id, frozenset())
        after = reading.refresh()
        if found and found != passages(edition):
            self._tell.error("half_visible", f"{len(found)} of {len(passages(edition))} passages of {edition}")
        if before == "unknown" or after.count(edition.number) != moves:
            return
        if before == edition and not found:
            self._tell.error("lost", f"{edition} is not found in generation {ranking.generation}")
        if before != edition and found:
            self._tell.error("revenant", f"{edition} is found in generation {ranking.generation}")

    def batch(self) -> None:
        """The documents of one commit become visible together."""
        reading = self._reading()
        added = [move for move in list(reading.moves.values())[-4:] if move.verb == "add"]
        if not added:
            return
        move = self._chance.choice(added)
        fresh = [edition for edition in move.editions if edition.batch == move.serial]
        ranking = self._search([batch_marker(reading.writer, move.serial)], reading, "lexical", k=_DEEP)
        found = spans_by_document(ranking.hits)
        reading.refresh()
        alone = [edition for edition in fresh if reading.by_source[edition.number][-1] is move]
        there = [edition for edition in alone if document(edition).doc_id in found]
        if there and len(there) != len(alone):
            self._tell.error("half_batch", f"{len(there)} of {len(alone)} documents of one commit are found")
        for edition in there:
            if found[document(edition).doc_id] != passages(edition):
                self._tell.error("half_visible", f"{edition} in its batch")

    def replacement(self) -> None:
        """While a document is replaced, one of its two texts is found, whole: never neither, never both."""
        reading = self._reading()
        move = reading.open_move()
        if move is None or move.verb != "add":
            return
        edition = self._chance.choice(move.editions)
        before, moves = reading.current(edition.number, without=move), reading.count(edition.number)
        if not isinstance(before, Edition) or before == edition:
            return
        ranking = self._search([marker(before), marker(edition)], reading, "lexical", k=_DEEP)
        found = spans_by_document(ranking.hits)
        if reading.refresh().count(edition.number) != moves:
            return
        there = [each for each in (before, edition) if found.get(document(each).doc_id)]
        if len(there) != 1 or found[document(there[0]).doc_id] != passages(there[0]):
            self._tell.error("half_replaced", f"{len(there)} of two texts of {edition} in {ranking.generation}")

    def meaning(self) -> None:
        """Search with vectors: nothing fails, and every hit is a piece of a document that can be opened."""
        reading, edition = self._some_edition()
        if edition is None:
            return
        text = document(edition).text
        start, end = self._chance.choice(sorted(passages(edition)))
        mode: Literal["dense", "hybrid"] = self._chance.choice(("dense", "hybrid"))
        self._search([text[start:end]], reading, mode, k=10)

    def repeat(self) -> None:
        """The same question to the same snapshot has the same answer, whoever commits, encodes or optimises."""
        reading, edition = self._some_edition()
        if edition is None:
            return
        words, erasures = document(edition).text[:400], self._erasures(reading.writer)
        first = self._search([words], reading, "lexical", k=20)
        second = self._search([words], reading, "lexical", k=20)
        if erasures is None or self._erasures(reading.writer) != erasures:
            return
        if first.generation == second.generation and first.hits != second.hits:
            self._tell.error("unequal", f"two answers of generation {first.generation} differ")
        if second.generation:
            self._remembered.append((reading.writer, words, second, erasures))

    def recall(self) -> None:
        """A snapshot that is kept still gives the answer it gave, but for what was erased since."""
        if not self._remembered:
            return
        writer, words, answer, erasures = self._chance.choice(self._remembered)
        try:
            again = search(
                self._library,
                [words],
                collection=collection_of(writer),
                k=20,
                mode="lexical",
                as_of=answer.generation,
            )
        except NotFound:
            return  # kept no longer
        if self._erasures(writer) == erasures and again.hits != answer.hits:
            self._tell.error("unequal", f"generation {answer.generation} answers otherwise than it did")

    def reference(self) -> None:
        """A text that was acknowledged can be read until it is erased, and never after."""
        reading, edition = self._some_edition()
        if edition is None:
            return
        before, moves = reading.erased(edition), reading.count(edition.number)
        try:
            found = self._library.document(document(edition).doc_id).text
        except NotFound:
            found = ""
        reading.refresh()
        if found and found != document(edition).text:
            self._tell.error("wrong_text", f"{edition}")
        if before == "unknown" or reading.count(edition.number) != moves:
            return
        if before and found:
            self._tell.error("not_erased", f"{edition}")
        if not before and not found:
            self._tell.error("lost", f"{edition} cannot be read")

    def status(self) -> None:
        """Counts and shares are possible ones."""
        for each in self._library.collections():
            shares = search(self._library, ["part"], collection=each.name, k=1).coverage
            if not (0 <= each.encoded <= each.passages and all(0.0 <= share <= 1.0 for share in shares.values())):
                self._tell.error("status", f"{each.encoded} of {each.passages} passages, {shares}")
        if problems := self._library.problems():
            self._tell.error("problems", problems[0])

    # ------------------------------------------------------------------------------------------------------------------

    def _erasures(self, writer: int) -> int | None:
        """How many texts of a writer's collection were erased so far; None while one may be in the making."""
        same = [each.refresh() for each in self._readings if collection_of(each.writer) == collection_of(writer)]
        if any((move := reading.open_move()) and move.verb == "forget" for reading in same):
            return None
        return sum(reading.erasures.total() for reading in same)

    def _reading(self) -> Reading:
        return self._chance.choice(self._readings).refresh()

    def _some_edition(self) -> tuple[Reading, Edition | None]:
        """Mostly one that was just written, sometimes an old one."""
        reading = self._reading()
        if self._chance.random() < 0.5:
            moves: list[Move] = list(reading.moves.values())[-3:]
            recent = [edition for move in moves for edition in move.editions]
            return reading, self._chance.choice(recent) if recent else None
        numbers = list(reading.by_source)
        return reading, self._chance.choice(reading.editions(self._chance.choice(numbers))) if numbers else None

    def _search(self, queries: Sequence[str], reading: Reading, mode: str, k: int) -> Ranking:
        acknowledged = max((each.generation for each in self._readings), default=0)
        self._advance("", self._library.generation(), acknowledged)
        erasures = Counter(reading.erasures)
        try:
            ranking = search(self._library, queries, collection=collection_of(reading.writer), k=k, mode=mode)  # type: ignore[arg-type]
        except NotFound:
            reading.refresh()
            if any(move.verb == "add" for move in list(reading.done())[:1]):
                raise
            return Ranking((), 0, {})
        self._advance(collection_of(reading.writer), ranking.generation, 0)
        for hit in ranking.hits:
            self._openable(hit, reading, erasures)
        return ranking

    def _advance(self, collection: str, generation: int, acknowledged: int) -> None:
        seen = max(self._newest[collection], acknowledged)
        if generation < seen:
            self._tell.error("back_in_time", f"generation {generation} of '{collection}' after {seen}")
        self._newest[collection] = max(seen, generation)

    def _openable(self, hit: Hit, reading: Reading, erasures: Counter[int]) -> None:
        passage = hit.passage
        try:
            found = self._library.document(passage.doc_id)
        except NotFound:
            writer, _, number = hit.source.partition("/doc")
            if writer == f"w{reading.writer}":  # another writer's may be erased at any moment
                known = erasures[int(number)]
                if reading.refresh().erasures[int(number)] == known and not _erasing(reading, int(number)):
                    self._tell.error("dead_reference", f"{passage.ref} of {hit.source}")
            return
        if document_id(found.source, found.text) != passage.doc_id:
            self._tell.error("wrong_text", f"{passage.ref}")
        if found.text[passage.start : passage.end] != passage.text:
            self._tell.error("wrong_span", f"{passage.ref}")


def spans_by_document(hits: Sequence[Hit]) -> dict[str, frozenset[tuple[int, int]]]:
    """``doc_id -> spans`` of the hits."""
    found: dict[str, set[tuple[int, int]]] = {}
    for hit in hits:
        found.setdefault(hit.passage.doc_id, set()).add((hit.passage.start, hit.passage.end))
    return {doc_id: frozenset(spans) for doc_id, spans in found.items()}


def _erasing(reading: Reading, number: int) -> bool:
    return any(move.verb == "forget" and move.state == "open" for move in reading.by_source.get(number, ()))
