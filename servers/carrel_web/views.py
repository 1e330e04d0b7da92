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
from carrel.models import Encoder
from carrel.records import Document, EvidenceRef
from carrel.retrieve import rank_links
from carrel_web.pages import Reading, iso_time

__all__ = [
    "byline", "header", "more", "reply", "show_links", "show_metadata", "show_outline", "show_tables", "show_text",
]  # fmt: skip

_TABLE = re.compile(r"(?:^[ \t>]*\|.*\|[ \t]*$\n?){2,}", re.M)
_MAX_OUTLINE = 150


def show_text(reading: Reading, url: str, section: str, cursor: str, max_chars: int) -> str:
    """A window of the text with the references of its parts."""
    document = reading.document
    question = (document.doc_id, section)
    shown = window(document, start=read_cursor(cursor, *question), max_chars=max_chars, section=section)
    lines = [*header(reading), f"shown: {shown.ref} of {shown.total_chars} characters{_left_out(document)}"]
    if shown.pages is not None:
        lines[-1] += f"; pages {shown.pages[0]}-{shown.pages[1]} of {len(document.page_starts)}"
    if shown.next_start is not None:
        lines.append(more(url, "text", section, next_cursor(shown.next_start, *question)))
    body = marked_text(document, shown)
    if shown.start == 0:
        body = f"{byline(document)}\n{body}"
    return reply(lines, body, document, shown.ref)


def show_outline(reading: Reading, url: str) -> str:
    """The headings with the references and sizes of their sections."""
    document = reading.document
    items = outline(document, _MAX_OUTLINE)
    lines = [*header(reading), f"outline of {len(document.text)} characters{_left_out(document)}"]
    if not items:
        return "\n".join([*lines, "no headings; read it with view=text"])
    lines.append(f'next: read_page(url="{url}", section="NUMBER or heading")')
    rows = [
        f"{'  ' * (item.section.level - 1)}{item.number}. {item.section.heading} [{item.ref}, {item.chars} chars]"
        for item in items
    ]
    return reply(lines, "\n".join([byline(document), *rows]), document)


def show_links(
    reading: Reading,
    url: str,
    section: str,
    cursor: str,
    max_chars: int,
    goal: str = "",
    encoder: Encoder | None = None,
) -> str:
    """Links with anchor text and context: the content's own first, then the rest of the page; with a goal, those that
    share a word with it, best first."""
    document = reading.document
    own = int(document.metadata.get("content_links", len(document.links)))
    links, what = document.links, f"{own} of {len(document.links)} in the content"
    inside = {link.url for link in links[:own]}
    if goal and links:
        links = rank_links(links, goal, encoder=encoder)
        what = f"of {len(document.links)} these share a word with the goal, best first"
        if not links:
            raise NotFound("no link of that page shares a word with the goal; leave goal out to see all of them")
    rows = []
    for number, link in enumerate(links, start=1):
        context = f" ({link.context})" if link.context else ""
        place = "" if link.url in inside else " [outside the content]"
        rows.append(f"{number}. {link.text or '(no text)'} <{link.url}>{place}{context}")
    return _listing(reading, url, "links", section, cursor, max_chars, rows, what, goal)


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
    return reply([*header(reading), f"{len(document.text)} characters of text"], "\n".join(rows), document)


def _tables(document: Document) -> Iterator[tuple[EvidenceRef, str]]:
    for match in _TABLE.finditer(document.text):
        text = match[0].rstrip()
        yield EvidenceRef(document.doc_id, match.start(), match.start() + len(text)), text


def _listing(
    reading: Reading,
    url: str,
    view: str,
    section: str,
    cursor: str,
    max_chars: int,
    rows: Sequence[str],
    what: str,
    goal: str = "",
) -> str:
    """As many rows as fit, from the cursor on; at least one."""
    document = reading.document
    if not rows:
        raise NotFound(f"that page has no {view}")
    question = (document.doc_id, view, goal)
    start = read_cursor(cursor, *question)
    end, room = start, max_chars
    while end < len(rows) and (end == start or room >= len(rows[end])):
        room -= len(rows[end]) + 1
        end += 1
    lines = [*header(reading), f"{view} {start + 1}-{end} of {len(rows)}; {what}"]
    if end < len(rows):
        lines.append(more(url, view, section, next_cursor(end, *question), goal))
    return reply(lines, "\n".join(rows[start:end]), document)


def header(reading: Reading) -> list[str]:
    """What is said of a page above its envelope: address, reference, age, notes."""
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


def byline(document: Document) -> str:
    """Title, authors and date, as the page gives them."""
    facts = [f"title: {_line(document.title)}"]
    if document.authors:
        facts.append(f"by: {_line('; '.join(document.authors))}")
    if document.date:
        facts.append(f"date: {document.date}")
    return "\n".join(facts)


def _line(text: str) -> str:
    return " ".join(text.split())[:500]


def more(url: str, view: str, section: str, cursor: str, goal: str = "") -> str:
    """The call that shows what comes next."""
    arguments = [f'url="{url}"']
    if view != "text":
        arguments.append(f'view="{view}"')
    if section:
        arguments.append(f"section={json.dumps(section, ensure_ascii=False)}")
    if goal:
        arguments.append(f"goal={json.dumps(goal, ensure_ascii=False)}")
    return f'more: read_page({", ".join(arguments)}, cursor="{cursor}")'


def reply(lines: list[str], body: str, document: Document, ref: EvidenceRef | None = None) -> str:
    """Our lines, then what came from the page in its envelope."""
    return "\n".join([*lines, untrusted(body, source=document.source, ref=str(ref or document.doc_id))])
