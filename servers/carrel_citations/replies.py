"""How the engine's findings become replies."""

from __future__ import annotations

from collections.abc import Sequence

from carrel.citations.auditing import Audit, Finding, Problem
from carrel.citations.checks import Check
from carrel.citations.finding import Bearing
from carrel.citations.judging import Judged
from carrel.citations.metrics import Metrics, Share
from carrel.citations.quotes import QuoteCheck
from carrel.citations.sources import SourceText
from carrel.citations.verify import ClaimVerdict
from carrel.errors import CarrelError
from carrel.records import Ranking
from carrel_citations.shapes import (
    AuditReply,
    BearingReply,
    CheckReply,
    ClaimReply,
    EditReply,
    EvidenceReply,
    FindReply,
    JudgedReply,
    ProblemReply,
    QuoteReply,
    ReferenceReply,
    ShareReply,
    SourceFault,
)

__all__ = ["audit_reply", "claim_reply", "find_reply", "judged_reply", "quote_reply"]

_EVIDENCE = 320  # characters of a passage in a reply; its reference opens the whole
_MEANING = {
    "verbatim": "these words stand in the source exactly so",
    "normalized": "these words stand in the source; only white space, hyphenation, typography, case or markers differ",
    "elided": "every part stands in the source, in order; the omitted words are listed",
    "near": "the source says this with slips that change no meaning",
    "altered": "the source has this passage, but the quote changes what it says",
    "absent": "no passage of the source is close to this quote",
}

_MOST_REFERENCES = 40  # in one reply; the page shows them all


def quote_reply(check: QuoteCheck, source: SourceText) -> QuoteReply:
    """The reply of ``check_quote``."""
    document = source.document
    assert document is not None
    chosen = check.selectors
    minor = [edit for edit in check.edits if not edit.critical]
    return QuoteReply(
        verdict=check.verdict,
        meaning=_MEANING[check.verdict],
        ref=f"{document.doc_id}:{check.start}-{check.end}" if chosen else None,
        source=document.source,
        title=document.title,
        matched=_cut(check.matched, 1_500) or None,
        critical_edits=[
            EditReply(kind=e.kind, quote=_cut(e.quote, 200), source=_cut(e.source, 200)) for e in check.critical[:12]
        ]
        or None,
        minor_edits=[EditReply(kind=e.kind, quote=_cut(e.quote, 200), source=_cut(e.source, 200)) for e in minor[:12]]
        or None,
        omitted=[_cut(gap, 300) for gap in check.omitted[:12]] or None,
        occurrences=check.occurrences,
        similarity=check.similarity,
        prefix=chosen.prefix if chosen else None,
        suffix=chosen.suffix if chosen else None,
        sha256=chosen.sha256 if chosen else None,
        link=check.fragment or None,
        note=_source_note(source),
    )


def _source_note(source: SourceText) -> str | None:
    if source.state == "abstract":
        return "only the abstract of this work was read; its full text may say more"
    if source.state == "thin":
        return "little text could be read from this source"
    return source.note or None


def claim_reply(
    number: int, verdict: ClaimVerdict, missing: list[tuple[str, CarrelError]], packet: str | None = None
) -> ClaimReply:
    """The reply for one claim of ``verify_claims``."""
    return ClaimReply(
        claim=number,
        verdict=verdict.verdict,
        confidence=verdict.confidence,
        basis=list(verdict.basis[:4]),
        evidence=_evidence(verdict),
        checks=_failing(verdict),
        could_not_read=_faults(missing),
        packet=packet,
    )


def judged_reply(packet: str, asked: str, judge: str, outcome: Judged | CarrelError) -> JudgedReply:
    """The reply for one judgement: taken, or refused with the reason, and then the claim stays open."""
    if isinstance(outcome, CarrelError):
        return JudgedReply(
            packet=_cut(packet, 40), accepted=False, verdict="needs_judgement", judge=judge, reason=str(outcome)
        )
    return JudgedReply(
        packet=packet,
        accepted=True,
        verdict=asked,
        judge=judge,
        ref=outcome.ref or None,
        disputed=[_cut(detail, 200) for detail in outcome.disputed[:8]] or None,
    )


def find_reply(
    shown: Sequence[Bearing], read: int, ranking: Ranking | None, missing: Sequence[tuple[str, CarrelError]] = ()
) -> FindReply:
    """The reply of ``find_evidence``."""
    sufficiency = ranking.sufficiency.level if ranking is not None and ranking.sufficiency is not None else None
    return FindReply(
        found=[_bearing(each) for each in shown],
        read=read,
        sufficiency=sufficiency,
        snapshot=ranking.generation if ranking is not None else None,
        notes=(list(ranking.notes) or None) if ranking is not None else None,
        could_not_read=_faults(missing),
    )


