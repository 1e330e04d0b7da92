"""I have a Word document (ECMA-376, WordprocessingML): give me its text as a reader sees it.

Headings come from the outline levels of paragraphs and their styles, numbers from the numbering definitions. Deleted
and hidden text, comments, page headers and field codes stay behind; footnotes follow the section that cites them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from carrel.documents.draft import BROKEN, Composer, Draft, Unreadable, words
from carrel.documents.formats.container import Container, attribute, child, children, local
from carrel.documents.formats.docx_styles import Numbering, Styles
from carrel.documents.formats.rows import markdown_table

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["read"]

_WRAPPERS = frozenset({"sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag"})
_INLINE = _WRAPPERS | {"fldSimple", "dir", "bdo", "oMath", "oMathPara"}
_NEVER = frozenset(
    words(
        "del moveFrom delText instrText delInstrText pPr rPr sdtPr tblPr tblGrid trPr Fallback annotationRef rt docPr "
        "sectPr"
    )
)
_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
_MAX_HEADING = 300  # what is longer is a paragraph that somebody set as a heading
_MAX_NESTING = 40  # containers within containers; honest documents have a handful


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read a .docx; raises Unreadable. The hint is not used."""
    container = Container(data)
    main = container.main_part("word/document.xml")
    if main not in container.names:
        raise Unreadable(BROKEN)
    return _Word(container, main, max_chars).read()


