"""I have an Office, OpenDocument or EPUB file: give me its parts, decompressed only so far, and their XML.

XML is read by expat, which fetches nothing; a part that declares entities is refused, so that none can multiply.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from carrel.documents.draft import BROKEN, ENCRYPTED, TOO_BIG, Unreadable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["Container", "attribute", "child", "children", "local", "parsed", "text_of"]

MAX_TOTAL = 512 * 1024 * 1024
"""Most bytes that are decompressed of one container; the largest honest part met has a tenth of it."""

MAX_PART = 128 * 1024 * 1024
MAX_PARTS = 20_000
_CHUNK = 1 << 16
# What libraries that write Office files put into them when their user says nothing.
_TEMPLATE = frozenset(
    (
        "python-docx",
        "openpyxl",
        "Steve Canny",
        "Apache POI",
        "PowerPoint Presentation",
        "Unknown",
        "2013-12-23T23:15:00Z",
        "2013-01-27T09:14:16Z",
        "2013-01-27T09:15:58Z",
    )
)
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError, KeyError, RuntimeError)


class Container:
    """A zip of parts. Names are as in the zip; nothing is ever written to disk."""

    def __init__(self, data: bytes) -> None:
        if data.count(b"PK\x01\x02") > MAX_PARTS:  # each is an entry of the directory, or by chance a few bytes
            raise Unreadable(TOO_BIG)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _DAMAGED as error:
            raise Unreadable(BROKEN) from error
        self._left = MAX_TOTAL
        self.names = frozenset(self._zip.namelist())

    def read(self, name: str) -> bytes:
        """A part as bytes. Raises Unreadable (BROKEN for one that is missing or damaged, ENCRYPTED, TOO_BIG)."""
        chunks, size = [], 0
        for chunk in self.stream(name):
            size += len(chunk)
            if size > MAX_PART:
                raise Unreadable(TOO_BIG)
            chunks.append(chunk)
        return b"".join(chunks)

    def stream(self, name: str) -> Iterator[bytes]:
        """A part in chunks; raises what `read` raises."""
        try:
            info = self._zip.getinfo(name)
            if info.flag_bits & 1:
                raise Unreadable(ENCRYPTED)
            with self._zip.open(info) as part:
                while chunk := part.read(_CHUNK):
                    self._left -= len(chunk)
                    if self._left < 0:
                        raise Unreadable(TOO_BIG)
                    yield chunk
        except _DAMAGED as error:
            raise Unreadable(BROKEN) from error

    def xml(self, name: str) -> Element:
        """The root of an XML part; raises what `read` raises."""
        return parsed(self.read(name))

    def optional(self, name: str) -> Element | None:
        """The root of an XML part that need not be there, or is damaged: its document is read without it."""
        if name not in self.names:
            return None
        try:
            return self.xml(name)
        except Unreadable as error:
            if error.problem != BROKEN:
                raise
            return None

    def items(self, name: str, holder: str) -> Iterator[Element]:
        """Each child of the first element called ``holder`` of an XML part, one at a time, however many there are."""
        from xml.etree.ElementTree import ParseError, XMLPullParser

        parser: XMLPullParser[Any] = XMLPullParser(("start", "end"))
        state = _Items(holder)
        tail = b""
        try:
            for chunk in self.stream(name):
                _refuse_entities(tail + chunk)
                tail = chunk[-16:]
                parser.feed(chunk)
                yield from state.ready(parser.read_events())
            parser.close()
            yield from state.ready(parser.read_events())
        except ParseError as error:
            raise Unreadable(BROKEN) from error

    def related(self, part: str) -> dict[str, tuple[str, str, bool]]:
        """Relationships of an Office part: id to (last word of the type, target, whether it lies outside)."""
        folder, name = posixpath.split(part)
        root = self.optional(posixpath.join(folder, "_rels", f"{name}.rels"))
        found: dict[str, tuple[str, str, bool]] = {}
        for item in root if root is not None else ():
            target = attribute(item, "Target")
            outside = attribute(item, "TargetMode") == "External"
            kind = attribute(item, "Type").rpartition("/")[2]
            found[attribute(item, "Id")] = (kind, target if outside else self.resolved(part, target), outside)
        return found

    @staticmethod
    def resolved(part: str, target: str) -> str:
        """The name of the part that a reference within ``part`` names; one that leads out of the zip names none."""
        path = unquote(target.partition("#")[0])
        joined = path.lstrip("/") if path.startswith("/") else posixpath.join(posixpath.dirname(part), path)
        return posixpath.normpath(joined)

    def main_part(self, usual: str) -> str:
        """The part an Office file names as its document, else the usual one."""
        for kind, target, outside in self.related("").values():
            if kind == "officeDocument" and not outside and target in self.names:
                return target
        return usual

    def core_facts(self) -> dict[str, Any]:
        """Title, authors, date (of the last change, else of creation) and language as an Office file says them."""
        parts = [target for kind, target, outside in self.related("").values() if kind == "core-properties"]
        root = self.optional(parts[0] if parts else "docProps/core.xml")
        told = {local(item): " ".join((item.text or "").split()) for item in (root if root is not None else ())}
        authors = re.split(r";|,(?! *(?:Jr|Sr)\b)", told.get("creator", ""))
        dates = [told.get(name, "") for name in ("modified", "created")]
        return {
            "title": told.get("title", "") if told.get("title") not in _TEMPLATE else "",
            "authors": tuple(name.strip() for name in authors if name.strip() and name.strip() not in _TEMPLATE),
            "date": next((day(date) for date in dates if day(date) and date not in _TEMPLATE), ""),
            "language": told.get("language", ""),
        }


class _Items:
    """Follows the events of a pull parser and hands out the finished children of one element, emptying it."""

    def __init__(self, holder: str) -> None:
        self._holder = holder
        self._open: Element | None = None
        self._depth = self._inside = 0

    def ready(self, events: Iterator[Any]) -> Iterator[Element]:
        for event, element in events:
            if event == "start":
                self._depth += 1
                if self._open is None and local(element) == self._holder:
                    self._open, self._inside = element, self._depth + 1
                continue
            if self._open is not None and self._depth == self._inside:
                yield element
                self._open.clear()
            elif element is self._open:
                self._inside = -1
            self._depth -= 1


def parsed(data: bytes) -> Element:
    """The root of an XML document. Raises Unreadable (BROKEN) for one that is damaged or declares entities."""
    from xml.etree.ElementTree import ParseError, fromstring

    _refuse_entities(data)
    try:
        return fromstring(data)
    except (ParseError, ValueError, LookupError) as error:
        raise Unreadable(BROKEN) from error


def _refuse_entities(data: bytes) -> None:
    if b"<!ENTITY" in data or (b"\0" in data and b"<!ENTITY" in data.replace(b"\0", b"")):
        raise Unreadable(BROKEN)


def local(element: Element) -> str:
    """The name of an element without its namespace (transitional and strict Office files differ only there)."""
    return element.tag.rpartition("}")[2]


def attribute(element: Element, name: str) -> str:
    """The value of an attribute whatever its namespace; empty when it is not there."""
    value = element.attrib.get(name)
    if value is not None:
        return value
    ending = "}" + name
    return next((value for key, value in element.attrib.items() if key.endswith(ending)), "")


def children(element: Element | None, name: str) -> Iterator[Element]:
    """Child elements of that name."""
    if element is not None:
        for item in element:
            if local(item) == name:
                yield item


def child(element: Element | None, *path: str) -> Element | None:
    """The first child element down a path of names; None where there is none."""
    for name in path:
        element = next(children(element, name), None)
    return element


def text_of(element: Element) -> str:
    """All text in an element, white space squeezed."""
    return " ".join("".join(element.itertext()).split())


def day(told: str) -> str:
    """``2024-01-31T12:00:00Z`` as ``2024-01-31``; empty for what is no date."""
    match = re.match(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", told.strip())
    if not match or not "1500" <= match[1] <= "2100":
        return ""
    return "-".join(part for part in match.groups() if part)
