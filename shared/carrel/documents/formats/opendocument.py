"""I have an OpenDocument text or presentation (ISO/IEC 26300): give me its text, section by section."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from carrel.documents.draft import BROKEN, ENCRYPTED, Composer, Draft, Unreadable, words
from carrel.documents.formats.container import Container, attribute, child, children, day, local, text_of
from carrel.documents.formats.rows import markdown_table

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["read"]

_MAX_NESTING = 40
_NEVER = frozenset(words("tracked-changes annotation annotation-end note ruby-text forms sequence-decls desc title"))
_LISTED = frozenset({"list-item", "list-header"})


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read .odt or .odp; raises Unreadable. The hint is not used."""
    container = Container(data)
    if "content.xml" not in container.names:
        raise Unreadable(BROKEN)
    manifest = container.optional("META-INF/manifest.xml")
    if manifest is not None and any(local(item) == "encryption-data" for item in manifest.iter()):
        raise Unreadable(ENCRYPTED)
    body = child(container.xml("content.xml"), "body")
    slides = child(body, "presentation")
    writer = _Writer(max_chars, container.names)
    if slides is not None:
        count = writer.slides(slides)
        return writer.out.draft(**_about(container), facts={"extractor": "odp", "slides": str(count)})
    text = child(body, "text")
    for block in text if text is not None else ():
        writer.block(block, 0, 0)
    writer.notes()
    return writer.out.draft(**_about(container), facts={"extractor": "odt"})


def _about(container: Container) -> dict[str, Any]:
    meta = child(container.optional("meta.xml"), "meta")
    told = {local(item): text_of(item) for item in (meta if meta is not None else ())}
    author = told.get("initial-creator") or told.get("creator", "")
    return {
        "title": told.get("title", ""),
        "authors": (author,) if author else (),
        "date": day(told.get("date", "")) or day(told.get("creation-date", "")),
        "language": told.get("language", ""),
    }


class _Writer:
    def __init__(self, max_chars: int, names: frozenset[str]) -> None:
        self.out = Composer(max_chars)
        self._notes: list[tuple[str, str]] = []

    def slides(self, presentation: Element) -> int:
        """Write each page of a presentation as a section; returns how many there are."""
        number = 0
        for number, page in enumerate(children(presentation, "page"), start=1):
            frames = [item for item in page if local(item) == "frame"]
            title = next((frame for frame in frames if attribute(frame, "class") == "title"), None)
            said = "".join(_inline(title, self._notes)) if title is not None else ""
            self.out.page()
            self.out.heading(f"Slide {number}: {' '.join(said.split())}" if said.strip() else f"Slide {number}", 1)
            for item in page:
                if item is not title and local(item) != "notes":
                    self.block(item, 0, 0)
            notes = child(page, "notes")
            told = _on_a_line(notes, self._notes) if notes is not None else ""
            if told:
                self.out.block(f"Notes: {told}")
            self.notes()
        return number

    def block(self, block: Element, depth: int, indent: int) -> None:
        """Write one block and what is in it; ``indent`` counts the lists around it."""
        name = local(block)
        if depth > _MAX_NESTING or name in _NEVER:
            return
        if name == "h":
            self.notes()
            level = attribute(block, "outline-level")
            name = _on_a_line(block, self._notes)
            self.out.heading(name, int(level) if level in tuple("123456789") else 1)
        elif name == "p":
            self.out.block(_lines("".join(_inline(block, self._notes))))
        elif name == "list":
            self._list(block, depth, indent)
        elif name == "table":
            self._table(block)
        else:
            for inner in block:
                self.block(inner, depth + 1, indent)

    def notes(self) -> None:
        """Write the footnotes met since the last call."""
        notes, self._notes = self._notes, []
        for label, text in notes:
            self.out.block(f"{label}: {text}")

    def _list(self, block: Element, depth: int, indent: int) -> None:
        gap = "\n\n" if not indent else "\n"
        for item in block:
            if local(item) not in _LISTED:
                continue
            for inner in item:
                if local(inner) == "list":
                    if depth < _MAX_NESTING:
                        self._list(inner, depth + 1, indent + 1)
                    continue
                text = _lines("".join(_inline(inner, self._notes)))
                if text and self.out.block("  " * min(indent, 8) + "- " + text, gap=gap) is not None:
                    gap = "\n"

    def _table(self, table: Element) -> None:
        rows = [
            [_on_a_line(cell, self._notes) for cell in row if local(cell).endswith("table-cell")]
            for row in table.iter()
            if local(row) == "table-row"
        ]
        for part in markdown_table(rows):
            self.out.block(part)


def _on_a_line(element: Element, notes: list[tuple[str, str]]) -> str:
    return " ".join("".join(_inline(element, notes)).split())


def _lines(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _inline(element: Element, notes: list[tuple[str, str]], depth: int = 0) -> Iterator[str]:
    """The text in an element; footnotes go to ``notes`` and leave their label."""
    yield element.text or ""
    for item in element if depth < _MAX_NESTING else ():
        name = local(item)
        if name == "note":
            yield _note(item, notes)
        elif name == "s":
            yield " "
        elif name in ("tab", "line-break"):
            yield "\n" if name == "line-break" else "\t"
        elif name not in _NEVER:
            yield from _inline(item, notes, depth + 1)
            if name in ("p", "h", "list-item"):
                yield " "
        yield item.tail or ""


def _note(note: Element, notes: list[tuple[str, str]]) -> str:
    label = child(note, "note-citation")
    body = child(note, "note-body")
    shown = f"[^{text_of(label)[:10]}]" if label is not None and text_of(label) else "[^*]"
    if body is not None and (text := text_of(body)):
        notes.append((shown, text))
    return shown
