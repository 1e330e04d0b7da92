"""I have a passage that search found: give me the rows of its tables, each with what names its columns.

Two forms are known: a Markdown table, whose row is quoted after its header ("Plan | Price … Team | 49 euros", with the
ellipsis that says that something was left out), and a record, which names its columns itself ("Plan: Team; Price: 49").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from carrel_client.evidence import Found, Sentence, place_of, plain

__all__ = ["other_names", "rows_of"]

# What people call a column that has another name.
_CALLED = (
    {"price", "cost", "fee", "charge"},
    {"population", "inhabitant", "people"},
    {"age", "old"},
    {"height", "tall", "high"},
    {"length", "long"},
    {"author", "wrote", "written"},
)

_LONGEST = 420  # characters, as for a sentence
_RULE = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?")
_RECORD = re.compile(r"[-*] ((?:[^:;|\n]{1,60}: [^;\n]{1,200}; ){1,20}[^:;|\n]{1,60}: [^;\n]{1,200})")
_INNER = re.compile(r"[ \t|]*(?P<cells>[^|\n]*[^|\s](?:.*[^|\s])?)[ \t|]*")


def other_names(stems: frozenset[str]) -> frozenset[str]:
    """The stems, and what else the columns among them are called: who asks for the cost means the price."""
    return stems.union(*(names for names in _CALLED if not names.isdisjoint(stems)))


@dataclass(frozen=True, slots=True)
class _Row:
    """Where it stands in the passage, the words to quote, and the name and cell of each column."""

    start: int
    end: int
    text: str
    columns: tuple[tuple[str, str], ...]


def rows_of(found: Found) -> list[Sentence]:
    """The rows as sentences whose ``columns`` are set. Linear in the length of the passage."""
    if "|" not in found.text and ";" not in found.text:
        return []
    made = []
    for row in _rows(found.text):
        if len(row.text) <= _LONGEST and any(character.isalpha() for _, cell in row.columns for character in cell):
            ref, start = place_of(found, row.start, row.end)
            made.append(Sentence(ref, found.text[row.start : row.end], row.text, found, start, columns=row.columns))
    return made


def _rows(text: str) -> Iterator[_Row]:
    above: tuple[int, str] | None = None  # the line before, which a rule would make a header
    header: tuple[int, str] | None = None
    start = 0
    for line in text.splitlines(keepends=True):
        bare = line.strip()
        if "|" in bare and _RULE.fullmatch(bare):
            header = above
        elif bare.startswith("|") and (match := _INNER.fullmatch(bare)):
            begin = start + line.index(bare) + match.start("cells")
            cells = match["cells"]
            if header is not None:
                names, row = header[1].split("|"), plain(cells)
                columns = tuple(zip_longest(names, row.split("|")[: len(names)], fillvalue=""))
                yield _Row(header[0], begin + len(cells), f"{header[1]} … {row}", columns)
            above = (begin, plain(cells))
        else:
            above = header = None
            if record := _RECORD.fullmatch(bare):
                begin = start + line.index(bare) + record.start(1)
                pairs = (plain(pair).partition(": ") for pair in record[1].split("; "))
                columns = tuple((name, cell) for name, _, cell in pairs)
                yield _Row(begin, begin + len(record[1]), plain(record[1]), columns)
        start += len(line)
