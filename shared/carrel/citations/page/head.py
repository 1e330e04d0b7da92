"""The head of the page: what was audited, how the verdicts are spread, the figures that matter."""
# ruff: noqa: E501 - a line of markup reads better whole

from __future__ import annotations

from collections import Counter
from html import escape

from carrel.citations.auditing import Audit
from carrel.citations.metrics import Share
from carrel.citations.page.words import SYMBOL, VERDICT_WORDS
from carrel.citations.summary import summarise

__all__ = ["header"]


def header(audit: Audit, title: str, states: object) -> str:
    """Title, summary, the bar of verdicts and the cards."""
    counts = Counter(state for state in states if state != "plain")  # type: ignore[attr-defined]
    return (
        f'<header>\n<p class="brand">Carrel · citation audit</p>\n<h1>{escape(title)}</h1>\n<p class="lead">{escape(summarise(audit))}</p>\n'
        f"{_bar(counts)}\n{_cards(audit)}</header>\n"
    )


def _bar(counts: Counter[str]) -> str:
    """How the statements are distributed over verdicts: one bar, drawn without a style attribute."""
    total = sum(counts.values())
    if not total:
        return ""
    at, rects, keys = 0.0, [], []
    for state in (state for state in VERDICT_WORDS if counts[state]):
        width = 1000 * counts[state] / total
        rects.append(
            f'<rect class="f-{state}" x="{at:.1f}" y="0" width="{max(1.0, width - 3):.1f}" height="14" rx="3"><title>{counts[state]} {VERDICT_WORDS[state]}</title></rect>'
        )
        keys.append(
            f'<li><i class="dot f-{state}">{SYMBOL[state]}</i><b>{counts[state]}</b> {VERDICT_WORDS[state]}</li>'
        )
        at += width
    return (
        f'<svg class="bar" viewBox="0 0 1000 14" preserveAspectRatio="none" role="img" aria-label="Verdicts of {total} statements">'
        f'{"".join(rects)}</svg>\n<ul class="keys">{"".join(keys)}</ul>'
    )


def _cards(audit: Audit) -> str:
    metrics = audit.metrics
    cards = (
        (
            "Citations that hold",
            metrics.citation_accuracy,
            "of the citations that could be decided, their source bears them out",
            "good",
        ),
        (
            "Statements backed",
            metrics.citation_recall,
            "of the statements that need a source, one they cite supports them",
            "good",
        ),
        (
            "Quotations faithful",
            metrics.quote_fidelity,
            "of the quotations looked for, the words stand in the source",
            "good",
        ),
        (
            "References that exist",
            metrics.references_found,
            "of the references that could be looked up, the source is there",
            "good",
        ),
        ("Without a citation", metrics.uncited_statements, "of the statements that need one", "bad"),
    )
    shown = [_card(*card) for card in cards]
    open_words = "citations left to your judgement" + (
        f"; {metrics.unreadable} more could not be looked up" if metrics.unreadable else ""
    )
    shown.append(f'<li class="card"><h3>Open</h3><p class="value">{metrics.undecided}</p><p>{open_words}</p></li>')
    return f'<ul class="cards">{"".join(shown)}</ul>\n'


def _card(name: str, share: Share, words: str, sense: str) -> str:
    if share.value is None:
        return f'<li class="card none"><h3>{name}</h3><p class="value">–</p><p>nothing to count</p></li>'
    wrong = share.total - share.hits if sense == "good" else share.hits
    tone = " fine" if not wrong else " some" if wrong <= 0.1 * share.total else " weak"
    return f'<li class="card{tone}"><h3>{name}</h3><p class="value">{share.value:.0%}</p><p><b>{share.hits} of {share.total}</b> {words}</p></li>'
