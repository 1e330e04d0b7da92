"""An audit in a few lines of plain words."""

from __future__ import annotations

from carrel.citations.auditing import Audit, Problem
from carrel.citations.metrics import Share

__all__ = ["PROBLEM_WORDS", "markdown_summary", "summarise"]

PROBLEM_WORDS: dict[str, str] = {
    "altered_quote": "altered quotation",
    "contradicted": "statement contradicted by its source",
    "fabricated_reference": "reference that looks made up",
    "missing_reference": "reference that does not exist as cited",
    "absent_quote": "quotation not in its source",
    "not_found": "statement not found in its source",
    "dangling": "citation without a reference",
    "placeholder": "placeholder instead of a source",
    "unreadable_source": "source that could not be read",
    "uncited": "statement without a citation",
    "needs_judgement": "statement left to your judgement",
    "duplicate": "source listed twice",
    "unused": "source never cited",
}
_FAULTS = (
    "altered_quote",
    "contradicted",
    "fabricated_reference",
    "missing_reference",
    "absent_quote",
    "not_found",
    "dangling",
    "placeholder",
)


def summarise(audit: Audit) -> str:
    """One or two sentences: how much was checked and what was found."""
    cited = sum(bool(item.findings) for item in audit.statements)
    supported = sum(item.verdict == "supported" for item in audit.statements)
    metrics = audit.metrics
    counts = {kind: sum(problem.kind == kind for problem in audit.problems) for kind in PROBLEM_WORDS}
    faults = [_many(counts[kind], PROBLEM_WORDS[kind]) for kind in _FAULTS if counts[kind]]
    lead = f"{supported} of {_many(cited, 'cited statement')} supported"
    if metrics.quote_fidelity.total:
        lead += f", {metrics.quote_fidelity.hits} of {_many(metrics.quote_fidelity.total, 'quotation')} faithful"
    rest = [
        f"{counts[kind]} {words}"
        for kind, words in (("needs_judgement", "left to judgement"), ("uncited", "without a citation"))
        if counts[kind]
    ]
    if metrics.unreadable:
        rest.append(f"{metrics.unreadable} could not be looked up")
    if not cited and not metrics.quote_fidelity.total and not faults:
        return f"Nothing was checked: no statement with a citation and no quotation was found{_listed(rest)}."
    verdict = f" Faults: {', '.join(faults)}." if faults else " No fault was found in what could be checked."
    return f"{lead}{_listed(rest)}.{verdict}"


def _listed(rest: list[str]) -> str:
    return "".join(f", {part}" for part in rest)


def _many(count: int, words: str) -> str:
    if count == 1:
        return f"1 {words}"
    head, _, tail = words.partition(" ")
    plural = {
        "reference": "references",
        "statement": "statements",
        "quotation": "quotations",
        "citation": "citations",
        "source": "sources",
        "placeholder": "placeholders",
    }
    if head in plural:
        return f"{count} {plural[head]}{' ' + tail if tail else ''}"
    return (
        f"{count} {words}s" if " " not in words or words.endswith(("statement", "quotation")) else f"{count} × {words}"
    )


def markdown_summary(audit: Audit) -> str:
    """The figures and the problems as Markdown."""
    lines = [
        f"# Audit: {audit.report.title or 'report'}",
        "",
        summarise(audit),
        "",
        "| measure | share | count |",
        "|---|---|---|",
    ]
    for name in audit.metrics.__dataclass_fields__:
        value = getattr(audit.metrics, name)
        if isinstance(value, Share):
            share = "–" if value.value is None else f"{value.value:.0%}"
            lines.append(f"| {name.replace('_', ' ')} | {share} | {value.hits} of {value.total} |")
    lines += ["", "## Problems, worst first", ""]
    lines += [_line(audit, problem) for problem in audit.problems] or ["None."]
    return "\n".join(lines) + "\n"


def _line(audit: Audit, problem: Problem) -> str:
    text = " ".join(audit.report.text[problem.start : problem.end].split())
    return f"- **{PROBLEM_WORDS[problem.kind]}** [{problem.key or '–'}]: {text[:200]} — {problem.detail[:200]}"
