"""I have a claim and its sources: does it hold?

Without a judge only clear cases get a clear verdict; the others say ``needs_judgement`` and hand over the evidence.
"No" is never "could not look": a source that could not be read makes a claim ``unverifiable``, not unsupported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from carrel.citations.checks import Check, Evidence, check_claim
from carrel.citations.evidence import Rank, Window, rank_windows, stems
from carrel.citations.quotes import FOUND, check_quote, is_quotable
from carrel.errors import BadRequest
from carrel.records import Document

__all__ = ["ClaimVerdict", "Confidence", "SourceState", "Verdict", "verify_claim"]

Verdict = Literal["supported", "partially_supported", "contradicted", "not_found", "unverifiable", "needs_judgement"]
Confidence = Literal["low", "medium", "high"]
SourceState = Literal["ok", "thin", "abstract", "archived", "error_page", "dead", "unavailable"]
"""``thin``: too little text to say no. ``abstract``: only the abstract of a longer work."""

READABLE: frozenset[SourceState] = frozenset(("ok", "thin", "abstract", "archived"))
_MAX_CLAIM = 5_000
_THIN_WORDS = 40  # a source of fewer words cannot show that something is missing
_ALL = 0.97  # share of content (by weight) that counts as all of it
_MOST = 0.72  # enough that a failing check speaks of this statement and not of another
_HARDLY = 0.15  # below this the source speaks of something else (benchmarks/claims gives the share that is right)
_PARTLY = 0.35  # below this it does too, when a number or a name of the claim is nowhere in it
_FEW, _SHORT = 4, 14  # content words: too few to tell a statement by; so many that one may be out of place


@dataclass(frozen=True, slots=True)
class ClaimVerdict:
    """The verdict on one claim. ``coverage``: weighted share (0..1) of its content words in the best window.

    ``basis``: why, in plain sentences. ``windows``: the evidence, best first. ``checks`` have source spans in
    ``windows[0].document.text``.
    """

    verdict: Verdict
    confidence: Confidence
    basis: tuple[str, ...]
    windows: tuple[Window, ...] = ()
    checks: tuple[Check, ...] = ()
    coverage: float = 0.0

    @property
    def failing(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.failing)


def verify_claim(
    claim: str,
    documents: Sequence[Document],
    *,
    spans: Sequence[tuple[str, int, int]] = (),
    state: SourceState = "ok",
    reason: str = "",
    rank: Rank | None = None,
    k: int = 3,
) -> ClaimVerdict:
    """Judge ``claim`` against ``documents`` by deterministic checks alone.

    ``spans``: (doc_id, start, end) that the citation itself names; they are always among the evidence. ``state`` and
    ``reason`` tell how the source could be read. ``rank`` may add windows by other means, for instance by meaning.
    Raises BadRequest for an empty claim.
    """
    claim = " ".join(claim.split())[:_MAX_CLAIM]
    if not claim:
        raise BadRequest("give the claim as a sentence; it is empty")
    if state not in READABLE or not documents:
        return ClaimVerdict("unverifiable", "high", (reason or "the source could not be read",))
    windows = _gather(claim, documents, spans, rank, k)
    if not windows:
        return _nothing(documents, state)
    best = windows[0].document
    own = [window for window in windows if window.document is best]
    context = " ".join((best.title, " ".join(best.authors), best.source, best.date))
    checks = check_claim(claim, Evidence(best.text, tuple((w.start, w.end) for w in own), context))
    return _decide(claim, windows, checks, documents, state)


def _gather(
    claim: str, documents: Sequence[Document], spans: Sequence[tuple[str, int, int]], rank: Rank | None, k: int
) -> tuple[Window, ...]:
    windows = list(rank_windows(documents, claim, k))
    by_id = {document.doc_id: document for document in documents}
    wanted = set(stems(claim))
    further = [*spans, *(rank(documents, claim, k) if rank is not None else ())]
    for doc_id, start, end in further:
        document = by_id.get(doc_id)
        if document is None or any(w.document is document and w.start <= start and end <= w.end for w in windows):
            continue
        held = wanted & set(stems(document.text[start:end][:20_000]))
        windows.append(Window(document, start, min(end, len(document.text)), len(held) / max(1, len(wanted))))
    windows.sort(key=lambda window: -round(window.score, 6))
    return tuple(windows[: k + len(spans)])


def _nothing(documents: Sequence[Document], state: SourceState) -> ClaimVerdict:
    if _thin(documents, state):
        return ClaimVerdict(
            "needs_judgement", "low", ("too little of the source could be read to say that it is silent",)
        )
    return ClaimVerdict("not_found", "high", ("no sentence of the source shares a content word with the claim",))


def _thin(documents: Sequence[Document], state: SourceState) -> bool:
    return state in ("thin", "abstract") or sum(len(d.text[:2_000].split()) for d in documents) < _THIN_WORDS


def _decide(
    claim: str,
    windows: tuple[Window, ...],
    checks: tuple[Check, ...],
    documents: Sequence[Document],
    state: SourceState,
) -> ClaimVerdict:
    coverage = max(window.score for window in windows)
    failing = [check for check in checks if check.failing]
    verdict = ClaimVerdict("needs_judgement", "medium", (), windows, checks, round(coverage, 3))
    if not failing and _stands_word_for_word(claim, windows[0].document):
        return replace(
            verdict, verdict="supported", confidence="high", basis=("the claim stands in the source word for word",)
        )
    mismatches = [check for check in failing if check.status == "mismatch"]
    if coverage >= _MOST and mismatches:
        return replace(verdict, verdict="contradicted", confidence="medium", basis=tuple(c.detail for c in mismatches))
    missing = [check for check in failing if check.status == "missing"]
    elsewhere = coverage < _HARDLY or (missing and coverage < _PARTLY) or (len(missing) > 1 and coverage < 0.5)
    if elsewhere and not _thin(documents, state):
        basis = (
            f"the closest place of the source holds {coverage:.0%} of the claim's content",
            *(c.detail for c in missing),
        )
        return replace(
            verdict, verdict="not_found", confidence="high" if coverage < _HARDLY and missing else "medium", basis=basis
        )
    if failing:
        return replace(verdict, basis=tuple(check.detail for check in failing), confidence="low")
    if coverage >= _ALL and _in_order(claim, windows[0]):
        return _full(verdict)
    return replace(verdict, basis=(f"the closest place of the source holds {coverage:.0%} of the claim's content",))


def _full(verdict: ClaimVerdict) -> ClaimVerdict:
    basis = "every content word of the claim stands in one place of the source, in order, and no check fails"
    if any(check.kind == "hedge" for check in verdict.checks):
        return replace(verdict, basis=("the source says this with reserve", basis))
    return replace(verdict, verdict="supported", basis=(basis,))


def _stands_word_for_word(claim: str, document: Document) -> bool:
    bare = claim.strip(" .;:")
    if not is_quotable(bare):
        return False
    check = check_quote(bare, document.text)
    slips = [edit for edit in check.edits if edit.kind == "function"]
    return check.verdict in FOUND - {"elided"} and len(slips) <= 1 and not check.omitted


def _in_order(claim: str, window: Window) -> bool:
    """Whether the evidence has the claim's content words in the claim's order: else who did what to whom is open."""
    from rapidfuzz.distance import LCSseq

    wanted = stems(claim)
    distinct = len(set(wanted))
    if distinct < _FEW:
        return False
    kept = LCSseq.similarity(wanted, stems(window.text))
    return kept == len(wanted) if distinct <= _SHORT else kept >= 0.93 * len(wanted)
