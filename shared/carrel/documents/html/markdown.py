"""I have the chosen part of a page: write it as Markdown.

Blocks are joined by blank lines. Text is not escaped within a line, so that a quotation stays verbatim; only what would
turn a line into another kind of block is (CommonMark 0.31 section 2.4).
"""

from __future__ import annotations

import re
from urllib.parse import urljoin

from carrel.documents.html.tags import BLOCKS
from carrel.documents.html.tree import Element, Run, descend, elements, inner_text, raw_text

__all__ = ["Writer"]

MAX_ALT = 200
MAX_TARGET = 1_000
MAX_COLUMNS = 100
MAX_NESTING = 12
MAX_FENCE = 50
_SPACE = re.compile(r"[ \t\r\n\f\v]+")
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_STRONG = frozenset({"strong", "b"})
_EMPHASIS = frozenset({"em", "i"})
_CODE = frozenset({"code", "kbd", "samp", "tt"})
_LINE_START = re.compile(r"(?:#{1,6}(?=\s)|>|[-+*](?=\s)|(?:`{3}|~{3})|=+\s*$|-+\s*$|<(?=[a-zA-Z/!?]))")
_NUMBERED = re.compile(r"(\d{1,9})([.)])(?=\s)")
_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language|lang|highlight-source|highlight|brush:|sourceCode|src)[- ]([A-Za-z0-9+#.-]{1,20})"
)
_NUMBER = re.compile(r"[-+−–]?\d[\d.,]*")
_MARK = re.compile(r"\d{1,3}|[a-z*†‡§]")
_PLACED = frozenset({"table", "pre", "h1", "h2", "h3", "form", "article", "section"})
_NO_LANGUAGE = frozenset({"default", "plaintext", "none", "text", "notranslate"})


class Writer:
    """Writes elements as Markdown blocks; ``base`` makes links absolute."""

    def __init__(self, base: str = "") -> None:
        self._base = base
        self._nesting = 0

    def write(self, root: Element) -> str:
        blocks = self.blocks(root)
        while blocks and blocks[0] == "---":
            blocks.pop(0)  # would read as front matter
        while blocks and blocks[-1] == "---":
            blocks.pop()
        return "\n\n".join(blocks)

    def blocks(self, element: Element) -> list[str]:
        """The blocks of an element's children; each kept run of inline content becomes a paragraph."""
        found: list[str] = []
        for child in element.children:
            if isinstance(child, Run):
                text = _paragraph(self.inline(child.children)) if child.kept else ""
                if text:
                    found.append(text)
            elif isinstance(child, Element):
                found.extend(self._block(child))
        return found

    def _block(self, element: Element) -> list[str]:
        tag = element.tag
        if tag in _HEADINGS:
            text = self._line(element)
            return [f"{'#' * _HEADINGS[tag]} {text}"] if text else []
        if tag in ("ul", "ol", "menu", "blockquote"):
            return self._nested(element)
        if tag == "pre":
            return _code_block(element) if _kept(element) else []
        if tag == "table":
            return self._table(element) if _kept(element) else []
        if tag == "hr":
            return ["---"]
        if tag in ("dt", "summary", "legend"):
            text = self._line(element)
            return [f"**{text.replace('**', '')}**"] if text else []
        if tag == "li":
            blocks = self.blocks(element)
            return [_indented("- ", blocks)] if blocks else []
        return self.blocks(element)

    def _nested(self, element: Element) -> list[str]:
        """Lists and quotations, which indent what is in them, down to a depth no reader follows anyway."""
        if self._nesting >= MAX_NESTING:
            return self.blocks(element)
        self._nesting += 1
        try:
            return self._list(element) if element.tag != "blockquote" else self._quotation(element)
        finally:
            self._nesting -= 1

    def _quotation(self, element: Element) -> list[str]:
        inner = "\n\n".join(self.blocks(element))
        return ["\n".join(f"> {line}".rstrip() for line in inner.split("\n"))] if inner else []

    # -- lists -------------------------------------------------------------------------------------------------------

    def _list(self, element: Element) -> list[str]:
        start = element.get("start")
        number = int(start) if start.isascii() and start.isdigit() and len(start) < 9 else 1
        items: list[str] = []
        loose = False
        for child in element.children:
            if isinstance(child, Run):
                text = _paragraph(self.inline(child.children)) if child.kept else ""
                blocks = [text] if text else []
            elif isinstance(child, Element):
                blocks = self.blocks(child) if child.tag == "li" else self._block(child)
            else:
                continue
            if not blocks:
                continue
            marker = f"{number}. " if element.tag == "ol" else "- "
            number += 1
            loose = loose or sum(not _is_list(block) for block in blocks) > 1
            items.append(_indented(marker, blocks))
        return [("\n\n" if loose else "\n").join(items)] if items else []

    # -- tables ------------------------------------------------------------------------------------------------------

    def _table(self, element: Element) -> list[str]:
        rows = _rows(element)
        if _is_layout(element, rows):
            return self._cells_as_blocks(element)
        caption = [self._line(child) for child in elements(element) if child.tag == "caption"]
        grid = [self._row(row) for row in rows]
        grid = [row for row in grid if any(row)]
        if not grid:
            return [text for text in caption if text]
        width = max(len(row) for row in grid)
        lines = ["| " + " | ".join(row + [""] * (width - len(row))) + " |" for row in grid]
        lines.insert(1, "|" + " --- |" * width)
        return [*(text for text in caption if text), "\n".join(lines)]

    def _row(self, row: list[Element]) -> list[str]:
        cells: list[str] = []
        for cell in row:
            cells.append(self._line(cell).replace("|", "\\|"))
            span = cell.get("colspan")
            extra = int(span) - 1 if span.isascii() and span.isdigit() and len(span) < 4 else 0
            cells.extend([""] * min(extra, MAX_COLUMNS))
        return cells[:MAX_COLUMNS]

    def _cells_as_blocks(self, element: Element) -> list[str]:
        found: list[str] = []
        for child in elements(element):
            if child.tag in ("thead", "tbody", "tfoot", "tr"):
                found.extend(self._cells_as_blocks(child))
            elif not _is_gutter(child):
                found.extend(self.blocks(child))
        return found

    # -- inline ------------------------------------------------------------------------------------------------------

    def _line(self, element: Element) -> str:
        """All of an element on one line, for headings and table cells; blocks in it are set apart by a space."""
        return _SPACE.sub(" ", self.inline(element.children)).strip()

    def inline(self, nodes: list[Element | Run | str]) -> str:
        return "".join(
            (_SPACE.sub(" ", node) if "\n" in node or "  " in node or "\t" in node else node)
            if isinstance(node, str)
            else self._inline(node)
            if isinstance(node, Element)
            else f" {self.inline(node.children)} "
            if node.kept
            else ""
            for node in nodes
        )

    def _inline(self, element: Element) -> str:
        tag = element.tag
        if tag == "br":
            return "\n"
        if tag == "img":
            return self._image(element)
        if tag == "math":
            return _formula(element)
        if tag == "annotation":
            return ""
        if tag in _CODE:
            return _code_span(raw_text(element))
        text = self.inline(element.children)
        if tag == "a":
            return self._link(element, text)
        if tag in _STRONG:
            return _wrapped(text, "**")
        if tag in _EMPHASIS:
            return _wrapped(text, "*")
        if tag in ("del", "s", "strike"):
            return _wrapped(text, "~~")
        if tag == "sup":
            return _raised(element, text)
        if tag == "q":
            return f"“{text.strip()}”"
        if tag == "li":
            return f" - {text} "
        return f" {text} " if tag in BLOCKS else text

    def _link(self, element: Element, text: str) -> str:
        target = self._absolute(element.get("href"))
        label = text.strip()
        if not target or not label or "\n" in label or "](" in label:
            return text
        before = " " if text[:1].isspace() else ""
        after = " " if text[-1:].isspace() else ""
        return f"{before}[{label}]({target}){after}"

    def _absolute(self, href: str) -> str:
        """A link worth keeping: absolute, and not a jump within the page; empty otherwise."""
        return absolute(self._base, href)

    def _image(self, element: Element) -> str:
        alt = _SPACE.sub(" ", element.get("alt")).strip().replace("[", "(").replace("]", ")")[:MAX_ALT]
        if not alt:
            return ""
        source = element.get("data-src") or element.get("src")
        target = absolute(self._base, source)
        return f"![{alt}]({target})" if target else f"![{alt}]()"


def _kept(element: Element) -> bool:
    return any(isinstance(node, Run) and node.kept for node in descend(element))


def absolute(base: str, href: str) -> str:
    """Resolve a link against its page; empty for jumps within the page, other schemes and absurd lengths."""
    href = re.sub(r"[\t\r\n]", "", href.strip())
    if not href or href.startswith("#") or len(href) > MAX_TARGET:
        return ""
    try:
        target = urljoin(base, href)
    except ValueError:
        return ""
    if not target.lower().startswith(("http://", "https://")):
        return ""
    return target.replace(" ", "%20").replace("(", "%28").replace(")", "%29").replace("<", "%3C").replace(">", "%3E")


def _wrapped(text: str, mark: str) -> str:
    """Put emphasis marks tight around the words; none where nothing, or several lines, would be wrapped."""
    words = text.strip()
    if not words or "\n" in words or words.startswith("*") or words.endswith("*"):
        return text
    start = text.index(words)
    return f"{text[:start]}{mark}{words}{mark}{text[start + len(words) :]}"


def _raised(element: Element, text: str) -> str:
    """The mark of a note stands in brackets and a power behind a caret, because 10⁶ must not read as 106."""
    words = text.strip()
    around = element.parent
    links = [around] if isinstance(around, Element) else []
    first = around is None or around.children[0] is element
    if _MARK.fullmatch(words) and any(link.get("href").startswith("#") for link in [*links, *elements(element)]):
        return f"[{words}]"
    return f"^{words}" if _NUMBER.fullmatch(words) and not first else text


def _code_span(text: str) -> str:
    words = _SPACE.sub(" ", text).strip()
    if not words:
        return " " if text else ""
    fence = "`" * (_longest_run(words, "`") + 1)
    pad = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{fence}{pad}{words}{pad}{fence}"


def _formula(element: Element) -> str:
    """TeX where the page carries it, else the characters of the formula."""
    tex = element.get("alttext")
    for child in descend(element):
        if isinstance(child, Element) and child.tag == "annotation" and not tex:
            tex = inner_text(child)
    return f"${tex.strip()}$" if tex.strip() else inner_text(element)


def _longest_run(text: str, character: str) -> int:
    longest = max((len(run) for run in re.findall(re.escape(character) + "+", text)), default=0)
    return min(longest, MAX_FENCE)


def _paragraph(text: str) -> str:
    """Trim each line and keep it from reading as a heading, a list or a fence."""
    lines = [_SPACE.sub(" ", line).strip() for line in text.split("\n")]
    return "\n".join(_guarded(line) for line in lines if line)


def _guarded(line: str) -> str:
    if _LINE_START.match(line):
        return "\\" + line
    return _NUMBERED.sub(r"\1\\\2", line, count=1) if _NUMBERED.match(line) else line


def _indented(marker: str, blocks: list[str]) -> str:
    pad = " " * len(marker)
    text = blocks[0] if blocks else ""
    for block in blocks[1:]:
        text += ("\n" if _is_list(block) else "\n\n") + block
    lines = text.split("\n")
    return "\n".join([marker + lines[0], *((pad + line if line else "") for line in lines[1:])])


def _is_list(block: str) -> bool:
    return bool(re.match(r"(?:- |\d{1,9}\. )", block))


def _code_block(element: Element) -> list[str]:
    code = raw_text(element).replace("\r\n", "\n").strip("\n").rstrip()
    if not code.strip():
        return []
    fence = "`" * max(3, _longest_run(code, "`") + 1)
    return [f"{fence}{_language(element)}\n{code}\n{fence}"]


def _language(element: Element) -> str:
    nearby = [element, *elements(element)]
    if isinstance(element.parent, Element):
        nearby += [element.parent, *([element.parent.parent] if isinstance(element.parent.parent, Element) else [])]
    for candidate in nearby:
        for name in ("data-lang", "data-language"):
            if re.fullmatch(r"[A-Za-z0-9+#.-]{1,20}", candidate.get(name)):
                return candidate.get(name).lower()
        match = _LANGUAGE.search(candidate.get("class"))
        if match is not None and match[1].lower() not in _NO_LANGUAGE:
            return match[1].lower()
    return ""


def _rows(table: Element) -> list[list[Element]]:
    rows: list[list[Element]] = []
    for child in elements(table):
        if child.tag == "tr":
            rows.append([cell for cell in elements(child) if cell.tag in ("td", "th")])
        elif child.tag in ("thead", "tbody", "tfoot"):
            rows.extend(_rows(child))
    return rows


def _is_gutter(cell: Element) -> bool:
    names = cell.get("class").lower()
    return any(word in names for word in ("gutter", "linenos", "lineno", "line-numbers", "blob-num"))


def _is_layout(table: Element, rows: list[list[Element]]) -> bool:
    """Tables that place things on a page rather than relate values to each other."""
    if table.get("role") in ("presentation", "none") or max((len(row) for row in rows), default=0) < 2:
        return True
    for element in descend(table):
        if isinstance(element, Element) and element.tag in _PLACED:
            return True
    cells = [cell for row in rows for cell in row]
    return bool(cells) and max(len(inner_text(cell)) for cell in cells) > 1_500
