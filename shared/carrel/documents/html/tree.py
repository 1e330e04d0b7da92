"""I have the text of an HTML page: give me a small tree of what a reader sees.

The parser's tree is walked once, without recursion, into plain Python nodes: scripts and hidden parts stay behind
(counted), and depth is capped, so that everything after may recurse. Text lies in runs: what stands on its own between
two block tags, and what is judged as one. Only this module knows the parser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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
    tree = Tree(Element("body", {}, None), parser)
    top = parser.body
    _Walk(tree, hiding, show_hidden).over(top.first_child if top is not None else None)
    return tree


_State = tuple[Element, int, int, Element | None]  # block, its number, mask, link
_Below = tuple["LexborNode", Callable[[Any], None] | None, Any]  # where to go on, and how to come back with what


class _Walk:
    """Where in a page the walk is: the ``block`` it is in, with its ``number``, the ``mask`` of all it stands in, the
    ``run`` that is being made, the ``inline`` element of it that text goes to, and the ``link`` around all that."""

    __slots__ = (
        *("block", "hiding", "inline", "level", "link", "linked", "looks"),
        *("mask", "number", "pieces", "run", "show_hidden", "tree"),
    )

    def __init__(self, tree: Tree, hiding: Hiding, show_hidden: bool) -> None:
        self.tree, self.hiding, self.show_hidden = tree, hiding, show_hidden
        self.block = tree.body
        self.number = self.mask = self.level = 0
        self.run: Run | None = None
        self.inline: Element | Run | None = None
        self.link: Element | None = None
        self.pieces: list[str] = []
        self.linked = 0
        self.looks: dict[str, tuple[int, bool]] = {}  # classes -> their mask, and whether the page's styles hide them
        self._enter(tree.body, 0)

    def over(self, node: LexborNode | None) -> None:
        """Walk ``node``, what follows it and all below them."""
        stack: list[tuple[LexborNode | None, Callable[[Any], None] | None, Any]] = []
        while node is not None or stack:
            if node is None:
                node, leave, before = stack.pop()
                if leave is not None:
                    leave(before)
                continue
            following = node.next
            below = self._meet(node)
            if below is None:
                node = following
            else:
                node, leave, before = below
                stack.append((following, leave, before))
        self._end_run()
        self.tree.ends[0] = len(self.tree.texts)

    def _meet(self, node: LexborNode) -> _Below | None:
        """Take a node in; what is below it, or None when that is not to be looked at."""
        tag = node.tag or "_"
        if tag == "-text":
            self._text(node.text_content or "")
            return None
        kind = KINDS.get(tag, SPAN)
        if kind == DROP and not (self.show_hidden and tag in ("noscript", "template")):
            if tag in ("noscript", "template", "textarea"):
                self.tree.hidden_chars += _unseen_chars(node)
            return None
        if tag[0] in "-_!":
            return None
        attributes = node.attributes or _NOTHING
        own, unseen = self._look(attributes)
        if (attributes or tag == "dialog") and not self.show_hidden and self._hides(tag, attributes, unseen):
            self.tree.hidden_chars += _chars(node)
            return None
        if kind == BLOCK and self.level < MAX_LEVEL:
            return self._block(node.first_child, tag, attributes, own)
        if kind == VOID:
            self._void(tag, attributes)
            return None
        child = node.first_child
        if kind == INLINE:
            return self._inline(child, tag, attributes)
        return None if child is None else (child, None, None)

    def _look(self, attributes: Mapping[str, str | None]) -> tuple[int, bool]:
        names = attributes.get("class")
        if not names:
            return 0, False
        look = self.looks.get(names)
        if look is None:
            look = self.looks[names] = (flags_of(names), self.hiding.hides_class(names))
        return look

    def _hides(self, tag: str, attributes: Mapping[str, str | None], unseen: bool) -> bool:
        return (unseen or self.hiding.hides(tag, attributes)) and not self.hiding.opens(attributes)

    def _text(self, text: str) -> None:
        inline = self.inline
        if inline is None:
            if not text or text.isspace():
                return
            inline = run = self._begin_run()
            link = self.link
            if link is not None and not link.children:  # a link around blocks belongs to the first text in it
                self.inline = self.link = inline = link = Element("a", link.attributes, run)
                run.children.append(link)
                self.tree.links.append((link, len(self.tree.texts)))
        inline.children.append(text)
        self.pieces.append(text)
        if self.link is not None:
            self.linked += len(text)

    def _block(
        self, child: LexborNode | None, tag: str, attributes: Mapping[str, str | None], own: int
    ) -> _Below | None:
        self._end_run()
        element = Element(tag, attributes, self.block)
        self.block.children.append(element)
        if child is None:
            return None
        before: _State = (self.block, self.number, self.mask, self.link)
        if "id" in attributes:
            own |= flags_of(attributes["id"] or "")
        if "role" in attributes or "itemprop" in attributes:
            own |= flags_of(f"{attributes.get('role') or ''} {attributes.get('itemprop') or ''}")
        self.mask |= own | TAG_BITS.get(tag, 0)
        self._enter(element, self.number)
        self.level += 1
        return child, self._leave_block, before

    def _enter(self, element: Element, parent: int) -> None:
        tree = self.tree
        self.block, self.number = element, len(tree.blocks)
        tree.blocks.append(element)
        tree.parents.append(parent)
        tree.firsts.append(len(tree.texts))
        tree.ends.append(len(tree.texts))

    def _leave_block(self, before: _State) -> None:
        self._end_run()
        self.tree.ends[self.number] = len(self.tree.texts)
        self.block, self.number, self.mask, self.link = before
        self.level -= 1

    def _inline(self, child: LexborNode | None, tag: str, attributes: Mapping[str, str | None]) -> _Below | None:
        inline = self.inline or self._begin_run()
        element = Element(tag, attributes, inline)
        inline.children.append(element)
        if child is None:
            return None
        before = (inline, self.link)
        self.inline = element
        if tag == "a":
            self.link = element
            self.tree.links.append((element, len(self.tree.texts)))
        return child, self._leave_inline, before

    def _leave_inline(self, before: tuple[Element | Run, Element | None]) -> None:
        outer, self.link = before
        if self.run is not None:
            # a block within has begun another run
            self.inline = outer if self.run is _run_of(outer) else self.run

    def _void(self, tag: str, attributes: Mapping[str, str | None]) -> None:
        if tag == "br":
            if self.inline is not None:
                self.inline.children.append(Element("br", _NOTHING, self.inline))
                self.pieces.append("\n")
        elif tag == "hr":
            self._end_run()
            self.block.children.append(Element("hr", _NOTHING, self.block))
        elif attributes.get("alt"):
            inline = self.inline or self._begin_run()
            inline.children.append(Element("img", attributes, inline))

    def _begin_run(self) -> Run:
        self.run = self.inline = run = Run(self.block)
        self.block.children.append(run)
        return run

    def _end_run(self) -> None:
        if self.run is None:
            return
        tree = self.tree
        self.run.place = len(tree.texts)
        tree.runs.append(self.run)
        tree.texts.append("".join(self.pieces))
        tree.link_chars.append(self.linked)
        tree.holders.append(self.number)
        tree.masks.append(self.mask)
        self.run = self.inline = None
        self.pieces, self.linked = [], 0


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
