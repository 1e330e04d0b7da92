"""I have an SVG drawing: give me the words in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from carrel.documents.draft import NO_TEXT, Composer, Draft, Unreadable
from carrel.documents.formats.container import child, local, parsed, text_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["read"]

_WORDS = frozenset({"title", "desc", "text", "foreignObject"})


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read a .svg: its title, descriptions and labels; raises Unreadable (NO_TEXT for lines alone)."""
    root = parsed(data)
    if local(root) != "svg":
        raise Unreadable(NO_TEXT)
    out = Composer(max_chars)
    for words in dict.fromkeys(_words(root)):
        out.line(words)
    title = child(root, "title")
    return out.draft(title=text_of(title) if title is not None else "", facts={"extractor": "svg"})


def _words(root: Element) -> Iterator[str]:
    """The text of each element that has words for a reader, in order."""
    stack = [root]
    while stack:
        item = stack.pop()
        if local(item) in _WORDS:
            if words := text_of(item):
                yield words
        else:
            stack.extend(reversed(item))
