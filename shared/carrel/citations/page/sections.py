"""Below the report: problems, statements by sources, the sources themselves, all figures, a legend."""
# ruff: noqa: E501 - a line of markup reads better whole

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

from carrel.citations.auditing import Audit
from carrel.citations.metrics import Share
from carrel.citations.page.body import anchors, state_of
from carrel.citations.page.data import SourceData, source_data
from carrel.citations.page.words import EXISTENCE_WORDS, MEANING, SYMBOL, VERDICT_WORDS, cut, without_title
from carrel.citations.summary import PROBLEM_WORDS

__all__ = ["figure_section", "legend", "matrix_section", "problem_section", "reference_section"]

_MOST_PROBLEMS = 60
_MOST_CELLS = 6_000


def problem_section(audit: Audit) -> str:
    """Up to 60 problems, worst first."""
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
    places = anchors(audit)
    for problem in audit.problems[:_MOST_PROBLEMS]:
        text = " ".join(audit.report.text[problem.start : problem.end].split())
        state = "plain"
        if problem.statement is not None:
            item = audit.statements[problem.statement]
            text, state = item.statement.text, state_of(item)
        head = escape(PROBLEM_WORDS[problem.kind])
        said = f'<q>{escape(cut(text, 220))}</q><span class="why">{escape(cut(problem.detail, 260))}</span>'
        if problem.statement is not None:
            yield f'<li class="v-{state}"><a href="#s{problem.statement}" data-n="{problem.statement}"><strong>{head}</strong>{said}</a></li>'
        else:
            yield f'<li class="v-{_tone(problem.kind)}"><a href="#{escape(places.get(problem.key, "refs"))}"><strong>{head}</strong>{said}</a></li>'


def _tone(kind: str) -> str:
    if kind in ("fabricated_reference", "missing_reference", "dangling", "placeholder"):
        return "contradicted"
    return "unverifiable"


def matrix_section(audit: Audit, names: dict[str, str] | object) -> str:
    """A table of verdicts, unless there are more than 60 sources."""
    keys = [reference.key for reference in audit.report.references]
    rows = [item for item in audit.statements if item.findings]
    if not keys or not rows or len(keys) > 60:
        return ""
    shown = rows[: max(1, _MOST_CELLS // len(keys))]
    labels_of: dict[str, str] = names  # type: ignore[assignment]
    head = "".join(f'<th scope="col" title="{escape(cut(key, 80))}">{escape(labels_of[key])}</th>' for key in keys)
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
        f'<td class="v-{verdicts[key]}" title="{VERDICT_WORDS[verdicts[key]]}">{SYMBOL[verdicts[key]]}</td>'
        if key in verdicts
        else "<td></td>"
        for key in keys
    )
    text = escape(cut(statement.text, 90))
    return f'<tr><th scope="row"><a href="#s{statement.number}" data-n="{statement.number}">{text}</a></th>{cells}</tr>'


def reference_section(audit: Audit, names: object) -> str:
    """Every source the report names, and whether it is there; what cites one document stands under one entry."""
    labels_of: dict[str, str] = names  # type: ignore[assignment]
    places = anchors(audit)
    uses = Counter(finding.key for item in audit.statements for finding in item.findings)
    groups: dict[str, list[SourceData]] = {}
    for data in source_data(audit):
        groups.setdefault(data["doc"] or f"key {data['key']}", []).append(data)
    rows = "".join(
        _reference_row(
            group,
            [(places[data["key"]], labels_of[data["key"]]) for data in group],
            sum(uses[data["key"]] for data in group),
        )
        for group in groups.values()
    )
    if not rows:
        return ""
    return (
        f'<section id="refs"><h2>Sources <span>{len(groups)} named</span></h2><ol class="refs">{rows}</ol></section>\n'
    )


def _reference_row(group: Sequence[SourceData], named: Sequence[tuple[str, str]], uses: int) -> str:
    row = group[0]
    existence, title, url = row["existence"], escape(row["title"]), row["url"]
    name = f'<a href="{escape(url)}" rel="noopener noreferrer nofollow">{title}</a>' if url else title
    facts = [f"cited {uses} time{'s' if uses != 1 else ''}" if uses else "never cited"]
    facts += {"abstract": ["only its abstract was read"], "thin": ["little text"], "error_page": ["an error page"]}.get(
        row["state"], []
    )
    facts += [row["reason"]] if row["reason"] else []
    facts += [row["note"]] if row["note"] else []
    doc = f" <code>{escape(row['doc'])}</code>" if row["doc"] else ""
    label = " ".join(f'<span id="{escape(place)}">{escape(words)}</span>' for place, words in named)
    entries = dict.fromkeys(without_title(data["text"], row["title"]) for data in group)
    said = "".join(f'<p class="entry">{escape(words)}</p>' for words in entries if words)
    return (
        f'<li><span class="label">{label}</span><div><p class="name">{name}</p>{said}'
        f'<p class="facts"><span class="tag e-{existence}">{EXISTENCE_WORDS[existence]}</span> {escape(" · ".join(facts))}{doc}</p></div></li>'
    )


def figure_section(audit: Audit) -> str:
    """Every measure, folded away."""
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
        value = "–" if share.value is None else f"{share.value:.0%}"
        rows.append(f'<tr><th scope="row">{meaning}</th><td>{value}</td><td>{share.hits} of {share.total}</td></tr>')
    return (
        '<section id="figures"><details><summary><h2>All figures</h2></summary><table><thead><tr><th scope="col">Measure</th><th scope="col">Share</th>'
        f'<th scope="col">Count</th></tr></thead><tbody>{"".join(rows)}</tbody></table></details></section>\n'
    )


def legend() -> str:
    """What the colours and symbols mean."""
    rows = "".join(
        f'<li><span class="s v-{state}">{SYMBOL[state]} {words}</span><span>{MEANING[state]}</span></li>'
        for state, words in VERDICT_WORDS.items()
    )
    return (
        f'<footer><h2>How to read this</h2><ul class="legend">{rows}</ul><p>Verdicts come from fixed rules, without a language model that writes: words, numbers, names and '
        "negations are compared with the text of the source; an encoder, where one is installed, only hands passages close in meaning to you. “Could not be looked up” never means “is not there”.</p></footer>\n"
    )
