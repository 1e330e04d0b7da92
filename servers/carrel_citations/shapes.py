"""What the tools reply: pydantic models, compact."""

from __future__ import annotations

from pydantic import BaseModel

__all__ = [
    "AuditReply",
    "BearingReply",
    "CheckReply",
    "ClaimReply",
    "ClaimsReply",
    "EditReply",
    "EvidenceReply",
    "FindReply",
    "JudgedReply",
    "JudgementsReply",
    "ProblemReply",
    "QuoteReply",
    "ReferenceReply",
    "ShareReply",
    "SourceFault",
]


class EditReply(BaseModel):
    """A difference from the source."""

    kind: str
    quote: str
    source: str


class QuoteReply(BaseModel):
    """What became of a quote."""

    verdict: str
    meaning: str
    ref: str | None = None
    source: str
    title: str
    matched: str | None = None
    critical_edits: list[EditReply] | None = None
    minor_edits: list[EditReply] | None = None
    omitted: list[str] | None = None
    occurrences: int
    similarity: float
    prefix: str | None = None
    suffix: str | None = None
    sha256: str | None = None
    link: str | None = None
    note: str | None = None


class EvidenceReply(BaseModel):
    """A passage that bears on a claim."""

    ref: str
    text: str
    coverage: float


class CheckReply(BaseModel):
    """A check that does not pass."""

    kind: str
    status: str
    detail: str


class SourceFault(BaseModel):
    """A source that could not be read, and why."""

    source: str
    kind: str
    reason: str


class ClaimReply(BaseModel):
    """The verdict on one claim. ``packet`` names it to submit_judgements where the rules leave it open."""

    claim: int
    verdict: str
    confidence: str
    basis: list[str]
    evidence: list[EvidenceReply]
    checks: list[CheckReply] | None = None
    could_not_read: list[SourceFault] | None = None
    packet: str | None = None


class ClaimsReply(BaseModel):
    """Verdicts in the order of the claims."""

    results: list[ClaimReply]
    counts: dict[str, int]
    omitted: int = 0


class JudgedReply(BaseModel):
    """What became of a judgement. ``ref`` is where its quote stands; ``disputed`` are checks that speak against it."""

    packet: str
    accepted: bool
    verdict: str
    judge: str
    ref: str | None = None
    disputed: list[str] | None = None
    reason: str | None = None


class JudgementsReply(BaseModel):
    """Judgements in their order; ``counts`` are of the verdicts that were accepted."""

    results: list[JudgedReply]
    counts: dict[str, int]
    omitted: int = 0


class BearingReply(BaseModel):
    """A document that bears on a claim, and its preliminary reading."""

    reading: str
    confidence: str
    title: str
    source: str
    date: str | None = None
    basis: list[str]
    evidence: list[EvidenceReply]
    checks: list[CheckReply] | None = None
    note: str | None = None


class FindReply(BaseModel):
    """What bears on a claim, supporting and contradicting documents first. ``read`` documents were looked at, the ones
    that say nothing of the claim included; ``sufficiency`` and ``snapshot`` are those of a search of the library."""

    found: list[BearingReply]
    read: int
    sufficiency: str | None = None
    snapshot: int | None = None
    notes: list[str] | None = None
    could_not_read: list[SourceFault] | None = None
    omitted: int = 0


class ShareReply(BaseModel):
    """hits of total, with the 95 % interval of the share; of nothing there is none."""

    hits: int
    total: int
    value: float | None
    low: float | None
    high: float | None


class ProblemReply(BaseModel):
    """One thing to look at, worst first."""

    kind: str
    statement: int | None = None
    text: str
    reference: str | None = None
    detail: str
    evidence: str | None = None


class ReferenceReply(BaseModel):
    """A source the report names, and whether it is there."""

    key: str
    existence: str
    state: str
    title: str | None = None
    ref: str | None = None
    reason: str | None = None
    note: str | None = None


class AuditReply(BaseModel):
    """An audit in short. ``html`` is a resource: the whole report as a page."""

    audit: str
    html: str
    summary: str
    statements: int
    citations: int
    verdicts: dict[str, int]
    quotes: dict[str, int]
    existence: dict[str, int]
    metrics: dict[str, ShareReply | int]
    problems: list[ProblemReply]
    references: list[ReferenceReply]
    references_omitted: int = 0
    omitted: int = 0
