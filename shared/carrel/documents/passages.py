"""I have a document: give me the passages that are indexed and returned.

Passages follow the document's own structure: they never cross a section, keep paragraphs, tables, lists and code whole
where they fit, end at a sentence where they do not, and are sized for the window of a small encoder.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from carrel.documents.sections import lines_of
from carrel.documents.sentence import sentences, trimmed
from carrel.records import Document, Passage, Section

__all__ = ["MAX_CHARS", "SPLITTER_VERSION", "split"]

SPLITTER_VERSION = "1"
"""Changes whenever `split` would give other passages for the same document."""

MAX_CHARS = 1200
"""Size of a passage: letters of English prose that, with a title before them, fill a 256-token window."""

# What a character costs, in letters of English prose (about 4.5 to a word piece): outside the Latin alphabet it is
# nearly a word piece of its own, and so is a mark or a pair of digits. Measured with the MiniLM tokenizer.
_NOT_LATIN = re.compile("[\u0370-\u1dff\u2e80-\ud7ff\uf900-\ufdff\ufe70-\ufefc\uff66-\uffdc\U00010000-\U0003ffff]")
_MARK = re.compile(r"[!-/:-@\[-`{-~]")
_DIGIT = re.compile(r"[0-9]")
_NOT_LATIN_COST, _MARK_COST, _DIGIT_COST = 5, 3, 2

_FENCE_LINE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_LIST_LINE = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]")


@dataclass(slots=True)
class _Block:
    """A piece of a section that belongs together: para, list (one item), table, code or heading."""

    kind: str
    start: int
    end: int
    cost: int = 0


def split(document: Document, *, max_chars: int = MAX_CHARS) -> tuple[Passage, ...]:
    """Cut a document into passages, in order, without overlap, covering every character that is not white space.

    ``passage.text == document.text[passage.start:passage.end]``. A passage costs at most ``max_chars`` (a table or
    code block kept whole, at most twice that), where a character outside the Latin alphabet counts as 5, a punctuation
    mark as 3 and a digit as 2. A heading without text of its own goes with the passage after it.
    """
    max_chars = max(max_chars, 40)
    passages: list[Passage] = []
    waiting: _Block | None = None
    sections = document.sections or (Section("", 0, 0, len(document.text)),)
    for section in sections:
        packed = _pack(document.text, _blocks_of(document, section, waiting), max_chars)
        waiting = packed.pop() if packed and packed[-1].kind == "heading" and packed[-1].cost * 2 <= max_chars else None
        passages += (_passage(document, block, section.path) for block in packed)
    if waiting is not None:
        passages.append(_passage(document, waiting, sections[-1].path))
    return tuple(passages)


def _passage(document: Document, block: _Block, heading: tuple[str, ...]) -> Passage:
    return Passage(document.doc_id, block.start, block.end, document.text[block.start : block.end], heading)


def cost_of(text: str) -> int:
    """Size of a text in letters of English prose; never less than its length."""
    cost = len(text) + (_MARK_COST - 1) * len(_MARK.findall(text)) + (_DIGIT_COST - 1) * len(_DIGIT.findall(text))
    return cost if text.isascii() else cost + (_NOT_LATIN_COST - 1) * len(_NOT_LATIN.findall(text))


# -- blocks ----------------------------------------------------------------------------------------------------------


def _blocks_of(document: Document, section: Section, waiting: _Block | None) -> Iterator[_Block]:
    if waiting is not None:
        yield waiting
    code = document.media_type == "text/x-code"
    start = section.start
    if section.level:
        start = _heading_end(document.text, section)
        heading = _block(document.text, "heading", section.start, start)
        if heading is not None:
            yield heading
    yield from blocks(document.text, start, section.end, code=code)


def _heading_end(text: str, section: Section) -> int:
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


def blocks(text: str, start: int, end: int, *, code: bool = False) -> Iterator[_Block]:
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
        if new == kind and new != "list":
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
    if before in ("list", "lines"):
        return "lines"  # the continuation of an item is not a new item
    return "para"


def _some(text: str, kind: str, start: int, end: int) -> Iterator[_Block]:
    block = _block(text, kind, start, end)
    if block is not None:
        yield block


def _block(text: str, kind: str, start: int, end: int) -> _Block | None:
    first, last = trimmed(text, start, end)
    if first == last:
        return None
    if kind == "code":  # the indent of the first line is part of code
        first = max(start, text.rfind("\n", start, first) + 1)
    return _Block(kind, first, last, cost_of(text[first:last]))


# -- packing ---------------------------------------------------------------------------------------------------------


def _pack(text: str, found: Iterator[_Block], limit: int) -> list[_Block]:
    """Join neighbouring blocks up to the limit and cut those above it."""
    packed: list[_Block] = []
    current: _Block | None = None
    for block in found:
        joined = _join(current, block)
        if current is not None and joined.cost <= _allowed(current, block, limit):
            current = joined
            continue
        if current is not None and not (_may_join(current, limit) and _too_big(block, limit)):
            packed.append(current)
        else:
            block = joined
        *whole, current = [block] if not _too_big(block, limit) else list(_cut(text, block, limit))
        packed += whole
    if current is not None:
        packed.append(current)
    return packed


def _join(first: _Block | None, second: _Block) -> _Block:
    if first is None:
        return second
    return _Block(second.kind, first.start, second.end, first.cost + second.start - first.end + second.cost)


def _may_join(current: _Block, limit: int) -> bool:
    """Whether a block is small enough (a heading, a lead-in) to be cut together with the big one after it."""
    return current.kind == "heading" or current.cost * 4 <= limit


def _allowed(current: _Block, block: _Block, limit: int) -> int:
    # a heading or a short lead-in stays with its table or code
    whole = block.kind in ("table", "code") and _may_join(current, limit)
    return 2 * limit if whole else limit


def _too_big(block: _Block, limit: int) -> bool:
    return block.cost > (2 * limit if block.kind in ("table", "code") else limit)


def _cut(text: str, block: _Block, limit: int) -> Iterator[_Block]:
    """Cut a block that is too big into pieces of about equal size, at sentences or (table, code) at lines."""
    count = -(-block.cost // limit)
    target = block.cost / count
    current: _Block | None = None
    for unit in _units(text, block, limit):
        joined = _join(current, unit)
        if current is not None and (joined.cost > limit or current.cost + (joined.cost - current.cost) / 2 > target):
            yield current
            current = unit
        else:
            current = joined
    if current is not None:
        yield current


def _units(text: str, block: _Block, limit: int) -> Iterator[_Block]:
    for start, end in _lines(text, block) if block.kind in ("table", "code") else _sentences(text, block):
        unit = _Block(block.kind, start, end, cost_of(text[start:end]))
        if unit.cost <= limit:
            yield unit
        else:
            yield from _fragments(text, unit, limit)


def _sentences(text: str, block: _Block) -> Iterator[tuple[int, int]]:
    for start, end in sentences(text[block.start : block.end]):
        yield block.start + start, block.start + end


def _lines(text: str, block: _Block) -> Iterator[tuple[int, int]]:
    for offset, line in lines_of(text, block.start, block.end):
        if line.strip():
            yield offset, offset + len(line.rstrip())


def _fragments(text: str, unit: _Block, limit: int) -> Iterator[_Block]:
    """Cut a sentence or line that is itself too big at white space, or anywhere when there is none."""
    start = unit.start
    while start < unit.end:
        end = fitting_end(text, start, unit.end, limit)
        if end < unit.end:
            end = _soft_end(text, start, end)
        first, last = trimmed(text, start, end)
        if first < last:
            yield _Block(unit.kind, first, last, cost_of(text[first:last]))
        start = end


def fitting_end(text: str, start: int, end: int, limit: int) -> int:
    """The largest offset ≤ ``end`` such that the text from ``start`` to it costs no more than ``limit``."""
    stop = min(start + limit, end)
    if cost_of(text[start:stop]) <= limit:
        return stop
    fits = bisect_right(range(stop - start), limit, key=lambda length: cost_of(text[start : start + length])) - 1
    return start + max(fits, 1)


def _soft_end(text: str, start: int, end: int) -> int:
    """A better place to cut than ``end``: after white space in the second half, else not inside a grapheme."""
    half = start + (end - start) // 2
    for offset in range(end, half, -1):
        if text[offset - 1].isspace() or text[offset].isspace():
            return offset
    for offset in range(end, max(half, end - 40), -1):
        if not (
            unicodedata.combining(text[offset]) or text[offset] in "\u200c\u200d\ufe0f" or text[offset - 1] == "\u200d"
        ):
            return offset
    return end
