"""I have a presentation (ECMA-376, PresentationML): give me its slides, each a section and a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from carrel.documents.draft import BROKEN, Composer, Draft, Unreadable
from carrel.documents.formats.container import Container, attribute, child, children, local
from carrel.documents.formats.rows import markdown_table

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["read"]

_MAX_SLIDES = 5_000
_MAX_NESTING = 40
_TITLES = ("title", "ctrTitle")
_FURNITURE = ("dt", "ftr", "sldNum", "hdr", "sldImg")  # date, footer, number: the same on every slide


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read a .pptx: titles, text in reading order, tables, notes; raises Unreadable. The hint is not used."""
    container = Container(data)
    main = container.main_part("ppt/presentation.xml")
    if main not in container.names:
        raise Unreadable(BROKEN)
    out = Composer(max_chars)
    slides = _slides(container, main)
    hidden = 0
    for number, part in enumerate(slides[:_MAX_SLIDES], start=1):
        hidden += _write_slide(out, container, part, number)
    facts = {"extractor": "pptx", "slides": str(len(slides)), "hidden_slides": str(hidden) if hidden else ""}
    about = container.core_facts()
    about["title"] = about["title"] or _first_title(out)
    return out.draft(**about, facts=facts)


def _first_title(out: Composer) -> str:
    return next((words for heading in out.headings[:3] if (words := heading.text.partition(": ")[2])), "")


def _slides(container: Container, main: str) -> list[str]:
    """The parts of the slides in the order they are shown."""
    related = container.related(main)
    listed = child(container.xml(main), "sldIdLst")
    targets = (related.get(_relation(item), ("", "", True)) for item in children(listed, "sldId"))
    return [target for _, target, outside in targets if not outside and target in container.names]


def _relation(item: Element) -> str:
    return next((value for key, value in item.attrib.items() if key.endswith("}id")), "")


def _write_slide(out: Composer, container: Container, part: str, number: int) -> bool:
    """Write one slide; returns whether it is hidden in the show."""
    root = container.xml(part)
    related = container.related(part)
    shapes = list(_shapes(child(root, "cSld", "spTree"), 0))
    title = next((shape for shape in shapes if _placeholder(shape) in _TITLES), None)
    words = " ".join(_plain(title).split()) if title is not None else ""
    out.page()
    out.heading(f"Slide {number}: {words}" if words else f"Slide {number}", 1)
    for shape in shapes:
        if shape is not title and _placeholder(shape) not in _FURNITURE:
            _write_shape(out, shape, related)
    notes = next((target for kind, target, _ in related.values() if kind == "notesSlide"), "")
    _write_notes(out, container.optional(notes) if notes else None)
    return attribute(root, "show") in ("0", "false")


def _write_notes(out: Composer, root: Element | None) -> None:
    bodies = (s for s in _shapes(child(root, "cSld", "spTree"), 0) if _placeholder(s) not in (*_FURNITURE, ""))
    text = "\n".join(line for body in bodies for line in _plain(body).split("\n") if line.strip())
    if text.strip():
        out.block(f"Notes: {text}")


def _shapes(tree: Element | None, depth: int) -> Iterator[Element]:
    """Shapes, tables and pictures of a slide in order, those in groups with them."""
    for item in tree if tree is not None and depth < _MAX_NESTING else ():
        name = local(item)
        if name in ("sp", "graphicFrame", "pic", "cxnSp"):
            if not _is_hidden(item):
                yield item
        elif name in ("grpSp", "AlternateContent", "Choice"):
            yield from _shapes(item, depth + 1)


def _about(shape: Element) -> Element | None:
    """The ``cNvPr`` of a shape: its name, description and whether it is hidden."""
    return next((found for part in shape if (found := child(part, "cNvPr")) is not None), None)


def _is_hidden(shape: Element) -> bool:
    about = _about(shape)
    return about is not None and attribute(about, "hidden") in ("1", "true")


def _placeholder(shape: Element) -> str:
    """What kind of placeholder a shape is; ``body`` when the kind is left out, empty for a free shape."""
    found = child(shape, "nvSpPr", "nvPr", "ph")
    return "" if found is None else attribute(found, "type") or "body"


def _write_shape(out: Composer, shape: Element, related: dict[str, tuple[str, str, bool]]) -> None:
    if local(shape) == "pic":
        about = _about(shape)
        words = " ".join(attribute(about, "descr").split()) if about is not None else ""
        if " " in words:  # more than a file's name
            out.block(f"![{words[:300].replace('[', '(').replace(']', ')')}]()")
        return
    table = child(shape, "graphic", "graphicData", "tbl")
    if table is not None:
        for part in markdown_table([[_plain(cell) for cell in children(row, "tc")] for row in children(table, "tr")]):
            out.block(part)
        return
    bullets = _placeholder(shape) in ("body", "obj")
    gap = "\n\n"
    for item in shape.iter():
        if local(item) == "p":
            gap = _write_paragraph(out, item, bullets, gap, related)


def _write_paragraph(
    out: Composer, item: Element, bullets: bool, gap: str, related: dict[str, tuple[str, str, bool]]
) -> str:
    """Write a paragraph; returns the gap before the next one."""
    text = _paragraph(item)
    if not text:
        return gap
    look = child(item, "pPr")
    level = attribute(look, "lvl") if look is not None else ""
    marked = (bullets and child(look, "buNone") is None) or child(look, "buChar") is not None
    pad = "  " * (int(level) if level in tuple("12345678") else 0)
    out.block(f"{pad}- {text}" if marked else text, gap=gap)
    for run in children(item, "r"):
        link = child(run, "rPr", "hlinkClick")
        _, target, outside = related.get(_relation(link) if link is not None else "", ("", "", False))
        if outside and target.lower().startswith(("http://", "https://")):
            out.link(target, "".join(t.text or "" for t in children(run, "t")))
    return "\n" if marked else "\n\n"


def _paragraph(item: Element) -> str:
    parts = []
    for run in item.iter():
        name = local(run)
        if name == "t":
            parts.append(run.text or "")
        elif name in ("br", "tab"):
            parts.append(" ")
    return " ".join("".join(parts).split())


def _plain(shape: Element) -> str:
    """The paragraphs of a shape or cell, one to a line."""
    return "\n".join(filter(None, (_paragraph(item) for item in shape.iter() if local(item) == "p")))
