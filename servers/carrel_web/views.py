"""How a page is shown: its text with references, its outline, links, tables or metadata.

Lines above the envelope are ours; everything that came from the page, its title too, stands inside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from carrel.documents import marked_text, outline, window
from carrel.errors import NotFound
from carrel.mcp import next_cursor, read_cursor, untrusted
from carrel.records import Document, EvidenceRef
from carrel_web.pages import Reading, iso_time

__all__ = ["show_links", "show_metadata", "show_outline", "show_tables", "show_text"]

_TABLE = re.compile(r"(?:^[ \t>]*\|.*\|[ \t]*$\n?){2,}", re.M)
_MAX_OUTLINE = 150


def show_text(reading: Reading, url: str, section: str, cursor: str, max_chars: int) -> str:
    """A window of the text with the references of its parts."""
    document = reading.document
    question = (document.doc_id, section)
    shown = window(document, start=read_cursor(cursor, *question), max_chars=max_chars, section=section)
    lines = [*_header(reading), f"shown: {shown.ref} of {shown.total_chars} characters{_left_out(document)}"]
    if shown.pages is not None:
        lines[-1] += f"; pages {shown.pages[0]}-{shown.pages[1]} of {len(document.page_starts)}"
    if shown.next_start is not None:
        lines.append(_more(url, "text", section, next_cursor(shown.next_start, *question)))
    body = marked_text(document, shown)
    if shown.start == 0:
        body = f"{_byline(document)}\n{body}"
    return _reply(lines, body, document, shown.ref)


def show_outline(reading: Reading, url: str) -> str:
    """The headings with the references and sizes of their sections."""
    document = reading.document
    items = outline(document, _MAX_OUTLINE)
    lines = [*_header(reading), f"outline of {len(document.text)} characters{_left_out(document)}"]
    if not items:
        return "\n".join([*lines, "no headings; read it with view=text"])
    lines.append(f'next: read_page(url="{url}", section="NUMBER or heading")')
    rows = [
        f"{'  ' * (item.section.level - 1)}{item.number}. {item.section.heading} [{item.ref}, {item.chars} chars]"
        for item in items
    ]
    return _reply(lines, "\n".join([_byline(document), *rows]), document)


def show_links(reading: Reading, url: str, section: str, cursor: str, max_chars: int) -> str:
    """Links with anchor text and context: the content's own first, then the rest of the page."""
    document = reading.document
    links, own = document.links, int(document.metadata.get("content_links", len(document.links)))
    rows = []
    for number, link in enumerate(links, start=1):
        context = f" ({link.context})" if link.context else ""
        place = "" if number <= own else " [outside the content]"
        rows.append(f"{number}. {link.text or '(no text)'} <{link.url}>{place}{context}")
    return _listing(reading, url, "links", section, cursor, max_chars, rows, f"{own} of {len(links)} in the content")


def show_tables(reading: Reading, url: str, section: str, cursor: str, max_chars: int) -> str:
    """Every table of the text, each under its reference."""
    document = reading.document
    rows = [f"[{ref}]\n{text}" for ref, text in _tables(document)]
    return _listing(reading, url, "tables", section, cursor, max_chars, rows, "Markdown, first row as heading")


def show_metadata(reading: Reading) -> str:
    """What the page and the server say of it."""
    document = reading.document
    facts = {
        "title": document.title,
        "authors": "; ".join(document.authors),
        "date": document.date,
        "language": document.language,
        **dict(document.metadata),
        "links": str(len(document.links)),
        "headings": str(sum(1 for section in document.sections if section.level)),
    }
    rows = [f"{name}: {_line(value)}" for name, value in facts.items() if value]
    return _reply([*_header(reading), f"{len(document.text)} characters of text"], "\n".join(rows), document)


def _tables(document: Document) -> Iterator[tuple[EvidenceRef, str]]:
    for match in _TABLE.finditer(document.text):
        text = match[0].rstrip()
        yield EvidenceRef(document.doc_id, match.start(), match.start() + len(text)), text


def _listing(
    reading: Reading, url: str, view: str, section: str, cursor: str, max_chars: int, rows: Sequence[str], what: str
) -> str:
    """As many rows as fit, from the cursor on; at least one."""
    document = reading.document
    if not rows:
        raise NotFound(f"that page has no {view}")
    question = (document.doc_id, view)
    start = read_cursor(cursor, *question)
    end, room = start, max_chars
    while end < len(rows) and (end == start or room >= len(rows[end])):
        room -= len(rows[end]) + 1
        end += 1
    lines = [*_header(reading), f"{view} {start + 1}-{end} of {len(rows)}; {what}"]
    if end < len(rows):
        lines.append(_more(url, view, section, next_cursor(end, *question)))
    return _reply(lines, "\n".join(rows[start:end]), document)


def _header(reading: Reading) -> list[str]:
    document = reading.document
    lines = [f"url: {document.source}"]
    when = iso_time(reading.read_at)
    stored = " (stored copy; fresh=true asks the site again)" if reading.stored else ""
    lines.append(f"ref: {document.doc_id}; type: {document.media_type}; read: {when}{stored}")
    lines += [f"note: {note}" for note in reading.notes]
    return lines


def _left_out(document: Document) -> str:
    """What of the page is not in the text."""
    facts = document.metadata
    parts = []
    if facts.get("kept_share", "100") != "100":
        parts.append(f"{facts['kept_share']}% of the page's visible text is content")
    if facts.get("hidden_chars", "0") != "0":
        parts.append(f"{facts['hidden_chars']} hidden characters removed")
    return "".join(f"; {part}" for part in parts)


def _byline(document: Document) -> str:
    facts = [f"title: {_line(document.title)}"]
    if document.authors:
        facts.append(f"by: {_line('; '.join(document.authors))}")
    if document.date:
        facts.append(f"date: {document.date}")
    return "\n".join(facts)


def _line(text: str) -> str:
    return " ".join(text.split())[:500]


def _more(url: str, view: str, section: str, cursor: str) -> str:
    arguments = [f'url="{url}"']
    if view != "text":
        arguments.append(f'view="{view}"')
    if section:
        arguments.append(f"section={json.dumps(section, ensure_ascii=False)}")
    return f'more: read_page({", ".join(arguments)}, cursor="{cursor}")'


def _reply(lines: list[str], body: str, document: Document, ref: EvidenceRef | None = None) -> str:
    return "\n".join([*lines, untrusted(body, source=document.source, ref=str(ref or document.doc_id))])
