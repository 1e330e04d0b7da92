"""I have a report: does it hold, sentence by sentence, against what it cites?

parse → sources, each asked for once → quotations and statements against them → figures, worst first
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from carrel.citations.bibliography import Reference
from carrel.citations.evidence import Rank, stems
from carrel.citations.lexicon import content_words
from carrel.citations.metrics import Metrics, Pair, measure
from carrel.citations.quotes import FOUND, QuoteCheck, check_quote
from carrel.citations.reports import Fault, Quotation, Report, Statement, parse_report
from carrel.citations.sources import Sources, SourceText
from carrel.citations.tokens import tokens
from carrel.citations.verify import ClaimVerdict, Verdict, verify_claim
from carrel.errors import CarrelError, Refused
from carrel.records import Document

__all__ = ["Audit", "Finding", "Problem", "ProblemKind", "QuoteFinding", "StatementAudit", "audit"]

MAX_STATEMENTS = 3_000
_SAID_ELSEWHERE = 5  # content words outside its quotations from which a statement says something of its own
_WORTH_A_LOOK = 0.9  # share of a statement's words a source must have to be tried although it is not cited
_NARROW = 1_000  # characters of a cited span that is itself the evidence; a wider one only says where to look
_MAX_CROSS = 4_000  # statement × source pairs tried for thoroughness
_ORDER: dict[str, int] = {
    "supported": 0,
    "contradicted": 1,
    "partially_supported": 2,
    "needs_judgement": 3,
    "unverifiable": 4,
    "not_found": 5,
}
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
_SEVERITY: dict[ProblemKind, int] = {
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


Progress = Callable[[float, float | None, str], None]


async def audit(
    text: str, sources: Sources, *, media_type: str = "", rank: Rank | None = None, progress: Progress | None = None
) -> Audit:
    """Audit a report. ``sources`` gets at what it cites; ``progress`` hears (done, total, words).

    Raises BadRequest for an empty report, Refused for one of more than 3,000 statements.
    """
    import anyio
    import anyio.to_thread

    report = await anyio.to_thread.run_sync(partial(parse_report, text, media_type=media_type))
    if len(report.statements) > MAX_STATEMENTS:
        raise Refused(f"that report makes more than {MAX_STATEMENTS:,} statements; audit it in parts")
    tell = progress or (lambda done, total, words: None)
    total = float(len(report.references) + len(report.statements) + 1)
    found = await _resolve_all(report.references, sources, lambda n: tell(n, total, "opening sources"))
    audited = []
    for count, statement in enumerate(report.statements, 1):
        audited.append(await anyio.to_thread.run_sync(partial(judge_statement, statement, report, found, rank)))
        tell(len(report.references) + count, total, "checking statements")
    supports = await anyio.to_thread.run_sync(partial(_cross, audited, found))
    tell(total, total, "done")
    return _assemble(report, found, tuple(audited), supports)


async def _resolve_all(
    references: Sequence[Reference], sources: Sources, tell: Callable[[float], None]
) -> dict[str, SourceText]:
    """Every source once, a few at a time; references to the same source share its answer."""
    import anyio

    answers: dict[str, SourceText] = {}
    first: dict[str, Reference] = {}
    for reference in references:
        first.setdefault(reference.identity, reference)
    limit = anyio.CapacityLimiter(6)

    async def one(reference: Reference) -> None:
        async with limit:
            try:
                answers[reference.identity] = await sources.resolve(reference)
            except CarrelError as error:
                answers[reference.identity] = SourceText("could_not_look", reason=f"could not look: {error}")
        tell(len(answers))

    async with anyio.create_task_group() as group:
        for reference in first.values():
            group.start_soon(one, reference)
    return {reference.key: answers[reference.identity] for reference in references}


# -- one statement ----------------------------------------------------------------------------------------------------


def judge_statement(
    statement: Statement, report: Report, sources: Mapping[str, SourceText], rank: Rank | None = None
) -> StatementAudit:
    """A statement against each source it cites."""
    findings = tuple(_judge(statement, report, key, sources[key], rank) for key in statement.keys)
    return StatementAudit(statement, findings, _overall(findings))


def _overall(findings: Sequence[Finding]) -> Verdict | None:
    """The best verdict, "could not look" before "not there": one unread source may be the one that says it."""
    if not findings:
        return None
    return min((finding.verdict for finding in findings), key=_ORDER.__getitem__)


def _judge(statement: Statement, report: Report, key: str, source: SourceText, rank: Rank | None) -> Finding:
    if not source.readable or source.document is None:
        reason = source.reason or "the source could not be read"
        claim = ClaimVerdict("unverifiable", "high", (reason,))
        return Finding(key, "unverifiable", "high", (reason,), claim)
    document = source.document
    quotes = tuple(
        QuoteFinding(quotation, check_quote(quotation.text, document.text, url=document.source, near=source.span))
        for quotation in statement.quotations
    )
    spans = [(document.doc_id, *source.span)] if source.span and source.span[1] - source.span[0] <= _NARROW else []
    claim = verify_claim(statement.text, [document], spans=spans, state=source.state, reason=source.reason, rank=rank)
    verdict, confidence, basis = _weigh(statement, quotes, claim)
    return Finding(key, verdict, confidence, basis, claim, quotes, document)


def _weigh(
    statement: Statement, quotes: Sequence[QuoteFinding], claim: ClaimVerdict
) -> tuple[Verdict, str, tuple[str, ...]]:
    altered = [q.check for q in quotes if q.check.verdict == "altered"]
    if altered:
        return "contradicted", "high", tuple(edit_words(check) for check in altered)
    if quotes and all(q.check.verdict == "absent" for q in quotes):
        thin = any("too little" in words for words in claim.basis)
        verdict: Verdict = "needs_judgement" if thin or claim.verdict == "unverifiable" else "not_found"
        return verdict, "high", ("the quoted words do not stand in the source",)
    if quotes and all(q.check.verdict in FOUND for q in quotes):
        own = _own_words(statement)
        if own < _SAID_ELSEWHERE and not _fails_outside(statement, claim):
            return "supported", "high", (f"quoted words found: {quotes[0].check.verdict}",)
    return claim.verdict, claim.confidence, claim.basis


def edit_words(check: QuoteCheck) -> str:
    """The weightiest differences of an altered quote, in words."""
    parts = []
    for edit in check.critical[:3]:
        if edit.quote and edit.source:
            parts.append(f"“{edit.quote}” where the source has “{edit.source}”")
        elif edit.quote:
            parts.append(f"“{edit.quote}” is not in the source")
        else:
            parts.append(f"“{edit.source}” of the source is left out")
    return "; ".join(parts) or "the quoted words differ from the source"


def _own_words(statement: Statement) -> int:
    """Content words a statement says outside its quotations."""
    if any(quotation.block for quotation in statement.quotations):
        return 0
    rest = statement.text
    for quotation in statement.quotations:
        rest = rest.replace(" ".join(quotation.text.split()), " ")
    return len(set(content_words(token.word for token in tokens(rest))))


def _fails_outside(statement: Statement, claim: ClaimVerdict) -> bool:
    """A check fails on words that are not inside a quotation (the quotations themselves were found)."""
    inside = [statement.text.find(" ".join(q.text.split())) for q in statement.quotations]
    spans = [
        (at, at + len(" ".join(q.text.split()))) for at, q in zip(inside, statement.quotations, strict=True) if at >= 0
    ]
    return any(
        not any(s <= c.claim_span[0] and c.claim_span[1] <= e for s, e in spans) for c in claim.failing
    ) and bool(spans)


# -- the whole --------------------------------------------------------------------------------------------------------


def _cross(audited: Sequence[StatementAudit], sources: Mapping[str, SourceText]) -> set[tuple[int, str]]:
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


def _assemble(
    report: Report, sources: dict[str, SourceText], audited: tuple[StatementAudit, ...], supports: set[tuple[int, str]]
) -> Audit:
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
    problems = sorted(_problems(report, sources, audited), key=lambda p: (_SEVERITY[p.kind], p.start, p.key))
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


def _problems(
    report: Report, sources: Mapping[str, SourceText], audited: Iterable[StatementAudit]
) -> Iterable[Problem]:
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
