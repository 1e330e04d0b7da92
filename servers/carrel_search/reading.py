"""read_document, and documents and passages as resources."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from carrel.documents import marked_text, outline, window
from carrel.index import LazyLibrary, Library
from carrel.mcp import CarrelServer, next_cursor, read_cursor, untrusted
from carrel.records import Document, EvidenceRef, parse_ref
from carrel_search.status import collection_reply

__all__ = ["add_reading", "add_resources"]


def add_reading(server: CarrelServer, shelf: LazyLibrary) -> None:
    """Give the server its reading tool."""

    @server.tool(title="Read a document", text=True, max_chars=48_000)
    def read_document(
        ref: Annotated[str, Field(description="doc_id or doc_id:start-end, from any Carrel server")],
        section: Annotated[str, Field(description="heading or outline number")] = "",
        around: Annotated[bool, Field(description="with context before and after the span")] = False,
        outline: Annotated[bool, Field(description="headings only")] = False,
        max_chars: Annotated[int, Field(ge=200, le=40_000)] = 8_000,
        cursor: str = "",
    ) -> str:
        """Read a stored document, a section or a span by its reference. Long documents: outline first, then a section.
        Numbers above each part make references to cite."""
        target = parse_ref(ref)
        span = shelf().resolve(target)
        if outline:
            return _outline_text(span.document)
        return _window_text(span.document, target, section, around, max_chars, cursor)


def _window_text(
    document: Document, target: EvidenceRef, section: str, around: bool, max_chars: int, cursor: str
) -> str:
    question = (str(target), section, around)
    start = read_cursor(cursor, *question)
    spanned = target.start is not None
    shown = window(
        document,
        start=start,
        max_chars=max_chars,
        section=section,
        around=target if spanned and around and not cursor else None,
        within=target if spanned and not around else None,
    )
    lines = _header(document)
    lines.append(f"shown: {shown.ref} of {shown.total_chars} characters" + _where(shown.pages))
    if shown.next_start is not None:
        following = next_cursor(shown.next_start, *question)
        lines.append(f'more: call again with cursor="{following}" and the same arguments')
    return "\n".join([*lines, untrusted(marked_text(document, shown), source=document.source, ref=str(shown.ref))])


def _header(document: Document) -> list[str]:
    facts = [f"ref: {document.doc_id}", f"type: {document.media_type}"]
    if document.date:
        facts.append(f"date: {document.date}")
    return ["; ".join(facts)]


def _where(pages: tuple[int, int] | None) -> str:
    if pages is None:
        return ""
    return f", p. {pages[0]}" if pages[0] == pages[1] else f", pp. {pages[0]}-{pages[1]}"


def _outline_text(document: Document) -> str:
    items = outline(document)
    if not items:
        return "\n".join([*_header(document), f"no headings; {len(document.text)} characters: read it from the start"])
    rows = [f"{'  ' * (i.section.level - 1)}{i.number}. {i.section.heading} [{i.ref}, {i.chars} chars]" for i in items]
    body = untrusted("\n".join(rows), source=document.source, ref=document.doc_id)
    return "\n".join([*_header(document), f"outline of {len(document.text)} characters", body])


def add_resources(server: CarrelServer, shelf: LazyLibrary) -> None:
    """Give the server its resources."""

    @server.resource("carrel://documents/{doc_id}", mime_type="text/plain")
    def document(doc_id: str) -> str:
        """The whole text of a stored document."""
        return _enveloped(shelf(), parse_ref(doc_id))

    @server.resource("carrel://passages/{doc_id}/{span}", mime_type="text/plain")
    def passage(doc_id: str, span: str) -> str:
        """The text of a span, ``start-end``."""
        return _enveloped(shelf(), parse_ref(f"{doc_id}:{span}"))

    @server.resource("carrel://collections", mime_type="application/json")
    def collections() -> str:
        """Names and sizes of all collections."""
        library = shelf()
        replies = (collection_reply(library, each).model_dump_json() for each in library.collections())
        return "[" + ",".join(replies) + "]"


def _enveloped(library: Library, ref: EvidenceRef) -> str:
    span = library.resolve(ref)
    return untrusted(span.text, source=span.document.source, ref=str(ref))
