"""The verb of this folder: HTML in, content out. Hostile pages are reduced to plain text, never parsed."""

from __future__ import annotations

import html as html_module
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from carrel.documents.html.content import select
from carrel.documents.html.facts import Facts, facts
from carrel.documents.html.guard import MAX_CHARS, tag_end, too_hostile
from carrel.documents.html.hidden import Hiding
from carrel.documents.html.markdown import Writer, absolute
from carrel.documents.html.shell import is_shell
from carrel.documents.html.source import Source, lighten
from carrel.documents.html.tags import words
from carrel.documents.html.tree import Element, Tree, build, descend, inner_text
from carrel.records import Link

__all__ = ["HtmlContent", "extract", "read", "whole"]

MAX_LINKS = 1_000
HIDDEN_PAGE = 1_000  # characters of hidden text from which it may be the page's own, waiting for scripts
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
    source = lighten(html)
    return _plain(html) if too_hostile(source.html) else _from_tree(source, url)


def whole(html: str) -> str:
    """All that a reader sees of a page, as Markdown: for pages that are content throughout, such as a book's chapters.

    Never raises for what is in the page, as `extract` does not.
    """
    html = html.replace("\x00", "\ufffd")
    source = lighten(html)
    return _plain(html).markdown if too_hostile(source.html) else Writer().write(read(source)[0].body)


# -- the tree way ----------------------------------------------------------------------------------------------------


def read(source: Source) -> tuple[Tree, str]:
    """The tree a reader sees; where nearly all running text is hidden until scripts run, the tree with it, marked."""
    from selectolax.lexbor import LexborHTMLParser

    parser = LexborHTMLParser(source.html)
    tree = build(parser, Hiding.of_page("\n".join(source.styles[:50]), source.html))
    if tree.hidden_chars > HIDDEN_PAGE and tree.hidden_chars > 3 * _running(tree):
        shown = build(parser, Hiding(), show_hidden=True)
        if _running(shown) > max(HIDDEN_PAGE, 3 * _running(tree)):
            return shown, "hidden_shown"
    return tree, ""


def _from_tree(source: Source, url: str) -> HtmlContent:
    tree, note = read(source)
    base = _base(tree, url)
    heading = next((inner_text(block) for block in tree.blocks if block.tag == "h1" and block.children), "")
    about = facts(tree.parser, source.linked_data, url=base, heading=heading)
    select(tree)
    markdown = Writer(base).write(tree.body)
    visible = sum(map(_size, tree.texts))
    kept = sum(_size(text) for text, run in zip(tree.texts, tree.runs, strict=True) if run.kept)
    if not note and is_shell(source, tree, kept, visible):
        note = "empty_shell"
    own, others = _links(tree, base)
    metadata = {
        "extractor": "tree",
        "hidden_chars": str(0 if note == "hidden_shown" else tree.hidden_chars),
        "kept_share": str(min(100, round(100 * kept / max(1, visible)))),
        "content_links": str(min(len(own), MAX_LINKS)),
        **_told(about),
        **({"note": note} if note else {}),
    }
    links = tuple({**others, **own}[target] for target in (own | others))[:MAX_LINKS]
    return HtmlContent(about.title, markdown, links, about.date, about.authors, about.language, metadata)


def _running(tree: Tree) -> int:
    return sum(map(_size, tree.texts)) - sum(tree.link_chars)


def _size(text: str) -> int:
    return len("".join(text.split()))


def _told(about: Facts) -> dict[str, str]:
    pairs = (
        ("canonical", about.canonical),
        ("description", about.description),
        ("site", about.site),
        ("kind", about.kind),
    )
    return {name: value for name, value in pairs if value}


def _base(tree: Tree, url: str) -> str:
    node = tree.parser.css_first("base[href]")
    return (absolute(url, node.attributes.get("href") or "") or url) if node is not None else url


def _links(tree: Tree, base: str) -> tuple[dict[str, Link], dict[str, Link]]:
    """Links by address, the content's and the others, with the text around each where that says more."""
    own: dict[str, Link] = {}
    others: dict[str, Link] = {}
    for element, place in tree.links:
        if len(own) + len(others) >= 2 * MAX_LINKS:
            break
        run = tree.runs[place] if place < len(tree.runs) else None
        found = own if run is not None and run.kept else others
        target = absolute(base, element.get("href"))
        if target and (target not in found or not found[target].text):  # a picture's link says less than a later one
            text = _anchor(element)
            around = tree.texts[place] if place < len(tree.texts) else ""
            found[target] = Link(target, text, _context(around, text))
    return own, others


def _anchor(element: Element) -> str:
    text = inner_text(element) or element.get("aria-label") or element.get("title")
    if not text:
        images = (node for node in descend(element) if isinstance(node, Element) and node.tag == "img")
        text = next((image.get("alt") for image in images), "")
    return " ".join(text.split())[:200]


def _context(around: str, text: str) -> str:
    if len(around) <= len(text) + 2 or not text:
        return ""
    around = " ".join(around[:4_000].split())
    if len(around) <= len(text):
        return ""
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
