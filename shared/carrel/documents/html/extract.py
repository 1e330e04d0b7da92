"""The verb of this folder: HTML in, content out. Hostile pages are reduced to plain text, never parsed."""

from __future__ import annotations

import html as html_module
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from carrel.documents.html.content import LENIENT, STRICT, WHOLE, select
from carrel.documents.html.facts import Facts, facts
from carrel.documents.html.guard import MAX_CHARS, tag_end, too_hostile
from carrel.documents.html.markdown import Writer, absolute
from carrel.documents.html.shell import is_shell
from carrel.documents.html.tree import Element, Tree, build, words
from carrel.records import Link

__all__ = ["HtmlContent", "extract", "whole"]

MAX_LINKS = 1_000
HIDDEN_PAGE = 1_500  # characters of hidden text from which it may be the page's own, waiting for scripts
LEAST_SHARE = 0.2
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class HtmlContent:
    """The content of a page. ``markdown`` is the text to store; ``links`` are absolute, the content's own first.

    ``metadata``: ``extractor`` (tree, or plain for a page too hostile to parse), ``hidden_chars`` and ``kept_share``
    (of the visible characters, in percent) always; ``canonical``, ``description``, ``site``,
    ``content_links`` (how many of ``links`` stand in the content), ``note`` (``empty_shell``, ``hidden_shown``) where
    they apply.
    """

    title: str
    markdown: str
    links: tuple[Link, ...] = ()
    date: str = ""
    authors: tuple[str, ...] = ()
    language: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


def extract(html: str, *, url: str = "") -> HtmlContent:
    """Find the content of a page and write it as Markdown; ``url`` makes its links absolute.

    Never raises for what is in the page: one past the guard's limits comes back as plain text, its
    ``extractor`` being ``plain``.
    """
    html = html.replace("\x00", "\ufffd")
    return _plain(html) if too_hostile(html) else _from_tree(html, url)


def whole(html: str) -> str:
    """All that a reader sees of a page, as Markdown: for pages that are content throughout, such as a book's chapters.

    Never raises for what is in the page, as `extract` does not.
    """
    html = html.replace("\x00", "\ufffd")
    return _plain(html).markdown if too_hostile(html) else Writer().write(build(html).body)


# -- the tree way ----------------------------------------------------------------------------------------------------


def _from_tree(html: str, url: str) -> HtmlContent:
    tree, note = _seen(html)
    base = _base(tree, url)
    heading = next((e.text() for e in tree.body.descend() if e.tag == "h1" and e.chars), "")
    about = facts(tree.parser, url=base, heading=heading)
    seen, visible, hidden = tree, max(1, tree.body.chars), tree.hidden_chars
    everywhere = _links(tree.body, base)
    root = _chosen(html, tree, shown=note == "hidden_shown")
    markdown = Writer(base).write(root)
    if not note and is_shell(seen, root.chars, visible):
        note = "empty_shell"
    own = _links(root, base)
    metadata = {
        "extractor": "tree",
        "hidden_chars": str(0 if note == "hidden_shown" else hidden),
        "kept_share": str(min(100, round(100 * root.chars / visible))),
        "content_links": str(min(len(own), MAX_LINKS)),
        **_told(about),
        **({"note": note} if note else {}),
    }
    links = tuple({**own, **everywhere}.values())[:MAX_LINKS]
    return HtmlContent(about.title, markdown, links, about.date, about.authors, about.language, metadata)


def _seen(html: str) -> tuple[Tree, str]:
    """The tree a reader sees; where nearly all running text is hidden until scripts run, the tree with it."""
    tree = build(html)
    running = tree.body.running_chars
    if tree.hidden_chars > max(HIDDEN_PAGE, 3 * running):
        shown = build(html, show_hidden=True)
        if shown.body.running_chars > max(HIDDEN_PAGE, 3 * running):
            return shown, "hidden_shown"
    return tree, ""


