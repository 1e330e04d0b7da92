"""One statement against each source it cites, its quotations and its own words weighed together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from carrel.citations.auditing.findings import Finding, QuoteFinding, StatementAudit
from carrel.citations.lexicon import content_words
from carrel.citations.meaning import LazyEncoder
from carrel.citations.quotes import FOUND, QuoteCheck, check_quote
from carrel.citations.reports import Report, Statement
from carrel.citations.sources import SourceText
from carrel.citations.tokens import Edit, tokens
from carrel.citations.verify import ClaimVerdict, Verdict, says_too_little, verify_claim

__all__ = ["judge_statement"]

_SAID_ELSEWHERE = 5  # content words outside its quotations from which a statement says something of its own
_NARROW = 1_000  # characters of a cited span that is itself the evidence; a wider one only says where to look
_ORDER: dict[str, int] = {
    "supported": 0,
    "contradicted": 1,
    "partially_supported": 2,
    "needs_judgement": 3,
    "unverifiable": 4,
    "not_found": 5,
}


def judge_statement(
    statement: Statement, report: Report, sources: Mapping[str, SourceText], encoder: LazyEncoder | None = None
) -> StatementAudit:
    """A statement against each source it cites."""
    findings = tuple(_judge(statement, report, key, sources[key], encoder) for key in statement.keys)
    return StatementAudit(statement, findings, _overall(findings))


def _overall(findings: Sequence[Finding]) -> Verdict | None:
    """The best verdict, "could not look" before "not there": one unread source may be the one that says it."""
    if not findings:
        return None
    return min((finding.verdict for finding in findings), key=_ORDER.__getitem__)


def _judge(statement: Statement, report: Report, key: str, source: SourceText, encoder: LazyEncoder | None) -> Finding:
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
    claim = verify_claim(
        statement.text, [document], spans=spans, state=source.state, complete=source.complete, encoder=encoder
    )
    thin = says_too_little([document], source.state, complete=source.complete)
    verdict, confidence, basis = _weigh(statement, quotes, claim, thin)
    return Finding(key, verdict, confidence, basis, claim, quotes, document)


def _weigh(
    statement: Statement, quotes: Sequence[QuoteFinding], claim: ClaimVerdict, thin: bool
) -> tuple[Verdict, str, tuple[str, ...]]:
    altered = [q.check for q in quotes if q.check.verdict == "altered"]
    if altered:
        return "contradicted", "high", tuple(_edit_words(check) for check in altered)
    if quotes and all(q.check.verdict == "absent" for q in quotes):
        if thin:
            return "needs_judgement", "low", ("the quoted words do not stand in the little that could be read",)
        return "not_found", "high", ("the quoted words do not stand in the source",)
    if quotes and all(q.check.verdict in FOUND for q in quotes):
        own = _own_words(statement)
        if own < _SAID_ELSEWHERE and not _fails_outside(statement, claim):
            return "supported", "high", (f"quoted words found: {quotes[0].check.verdict}",)
    return claim.verdict, claim.confidence, claim.basis


def _edit_words(check: QuoteCheck) -> str:
    """The weightiest differences of an altered quote, in words."""
    parts = []
    for edit in check.critical[:3]:
        if edit.quote and edit.source:
            parts.append(f"“{edit.quote}” where the source has “{edit.source}”")
        elif edit.quote:
            parts.append(_inserted(edit, check))
        else:
            parts.append(f"“{edit.source}” of the source is left out")
    return "; ".join(parts) or "the quoted words differ from the source"


def _inserted(edit: Edit, check: QuoteCheck) -> str:
    """Words only the quote has, with the source's word before them, so that a reader sees where they went in."""
    before = check.matched[: edit.start - check.start].split()[-1:] if edit.start >= check.start else []
    if not before:
        return f"“{edit.quote}” is not in the source"
    return f"“{before[0]} {edit.quote}” where the source has “{before[0]}”"


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
