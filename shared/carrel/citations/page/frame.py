"""The page as one file: its parts, its style and script, and the policy that lets nothing else run."""
# ruff: noqa: E501 - a line of markup reads better whole

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from html import escape
from importlib import resources

from carrel.citations.auditing import Audit
from carrel.citations.page.body import body, labels, state_of
from carrel.citations.page.data import source_data, statement_data
from carrel.citations.page.head import header
from carrel.citations.page.sections import figure_section, legend, matrix_section, problem_section, reference_section
from carrel.citations.page.words import EXISTENCE_WORDS, VERDICT_WORDS

__all__ = ["render_html"]


def render_html(audit: Audit) -> str:
    """The page. Deterministic: the same audit gives the same bytes."""
    states = {item.statement.number: state_of(item) for item in audit.statements}
    names = labels(audit)
    data = {
        "statements": statement_data(audit, states), "sources": source_data(audit), "labels": names,
        "verdicts": VERDICT_WORDS, "existence": EXISTENCE_WORDS,
    }  # fmt: skip
    title = audit.report.title or "Report"
    style, script = _asset("page.css"), _asset("page.js")
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="generator" content="carrel-audit">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n',
        f"<title>Audit · {escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n",
        header(audit, title, states.values()),
        '<main>\n<article id="report" aria-label="The report">\n',
        body(audit),
        '</article>\n<aside id="panel" aria-live="polite" aria-label="Evidence">',
        '<div class="hint"><p class="big">Choose a sentence.</p><p>Its evidence appears here: the passage of the source, what agrees and '
        "what does not. <kbd>n</kbd> and <kbd>p</kbd> step through what needs attention.</p></div></aside>\n</main>\n",
        problem_section(audit),
        matrix_section(audit, names),
        reference_section(audit, names),
        figure_section(audit),
        legend(),
        f'<script type="application/json" id="data">{_json(data)}</script>\n<script>{script}</script>\n</body>\n</html>\n',
    ]
    return "".join(parts)


@lru_cache(maxsize=4)
def _asset(name: str) -> str:
    return resources.files("carrel.citations.page").joinpath(name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")


def _json(data: object) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    safe = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return safe.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode("utf-8", "replace").decode("utf-8")
