"""I have a stretch of a document: which pieces of it belong together, and how large is each for an encoder?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from carrel.documents.sections import lines_of
from carrel.documents.sentence import trimmed
from carrel.records import Section

__all__ = ["Block", "block_of", "blocks", "cost_of", "heading_end"]

# What a character costs, in letters of English prose (about 5 to a word piece): outside the Latin alphabet it is
# nearly a word piece of its own, and so is a mark or a pair of digits. Measured with the MiniLM tokenizer.
_NOT_LATIN = re.compile("[\u0370-\u1dff\u2e80-\ud7ff\uf900-\ufdff\ufe70-\ufefc\uff66-\uffdc\U00010000-\U0003ffff]")
_MARKS = b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_DIGITS = b"0123456789"
_NOT_LATIN_COST, _MARK_COST, _DIGIT_COST = 5, 3, 2

_FENCE_LINE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_LIST_LINE = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]")
_ROWS_IN_TEN = 7  # so many of ten lines with a " | " or two tabs in them make a table of rows without outer bars


@dataclass(slots=True)
class Block:
    """A piece of a section that belongs together: para, list (one item), table, code or heading.

    ``cost`` is `cost_of` its text; ``price`` is what it costs to begin a passage with it (see `packing`).
    """

    kind: str
    start: int
    end: int
    cost: int
    price: float = 0.0


def cost_of(text: str) -> int:
    """Size of a text in letters of English prose; never less than its length."""
    raw = text.encode("utf-8", "surrogatepass")
    marks, digits = len(raw) - len(raw.translate(None, _MARKS)), len(raw) - len(raw.translate(None, _DIGITS))
    cost = len(text) + (_MARK_COST - 1) * marks + (_DIGIT_COST - 1) * digits
    return cost if len(raw) == len(text) else cost + (_NOT_LATIN_COST - 1) * len(_NOT_LATIN.findall(text))


def heading_end(text: str, section: Section) -> int:
    """The end of a section's heading: its line, or (underlined, overlined, set over lines) its last underline."""
    lines = lines_of(text, section.start, section.end)
    offset, line = next(lines, (section.start, ""))
    end = min(offset + len(line) + 1, section.end)
    if line.lstrip().startswith("#") and not _ruled(line):
        return end
    for count, (offset, line) in enumerate(lines):
        if not line.strip() or count == 3:
            break
        if _ruled(line):
            return min(offset + len(line) + 1, section.end)
    return end


def _ruled(line: str) -> bool:
    bare = line.strip()
    return bool(bare) and not bare[0].isalnum() and not bare.strip(bare[0])


def blocks(text: str, start: int, end: int, *, code: bool = False) -> Iterator[Block]:
    """The blocks of ``text[start:end]``: paragraphs, list items, tables, code fences, without white space around them.

    ``code=True`` is for source code: stretches between blank lines, never taken for lists or tables.
    """
    begin, kind, fence = start, "", ""
    for offset, line in lines_of(text, start, end):
        bare = line.strip()
        if fence:
            if bare.startswith(fence) and not bare.strip(fence[0]):
                fence = ""
                yield from _some(text, "code", begin, min(offset + len(line) + 1, end))
                begin, kind = offset + len(line) + 1, ""
            continue
        new = _kind(line, bare, kind, code)
        if (new == kind and new != "list") or new == "lines":  # what continues an item is not a new item
            continue
        yield from _some(text, kind or "para", begin, offset)
        begin, kind = offset, new
        if kind == "fence":
            match = _FENCE_LINE.match(line)
            fence, kind = (match[1] if match else "```"), "code"
    yield from _some(text, kind or "para", min(begin, end), end)


def _kind(line: str, bare: str, before: str, code: bool) -> str:
    """What kind of block a line is in, given the kind of the line before it."""
    if not bare:
        return ""
    if code:
        return "code"
    first = bare[0]
    if first in "`~" and _FENCE_LINE.match(line):
        return "fence"
    if first == "|":
        return "table"
    if (first in "-*+•" or first.isdecimal()) and _LIST_LINE.match(line):
        return "list"
    return "lines" if before == "list" else "para"


def _some(text: str, kind: str, start: int, end: int) -> Iterator[Block]:
    block = block_of(text, kind, start, end)
    if block is not None:
        yield block


def block_of(text: str, kind: str, start: int, end: int) -> Block | None:
    """The block ``text[start:end]`` without white space around it; None when nothing else is in it."""
    first, last = trimmed(text, start, end)
    if first == last:
        return None
    if kind == "code":  # the indent of the first line is part of code
        first = max(start, text.rfind("\n", start, first) + 1)
    elif kind not in ("table", "heading") and _has_rows(text, first, last):
        kind = "table"
    return Block(kind, first, last, cost_of(text[first:last]))


def _has_rows(text: str, start: int, end: int) -> bool:
    """Whether lines are the rows of a table without bars around it (``year | 2023 | 2022``, or tabs)."""
    lines = text.count("\n", start, end) + 1
    if lines == 1 or 10 * max(text.count(" | ", start, end), text.count("\t", start, end)) < _ROWS_IN_TEN * lines:
        return False
    rows = sum(" | " in line or line.strip().count("\t") > 1 for _, line in lines_of(text, start, end))
    return 10 * rows >= _ROWS_IN_TEN * lines
