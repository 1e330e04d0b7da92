"""I have the text of an HTML page: give me a small tree of what a reader sees.

The parser's tree is walked once, without recursion, into plain Python nodes: scripts and hidden parts stay behind
(counted), and depth is capped, so that everything after may recurse. Text lies in runs: what stands on its own between
two block tags, and what is judged as one. Only this module knows the parser.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from carrel.documents.html.hidden import Hiding
from carrel.documents.html.names import TAG_BITS, flags_of
from carrel.documents.html.tags import BLOCK, BLOCKS, DROP, INLINE, KINDS, SPAN, VOID

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

__all__ = ["Element", "Run", "Tree", "build", "descend", "elements", "inner_text", "raw_text"]

MAX_LEVEL = 120  # deeper elements hang from their ancestor at this level; no honest page loses anything by it
_NOTHING: dict[str, str | None] = {}


class Element:
    """One element. Children of a block are blocks and runs; of an inline element, text and inline elements."""

    __slots__ = ("attributes", "children", "parent", "tag")

    def __init__(self, tag: str, attributes: Mapping[str, str | None], parent: Element | Run | None) -> None:
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.children: list[Element | Run | str] = []

    def get(self, name: str) -> str:
        """An attribute; empty where it has none."""
        return self.attributes.get(name) or ""


class Run:
    """Inline content that stands on its own between two block tags; ``place`` is its row in the columns of `Tree`."""

    __slots__ = ("children", "kept", "parent", "place", "tag")

    def __init__(self, parent: Element) -> None:
        self.tag = ""
        self.children: list[Element | Run | str] = []
        self.parent = parent
        self.place = -1
        self.kept = True


def elements(node: Element | Run) -> Iterator[Element]:
    """The elements next below, those in runs among them."""
    for child in node.children:
        if isinstance(child, Element):
            yield child
        elif isinstance(child, Run):
            yield from (part for part in child.children if isinstance(part, Element))


def descend(top: Element | Run) -> Iterator[Element | Run | str]:
    """Everything below, in document order."""
    stack: list[Element | Run | str] = list(reversed(top.children))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, str):
            stack.extend(reversed(node.children))


def inner_text(top: Element | Run) -> str:
    """All the text, white space squeezed, blocks and runs set apart."""
    parts = (
        node if isinstance(node, str) else " " if node.tag in BLOCKS or node.tag in ("", "br") else ""
        for node in descend(top)
    )
    return " ".join("".join(parts).split())


def raw_text(top: Element | Run) -> str:
    """All the text, white space kept; blocks within (the lines of some code listings) begin on their own line."""
    parts: list[str] = []
    for node in descend(top):
        if isinstance(node, str):
            parts.append(node)
        elif node.tag == "br" or (node.tag in BLOCKS and parts and not parts[-1].endswith("\n")):
            parts.append("\n")
    return "".join(parts)


@dataclass(slots=True)
class Tree:
    """A page as a reader sees it.

    ``runs``, ``texts``, ``link_chars``, ``holders`` (the block each stands in) and ``masks`` (of all it stands in) are
    columns with a row for each run; ``blocks``, ``parents``, ``firsts`` and ``ends`` (its first run, and the run
    after its last) are columns with a row for each block, ``body`` first.
    """

    body: Element
    parser: LexborHTMLParser
    hidden_chars: int = 0
    runs: list[Run] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    link_chars: list[int] = field(default_factory=list)
    holders: list[int] = field(default_factory=list)
    masks: list[int] = field(default_factory=list)
    blocks: list[Element] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    links: list[tuple[Element, int]] = field(default_factory=list)


def build(parser: LexborHTMLParser, hiding: Hiding, *, show_hidden: bool = False) -> Tree:
    """Walk a page that `guard.too_hostile` has let through."""
    body = Element("body", {}, None)
    tree = Tree(body, parser)
    top = parser.body
    _walk(tree, top.first_child if top is not None else None, hiding, show_hidden)
    return tree


def _walk(tree: Tree, node: LexborNode | None, hiding: Hiding, show_hidden: bool) -> None:
    kind_of = KINDS.get
    block, number, mask, level = tree.body, 0, 0, 0
    runs, texts, link_chars, holders, masks = tree.runs, tree.texts, tree.link_chars, tree.holders, tree.masks
    blocks, parents, firsts, ends = tree.blocks, tree.parents, tree.firsts, tree.ends
    blocks.append(block)
    parents.append(0)
    firsts.append(0)
    ends.append(0)
    run: Run | None = None
    inline: Element | Run | None = None  # where text goes
    link: Element | None = None
    pieces: list[str] = []
    linked = hidden = 0
    looks: dict[str, tuple[int, bool]] = {}
    stack: list[tuple[LexborNode | None, int, Element | Run | None, int, int, Element | None]] = []
    while True:
        if node is None:
            if not stack:
                break
            node, kind, was, number_was, mask_was, link_was = stack.pop()
            if kind == BLOCK:
                if run is not None:
                    run.place = len(texts)
                    runs.append(run)
                    texts.append("".join(pieces))
                    link_chars.append(linked)
                    holders.append(number)
                    masks.append(mask)
                    pieces, linked, run, inline = [], 0, None, None
                ends[number] = len(texts)
                block, number, mask, link = was, number_was, mask_was, link_was  # type: ignore[assignment]
                level -= 1
            elif kind == INLINE:
                if run is not None:
                    inline = was if was is not None and run is _run_of(was) else run
                link = link_was
            continue
        tag = node.tag or "_"
        following = node.next
        if tag == "-text":
            text = node.text_content or ""
            if run is None:
                if not text or text.isspace():
                    node = following
                    continue
                run = inline = Run(block)
                block.children.append(run)
                if link is not None and not link.children:  # a link around blocks belongs to the first text in it
                    link = Element("a", link.attributes, run)
                    run.children.append(link)
                    inline = link
                    tree.links.append((link, len(texts)))
            inline.children.append(text)  # type: ignore[union-attr]
            pieces.append(text)
            if link is not None:
                linked += len(text)
            node = following
            continue
        kind = kind_of(tag, SPAN)
        if kind == DROP and not (show_hidden and tag in ("noscript", "template")):
            if tag in ("noscript", "template", "textarea"):
                hidden += _unseen_chars(node)
            node = following
            continue
        if tag[0] in "-_!":
            node = following
            continue
        attributes = node.attributes or _NOTHING
        own = 0
        if attributes:
            names = attributes.get("class")
            if names:
                look = looks.get(names)
                if look is None:
                    look = looks[names] = (flags_of(names), hiding.hides_class(names))
                own, unseen = look
            else:
                unseen = False
            if not show_hidden and (unseen or hiding.hides(tag, attributes)) and not hiding.opens(attributes):
                hidden += _chars(node)
                node = following
                continue
        elif tag == "dialog" and not show_hidden:
            hidden += _chars(node)
            node = following
            continue
        if kind == BLOCK and level < MAX_LEVEL:
            if run is not None:
                run.place = len(texts)
                runs.append(run)
                texts.append("".join(pieces))
                link_chars.append(linked)
                holders.append(number)
                masks.append(mask)
                pieces, linked, run, inline = [], 0, None, None
            element = Element(tag, attributes, block)
            block.children.append(element)
            child = node.first_child
            if child is not None:
                stack.append((following, BLOCK, block, number, mask, link))
                level += 1
                if attributes:
                    if "id" in attributes:
                        own |= flags_of(attributes["id"] or "")
                    if "role" in attributes or "itemprop" in attributes:
                        own |= flags_of(f"{attributes.get('role') or ''} {attributes.get('itemprop') or ''}")
                mask |= own | TAG_BITS.get(tag, 0)
                block = element
                number_of = len(blocks)
                blocks.append(element)
                parents.append(number)
                number = number_of
                firsts.append(len(texts))
                ends.append(len(texts))
                node = child
            else:
                node = following
            continue
        if kind == VOID:
            if tag == "br":
                if run is not None:
                    inline.children.append(Element("br", _NOTHING, inline))  # type: ignore[union-attr]
                    pieces.append("\n")
            elif tag == "hr":
                if run is not None:
                    run.place = len(texts)
                    runs.append(run)
                    texts.append("".join(pieces))
                    link_chars.append(linked)
                    holders.append(number)
                    masks.append(mask)
                    pieces, linked, run, inline = [], 0, None, None
                block.children.append(Element("hr", _NOTHING, block))
            elif attributes.get("alt"):
                if run is None:
                    run = inline = Run(block)
                    block.children.append(run)
                inline.children.append(Element("img", attributes, inline))  # type: ignore[union-attr]
            node = following
            continue
        child = node.first_child
        if kind == INLINE:
            if run is None:
                run = inline = Run(block)
                block.children.append(run)
            element = Element(tag, attributes, inline)
            inline.children.append(element)  # type: ignore[union-attr]
            if child is not None:
                stack.append((following, INLINE, inline, 0, 0, link))
                inline = element
                if tag == "a":
                    link = element
                    tree.links.append((element, len(texts)))
                node = child
                continue
            node = following
            continue
        if child is not None:
            stack.append((following, SPAN, None, 0, 0, None))
            node = child
        else:
            node = following
    if run is not None:
        run.place = len(texts)
        runs.append(run)
        texts.append("".join(pieces))
        link_chars.append(linked)
        holders.append(number)
        masks.append(mask)
    ends[0] = len(texts)
    tree.hidden_chars = hidden


def _run_of(node: Element | Run) -> Run | None:
    while not isinstance(node, Run):
        if node.parent is None:
            return None
        node = node.parent
    return node


def _chars(node: LexborNode) -> int:
    text = node.text() or ""
    return len("".join(text.split()))


def _unseen_chars(node: LexborNode) -> int:
    """Characters in an element whose content is no part of the page; a template's are no child nodes of it."""
    html = node.html or ""
    return max(0, len("".join(html.split())) - sum(len(part) + 2 for part in _tags(html)))


def _tags(html: str) -> Iterator[str]:
    place = 0
    while (start := html.find("<", place)) >= 0:
        stop = html.find(">", start)
        if stop < 0:
            return
        yield "".join(html[start + 1 : stop].split())
        place = stop + 1
