"""What an audit finds: per statement and source, and as problems a reader should know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from carrel.citations.metrics import Metrics
from carrel.citations.quotes import QuoteCheck
from carrel.citations.reports import Quotation, Report, Statement
from carrel.citations.sources import SourceText
from carrel.citations.verify import ClaimVerdict, Verdict
from carrel.records import Document

__all__ = ["Audit", "Finding", "Problem", "ProblemKind", "QuoteFinding", "StatementAudit"]

ProblemKind = Literal[
    "altered_quote",
    "contradicted",
    "fabricated_reference",
    "missing_reference",
    "absent_quote",
    "not_found",
    "dangling",
    "placeholder",
    "uncited",
    "unreadable_source",
    "needs_judgement",
    "duplicate",
    "unused",
]


@dataclass(frozen=True, slots=True)
class QuoteFinding:
    """A quotation of the report looked for in one source."""

    quotation: Quotation
    check: QuoteCheck


@dataclass(frozen=True, slots=True, repr=False)
class Finding:
    """One statement against one source it cites. ``verdict`` weighs its quotations and its words together."""

    key: str
    verdict: Verdict
    confidence: str
    basis: tuple[str, ...]
    claim: ClaimVerdict
    quotes: tuple[QuoteFinding, ...] = ()
    document: Document | None = None


@dataclass(frozen=True, slots=True)
class StatementAudit:
    """A statement with a finding per source. ``verdict`` is the best of them; None when it cites nothing."""

    statement: Statement
    findings: tuple[Finding, ...]
    verdict: Verdict | None

    @property
    def uncited(self) -> bool:
        return self.statement.needs_citation and not self.findings


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a reader of the report should know; ``[start, end)`` is in its text."""

    kind: ProblemKind
    statement: int | None
    key: str
    start: int
    end: int
    detail: str


@dataclass(frozen=True, slots=True, repr=False)  # a repr would hold every source as often as it is cited
class Audit:
    """A report with what became of every statement and source. ``problems`` are worst first, then in reading order."""

    report: Report
    sources: Mapping[str, SourceText]
    statements: tuple[StatementAudit, ...]
    problems: tuple[Problem, ...]
    metrics: Metrics
