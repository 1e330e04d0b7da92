"""I have an old Excel, binary Excel or OpenDocument spreadsheet: give me its sheets, each a section of rows.

The library is written in Rust and reads all three; cells come as values, so numbers are shown plainly.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from carrel.documents.draft import BROKEN, ENCRYPTED, Composer, Draft, Unreadable
from carrel.documents.formats.numbers import plain_number
from carrel.documents.formats.rows import write_rows

__all__ = ["read"]

_MAX_SHEETS = 1_000


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read .xls, .xlsb or .ods; raises Unreadable. Hidden sheets are counted and left out. The hint is not used."""
    from io import BytesIO

    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_filelike(BytesIO(data))
    except python_calamine.PasswordError as error:
        raise Unreadable(ENCRYPTED) from error
    except (python_calamine.CalamineError, ValueError, OSError) as error:
        raise Unreadable(BROKEN) from error
    out = Composer(max_chars)
    rows = hidden = sheets = 0
    for about in book.sheets_metadata[:_MAX_SHEETS]:
        if about.visible != python_calamine.SheetVisibleEnum.Visible:
            hidden += 1
        elif about.typ == python_calamine.SheetTypeEnum.WorkSheet:
            sheets += 1
            out.heading(about.name, 1)
            rows += write_rows(out, _rows(book, about.name), 2)
    if not rows and len(out.headings) == sheets:
        out = Composer(max_chars)
    facts = {"extractor": "calamine", "sheets": str(sheets), "rows": str(rows), "hidden_sheets": str(hidden or "")}
    return out.draft(facts=facts)


def _rows(book: Any, name: str) -> Iterator[list[str]]:
    import python_calamine

    try:
        for row in book.get_sheet_by_name(name).iter_rows():
            yield [_shown(value) for value in row]
    except (python_calamine.CalamineError, ValueError, OSError) as error:
        raise Unreadable(BROKEN) from error


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return plain_number(value)
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M:%S")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return str(value)
