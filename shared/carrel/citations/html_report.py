"""I have an audit: one page that a person enjoys reading, in one file, without anything from elsewhere.

The report stands left with its statements underlined by verdict; a click shows the evidence on the right. Everything
from outside is escaped, or is data that the page's script puts in as text; the policy in the page's head names the
only style and script that may run, by hash.
"""
# ruff: noqa: E501 - a line of markup reads better whole

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import escape
from importlib import resources

from carrel.citations.auditing import Audit
from carrel.citations.html_body import body, labels, state_of
from carrel.citations.html_data import source_data, statement_data
from carrel.citations.metrics import Share
from carrel.citations.summary import PROBLEM_WORDS, summarise

__all__ = ["VERDICT_WORDS", "render_html"]

VERDICT_WORDS: dict[str, str] = {
    "supported": "supported",
    "partially_supported": "partly supported",
    "contradicted": "contradicted",
    "not_found": "not in the source",
    "needs_judgement": "left to your judgement",
    "unverifiable": "could not be looked up",
    "uncited": "cites nothing",
}
_MEANING: dict[str, str] = {
    "supported": "The source says this, word for word or in all its content.",
    "partially_supported": "The source says part of this.",
    "contradicted": "The source has this passage and says otherwise, or the quotation was altered.",
    "not_found": "The source was read, and says nothing of the kind.",
    "needs_judgement": "The source speaks of this; whether it bears it out is for a reader to say.",
    "unverifiable": "The source could not be opened, so nothing is known.",
    "uncited": "States something and points at no source.",
}
_EXISTENCE: dict[str, str] = {
    "found": "found", "not_found": "does not exist", "likely_fabricated": "looks made up", "mismatch": "another work",
    "unconfirmed": "unconfirmed", "could_not_look": "could not look", "not_checked": "not checked",
}  # fmt: skip
_SYMBOL = {
    "supported": "●", "partially_supported": "◐", "contradicted": "✕", "not_found": "○", "needs_judgement": "◇",
    "unverifiable": "·", "uncited": "–",
}  # fmt: skip
_MOST_PROBLEMS = 60
_MOST_CELLS = 6_000


def render_html(audit: Audit) -> str:
    """The page. Deterministic: the same audit gives the same bytes."""
    states = {item.statement.number: state_of(item) for item in audit.statements}
    names = labels(audit)
    data = {
        "statements": statement_data(audit, states), "sources": source_data(audit), "labels": names,
        "verdicts": VERDICT_WORDS, "existence": _EXISTENCE,
    }  # fmt: skip
    title = audit.report.title or "Report"
    style, script = _asset("page.css"), _asset("page.js")
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="generator" content="carrel-audit">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n',
        f"<title>Audit · {escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n",
        _header(audit, title, states.values()),
        '<main>\n<article id="report" aria-label="The report">\n',
        body(audit),
        '</article>\n<aside id="panel" aria-live="polite" aria-label="Evidence">',
        '<div class="hint"><p class="big">Choose a sentence.</p><p>Its evidence appears here: the passage of the source, what agrees and '
        "what does not. <kbd>n</kbd> and <kbd>p</kbd> step through what needs attention.</p></div></aside>\n</main>\n",
        _problems(audit),
        _matrix(audit, names),
        _references(audit, names),
        _figures(audit),
        _legend(),
        f'<script type="application/json" id="data">{_json(data)}</script>\n<script>{script}</script>\n</body>\n</html>\n',
    ]
    return "".join(parts)


