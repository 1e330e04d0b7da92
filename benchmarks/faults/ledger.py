"""What each writer was about to do and what it was told was done: one append-only file per writer.

A line is an intent, written before the library is called; an ack, written (and synced) after the library returned; or a
settlement, written by the writer's next life about an intent that its killed life left open.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmarks.faults.material import Edition

__all__ = ["Ledger", "Move", "Reading", "ledger_path"]

State = Literal["open", "done", "undone"]


@dataclass(slots=True)
class Move:
    """One commit asked for: editions to ``add``, or to ``delete`` or ``forget`` (delete and erase the text)."""

    serial: int
    verb: str
    editions: tuple[Edition, ...]
    state: State = "open"
    generation: int = 0


@dataclass(slots=True)
class Reading:
    """All moves of one writer, as far as its ledger was read. ``by_source[number]`` holds a source's moves in
    order, ``erasures[number]`` counts those that were to erase a text of it, ``generation`` is the last acknowledged.
    """

    path: Path
    writer: int
    moves: dict[int, Move] = field(default_factory=dict)
    by_source: dict[int, list[Move]] = field(default_factory=dict)
    erasures: Counter[int] = field(default_factory=Counter)
    generation: int = 0
    _offset: int = 0

    def refresh(self) -> Reading:
        """Read what was appended since; a line without its end is left for the next time."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                added = file.read()
        except FileNotFoundError:
            return self
        whole = added[: added.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            self._take(json.loads(line))
        return self

    def _take(self, line: dict[str, object]) -> None:
        serial, kind = int(str(line["n"])), line["kind"]
        if kind == "intent":
            editions = tuple(Edition(self.writer, *three) for three in line["editions"])  # type: ignore[attr-defined]
            move = self.moves[serial] = Move(serial, str(line["verb"]), editions)
            for edition in editions:
                self.by_source.setdefault(edition.number, []).append(move)
                self.erasures[edition.number] += move.verb == "forget"
        else:
            self.moves[serial].state = "done" if kind == "ack" or line["done"] else "undone"
            self.moves[serial].generation = int(str(line.get("generation", 0)))
            self.generation = max(self.generation, self.moves[serial].generation)

    def open_move(self) -> Move | None:
        """The intent that was neither acknowledged nor settled; a writer has at most one."""
        last = max(self.moves, default=None)
        return self.moves[last] if last is not None and self.moves[last].state == "open" else None

    def current(self, number: int, *, without: Move | None = None) -> Edition | Literal["unknown"] | None:
        """The edition that must be in the collection, None when none may be, ``unknown`` while an intent is open.

        ``without`` leaves one move out, as if it had never been asked for.
        """
        moves = self.by_source.get(number, ())
        effective = [move for move in moves if move.state != "undone" and move is not without]
        if not effective:
            return None
        if effective[-1].state == "open":
            return "unknown"
        return _of(effective[-1], number) if effective[-1].verb == "add" else None

    def erased(self, edition: Edition) -> bool | Literal["unknown"]:
        """Whether the edition's text was erased, by the last add or forget that named it. True for one never added."""
        erased: bool | Literal["unknown"] = True
        for move in self.by_source.get(edition.number, ()):
            if move.state == "undone" or move.verb == "delete" or _of(move, edition.number) != edition:
                continue
            erased = "unknown" if move.state == "open" else move.verb == "forget"
        return erased

    def editions(self, number: int) -> list[Edition]:
        """Every edition of a source that was ever to be added, oldest first."""
        added = (_of(move, number) for move in self.by_source.get(number, ()) if move.verb == "add")
        return list(dict.fromkeys(added))

    def count(self, number: int) -> int:
        """How many moves have touched a source so far, to see whether one came in between."""
        return len(self.by_source.get(number, ()))

    def done(self) -> Iterator[Move]:
        """Acknowledged and settled moves that were done."""
        return (move for move in self.moves.values() if move.state == "done")


def _of(move: Move, number: int) -> Edition:
    return next(edition for edition in move.editions if edition.number == number)


def ledger_path(folder: Path, writer: int) -> Path:
    """Where a writer's ledger lies."""
    return folder / f"w{writer}.jsonl"


class Ledger:
    """The writing end. One ``write`` call a line, so that a kill leaves a whole line or none."""

    def __init__(self, folder: Path, writer: int) -> None:
        self._file = os.open(ledger_path(folder, writer), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def intent(self, serial: int, verb: str, editions: Iterable[Edition]) -> None:
        """Say what is about to be asked of the library."""
        self._append({"n": serial, "kind": "intent", "verb": verb, "editions": [edition[1:] for edition in editions]})

    def ack(self, serial: int, generation: int) -> None:
        """Say that the library returned; durable when this returns."""
        self._append({"n": serial, "kind": "ack", "generation": generation})
        os.fsync(self._file)

    def settle(self, serial: int, *, done: bool) -> None:
        """Say what became of an intent whose writer was killed."""
        self._append({"n": serial, "kind": "settled", "done": done})

    def _append(self, line: dict[str, object]) -> None:
        os.write(self._file, json.dumps(line, separators=(",", ":")).encode() + b"\n")
