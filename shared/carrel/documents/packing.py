"""I have the blocks of a section: where are the best places to cut it into passages?

As a typesetter breaks a paragraph into lines (Knuth and Plass 1981): every place where a passage may begin has a price,
every passage pays for the room it leaves, and the cuts that cost least together are taken. Room costs the square of its
share of the limit, so that passages are full and, where they cannot be, of about equal size.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from carrel.documents.blocks import Block, cost_of
from carrel.documents.sections import lines_of
from carrel.documents.sentence import sentences, trimmed

__all__ = ["packed"]

# What it costs to begin a passage in the middle of something, where an empty passage costs 1.
_AT_SENTENCE = 0.2  # … of a paragraph, and at a line of a table or of code
_AT_ITEM = 0.1  # … of a list, or right after one
_AFTER_LEAD_IN = 1.0  # between a table, code or a list and the words that introduce it
_AFTER_COLON = 0.5  # between a paragraph and one that ends with a colon
_AFTER_HEADING = 3.0
_INDENTED = 0.15  # in source code: at a line that stands inside something

_DIVIDED = 0.3  # prose of a larger share of the limit may be cut at its sentences
_LEAST = 24  # nothing smaller than limit / 24 is weighed alone: bounds the work for each place
_LEAD_IN = 4  # what stands before a table or code kept whole beyond the limit costs at most limit / 4


def packed(text: str, found: Iterable[Block], limit: int) -> list[Block]:
    """The passages of a section as blocks: ``found`` joined up to ``limit``, and cut where they exceed it.

    A table or code block is kept whole up to twice the limit, with its lead-in. The kind of a passage is that of the
    last thing in it.
    """
    found = list(found)
    if not found or (whole := _joined(found)).cost <= limit:  # as `_best` would have it: room in one costs least
        return [whole] if found else []
    pieces = _pieces(text, found, limit)
    upto: list[int] = []  # cost of all from the first piece to the end of this one
    total, end = 0, pieces[0].start
    for piece in pieces:
        total += piece.start - end + piece.cost
        end = piece.end
        upto.append(total)
    return [_from_to(pieces, upto, first, last) for first, last in _best(pieces, upto, limit)]


def _from_to(pieces: list[Block], upto: list[int], first: int, last: int) -> Block:
    cost = upto[last] - upto[first] + pieces[first].cost
    return Block(pieces[last].kind, pieces[first].start, pieces[last].end, cost)


def _best(pieces: list[Block], upto: list[int], limit: int) -> list[tuple[int, int]]:
    """First and last piece of each passage, so that prices and unused room are least in sum; ties to longer passages
    at the end."""
    before = [cost - piece.cost for cost, piece in zip(upto, pieces, strict=True)]
    least, begins = [0.0], [0]  # for the pieces up to each place: their least sum, and where their last passage begins
    prices = [piece.price for piece in pieces]
    for last, end in enumerate(upto):
        lowest, begin = least[last] + prices[last] + max(0.0, 1 - (end - before[last]) / limit) ** 2, last
        floor = before[last] - limit // _LEAD_IN if pieces[last].kind in _WHOLE else end
        for first in range(last - 1, -1, -1):
            cost = end - before[first]
            if cost > limit and (before[first] < floor or cost > 2 * limit):
                break
            room = 1 - cost / limit if cost < limit else 0.0
            sum_here = least[first] + prices[first] + room * room
            if sum_here <= lowest:
                lowest, begin = sum_here, first
        least.append(lowest)
        begins.append(begin)
    cuts, last = [], len(pieces)
    while last > 0:
        cuts.append((begins[last], last - 1))
        last = begins[last]
    return cuts[::-1]


_WHOLE = frozenset(("table", "code"))

# -- pieces ----------------------------------------------------------------------------------------------------------


def _pieces(text: str, found: Iterable[Block], limit: int) -> list[Block]:
    """Everything that a passage may begin with, in order, each with its price."""
    pieces: list[Block] = []
    before: Block | None = None
    for block in found:
        block.price = _price(text, before, block) if before is not None else 0.0
        before = block
        for piece in _divided(text, block, limit):
            tiny = bool(pieces) and pieces[-1].cost * _LEAST < limit
            if tiny and (joined := _join(pieces[-1], piece)).cost <= limit:
                pieces[-1] = joined
            else:
                pieces.append(piece)
    return pieces


def _price(text: str, before: Block, block: Block) -> float:
    if before.kind == "heading":
        return _AFTER_HEADING
    if block.kind in _WHOLE:
        if before.kind in _WHOLE:
            return _INDENTED if block.kind == "code" and text[block.start] in " \t" else 0.0
        return _AFTER_LEAD_IN
    if text[before.end - 1] in ":\uff1a":
        return _AFTER_LEAD_IN if block.kind == "list" else _AFTER_COLON
    return _AT_ITEM if "list" in (before.kind, block.kind) else 0.0


def _join(first: Block, second: Block) -> Block:
    return Block(second.kind, first.start, second.end, first.cost + second.start - first.end + second.cost, first.price)


def _joined(blocks: Sequence[Block]) -> Block:
    gaps = sum(after.start - before.end for before, after in pairwise(blocks))
    return Block(blocks[-1].kind, blocks[0].start, blocks[-1].end, gaps + sum(block.cost for block in blocks))


def _divided(text: str, block: Block, limit: int) -> Iterable[Block]:
    """A block, or what it may be cut into: sentences of long prose, lines of a table or of code that is too big."""
    whole = block.kind in _WHOLE
    if (block.kind == "heading" and block.cost <= limit) or block.cost <= (2 * limit if whole else _DIVIDED * limit):
        return (block,)
    units: list[Block] = []
    for start, end in _lines(text, block) if whole else _sentences(text, block):
        cost = cost_of(text[start:end])
        unit = Block(block.kind, start, end, cost, _AT_SENTENCE if units else block.price)
        if units and min(cost, units[-1].cost) * _LEAST < limit and (joined := _join(units[-1], unit)).cost <= limit:
            units[-1] = joined
        elif cost <= limit:
            units.append(unit)
        else:
            units += _fragments(text, unit, limit)
    return units


def _sentences(text: str, block: Block) -> Iterator[tuple[int, int]]:
    for start, end in sentences(text[block.start : block.end]):
        yield block.start + start, block.start + end


def _lines(text: str, block: Block) -> Iterator[tuple[int, int]]:
    for offset, line in lines_of(text, block.start, block.end):
        if line.strip():
            yield offset, offset + len(line.rstrip())


def _fragments(text: str, unit: Block, limit: int) -> Iterator[Block]:
    """Cut a sentence or line that is itself too big at white space, or anywhere when there is none."""
    start, price = unit.start, unit.price
    while start < unit.end:
        end = _fitting_end(text, start, unit.end, limit)
        if end < unit.end:
            end = _soft_end(text, start, end)
        first, last = trimmed(text, start, end)
        if first < last:
            yield Block(unit.kind, first, last, cost_of(text[first:last]), price)
            price = 2 * _AT_SENTENCE
        start = end


def _fitting_end(text: str, start: int, end: int, limit: int) -> int:
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
