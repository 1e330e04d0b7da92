"""The text of a report as HTML, every statement a thing to click, every citation coloured by what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from carrel.citations.auditing import Audit, StatementAudit
from carrel.citations.bibliography import find_list
from carrel.citations.marks import CitationMark

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["anchors", "body", "labels", "state_of"]

_TAGS = {
    "paragraph": "p", "bullet_list": "ul", "ordered_list": "ol", "list_item": "li", "blockquote": "blockquote",
    "table": "table", "thead": "thead", "tbody": "tbody", "tr": "tr", "th": "th", "td": "td",
}  # fmt: skip
_MARKER = re.compile(r"^[ \t]*(?:>[ \t]?)*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?)?(?:#{1,6}[ \t]+)?", re.M)
_STRONG = re.compile(r"\*\*(?=\S)([^*\n]{1,2000}?)(?<=\S)\*\*|(?<!\w)__(?=\S)([^_\n]{1,2000}?)(?<=\S)__(?!\w)")
_EMPHASIS = re.compile(
    r"(?<![\w*])\*(?=\S)([^*\n]{1,2000}?)(?<=\S)\*(?![\w*])|(?<!\w)_(?=\S)([^_\n]{1,2000}?)(?<=\S)_(?!\w)"
)
_CODE = re.compile(r"`([^`\n]{1,2000})`")


def state_of(item: StatementAudit) -> str:
    """The word by which a statement is coloured: its verdict, ``uncited``, or nothing to check."""
    return item.verdict or ("uncited" if item.uncited else "plain")


def body(audit: Audit) -> str:
    """The report as HTML. All text is escaped; links of the report stay text, its citations lead into the page."""
    return "".join(_Body(audit).parts())


class _Body:
    def __init__(self, audit: Audit) -> None:
        self.audit = audit
        self.text = audit.report.text
        self.lines = _line_spans(self.text)
        self.hidden = self._hidden_lines()
        self.at = 0  # index of the next statement, so that the walk over blocks is linear
        self.mark = 0
        self.cells = 0
        self.anchors = anchors(audit)

    def _hidden_lines(self) -> set[int]:
        """Lines of the reference list, which the page shows in its own way."""
        hidden = {n for first, last in find_list(self.text, self.lines) for n in range(first, last)}
        spans = sorted((r.start, r.end) for r in self.audit.report.references if r.listed)
        starts = {start for start, _ in spans}
        hidden |= {n for n, (start, _) in enumerate(self.lines) if start in starts}
        title = next((n for n, (start, end) in enumerate(self.lines[:40]) if self.text[start:end].strip()), None)
        if self.audit.report.title and title is not None:
            hidden.add(title)  # the page's own heading says it
        return hidden

    def parts(self) -> Iterator[str]:
        from markdown_it import MarkdownIt

        skip = 0
        for token in MarkdownIt("commonmark").enable("table").disable(["inline", "html_block"]).parse(self.text):
            if skip or (token.nesting == 1 and self._is_hidden(token)):
                skip += token.nesting
                continue
            if token.type == "inline":
                yield self._inline(token)
            elif token.type in ("fence", "code_block"):
                yield f"<pre><code>{escape(token.content)}</code></pre>"
            elif token.type == "html_block":
                yield f"<p>{escape(token.content)}</p>"
            elif token.type == "hr":
                yield "<hr>"
            else:
                yield self._tag(token)

    def _is_hidden(self, token: Token) -> bool:
        return (
            token.map is not None and all(n in self.hidden for n in range(*token.map)) and token.map[0] < token.map[1]
        )

    def _tag(self, token: Token) -> str:
        name, _, end = token.type.rpartition("_")
        tag = f"h{min(6, int(token.tag[1:]) + 1)}" if name == "heading" else _TAGS.get(name, "")
        if not tag or token.hidden:
            return ""
        return f"</{tag}>" if end == "close" else f"<{tag}>"

    def _inline(self, token: Token) -> str:
        if token.map is None:
            return escape(token.content)
        first, last = token.map
        start, end = self.lines[first][0], self.lines[min(last, len(self.lines)) - 1][1]
        if (
            token.level >= 3
            and "|" in self.text[start:end]
            and last - first == 1
            and token.content in self.text[start:end]
        ):
            found = self._cell(token.content, start, end)
            if found is not None:
                return found
        return self._region(start, end)

    def _cell(self, content: str, start: int, end: int) -> str | None:
        """One cell of a table row; the row is one statement, so every cell is a part of it."""
        row = next(
            (item for item in self._from(start) if start <= item.statement.start and item.statement.end <= end), None
        )
        if row is None or not self.text[start:end].lstrip().startswith("|"):
            return None
        offset = self.text.find(content, start, end)
        return self._statement(row, offset, offset + len(content)) if offset >= 0 else None

    def _from(self, start: int) -> Iterator[StatementAudit]:
        items = self.audit.statements
        while self.at < len(items) and items[self.at].statement.end <= start:
            self.at += 1
        return iter(items[self.at : self.at + 400])

    def _region(self, start: int, end: int) -> str:
        view_start = start + len((_MARKER.match(self.text[start:end]) or re.match("", "")).group())  # type: ignore[union-attr]
        out, at = [], view_start
        for item in self._from(start):
            statement = item.statement
            if statement.start >= end:
                break
            if statement.start > at:
                out.append(_plain(self.text[at : statement.start]))
            out.append(self._statement(item, max(at, statement.start), min(end, statement.end)))
            at = statement.end
        out.append(_plain(self.text[at:end]) if at < end else "")
        return "".join(out)

    def _statement(self, item: StatementAudit, start: int, end: int) -> str:
        inner = "".join(self._marked(item, start, end))
        state = state_of(item)
        if state == "plain":
            return inner
        number = item.statement.number
        return f'<span class="s v-{state}" id="s{number}" data-n="{number}" role="button" tabindex="0">{inner}</span>'

    def _marked(self, item: StatementAudit, start: int, end: int) -> Iterator[str]:
        at = start
        for mark in self._marks(start, end):
            yield _plain(self.text[at : mark.start])
            yield self._citation(item, mark)
            at = mark.end
        yield _plain(self.text[at:end])

    def _marks(self, start: int, end: int) -> list[CitationMark]:
        marks = self.audit.report.marks
        while self.mark < len(marks) and marks[self.mark].end <= start and marks[self.mark].start < start:
            self.mark += 1
        return [m for m in marks[max(0, self.mark - 50) : self.mark + 200] if start <= m.start and m.end <= end]

    def _citation(self, item: StatementAudit, mark: CitationMark) -> str:
        verdicts = {finding.key: finding.verdict for finding in item.findings}
        raw = self.text[mark.start : mark.end]
        keys = [key for key in item.statement.keys if self._names(mark, key)] or list(mark.keys[:1])
        state = _worst([verdicts[key] for key in keys if key in verdicts])
        shown = mark.label or (raw if len(raw) <= 40 else raw[:38] + "…")
        if mark.kind == "reference":
            shown = "ref"
        target = self.anchors.get(keys[0], "refs") if keys else "refs"
        return f'<a class="c v-{state}" href="#{target}">{escape(shown)}</a>'

    def _names(self, mark: CitationMark, key: str) -> bool:
        return key in mark.keys or any(":" in name or "|" in name for name in mark.keys)


def _worst(verdicts: Sequence[str]) -> str:
    order = ("contradicted", "not_found", "needs_judgement", "unverifiable", "partially_supported", "supported")
    return next((verdict for verdict in order if verdict in verdicts), "plain")


def _plain(text: str) -> str:
    """Escaped text with the emphasis and code of Markdown shown; nothing else of it is interpreted."""
    text = re.sub(r"\n[ \t]*(?:>[ \t]?)*", "\n", text)
    shown = escape(text, quote=False)
    shown = _CODE.sub(lambda m: f"<code>{m[1]}</code>", shown)
    shown = _STRONG.sub(lambda m: f"<strong>{m[1] or m[2]}</strong>", shown)
    return _EMPHASIS.sub(lambda m: f"<em>{m[1] or m[2]}</em>", shown)


def _line_spans(text: str) -> list[tuple[int, int]]:
    spans, start = [], 0
    for line in text.split("\n"):
        spans.append((start, start + len(line)))
        start += len(line) + 1
    return spans


def anchors(audit: Audit) -> Mapping[str, str]:
    """Where each source stands on the page: ``ref-`` and its key, or its place for one that cannot be part of an id."""
    return {
        reference.key: f"ref-{reference.key}" if re.fullmatch(r"[\w-]{1,40}", reference.key) else f"ref-at-{place}"
        for place, reference in enumerate(audit.report.references, 1)
    }


def labels(audit: Audit) -> Mapping[str, str]:
    """A short name per source: its number, or S1, S2 … for those without one."""
    names: dict[str, str] = {}
    for reference in audit.report.references:
        count = sum(name.startswith("S") for name in names.values()) + 1
        names[reference.key] = reference.key if len(reference.key) <= 4 else f"S{count}"
    return names