def _bearing(each: Bearing) -> BearingReply:
    document, reading = each.document, each.reading
    return BearingReply(
        reading=reading.verdict,
        confidence=reading.confidence,
        title=_cut(document.title, 200),
        source=_cut(document.source, 300),
        date=document.date or None,
        basis=list(reading.basis[:3]),
        evidence=_evidence(reading),
        checks=_failing(reading),
        note="only its abstract was read" if document.source_kind == "scholar" else None,
    )


def _faults(missing: Sequence[tuple[str, CarrelError]]) -> list[SourceFault] | None:
    told = [SourceFault(source=_cut(source, 200), kind=error.kind, reason=str(error)) for source, error in missing]
    return told or None


def _failing(verdict: ClaimVerdict) -> list[CheckReply] | None:
    return [_check(check) for check in verdict.checks if check.status != "ok"][:8] or None


def _evidence(verdict: ClaimVerdict) -> list[EvidenceReply]:
    windows = verdict.windows[:2]
    return [EvidenceReply(ref=w.ref, text=_cut(w.text, _EVIDENCE), coverage=round(w.score, 2)) for w in windows]


def _check(check: Check) -> CheckReply:
    return CheckReply(kind=check.kind, status=check.status, detail=_cut(check.detail, 200))


def audit_reply(audit: Audit, audit_id: str, html: str, summary: str) -> AuditReply:
    """The reply of ``audit_report``."""
    findings = [finding for item in audit.statements for finding in item.findings]
    return AuditReply(
        audit=audit_id,
        html=html,
        summary=summary,
        statements=len(audit.statements),
        citations=len(findings),
        verdicts=_count(
            item.verdict or ("uncited" if item.uncited else "no_citation_needed") for item in audit.statements
        ),
        quotes=_count(quote.check.verdict for finding in findings for quote in finding.quotes),
        existence=_count(source.existence for source in audit.sources.values()),
        metrics=_metrics(audit.metrics),
        problems=[_problem(audit, problem) for problem in audit.problems],
        references=[_reference(audit, key) for key in _shown(audit)],
        references_omitted=len(audit.sources) - len(_shown(audit)),
    )


def _shown(audit: Audit) -> list[str]:
    """References for the reply, those in trouble first: a long list must not cost the whole audit."""
    keys = sorted(audit.sources, key=lambda key: audit.sources[key].existence == "found")
    return list(audit.sources) if len(keys) <= _MOST_REFERENCES else keys[:_MOST_REFERENCES]


def _count(words: object) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:  # type: ignore[attr-defined]
        counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items()))


def _metrics(metrics: Metrics) -> dict[str, ShareReply | int]:
    found: dict[str, ShareReply | int] = {}
    for name in metrics.__dataclass_fields__:
        value = getattr(metrics, name)
        found[name] = _share(value) if isinstance(value, Share) else value
    return found


def _share(share: Share) -> ShareReply:
    if share.value is None:
        return ShareReply(hits=share.hits, total=share.total, value=None, low=None, high=None)
    low, high = share.interval
    value = round(share.value, 4)
    return ShareReply(hits=share.hits, total=share.total, value=value, low=round(low, 3), high=round(high, 3))


def _problem(audit: Audit, problem: Problem) -> ProblemReply:
    text = _around(audit.report.text, problem.start, problem.end)
    evidence = None
    if problem.statement is not None:
        item = audit.statements[problem.statement]
        text = item.statement.text
        finding = next((f for f in item.findings if f.key == problem.key), None)
        evidence = _where(finding) if finding is not None else None
    return ProblemReply(
        kind=problem.kind,
        statement=problem.statement,
        text=_cut(text, 280),
        reference=_cut(problem.key, 120) or None,
        detail=_cut(problem.detail, 300),
        evidence=evidence,
    )


def _around(text: str, start: int, end: int) -> str:
    """The line that holds a fault; a mark like "[1]" alone would tell nobody where it stands."""
    first, last = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    line = text[max(first, start - 140) : min(last if last >= 0 else len(text), end + 140)]
    return " ".join(line.split())


def _where(finding: Finding) -> str | None:
    located = next((quote.check for quote in finding.quotes if quote.check.selectors), None)
    if located is not None and finding.document is not None:
        return f"{finding.document.doc_id}:{located.start}-{located.end}"
    return finding.claim.windows[0].ref if finding.claim.windows else None


def _reference(audit: Audit, key: str) -> ReferenceReply:
    source, reference = audit.sources[key], audit.report.reference(key)
    named = source.document.title if source.document else (reference.title if reference else "")
    return ReferenceReply(
        key=_cut(key, 120),
        existence=source.existence,
        state=source.state,
        title=_cut(named, 120) or None,
        ref=source.document.doc_id if source.document else None,
        reason=_cut(source.reason, 200) or None,
        note=_cut(source.note, 200) or None,
    )


def _cut(text: str, limit: int) -> str:
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
