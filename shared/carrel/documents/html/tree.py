"""I have the text of an HTML page: give me a small tree of what a reader sees.

The parser's tree is walked once, without recursion, into plain Python nodes: scripts and hidden parts stay behind
(counted), and depth is capped, so that everything after may recurse. Only this module knows the parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from carrel.documents.html.hidden import Hiding

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

__all__ = ["BLOCKS", "Element", "Tree", "build", "measure", "words"]


def words(text: str) -> frozenset[str]:
    """A set of the words in a literal."""
    return frozenset(text.split())


MAX_LEVEL = 120  # deeper elements hang from their ancestor at this level; no honest page loses anything by it
BLOCKS = words(
    "address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer "
    "form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol optgroup option p pre search section "
    "summary table tbody td tfoot th thead tr ul"
)
_DROPPED = words(
    "script style noscript template svg canvas iframe object embed audio video map head link meta select datalist "
    "textarea input progress meter frameset noframes applet param source track base title"
)
_KEPT_ATTRIBUTES = words(
    "id class href src alt role colspan rowspan start value lang title itemprop rel aria-label data-src data-lang "
    "data-language align alttext datetime type open name"
)
_SPACE = re.compile(r"\s+")


@dataclass(slots=True, eq=False)
class Element:
    """One element. ``chars`` and ``link_chars`` count the visible text in it, white space squeezed out."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list)
    chars: int = 0
    link_chars: int = 0
    has_block: bool = False

    @property
    def running_chars(self) -> int:
        """Visible text outside links."""
        return self.chars - self.link_chars

    def elements(self) -> Iterator[Element]:
        """Its child elements."""
        for child in self.children:
            if not isinstance(child, str):
                yield child

    def descend(self) -> Iterator[Element]:
        """It and everything below, in document order."""
        stack = [self]
        while stack:
            element = stack.pop()
            yield element
            stack.extend(child for child in reversed(element.children) if not isinstance(child, str))

    def text(self) -> str:
        """All its text, white space squeezed."""
        return _SPACE.sub(" ", "".join(self._strings())).strip()

    def raw_text(self) -> str:
        """All its text, white space kept; blocks within (the lines of some code listings) begin on their own line."""
        parts: list[str] = []
        stack: list[Element | str] = list(reversed(self.children))
        while stack:
            node = stack.pop()
            if isinstance(node, str):
                parts.append(node)
                continue
            if node.tag == "br" or (node.tag in BLOCKS and parts and not parts[-1].endswith("\n")):
                parts.append("\n")
            stack.extend(reversed(node.children))
        return "".join(parts)

    def _strings(self) -> Iterator[str]:
        stack: list[Element | str] = [self]
        while stack:
            node = stack.pop()
            if isinstance(node, str):
                yield node
            elif node.tag == "br":
                yield " "
            else:
                if node.tag in BLOCKS:
                    yield " "
                    stack.append(" ")
                stack.extend(reversed(node.children))


@dataclass(frozen=True, slots=True)
class Tree:
    """``body`` as a reader sees it, what was hidden (code points), and the parser for the head."""

    body: Element
    hidden_chars: int
    script_chars: int
    parser: LexborHTMLParser


def build(html: str, *, show_hidden: bool = False) -> Tree:
    """Parse a page that `guard.too_hostile` has let through."""
    from selectolax.lexbor import LexborHTMLParser

    parser = LexborHTMLParser(html)
    hiding = Hiding.from_styles("\n".join(node.text() for node in parser.css("style")[:50]))
    body = Element("body", {})
    hidden = scripts = 0
    top = parser.body
    stack: list[tuple[LexborNode, Element, int]] = []
    if top is not None and top.first_child is not None:
        stack.append((top.first_child, body, 1))
    while stack:
        node, parent, level = stack.pop()
        following = node.next
        if following is not None:
            stack.append((following, parent, level))
        tag = node.tag or ""
        if tag == "-text":
            parent.children.append(node.text_content or "")
            continue
        if (tag in _DROPPED and not (show_hidden and tag == "noscript")) or tag.startswith(("-", "_", "!")):
            scripts += len(node.text() or "") if tag == "script" else 0
            hidden += _unseen_chars(node) if tag in ("template", "noscript", "textarea") else 0
            continue
        attributes = node.attributes
        if not show_hidden and (attributes or tag == "dialog") and hiding.hides(tag, attributes):
            hidden += len(_SPACE.sub("", node.text() or ""))
            continue
        element = Element(tag, _kept(attributes) if attributes else {}, parent)
        parent.children.append(element)
        child = node.first_child
        if child is not None:
            stack.append((child, element if level < MAX_LEVEL else parent, level + 1))
    measure(body)
    return Tree(body, hidden, scripts, parser)


def _unseen_chars(node: LexborNode) -> int:
    """Characters in an element whose content is no part of the page; a template's are no child nodes of it."""
    return len(_SPACE.sub("", re.sub(r"<[^<>]*>", "", node.html or "")))


def _kept(attributes: dict[str, str | None]) -> dict[str, str]:
    return {name: attributes[name] or "" for name in _KEPT_ATTRIBUTES if name in attributes}


def measure(top: Element) -> None:
    """Fill in ``chars``, ``link_chars`` and ``has_block`` from the leaves up."""
    for element in reversed(list(top.descend())):
        own = sum(len("".join(child.split())) for child in element.children if isinstance(child, str))
        chars, links, block = own, 0, False
        for child in element.elements():
            chars += child.chars
            links += child.link_chars
            block = block or child.has_block or child.tag in BLOCKS
        element.chars = chars
        element.link_chars = chars if element.tag == "a" else links
        element.has_block = block