def _chosen(html: str, tree: Tree, *, shown: bool) -> Element:
    """The content; class names are believed less and less when what they leave is a small part of the running text."""
    enough = LEAST_SHARE * tree.body.running_chars
    for strictness in (STRICT, LENIENT):
        root = select(tree.body, strictness)
        if root.running_chars >= enough:
            return root
        tree = build(html, show_hidden=shown)  # selecting cuts the tree
    return select(tree.body, WHOLE)


def _told(about: Facts) -> dict[str, str]:
    pairs = (("canonical", about.canonical), ("description", about.description), ("site", about.site))
    return {name: value for name, value in pairs if value}


def _base(tree: Tree, url: str) -> str:
    node = tree.parser.css_first("base[href]")
    return (absolute(url, node.attributes.get("href") or "") or url) if node is not None else url


def _links(root: Element, base: str) -> dict[str, Link]:
    """Links by address, first one first, with the text of the block around each where that says more."""
    found: dict[str, Link] = {}
    for element in root.descend():
        if element.tag != "a" or len(found) >= MAX_LINKS:
            continue
        target = absolute(base, element.attributes.get("href", ""))
        if target and target not in found:
            text = _anchor(element)
            found[target] = Link(target, text, _context(element, text))
    return found


def _anchor(element: Element) -> str:
    text = element.text() or element.attributes.get("aria-label", "") or element.attributes.get("title", "")
    if not text:
        text = next((e.attributes.get("alt", "") for e in element.descend() if e.tag == "img"), "")
    return _SPACE.sub(" ", text).strip()[:200]


def _context(element: Element, text: str) -> str:
    holder = element.parent
    while holder is not None and holder.tag in ("span", "b", "strong", "em", "i"):
        holder = holder.parent
    if holder is None or not len(text) < holder.chars < 2_000:
        return ""
    around = holder.text()
    place = max(0, around.find(text) - 80)
    return around[place : place + 200].strip()


# -- the plain way ---------------------------------------------------------------------------------------------------

_OPENING = re.compile(r"<(?:(!--)|(script|style|template)\b|(/?[a-z][^\s/>]*)|[!?/])", re.I)
_BREAKS = words("p div li tr h1 h2 h3 h4 h5 h6 br hr section article table ul ol pre blockquote dt dd option")


def _plain(html: str) -> HtmlContent:
    """Strip tags in one linear pass: no structure, nothing hidden recognised, but never a hang."""
    cut = html[:MAX_CHARS]
    match = re.search(r"<title[^>]{0,200}>([^<]{0,1000})", cut, re.I)
    title = _SPACE.sub(" ", html_module.unescape(match[1])).strip()[:300] if match else ""
    parts: list[str] = []
    place = 0
    lowered = cut.lower()
    while (found := _OPENING.search(cut, place)) is not None:
        parts.append(cut[place : found.start()])
        if found[3] and found[3].lower().lstrip("/") in _BREAKS:
            parts.append("\n")
        place = _after(cut, lowered, found)
    parts.append(cut[place:])
    text = html_module.unescape("".join(parts))
    lines = (_SPACE.sub(" ", line).strip() for line in text.split("\n"))
    metadata = {"extractor": "plain", "hidden_chars": "0", "kept_share": "100"}
    if len(html) > MAX_CHARS:
        metadata["note"] = "too_long"
    return HtmlContent(title, "\n\n".join(line for line in lines if line), metadata=metadata)


def _after(html: str, lowered: str, opening: re.Match[str]) -> int:
    """Where reading goes on after the tag, comment, script, style or template that begins there."""
    if not opening[1] and not opening[2]:
        return tag_end(html, opening.end()) + 1
    closing = "-->" if opening[1] else f"</{opening[2].lower()}"
    stop = lowered.find(closing, opening.end())
    return len(html) if stop < 0 else stop + 3 if opening[1] else stop
