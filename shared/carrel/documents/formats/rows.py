"""I have rows of cells: write them so that any few of them can be understood alone.

A passage of a table cut out of its middle has no header. So each row is written with the names of its columns,
``- Name: Ada; Born: 1815``, empty cells left out; a row that is itself a text (over about 300 characters) becomes a
section of its own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from carrel.documents.draft import Composer

__all__ = ["markdown_table", "write_record", "write_rows"]

LONG_RECORD = 300  # mean characters of a record from which each is a section
_SAMPLE = 60
_LEADING = 12  # rows above a header that may be a title, a date, a remark
MAX_COLUMNS = 1_000
_NUMBER = re.compile(
    r"[-+(]?[\s$€£¥]?\d[\d.,\s'’]*(?:[eE][-+]?\d+)?\s?[%)€$£]?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T][\d:.]+)?"
)
_TITLES = ("title", "name", "headline", "subject", "label", "question", "id", "_id", "key")
_BODIES = ("text", "body", "content", "contents", "abstract", "description", "passage", "document")


def write_rows(composer: Composer, rows: Iterable[Sequence[str]], level: int = 1) -> int:
    """Write rows, the first full one of which may name the columns; returns how many rows of data there were.

    ``level`` is that of the sections that long rows become.
    """
    trimmed = (row for row in (_trimmed(row) for row in rows) if row)
    sample = list(itertools.islice(trimmed, _SAMPLE))
    place = _header_place(sample)
    for row in sample[: max(place, 0)]:
        composer.block(" ".join(cell for cell in row if cell))
    names = _names(sample[place]) if place >= 0 else []
    paired = not names and max(map(len, sample), default=0) == 2  # a sheet of names and values
    rest = itertools.chain(sample[place + 1 :], trimmed)
    records = ([(row[0], row[1])] if paired and len(row) == 2 else _record(names, row) for row in rest)
    return write_records(composer, records, level)


def write_records(composer: Composer, records: Iterable[Sequence[tuple[str, str]]], level: int = 1) -> int:
    """Write records of (name, value) pairs: as lines when they are short, else each as a section.

    Returns how many there were.
    """
    source = iter(records)
    sample = list(itertools.islice(source, _SAMPLE))
    total = sum(len(name) + len(value) + 4 for record in sample for name, value in record)
    long = total > LONG_RECORD * max(len(sample), 1)
    count = 0
    for count, record in enumerate(itertools.chain(sample, source), start=1):
        if long:
            write_record(composer, record, level, number=count)
        else:
            shown = (f"{name}: {value}" if name else value for name, value in map(_on_a_line, record))
            composer.block("- " + "; ".join(shown), gap="\n" if count > 1 else "\n\n")
    return count


def write_record(composer: Composer, record: Sequence[tuple[str, str]], level: int, *, number: int) -> None:
    """Write one record as a section: its title, its short values as a list, its long ones as paragraphs."""
    title = _title_of(record) or f"Record {number}"
    composer.heading(title, level)
    short = [(name, value) for name, value in record if not _is_text(name, value)]
    for count, (name, value) in enumerate(short):
        if name.casefold() in _TITLES[:6] and " ".join(value.split()) == title:
            continue
        composer.block(f"- {name}: {' '.join(value.split())}" if name else f"- {value}", gap="\n" if count else "\n\n")
    for name, value in record:
        if _is_text(name, value):
            composer.block(value if name.casefold() in _BODIES or not name else f"{name}: {value}")


def _is_text(name: str, value: str) -> bool:
    return len(value) > 200 or (name.casefold() in _BODIES and len(value) > 60) or value.strip().count("\n") > 1


def _title_of(record: Sequence[tuple[str, str]]) -> str:
    by_name: Mapping[str, str] = {name.casefold(): value for name, value in reversed(record)}
    for name in _TITLES:
        value = " ".join(by_name.get(name, "").split())
        if value and len(value) <= 300:
            return value
    return ""


def _on_a_line(pair: tuple[str, str]) -> tuple[str, str]:
    return pair[0], " ".join(pair[1].split())


def _trimmed(row: Sequence[str]) -> list[str]:
    """A row without white space around its cells and without empty cells at its end."""
    cells = [cell.strip() for cell in row[:MAX_COLUMNS]]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _header_place(sample: Sequence[Sequence[str]]) -> int:
    """Which of the first rows names the columns; -1 when none does."""
    if len(sample) < 2:
        return -1
    width = max(len(row) for row in sample)
    for place, row in enumerate(sample[:_LEADING]):
        filled = [cell for cell in row if cell]
        if len(filled) * 2 > width or (width <= 2 and len(filled) == width):
            return place if _is_header(filled) and place + 1 < len(sample) else -1
    return -1


def _is_header(cells: Sequence[str]) -> bool:
    years = sum(bool(re.fullmatch(r"(?:19|20)\d\d", cell)) for cell in cells)
    numbers = sum(bool(_NUMBER.fullmatch(cell)) for cell in cells) - years
    return numbers * 4 <= len(cells) and all(len(cell) <= 200 for cell in cells) and years < len(cells)


def _names(row: Sequence[str]) -> list[str]:
    return [" ".join(cell.split())[:100] for cell in row]


def _record(names: Sequence[str], row: Sequence[str]) -> list[tuple[str, str]]:
    return [(names[place] if place < len(names) else "", cell) for place, cell in enumerate(row) if cell]


# -- Markdown tables -------------------------------------------------------------------------------------------------

TABLE_COST = 1_000  # about the size of a passage, in characters


def markdown_table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as Markdown tables of about a passage each, the first row repeated as the head of every one."""
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    if not filled:
        return
    width = min(max(len(row) for row in filled), MAX_COLUMNS)
    head = [_table_line(filled[0], width), "|" + " --- |" * width]
    lines, size = list(head), 0
    for row in filled[1:]:
        line = _table_line(row, width)
        if size and size + len(line) > TABLE_COST - min(sum(map(len, head)), TABLE_COST // 2):
            yield "\n".join(lines)
            lines, size = list(head), 0
        lines.append(line)
        size += len(line)
    yield "\n".join(lines)


def _table_line(row: Sequence[str], width: int) -> str:
    cells = [" ".join(cell.split()).replace("|", "\\|") for cell in row[:width]]
    return "| " + " | ".join([*cells, *[""] * (width - len(cells))]) + " |"
