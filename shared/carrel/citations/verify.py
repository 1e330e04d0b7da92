"""I have a claim and its sources: does it hold?

Without a judge only clear cases get a clear verdict; the others say ``needs_judgement`` and hand over the evidence.
Before a source is called silent on the strength of its words alone, an encoder may look for the meaning.
"No" is never "could not look": a source that could not be read makes a claim ``unverifiable``, not unsupported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from carrel.citations.checks import Evidence, check_claim
from carrel.citations.deciding import ClaimVerdict, Confidence, Verdict, decide, nothing
from carrel.citations.evidence import Window, rank_windows, rank_within
from carrel.citations.meaning import LazyEncoder, close_in_meaning
from carrel.errors import BadRequest
from carrel.records import Document

__all__ = ["ClaimVerdict", "Confidence", "SourceState", "Verdict", "says_too_little", "verify_claim"]

SourceState = Literal["ok", "thin", "abstract", "archived", "error_page", "dead", "unavailable"]
"""``thin``: too little text to say no. ``abstract``: only the abstract of a longer work."""

READABLE: frozenset[SourceState] = frozenset(("ok", "thin", "abstract", "archived"))
_MAX_CLAIM = 5_000
_THIN_WORDS = 40  # a source of fewer words cannot show that something is missing


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
    named = _named(claim, documents, spans, k)
    windows = _together(named, rank_windows(documents, claim, k), k)
    if not windows:
        return nothing(thin)
    verdict = _second_look(claim, _judge(claim, windows, thin), documents, encoder, k, named)
    return _weigh_named(verdict, _judge(claim, named, thin, named=True), windows) if named else verdict


def says_too_little(documents: Sequence[Document], state: SourceState, *, complete: bool = False) -> bool:
    """Whether so little was read that nothing can be said to be missing from it."""
    if state in ("thin", "abstract"):
        return True
    return not complete and sum(len(document.text[:2_000].split()) for document in documents) < _THIN_WORDS


def _named(
    claim: str, documents: Sequence[Document], spans: Sequence[tuple[str, int, int]], k: int
) -> tuple[Window, ...]:
    """The evidence inside what the citation names, best first, all of one document."""
    by_id = {document.doc_id: document for document in documents}
    found = [
        window
        for doc_id, start, end in spans
        if doc_id in by_id and start < min(end, len(by_id[doc_id].text))
        for window in rank_within(by_id[doc_id], start, end, claim, k)
    ]
    found.sort(key=lambda window: -round(window.score, 6))
    return tuple(window for window in found if window.document is found[0].document)[:k]


def _together(named: Sequence[Window], ranked: Sequence[Window], k: int) -> tuple[Window, ...]:
    """What the citation names first, then what else of the source bears on the claim."""
    others = [
        w for w in ranked if not any(w.document is n.document and w.start < n.end and n.start < w.end for n in named)
    ]
    return (*named, *others)[: k + len(named)]


def _judge(claim: str, windows: tuple[Window, ...], thin: bool, *, named: bool = False) -> ClaimVerdict:
    """The verdict on these windows alone; the checks look at the document of the best."""
    ordered = tuple(sorted(windows, key=lambda window: -round(window.score, 6)))
    best = ordered[0].document
    own = tuple((window.start, window.end) for window in ordered if window.document is best)
    context = " ".join((best.title, " ".join(best.authors), best.source, best.date))
    return decide(claim, ordered, check_claim(claim, Evidence(best.text, own, context, named)), thin, named)


def _weigh_named(whole: ClaimVerdict, inside: ClaimVerdict, windows: tuple[Window, ...]) -> ClaimVerdict:
    """The whole source and what the citation names of it: the named place is heard first and shown first.

    It contradicts alone; only where the source says the opposite elsewhere is the matter left to a reader.
    """
    inside = replace(inside, windows=windows)
    if inside.verdict == "supported" or (inside.verdict == "contradicted" and whole.verdict != "supported"):
        return inside
    if inside.verdict == "contradicted":
        basis = (*inside.basis, "another place of the source says what the claim says")
        return replace(inside, verdict="needs_judgement", confidence="low", basis=basis)
    mismatches = tuple(check for check in inside.failing if check.status == "mismatch")
    if whole.verdict == "contradicted" and mismatches:
        return replace(whole, basis=tuple(c.detail for c in mismatches), windows=windows, checks=inside.checks)
    if whole.verdict == "supported":
        basis = (*whole.basis, "it stands elsewhere than in the passage that the citation names")
        return replace(whole, basis=basis)
    shown = _together(windows[:1], whole.windows, len(whole.windows))
    same = shown[0].document is whole.windows[0].document
    checks = whole.checks if same else tuple(replace(check, source_span=(0, 0)) for check in whole.checks)
    return replace(whole, windows=shown, checks=checks)


def _second_look(
    claim: str,
    verdict: ClaimVerdict,
    documents: Sequence[Document],
    encoder: LazyEncoder | None,
    k: int,
    named: tuple[Window, ...],
) -> ClaimVerdict:
    """What is not found only because the words differ is left to a reader when a passage is close in meaning.

    A number or name that the source lacks is no matter of wording: then the verdict stands.
    """
    if encoder is None or verdict.verdict != "not_found" or any(check.status == "missing" for check in verdict.failing):
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
