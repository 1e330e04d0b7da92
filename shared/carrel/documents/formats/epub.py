"""I have an EPUB book (EPUB 3.3, and 2.0.1): give me its chapters in reading order, each a section."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from carrel.documents.draft import BROKEN, ENCRYPTED, Composer, Draft, Unreadable
from carrel.documents.formats.container import Container, attribute, child, children, day, local, text_of
from carrel.documents.html import whole
from carrel.documents.media import decode
from carrel.errors import BadRequest

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["read"]

_MAX_CHAPTERS = 5_000
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_ADOBE_FONTS = "http://ns.adobe.com/pdf/enc#RC"
_IDPF_FONTS = "http://www.idpf.org/2008/embedding"


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read a .epub; raises Unreadable (ENCRYPTED for a book with copy protection). The hint is not used."""
    container = Container(data)
    _refuse_protected(container)
    package = _package(container)
    root = container.xml(package)
    manifest = {attribute(item, "id"): item for item in children(child(root, "manifest"), "item")}
    titles = _titles(container, package, root, manifest)
    out = Composer(max_chars)
    chapters = 0
    spine = dict.fromkeys(attribute(item, "idref") for item in children(child(root, "spine"), "itemref"))
    for name in list(spine)[:_MAX_CHAPTERS]:
        entry = manifest.get(name)
        if (
            entry is None
            or attribute(entry, "media-type") not in _PAGES
            or "nav" in attribute(entry, "properties").split()
        ):
            continue
        name = container.resolved(package, attribute(entry, "href"))
        if name in container.names:
            chapters += _write_chapter(out, container.read(name), titles.get(name, ""))
    return out.draft(**_about(root), facts={"extractor": "epub", "chapters": str(chapters)})


def _is_contents(entry: Element) -> bool:
    return "nav" in attribute(entry, "properties").split()


def _refuse_protected(container: Container) -> None:
    rights = container.optional("META-INF/encryption.xml")
    for item in rights.iter() if rights is not None else ():
        if local(item) == "EncryptionMethod" and attribute(item, "Algorithm") not in (_ADOBE_FONTS, _IDPF_FONTS):
            raise Unreadable(ENCRYPTED)


def _package(container: Container) -> str:
    """The part that lists the book's contents."""
    root = container.optional("META-INF/container.xml")
    for item in root.iter() if root is not None else ():
        if local(item) == "rootfile":
            name = container.resolved("", attribute(item, "full-path"))
            if name in container.names:
                return name
    found = sorted(name for name in container.names if name.lower().endswith(".opf"))
    if not found:
        raise Unreadable(BROKEN)
    return found[0]


def _write_chapter(out: Composer, data: bytes, title: str) -> bool:
    """Write one chapter, under its title in the table of contents when it has no heading of its own."""
    try:
        text, _ = decode(data, html=True)
    except BadRequest:
        return False
    content = whole(text)
    if not content.strip():
        return False
    if title and not re.search(r"^#{1,6} ", content[:2_000], re.M):
        out.heading(title, 1)
    out.markdown(content)
    return True


def _titles(container: Container, package: str, root: Element, manifest: dict[str, Element]) -> dict[str, str]:
    """Titles of chapters by part, from the navigation document, else from the NCX."""
    for entry in manifest.values():
        if _is_contents(entry):
            name = container.resolved(package, attribute(entry, "href"))
            nav = container.optional(name)
            if nav is not None:
                links = ((attribute(a, "href"), text_of(a)) for a in nav.iter() if local(a) == "a")
                return _by_part(container, name, links)
    spine = child(root, "spine")
    listed = manifest.get(attribute(spine, "toc")) if spine is not None else None
    name = container.resolved(package, attribute(listed, "href")) if listed is not None else ""
    ncx = container.optional(name) if name else None
    points = (point for point in (ncx.iter() if ncx is not None else ()) if local(point) == "navPoint")
    return _by_part(container, name, ((_src(point), _label(point)) for point in points))


def _by_part(container: Container, name: str, links: Any) -> dict[str, str]:
    titles: dict[str, str] = {}
    for target, words in links:
        if words:
            titles.setdefault(container.resolved(name, target), words)
    return titles


def _src(point: Element) -> str:
    content = child(point, "content")
    return attribute(content, "src") if content is not None else ""


def _label(point: Element) -> str:
    label = child(point, "navLabel")
    return text_of(label) if label is not None else ""


def _about(root: Element) -> dict[str, Any]:
    told: dict[str, list[str]] = {}
    metadata = child(root, "metadata")
    for item in metadata.iter() if metadata is not None else ():
        told.setdefault(local(item), []).append(text_of(item))
    first = {name: values[0] for name, values in told.items()}
    return {
        "title": first.get("title", ""),
        "authors": tuple(told.get("creator", ())),
        "date": day(first.get("date", "")),
        "language": first.get("language", ""),
    }
