"""The figures of an audit, and the support that nobody cited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from carrel.citations.auditing.findings import Audit, StatementAudit
from carrel.citations.auditing.problems import SEVERITY, find_problems
from carrel.citations.evidence import stems
from carrel.citations.metrics import Pair, measure
from carrel.citations.quotes import FOUND
from carrel.citations.reports import Report
from carrel.citations.sources import SourceText
from carrel.citations.verify import verify_claim

__all__ = ["assemble", "support_elsewhere"]

_WORTH_A_LOOK = 0.9  # share of a statement's words a source must have to be tried although it is not cited
_MAX_CROSS = 4_000  # statement × source pairs tried for thoroughness


def support_elsewhere(audited: Sequence[StatementAudit], sources: Mapping[str, SourceText]) -> set[tuple[int, str]]:
    """(statement, key) where a source supports a statement that does not cite it: what thoroughness asks."""
    words = {
        key: frozenset(stems(s.document.text[:400_000])) for key, s in sources.items() if s.readable and s.document
    }
    found: set[tuple[int, str]] = set()
    tried = 0
    for item in audited:
        statement = item.statement
        wanted = set(stems(statement.text)) if statement.needs_citation else set()
        for key, held in words.items():
            document = sources[key].document
            if not wanted or key in statement.keys or document is None or tried >= _MAX_CROSS:
                continue
            if len(wanted & held) >= _WORTH_A_LOOK * len(wanted):
                tried += 1
                if verify_claim(statement.text, [document], state=sources[key].state).verdict == "supported":
                    found.add((statement.number, key))
    return found


def assemble(
    report: Report, sources: dict[str, SourceText], audited: tuple[StatementAudit, ...], supports: set[tuple[int, str]]
) -> Audit:
    """The audit as a whole: figures, and problems worst first."""
    needing = [item.statement.number for item in audited if item.statement.needs_citation]
    cited = [item.statement.number for item in audited if item.findings]
    pairs = [Pair(item.statement.number, finding.key, finding.verdict) for item in audited for finding in item.findings]
    listed = [reference.key for reference in report.references]
    best = [_best_quote(item) for item in audited]
    good = sum(check in FOUND for checks in best for check in checks)
    checked = sum(len(checks) for checks in best)
    known = [
        source
        for source in sources.values()
        if source.existence not in ("could_not_look", "not_checked", "unconfirmed")
    ]
    metrics = measure(
        needing, cited, pairs, supports, listed, (good, checked),
        (sum(source.existence == "found" for source in known), len(known)),
    )  # fmt: skip
    problems = sorted(find_problems(report, sources, audited), key=lambda p: (SEVERITY[p.kind], p.start, p.key))
    return Audit(report, sources, audited, tuple(problems), metrics)


def _best_quote(item: StatementAudit) -> list[str]:
    """The best verdict over the cited sources, for each quotation that could be looked for."""
    order = ["verbatim", "normalized", "elided", "near", "altered", "absent"]
    verdicts: dict[int, str] = {}
    for finding in item.findings:
        for quote in finding.quotes:
            now = verdicts.get(quote.quotation.start, "absent")
            verdicts[quote.quotation.start] = min(now, quote.check.verdict, key=order.index)
    return list(verdicts.values())
