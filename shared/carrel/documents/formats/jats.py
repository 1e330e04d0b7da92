"""I have a journal article in JATS XML (ANSI/NISO Z39.96): give me its text, with its sections and its references.

PMC answers with an article that has no ``<body>`` where the publisher bars it: the draft then says ``body: none``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from carrel.documents.draft import BARRED, BROKEN, NO_TEXT, Composer, Draft, Unreadable
from carrel.documents.formats.container import attribute, child, children, local, parsed

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["read"]

_MAX_DEPTH = 40  # of sections, lists and boxes in each other; real articles have under 10
_MAX_NESTING = 400  # of elements of any kind

_PROSE = frozenset({"p", "verse-line", "attrib", "disp-formula", "term"})
_APART = frozenset({"list", "def-list", "fig", "fig-group", "table-wrap", "boxed-text", "disp-quote", "preformat"})
_SILENT = frozenset({"graphic", "media", "object-id", "label", "title", "permissions", "sec-meta", "alt-text"})
_UNSEEN = frozenset({"graphic", "media", "object-id", "permissions", "alt-text"})
_RAISED = {"msup": "^", "msub": "_", "mfrac": "/"}  # MathML says these by place, not by a sign
_POWER = re.compile(r"[-+\u2212]?\d+")


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read an article; raises Unreadable (BARRED for one of which only the record is given, NO_TEXT for other XML)."""
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
        raise Unreadable(BARRED if body is None else NO_TEXT)
    _write_floats(out, child(article, "floats-group"))
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
        return out.block(_all(item)) is not None
    if name in ("sec", "app", "ack", "boxed-text", "fn-group"):
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
        if local(entry) in ("list-item", "def-item") and out.block(f"- {_all(entry)}", gap=gap) is not None:
            gap = "\n"
    return gap == "\n"


def _write_float(out: Composer, item: Element) -> bool:
    """The caption of a figure or a table, then the rows of the table and the notes below it."""
    words = _all(child(item, "caption"))
    told = out.block(" ".join(filter(None, (_label(item), words)))) is not None
    for row in item.iter():
        if local(row) == "tr":
            cells = [_inline(cell).replace("|", "\\|") for cell in row if local(cell) in ("td", "th")]
            told = out.line("| " + " | ".join(cells) + " |") is not None or told
    for notes in children(item, "table-wrap-foot"):
        told = out.block(_all(notes)) is not None or told
    return told


def _write_floats(out: Composer, floats: Element | None) -> None:
    """What some articles have behind their text: all their figures and tables."""
    if floats is not None:
        out.heading("Figures and tables", 2)
        _write_all(out, floats, 3, 0)


def _write_back(out: Composer, back: Element | None) -> None:
    for item in back if back is not None else ():
        if local(item) in ("ack", "app-group", "fn-group", "ref-list", "sec"):
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
    one_of = [next(iter(part), part) if local(part) == "citation-alternatives" else part for part in entry]
    cited = [_cited(part) for part in one_of if local(part).endswith("citation")]
    return " ".join(filter(None, (_label(entry), "; ".join(filter(None, cited))))) if cited else _all(entry)


def _cited(work: Element) -> str:
    printed = local(work) == "mixed-citation" and (work.text or "").strip()
    return _all(work) if printed else ". ".join(filter(None, map(_field, work)))


def _field(part: Element) -> str:
    if local(part) == "person-group":
        return ", ".join(filter(None, (_person(name) for name in part)))
    kind = attribute(part, "pub-id-type") if local(part) == "pub-id" else ""
    return f"{kind}:{_all(part)}" if kind else _all(part)


def _inline(item: Element | None) -> str:
    """The words of an element on one line, without what stands apart from them."""
    return " ".join("".join(_runs(item, _APART | _SILENT)).split()) if item is not None else ""


def _all(item: Element | None) -> str:
    """All words of an element on one line."""
    return " ".join("".join(_runs(item, _UNSEEN)).split()) if item is not None else ""


def _runs(item: Element, without: frozenset[str]) -> Iterator[str]:
    if local(item) == "tex-math":
        yield _formula("".join(item.itertext()))
        return
    between = _RAISED.get(local(item), "")
    yield item.text or ""
    for place, inner in enumerate(_one_form(item)):
        name = local(inner)
        yield between if place else ""
        if name == "sup" and _POWER.fullmatch(words := _all(inner)) and child(inner, "xref") is None:
            yield "^" + words  # 10<sup>6</sup> is not 106
        elif name not in without:
            yield from _runs(inner, without)
        yield inner.tail or ""


def _one_form(item: Element) -> list[Element]:
    """What is in an element; of a formula given in several forms only one, in TeX if it is."""
    if local(item) != "alternatives":
        return list(item)
    return [inner for inner in item if local(inner) == "tex-math"][:1] or list(item)[:1]


def _formula(tex: str) -> str:
    """A formula without the document that some publishers put around it."""
    return tex.partition(r"\begin{document}")[2].partition(r"\end{document}")[0] or tex


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
        return _all(name)
    if local(name) == "name-alternatives":
        return next(filter(None, map(_person, name)), "")
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
    told = {attribute(item, "pub-id-type"): _all(item) for item in children(meta, "article-id")}
    return {name: told[name] for name in ("doi", "pmid", "pmcid") if told.get(name)}