@lru_cache(maxsize=4)
def _asset(name: str) -> str:
    return resources.files("carrel.citations").joinpath("page", name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")


def _json(data: object) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    safe = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return safe.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode("utf-8", "replace").decode("utf-8")


# -- head -------------------------------------------------------------------------------------------------------------


def _header(audit: Audit, title: str, states: object) -> str:
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
            f'<li><i class="dot f-{state}">{_SYMBOL[state]}</i><b>{counts[state]}</b> {VERDICT_WORDS[state]}</li>'
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
    low, high = share.interval
    weak = (share.value < 0.9) if sense == "good" else (share.value > 0.1)
    tone = " weak" if weak else " fine"
    return (
        f'<li class="card{tone}"><h3>{name}</h3><p class="value">{share.value:.0%}</p><p><b>{share.hits} of {share.total}</b> {words}</p>'
        f'<p class="interval">95 % interval {low:.0%} – {high:.0%}</p></li>'
    )


# -- sections ---------------------------------------------------------------------------------------------------------


def _problems(audit: Audit) -> str:
    problems = audit.problems
    if not problems:
        return '<section id="problems"><h2>What needs attention</h2><p>Nothing: no fault was found in what could be checked.</p></section>\n'
    rows = "".join(_problem_rows(audit))
    more = (
        f"<p>{len(problems) - _MOST_PROBLEMS} more are marked in the text.</p>"
        if len(problems) > _MOST_PROBLEMS
        else ""
    )
    return f'<section id="problems"><h2>What needs attention <span>{len(problems)}, worst first</span></h2><ol>{rows}</ol>{more}</section>\n'


def _problem_rows(audit: Audit) -> Iterator[str]:
    for problem in audit.problems[:_MOST_PROBLEMS]:
        text = " ".join(audit.report.text[problem.start : problem.end].split())
        state = "plain"
        if problem.statement is not None:
            item = audit.statements[problem.statement]
            text, state = item.statement.text, state_of(item)
        head = escape(PROBLEM_WORDS[problem.kind])
        said = f'<q>{escape(_cut(text, 220))}</q><span class="why">{escape(_cut(problem.detail, 260))}</span>'
        if problem.statement is not None:
            yield f'<li class="v-{state}"><a href="#s{problem.statement}" data-n="{problem.statement}"><strong>{head}</strong>{said}</a></li>'
        else:
            yield f'<li class="v-{_tone(problem.kind)}"><a href="#refs"><strong>{head}</strong>{said}</a></li>'


def _tone(kind: str) -> str:
    if kind in ("fabricated_reference", "missing_reference", "dangling", "placeholder"):
        return "contradicted"
    return "unverifiable"


def _matrix(audit: Audit, names: dict[str, str] | object) -> str:
    keys = [reference.key for reference in audit.report.references]
    rows = [item for item in audit.statements if item.findings]
    if not keys or not rows or len(keys) > 60:
        return ""
    shown = rows[: max(1, _MOST_CELLS // len(keys))]
    labels_of: dict[str, str] = names  # type: ignore[assignment]
    head = "".join(f'<th scope="col" title="{escape(_cut(key, 80))}">{escape(labels_of[key])}</th>' for key in keys)
    body_rows = "".join(_matrix_row(item, keys) for item in shown)
    more = f"<p>{len(rows) - len(shown)} more statements are in the text.</p>" if len(rows) > len(shown) else ""
    return (
        '<section id="matrix"><h2>Who leans on what <span>statements by sources</span></h2><div class="scroll"><table>'
        f'<thead><tr><th scope="col">Statement</th>{head}</tr></thead><tbody>{body_rows}</tbody></table></div>{more}</section>\n'
    )


def _matrix_row(item: object, keys: Sequence[str]) -> str:
    statement = item.statement  # type: ignore[attr-defined]
    verdicts = {finding.key: finding.verdict for finding in item.findings}  # type: ignore[attr-defined]
    cells = "".join(
        f'<td class="v-{verdicts[key]}" title="{VERDICT_WORDS[verdicts[key]]}">{_SYMBOL[verdicts[key]]}</td>'
        if key in verdicts
        else "<td></td>"
        for key in keys
    )
    text = escape(_cut(statement.text, 90))
    return f'<tr><th scope="row"><a href="#s{statement.number}" data-n="{statement.number}">{text}</a></th>{cells}</tr>'


def _references(audit: Audit, names: object) -> str:
    labels_of: dict[str, str] = names  # type: ignore[assignment]
    uses = Counter(finding.key for item in audit.statements for finding in item.findings)
    rows = "".join(_reference_row(data, labels_of[data["key"]], uses[data["key"]]) for data in source_data(audit))
    if not rows:
        return ""
    return f'<section id="refs"><h2>Sources <span>{len(audit.report.references)} named</span></h2><ol class="refs">{rows}</ol></section>\n'


def _reference_row(data: object, label: str, uses: int) -> str:
    row: dict[str, str] = data  # type: ignore[assignment]
    existence = row["existence"]
    title = escape(row["title"])
    url = row["url"]
    named = f'<a href="{escape(url)}" rel="noopener noreferrer nofollow">{title}</a>' if url else title
    facts = [f"cited {uses} time{'s' if uses != 1 else ''}" if uses else "never cited"]
    facts += {"abstract": ["only its abstract was read"], "thin": ["little text"], "error_page": ["an error page"]}.get(
        row["state"], []
    )
    facts += [row["reason"]] if row["reason"] else []
    facts += [row["note"]] if row["note"] else []
    doc = f" <code>{escape(row['doc'])}</code>" if row["doc"] else ""
    return (
        f'<li><span class="label">{escape(label)}</span><div><p class="name">{named}</p><p class="entry">{escape(row["text"])}</p>'
        f'<p class="facts"><span class="tag e-{existence}">{_EXISTENCE[existence]}</span> {escape(" · ".join(facts))}{doc}</p></div></li>'
    )


def _figures(audit: Audit) -> str:
    words = {
        "citation_accuracy": "Citations that hold, of those that could be decided (partial support counts)",
        "citation_accuracy_strict": "Citations that hold fully, of all",
        "citation_recall": "Statements supported by what they cite",
        "citation_precision": "Citations that do work of their own",
        "thoroughness": "Support that is cited, of all support in the sources",
        "necessity": "Fewest sources that would support the same statements, of those named",
        "uncited_statements": "Statements that need a source and cite none",
        "unsupported_statements": "Statements that no named source supports",
        "uncited_sources": "Sources named but never cited",
        "quote_fidelity": "Quotations whose words stand in the source",
        "references_found": "References that exist, of those that could be looked up",
    }
    rows = []
    for name, meaning in words.items():
        share: Share = getattr(audit.metrics, name)
        low, high = share.interval
        value = "–" if share.value is None else f"{share.value:.0%}"
        spread = "" if share.value is None else f"{low:.0%} – {high:.0%}"
        rows.append(
            f'<tr><th scope="row">{meaning}</th><td>{value}</td><td>{share.hits} of {share.total}</td><td>{spread}</td></tr>'
        )
    return (
        '<section id="figures"><details><summary><h2>All figures</h2></summary><table><thead><tr><th scope="col">Measure</th><th scope="col">Share</th>'
        f'<th scope="col">Count</th><th scope="col">95 % interval</th></tr></thead><tbody>{"".join(rows)}</tbody></table></details></section>\n'
    )


def _legend() -> str:
    rows = "".join(
        f'<li><span class="s v-{state}">{_SYMBOL[state]} {words}</span><span>{_MEANING[state]}</span></li>'
        for state, words in VERDICT_WORDS.items()
    )
    return (
        f'<footer><h2>How to read this</h2><ul class="legend">{rows}</ul><p>Verdicts come from fixed rules, without a language model: words, numbers, names and '
        "negations are compared with the text of the source. “Could not be looked up” never means “is not there”.</p></footer>\n"
    )


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
