"""What the page of an audit shows when a statement is chosen: evidence, differences, reasons — as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from carrel.citations.auditing import Audit, Finding
from carrel.citations.page.words import entry_words, readable
from carrel.citations.quotes import QuoteCheck
from carrel.citations.sources import SourceText

__all__ = ["SourceData", "StatementData", "source_data", "statement_data"]

_AROUND = 180  # characters of context on each side of what is shown
_MANY, _VERY_MANY = 150, 500  # findings from which less is shown of each, so that the page stays small


class Piece(TypedDict, total=False):
    """A run of text and its kind.

    ``k``: "" context, "h" the passage found, "d" words of the source the quote lacks, "i" words only the quote has.
    """

    t: str
    k: str


class Shown(TypedDict, total=False):
    """One passage with its reference and how it came to be shown."""

    ref: str
    kind: str
    note: str
    link: str
    pieces: list[Piece]


class FindingData(TypedDict, total=False):
    """One source's say on a statement."""

    key: str
    verdict: str
    confidence: str
    basis: list[str]
    shown: list[Shown]
    checks: list[str]


class StatementData(TypedDict, total=False):
    """A statement and what each cited source says of it."""

    n: int
    state: str
    text: str
    findings: list[FindingData]


class SourceData(TypedDict, total=False):
    """A source as the page lists it."""

    key: str
    title: str
    text: str
    url: str
    existence: str
    state: str
    reason: str
    note: str
    doc: str
    listed: bool


def statement_data(audit: Audit, states: Mapping[int, str]) -> list[StatementData]:
    """The chosen-statement panel of every statement that has a state."""
    total = sum(len(item.findings) for item in audit.statements)
    found: list[StatementData] = []
    for item in audit.statements:
        state = states[item.statement.number]
        if state == "plain":
            continue
        findings = [_finding(finding, total) for finding in item.findings]
        found.append(
            {"n": item.statement.number, "state": state, "text": item.statement.text[:600], "findings": findings}
        )
    return found


def _finding(finding: Finding, total: int) -> FindingData:
    shown = [_quote(finding, check.check) for check in finding.quotes if check.check.selectors is not None]
    most = 2 if total <= _MANY else 1
    longest = 700 if total <= _MANY else 320
    if total <= _VERY_MANY or finding.verdict != "supported":
        shown += [
            _window(finding, place, longest) for place in range(min(most, len(finding.claim.windows))) if not shown
        ]
    failing = [check.detail[:160] for check in finding.claim.checks if check.status != "ok"]
    absent = [f"“{q.quotation.text[:200]}” is not in the source" for q in finding.quotes if q.check.verdict == "absent"]
    return {
        "key": finding.key, "verdict": finding.verdict, "confidence": finding.confidence,
        "basis": [words[:300] for words in finding.basis[:4]], "shown": shown, "checks": [*absent, *failing][:8],
    }  # fmt: skip


def _quote(finding: Finding, check: QuoteCheck) -> Shown:
    """A found quotation in its context, with the differences where they are."""
    assert finding.document is not None
    text, start, end = finding.document.text, check.start, check.end
    pieces: list[Piece] = [{"t": _head(text, start), "k": ""}]
    at = start
    for edit in sorted(check.edits, key=lambda edit: edit.start):
        first, last = edit.start, edit.end
        if first < at or last > end or last - at > 3_000:
            continue
        pieces.append({"t": text[at:first], "k": "h"})
        if last > first:
            pieces.append({"t": text[first:last], "k": "d"})
        if edit.quote:
            pieces.append({"t": edit.quote, "k": "i"})
        at = last
    pieces.append({"t": text[at : min(end, at + 1_200)], "k": "h"})
    pieces.append({"t": _tail(text, end), "k": ""})
    ref = f"{finding.document.doc_id}:{start}-{end}"
    shown: Shown = {"ref": ref, "kind": check.verdict, "pieces": [p for p in pieces if p["t"]]}
    if check.fragment:
        shown["link"] = check.fragment
    if check.occurrences > 1:
        shown["note"] = f"stands {check.occurrences} times in the source"
    return shown


def _window(finding: Finding, place: int, longest: int) -> Shown:
    """A passage that bears on the claim, the words that decide a check set off."""
    window = finding.claim.windows[place]
    text = window.document.text
    end = min(window.end, window.start + longest)
    pieces: list[Piece] = [{"t": _head(text, window.start), "k": ""}] if place == 0 else []
    at = window.start
    same = place == 0 or window.document is finding.claim.windows[0].document
    spans = sorted({c.source_span for c in finding.claim.failing if same and c.source_span != (0, 0)})
    for first, last in spans:
        if at <= first < last <= end:
            pieces += [{"t": text[at:first], "k": "h"}, {"t": text[first:last], "k": "d"}]
            at = last
    pieces.append({"t": text[at:end] + ("…" if end < window.end else ""), "k": "h"})
    if place == 0:
        pieces.append({"t": _tail(text, window.end), "k": ""})
    return {
        "ref": window.ref,
        "kind": "evidence",
        "note": _shared(window.score),
        "pieces": [p for p in pieces if p["t"]],
    }


def _shared(score: float) -> str:
    """How many of the statement's words a passage has, weighed, in words."""
    for least, words in ((0.97, "all"), (0.72, "most"), (0.35, "some"), (0.15, "few")):
        if score >= least:
            return f"has {words} of the statement's words"
    return "has next to none of the statement's words"


def _head(text: str, start: int) -> str:
    first = max(0, start - _AROUND)
    words = text[first:start]
    return words if first == 0 else "…" + words.partition(" ")[2]


def _tail(text: str, end: int) -> str:
    last = min(len(text), end + _AROUND)
    words = text[end:last]
    return words if last == len(text) else words.rpartition(" ")[0] + "…"


def source_data(audit: Audit) -> list[SourceData]:
    """Every source the report names, in order of its list."""
    return [_source(audit.sources[r.key], r.key, r.title, r.text, r.url, r.listed) for r in audit.report.references]


def _source(source: SourceText, key: str, title: str, text: str, url: str, listed: bool) -> SourceData:
    document = source.document
    address = url or (document.source if document and document.source.startswith(("http://", "https://")) else "")
    return {
        "key": key,
        "title": readable(document.title if document and document.title else title or text)[:240],
        "text": entry_words(text)[:500],
        "url": address if address.lower().startswith(("http://", "https://")) else "",
        "existence": source.existence,
        "state": source.state,
        "reason": source.reason[:300],
        "note": source.note[:300],
        "doc": document.doc_id if document else "",
        "listed": listed,
    }
