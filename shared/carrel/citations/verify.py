"""I have a claim and its sources: does it hold?

Without a judge only clear cases get a clear verdict; the others say ``needs_judgement`` and hand over the evidence.
Before a source is called silent on the strength of its words alone, an encoder may look for the meaning.
"No" is never "could not look": a source that could not be read makes a claim ``unverifiable``, not unsupported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from carrel.citations.checks import Check, Evidence, check_claim
from carrel.citations.evidence import Window, rank_windows, stems
from carrel.citations.meaning import LazyEncoder, close_in_meaning
from carrel.citations.quotes import FOUND, check_quote, is_quotable
from carrel.errors import BadRequest
from carrel.records import Document

__all__ = ["ClaimVerdict", "Confidence", "SourceState", "Verdict", "says_too_little", "verify_claim"]

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
    complete: bool = False,
    encoder: LazyEncoder | None = None,
    k: int = 3,
) -> ClaimVerdict:
    """Judge ``claim`` against ``documents`` by deterministic checks alone.

    ``spans``: (doc_id, start, end) that the citation itself names; they are always among the evidence. ``state`` and
    ``reason`` tell how the source could be read, ``complete`` that all of it was, however short it is. ``encoder`` is
    asked only where the words alone would say ``not_found``. Raises BadRequest for an empty claim.
    """
    claim = " ".join(claim.split())[:_MAX_CLAIM]
    if not claim:
        raise BadRequest("give the claim as a sentence; it is empty")
    if state not in READABLE or not documents:
        return ClaimVerdict("unverifiable", "high", (reason or "the source could not be read",))
    thin = says_too_little(documents, state, complete=complete)
    windows = _gather(claim, documents, spans, k)
    if not windows:
        return _nothing(thin)
    best = windows[0].document
    own = [window for window in windows if window.document is best]
    context = " ".join((best.title, " ".join(best.authors), best.source, best.date))
    checks = check_claim(claim, Evidence(best.text, tuple((w.start, w.end) for w in own), context))
    verdict = _decide(claim, windows, checks, thin)
    return verdict if encoder is None else _second_look(claim, verdict, documents, encoder, k)


def says_too_little(documents: Sequence[Document], state: SourceState, *, complete: bool = False) -> bool:
    """Whether so little was read that nothing can be said to be missing from it."""
    if state in ("thin", "abstract"):
        return True
    return not complete and sum(len(document.text[:2_000].split()) for document in documents) < _THIN_WORDS


def _gather(
    claim: str, documents: Sequence[Document], spans: Sequence[tuple[str, int, int]], k: int
) -> tuple[Window, ...]:
    windows = list(rank_windows(documents, claim, k))
    by_id = {document.doc_id: document for document in documents}
    wanted = set(stems(claim))
    for doc_id, start, end in spans:
        document = by_id.get(doc_id)
        if document is None or any(w.document is document and w.start <= start and end <= w.end for w in windows):
            continue
        held = wanted & set(stems(document.text[start:end][:20_000]))
        windows.append(Window(document, start, min(end, len(document.text)), len(held) / max(1, len(wanted))))
    windows.sort(key=lambda window: -round(window.score, 6))
    return tuple(windows[: k + len(spans)])


def _nothing(thin: bool) -> ClaimVerdict:
    if thin:
        return ClaimVerdict(
            "needs_judgement", "low", ("too little of the source could be read to say that it is silent",)
        )
    return ClaimVerdict("not_found", "high", ("no sentence of the source shares a content word with the claim",))


def _decide(claim: str, windows: tuple[Window, ...], checks: tuple[Check, ...], thin: bool) -> ClaimVerdict:
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
    if elsewhere and not thin:
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


def _second_look(
    claim: str, verdict: ClaimVerdict, documents: Sequence[Document], encoder: LazyEncoder, k: int
) -> ClaimVerdict:
    """What is not found only because the words differ is left to a reader when a passage is close in meaning.

    A number or name that the source lacks is no matter of wording: then the verdict stands.
    """
    if verdict.verdict != "not_found" or any(check.status == "missing" for check in verdict.failing):
        return verdict
    close = close_in_meaning(claim, documents, encoder, k)
    if not close:
        return verdict
    windows = tuple(window for _, window in close)
    same = windows[0].document is verdict.windows[0].document
    return replace(
        verdict,
        verdict="needs_judgement",
        confidence="low",
        basis=(f"words differ, but this passage is close in meaning (cosine {close[0][0]:.2f})",),
        windows=windows,
        checks=verdict.checks if same else tuple(replace(check, source_span=(0, 0)) for check in verdict.checks),
    )


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
