"""What a reader of the report should know, worst first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from carrel.citations.auditing.findings import Problem, ProblemKind, StatementAudit
from carrel.citations.bibliography import Reference
from carrel.citations.reports import Fault, Report
from carrel.citations.sources import SourceText

__all__ = ["SEVERITY", "find_problems"]

SEVERITY: dict[ProblemKind, int] = {
    "altered_quote": 0,
    "contradicted": 1,
    "fabricated_reference": 2,
    "missing_reference": 3,
    "absent_quote": 4,
    "not_found": 5,
    "dangling": 6,
    "placeholder": 7,
    "unreadable_source": 8,
    "uncited": 9,
    "needs_judgement": 10,
    "duplicate": 11,
    "unused": 12,
}


def find_problems(
    report: Report, sources: Mapping[str, SourceText], audited: Iterable[StatementAudit]
) -> Iterable[Problem]:
    """Problems of statements, of references, and of the apparatus."""
    for item in audited:
        problem = _statement_problem(item)
        if problem is not None:
            yield problem
    for reference in report.references:
        problem = _reference_problem(reference, sources[reference.key])
        if problem is not None:
            yield problem
    for fault in report.faults:
        yield _fault_problem(fault)


def _statement_problem(item: StatementAudit) -> Problem | None:
    statement, verdict = item.statement, item.verdict
    if verdict is None:
        if not item.uncited:
            return None
        return Problem(
            "uncited", statement.number, "", statement.start, statement.end, "says something and cites nothing"
        )
    if verdict in ("supported", "partially_supported"):
        return None
    finding = min((f for f in item.findings if f.verdict == verdict), key=lambda f: f.key)
    checks = [quote.check.verdict for quote in finding.quotes]
    kind: ProblemKind = "needs_judgement"
    if verdict == "contradicted":
        kind = "altered_quote" if "altered" in checks else "contradicted"
    elif verdict == "not_found":
        kind = "absent_quote" if "absent" in checks else "not_found"
    elif verdict == "unverifiable":
        kind = "unreadable_source"
    return Problem(kind, statement.number, finding.key, statement.start, statement.end, "; ".join(finding.basis))


def _reference_problem(reference: Reference, source: SourceText) -> Problem | None:
    kinds: dict[str, ProblemKind] = {
        "likely_fabricated": "fabricated_reference", "mismatch": "missing_reference", "not_found": "missing_reference",
    }  # fmt: skip
    kind = kinds.get(source.existence)
    if kind is None:
        return None
    return Problem(
        kind, None, reference.key, reference.start, reference.end, source.reason or "the reference does not exist"
    )


def _fault_problem(fault: Fault) -> Problem:
    return Problem(fault.kind, None, fault.key, fault.start, fault.end, fault.detail)
