"""Reading somebody else's XML without trusting it: no entities, no document type of its own, no network."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from carrel.errors import Unavailable
from carrel.records import Page
from carrel.scholarly.markup import plain_line

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["line_at", "line_of", "xml_root"]

# A document type may be named, as NCBI does; one that declares anything of its own is refused. Expat fetches none.
_DECLARES = re.compile(r"<!DOCTYPE[^>\[]{0,500}\[|<!(?:ENTITY|ELEMENT|ATTLIST|NOTATION)\b|<!DOCTYPE\s+html", re.I)


def xml_root(page: Page, service: str, roots: Collection[str]) -> Element:
    """The root element of an answer, one of ``roots``. Raises Unavailable for a cut-off answer or any other thing."""
    from xml.etree import ElementTree

    if page.truncated:
        raise Unavailable(f"{service} sent more than can be read or broke off; ask for less or try again later")
    try:
        body = page.body.decode("utf-8")
        if _DECLARES.search(body):
            raise Unavailable(f"{service} sent a web page instead of an answer; try again later")
        root = ElementTree.fromstring(body.lstrip("\ufeff \r\n\t"))
    except (UnicodeDecodeError, ElementTree.ParseError, ValueError):
        raise Unavailable(f"{service} sent something that is not XML, such as a block page; try again later") from None
    if root.tag not in roots:
        raise Unavailable(f"{service} reported an error or answered in an unknown form; try again later")
    return root


def line_of(element: Element | None) -> str:
    """All text inside, on one line, without markup."""
    return "" if element is None else plain_line(" ".join("".join(element.itertext()).split()))


def line_at(element: Element, path: str) -> str:
    """The text of the first element at ``path``, else empty."""
    return line_of(element.find(path))