class _Word:
    """One document being written."""

    def __init__(self, container: Container, main: str, max_chars: int) -> None:
        self._container, self._main = container, main
        self._related = container.related(main)
        self._styles = Styles(self._part("styles"))
        self._numbering = Numbering(self._part("numbering"))
        self._out = Composer(max_chars)
        self._notes: dict[str, tuple[str, str]] = {}  # label to (kind, id) of the notes cited in this section
        self._noted: dict[str, dict[str, Element]] = {}
        self._boxes: list[Element] = []
        self._in_list = False
        self._title = ""

    def read(self) -> Draft:
        for block in self._container.items(self._main, "body"):
            self._block(block, 0)
        self._write_notes()
        about = self._container.core_facts()
        about["title"] = about["title"] or self._title
        return self._out.draft(**about, facts={"extractor": "docx"})

    def _part(self, kind: str) -> Element | None:
        target = next((t for k, t, outside in self._related.values() if k == kind and not outside), "")
        return self._container.optional(target) if target else None

    # -- blocks ------------------------------------------------------------------------------------------------------

    def _block(self, block: Element, depth: int) -> None:
        name = local(block)
        if depth > _MAX_NESTING:
            return
        if name == "p":
            self._paragraph(block, depth)
        elif name == "tbl":
            self._table(block, depth)
        elif name in _WRAPPERS or name == "AlternateContent":
            for inner in children(block, "Choice") if name == "AlternateContent" else block:
                self._block(inner, depth + 1)
        elif name == "Choice":
            for inner in block:
                self._block(inner, depth + 1)

    def _paragraph(self, paragraph: Element, depth: int) -> None:
        look = child(paragraph, "pPr")
        style = attribute(style_tag, "val") if (style_tag := child(look, "pStyle")) is not None else ""
        text = _squeezed("".join(self._inline(paragraph, 0)))
        label, level = self._numbering.label(*self._styles.numbering(style, look)) if text else ("", 0)
        outline = self._styles.outline(style, look)
        if text and self._styles.is_title(style):
            self._title = self._title or text
        if text and outline and len(text) <= _MAX_HEADING:
            self._write_notes()
            self._out.heading(f"{label} {text}".strip() if label != "-" else text, outline)
        elif text and label:
            self._item(text, label, level)
        elif text:
            self._out.block(text)
        self._in_list = bool(text and label and not outline) or (self._in_list and not text)
        boxes, self._boxes = self._boxes, []
        for box in boxes:
            for inner in box:
                self._block(inner, depth + 1)

    def _item(self, text: str, label: str, level: int) -> None:
        pad = "  " * min(level, 8)
        marker = label if label == "-" or re.fullmatch(r"\d{1,3}[.)]", label) else f"- {label}"
        self._out.block(f"{pad}{marker} " + text.replace("\n", f"\n{pad}  "), gap="\n" if self._in_list else "\n\n")

    def _table(self, table: Element, depth: int) -> None:
        rows = [list(self._row(row)) for row in _rows(table, 0)]
        self._in_list = False
        if max((len(row) for row in rows), default=0) == 1:  # a frame around text
            for cell in (cell for row in _rows(table, 0) for cell in children(row, "tc")):
                for inner in cell:
                    self._block(inner, depth + 1)
            return
        for part in markdown_table(rows):
            self._out.block(part)

    def _row(self, row: Element) -> Iterator[str]:
        for cell in _wrapped(row, "tc", 0):
            look = child(cell, "tcPr")
            merged = child(look, "vMerge")
            continued = merged is not None and attribute(merged, "val") != "restart"
            yield "" if continued else " ".join(self._cell(cell, 0))
            span = child(look, "gridSpan")
            width = attribute(span, "val") if span is not None else ""
            yield from [""] * (min(int(width), 100) - 1 if width.isascii() and width.isdigit() else 0)

    def _cell(self, cell: Element, depth: int) -> Iterator[str]:
        """The paragraphs of a cell, and those of tables in it, each on a line."""
        for inner in cell if depth < _MAX_NESTING else ():
            if local(inner) == "p":
                yield " ".join("".join(self._inline(inner, 0)).split())
            elif local(inner) not in _NEVER:
                yield from self._cell(inner, depth + 1)

    # -- inline ------------------------------------------------------------------------------------------------------

    def _inline(self, element: Element, depth: int) -> Iterator[str]:
        for item in element if depth < _MAX_NESTING else ():
            name = local(item)
            if name == "t":
                yield item.text or ""
            elif name == "r":
                yield from self._run(item, depth)
            elif name in _BREAKS:
                yield _BREAKS[name]
            elif name == "hyperlink":
                yield self._link(item, depth)
            elif name in ("footnoteReference", "endnoteReference"):
                yield self._cited(name[:-9], attribute(item, "id"))
            elif name == "txbxContent":
                self._boxes.append(item)
            elif name == "drawing":
                yield self._alternative(item)
                yield from self._inline(item, depth + 1)
            elif name == "AlternateContent":
                for choice in children(item, "Choice"):
                    yield from self._inline(choice, depth + 1)
            elif name not in _NEVER:
                yield from self._inline(item, depth + 1)

    def _run(self, run: Element, depth: int) -> Iterator[str]:
        if _is_hidden(child(run, "rPr")):
            boxes, notes = len(self._boxes), dict(self._notes)
            self._out.hidden += sum(len(part) for part in self._inline(run, depth + 1))
            self._notes = notes
            del self._boxes[boxes:]
            return
        yield from self._inline(run, depth + 1)

    def _link(self, link: Element, depth: int) -> str:
        text = "".join(self._inline(link, depth + 1))
        _, target, outside = self._related.get(attribute(link, "id"), ("", "", False))
        label = text.strip()
        if not outside or not label or not target.lower().startswith(("http://", "https://", "mailto:")):
            return text
        self._out.link(target, label)
        if label == target or "](" in label or "\n" in label or re.search(r"[\s<>()]", target):
            return text
        return text.replace(label, f"[{label}]({target})", 1)

    def _alternative(self, drawing: Element) -> str:
        """What a picture is said to show, when somebody wrote a sentence about it."""
        for item in drawing.iter():
            if local(item) == "docPr":
                said = " ".join(attribute(item, "descr").split())
                return f"![{said[:300].replace('[', '(').replace(']', ')')}]()" if " " in said else ""
        return ""

    # -- notes -------------------------------------------------------------------------------------------------------

    def _cited(self, kind: str, number: str) -> str:
        if not number.isascii() or not number.isalnum() or len(number) > 8:
            return ""
        label = f"[^{'e' if kind == 'endnote' else ''}{number}]"
        self._notes[label] = (kind, number)
        return label

    def _write_notes(self) -> None:
        notes, self._notes = self._notes, {}
        for label, (kind, number) in notes.items():
            if kind not in self._noted:
                root = self._part(kind + "s")
                self._noted[kind] = {attribute(note, "id"): note for note in children(root, kind)}
            note = self._noted[kind].get(number)
            text = " ".join(" ".join(self._cell(note, 0)).split()) if note is not None else ""
            if text:
                self._out.block(f"{label}: {text}")


def _rows(table: Element, depth: int) -> Iterator[Element]:
    return _wrapped(table, "tr", depth)


def _wrapped(element: Element, name: str, depth: int) -> Iterator[Element]:
    """Children of that name, those in content controls and insertions with them; deleted ones stay behind."""
    for item in element if depth < _MAX_NESTING else ():
        if local(item) == name:
            if child(item, "trPr", "del") is None:
                yield item
        elif local(item) in _WRAPPERS:
            yield from _wrapped(item, name, depth + 1)


def _is_hidden(look: Element | None) -> bool:
    """Whether a run is marked hidden, or set in letters of a point or less."""
    vanish = child(look, "vanish")
    if vanish is not None and attribute(vanish, "val") not in ("0", "false", "off"):
        return True
    size = child(look, "sz")
    return size is not None and attribute(size, "val") in ("0", "1", "2")


def _squeezed(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
