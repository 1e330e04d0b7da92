"""I have a journal article in JATS XML (ANSI/NISO Z39.96): give me its text, with its sections and its references.

PMC answers with an article that has no ``<body>`` where the publisher bars it: the draft then says ``body: none``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from carrel.documents.draft import BROKEN, NO_TEXT, Composer, Draft, Unreadable
from carrel.documents.formats.container import attribute, child, children, local, parsed, text_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["read"]

_MAX_DEPTH = 40  # of sections, lists and boxes in each other; real articles have under 10
_MAX_NESTING = 400  # of elements of any kind

_PROSE = frozenset({"p", "verse-line", "attrib", "disp-formula", "term"})
_APART = frozenset({"list", "def-list", "fig", "fig-group", "table-wrap", "boxed-text", "disp-quote", "preformat"})
_SILENT = frozenset({"graphic", "media", "object-id", "label", "title", "permissions", "sec-meta", "alt-text"})
_POWER = re.compile(r"[-+\u2212]?\d+")


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read an article; raises Unreadable (NO_TEXT for one of which only the record is given, or for other XML)."""
    root = parsed(data)
    _check_nesting(root)
    article = root if local(root) == "article" else child(root, "article")
    if article is None:
        raise Unreadable(NO_TEXT)
    meta = child(article, "front", "article-meta")
    title = _inline(child(meta, "title-group", "article-title"))
    out = Composer(max_chars)
    out.heading(title, 1)
    told = _write_abstracts(out, meta)
    body = child(article, "body")
    if body is not None:
        told = _write_all(out, body, 2, 0) or told
    if not told:
        raise Unreadable(NO_TEXT)
    _write_back(out, child(article, "back"))
    facts = {"extractor": "jats", "body": "none" if body is None else "", **_identifiers(meta)}
    return out.draft(
        title=title,
        authors=tuple(_authors(meta)),
        date=_date(meta),
        language=attribute(article, "lang").lower(),
        facts=facts,
    )


def _check_nesting(root: Element) -> None:
    """Refuse what no author wrote: everything after this may walk the tree level by level."""
    level = [root]
    for _ in range(_MAX_NESTING):
        level = [inner for item in level for inner in item]
        if not level:
            return
    raise Unreadable(BROKEN)


def _write_abstracts(out: Composer, meta: Element | None) -> bool:
    told = False
    for abstract in children(meta, "abstract"):
        if attribute(abstract, "abstract-type") in ("", "summary", "executive-summary"):
            out.heading(_inline(child(abstract, "title")) or "Abstract", 2)
            told = _write_all(out, abstract, 3, 0) or told
    return told


def _write_all(out: Composer, parent: Element, level: int, depth: int) -> bool:
    """Write what stands in an element; whether there was anything to read."""
    told = False
    for item in parent:
        told = _write(out, item, level, depth) or told
    return told


def _write(out: Composer, item: Element, level: int, depth: int) -> bool:
    name = local(item)
    if name in _SILENT:
        return False
    if depth >= _MAX_DEPTH:
        return out.block(text_of(item)) is not None
    if name in ("sec", "app", "ack", "boxed-text"):
        out.heading(" ".join(filter(None, (_label(item), _inline(child(item, "title"))))), level)
        return _write_all(out, item, level + 1, depth + 1)
    if name in ("preformat", "code"):
        return out.block("".join(item.itertext())) is not None
    if name in _PROSE:
        return _write_prose(out, item, level, depth)
    if name in ("list", "def-list"):
        return _write_list(out, item)
    if name in ("fig", "table-wrap"):
        return _write_float(out, item)
    if name == "ref-list":
        return _write_references(out, item, level)
    return _write_all(out, item, level, depth + 1)


def _write_prose(out: Composer, item: Element, level: int, depth: int) -> bool:
    """A paragraph; the lists, figures and tables in it follow it."""
    told = out.block(_inline(item)) is not None
    for inner in item:
        if local(inner) in _APART:
            told = _write(out, inner, level, depth + 1) or told
    return told


