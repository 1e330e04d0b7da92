"""A report taken apart: statements, quotations, faults. Every span is of `Report.text`, end exclusive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from carrel.citations.bibliography import Reference
from carrel.citations.marks import CitationMark

__all__ = ["Fault", "FaultKind", "Quotation", "Report", "Statement", "StatementKind"]

StatementKind = Literal["claim", "heading", "question", "meta", "table", "short"]
FaultKind = Literal["dangling", "unused", "duplicate", "placeholder"]


@dataclass(frozen=True, slots=True)
class Quotation:
    """Words a report puts in quotation marks (or in a block quotation): ``text`` stands at ``[start, end)``."""

    start: int
    end: int
    text: str
    block: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence, table row or block quotation. ``text``: its words without marks and markup.

    ``keys``: the references it cites, in order. ``quotations`` are long enough to be looked for. ``needs_citation``: it
    states something a reader may want to check.
    """

    number: int
    start: int
    end: int
    text: str
    kind: StatementKind
    keys: tuple[str, ...]
    quotations: tuple[Quotation, ...]
    needs_citation: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in the apparatus itself, found without opening any source."""

    kind: FaultKind
    key: str
    start: int
    end: int
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report taken apart. ``references`` are in order of the list, those named only in the text after them."""

    text: str
    title: str
    statements: tuple[Statement, ...]
    marks: tuple[CitationMark, ...]
    references: tuple[Reference, ...]
    faults: tuple[Fault, ...]

    def reference(self, key: str) -> Reference | None:
        return next((reference for reference in self.references if reference.key == key), None)