def _write_list(out: Composer, item: Element) -> bool:
    gap = "\n\n"
    for entry in item:
        if local(entry) in ("list-item", "def-item") and out.block(f"- {text_of(entry)}", gap=gap) is not None:
            gap = "\n"
    return gap == "\n"


def _write_float(out: Composer, item: Element) -> bool:
    """The caption of a figure or a table, then the rows of the table."""
    caption = child(item, "caption")
    words = text_of(caption) if caption is not None else ""
    told = out.block(" ".join(filter(None, (_label(item), words)))) is not None
    for row in item.iter():
        if local(row) == "tr":
            cells = [_inline(cell).replace("|", "\\|") for cell in row if local(cell) in ("td", "th")]
            told = out.line("| " + " | ".join(cells) + " |") is not None or told
    return told


def _write_back(out: Composer, back: Element | None) -> None:
    for item in back if back is not None else ():
        if local(item) in ("ack", "app-group", "ref-list", "sec"):
            _write(out, item, 2, 0)


def _write_references(out: Composer, item: Element, level: int) -> bool:
    out.heading(_inline(child(item, "title")) or "References", level)
    gap = "\n\n"
    for entry in item.iter():
        if local(entry) == "ref" and out.block(f"- {_reference(entry)}", gap=gap) is not None:
            gap = "\n"
    return gap == "\n"


def _reference(entry: Element) -> str:
    """A reference on one line: as printed, or its fields set apart."""
    cited = next((part for part in entry if local(part).endswith("citation")), None)
    if cited is None:
        return text_of(entry)
    printed = local(cited) == "mixed-citation" and (cited.text or "").strip()
    words = text_of(cited) if printed else ". ".join(filter(None, map(_field, cited)))
    return " ".join(filter(None, (_label(entry), words)))


def _field(part: Element) -> str:
    if local(part) == "person-group":
        return ", ".join(filter(None, (_person(name) for name in part)))
    return text_of(part)


def _inline(item: Element | None) -> str:
    """The words of an element on one line, without what stands apart from them."""
    return " ".join("".join(_runs(item)).split()) if item is not None else ""


def _runs(item: Element) -> Iterator[str]:
    yield item.text or ""
    for inner in item:
        name = local(inner)
        if name == "sup" and _POWER.fullmatch(words := text_of(inner)) and child(inner, "xref") is None:
            yield "^" + words  # 10<sup>6</sup> is not 106
        elif name not in _APART and name not in _SILENT:
            yield from _runs(inner)
        yield inner.tail or ""


def _label(item: Element) -> str:
    return _inline(child(item, "label"))


def _authors(meta: Element | None) -> Iterator[str]:
    for group in children(meta, "contrib-group"):
        for person in children(group, "contrib"):
            if attribute(person, "contrib-type") in ("author", ""):
                yield next(filter(None, map(_person, person)), "")


def _person(name: Element) -> str:
    """A name as given name and surname; a group by its own; empty for another element."""
    if local(name) in ("collab", "string-name"):
        return text_of(name)
    if local(name) != "name":
        return ""
    return " ".join(filter(None, (_inline(child(name, "given-names")), _inline(child(name, "surname")))))


def _date(meta: Element | None) -> str:
    """The earliest day of publication that is told."""
    return min(filter(None, map(_day, children(meta, "pub-date"))), default="")


def _day(told: Element) -> str:
    parts = [_inline(child(told, name)) for name in ("year", "month", "day")]
    if not re.fullmatch(r"\d{4}", parts[0]):
        return ""
    known = [parts[0]]
    for part in parts[1:]:
        if not re.fullmatch(r"\d{1,2}", part):
            break
        known.append(part.zfill(2))
    return "-".join(known)


def _identifiers(meta: Element | None) -> dict[str, str]:
    told = {attribute(item, "pub-id-type"): text_of(item) for item in children(meta, "article-id")}
    return {name: told[name] for name in ("doi", "pmid", "pmcid") if told.get(name)}
