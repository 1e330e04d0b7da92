"""I have a workbook (ECMA-376, SpreadsheetML): give me its sheets, each a section of rows that stand alone.

Cells are shown as the reader sees them: formulas by the value that was last computed, numbers in their format.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from carrel.documents.draft import BROKEN, Composer, Draft, Unreadable
from carrel.documents.formats.container import Container, attribute, child, children, local
from carrel.documents.formats.numbers import BUILT_IN, plain_number, shown
from carrel.documents.formats.rows import MAX_COLUMNS, write_rows

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["read"]

_MAX_SHEETS = 1_000


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read a .xlsx; raises Unreadable. Hidden sheets are counted and left out. The hint is not used."""
    container = Container(data)
    main = container.main_part("xl/workbook.xml")
    if main not in container.names:
        raise Unreadable(BROKEN)
    workbook = container.xml(main)
    related = container.related(main)
    cells = _Cells(container, {kind: target for kind, target, outside in related.values() if not outside}, workbook)
    out = Composer(max_chars)
    rows = hidden = sheets = 0
    for sheet in list(children(child(workbook, "sheets"), "sheet"))[:_MAX_SHEETS]:
        relation = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), "")
        kind, target, _ = related.get(relation, ("", "", True))
        if kind != "worksheet" or target not in container.names:
            continue
        if attribute(sheet, "state") in ("hidden", "veryHidden"):
            hidden += 1
            continue
        sheets += 1
        out.heading(attribute(sheet, "name") or f"Sheet {sheets}", 1)
        rows += write_rows(out, (cells.row(row) for row in container.items(target, "sheetData")), 2)
    if not rows and len(out.headings) == sheets:
        out = Composer(max_chars)  # names of empty sheets are no text
    facts = {"extractor": "xlsx", "sheets": str(sheets), "rows": str(rows), "hidden_sheets": str(hidden or "")}
    return out.draft(**container.core_facts(), facts=facts)


class _Cells:
    """Turns cells into what is shown, with the workbook's strings and styles."""

    def __init__(self, container: Container, parts: dict[str, str], workbook: Element) -> None:
        self._strings = list(_strings(container, parts.get("sharedStrings", "")))
        self._codes = _codes(container.optional(parts["styles"]) if "styles" in parts else None)
        about = child(workbook, "workbookPr")
        self._since_1904 = about is not None and attribute(about, "date1904") in ("1", "true")
        self._columns: dict[str, int] = {}

    def row(self, row: Element) -> list[str]:
        """The cells of a row as shown, empty where there is none."""
        found: list[str] = []
        for cell in row:
            place = self._column(cell.get("r", ""), len(found))
            text = self._shown(cell) if place < MAX_COLUMNS else ""
            if text:
                found += [""] * (place - len(found))
                found[place:] = [text]
        return found

    def _column(self, reference: str, following: int) -> int:
        letters = reference.rstrip("0123456789")
        if letters not in self._columns:
            number = 0
            for letter in letters[:4]:
                number = number * 26 + max(ord(letter.upper()) - 64, 1)
            self._columns[letters] = number - 1
        place = self._columns[letters]
        return place if place >= following else following

    def _shown(self, cell: Element) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _rich(child(cell, "is"))
        value = next((item.text or "" for item in cell if local(item) == "v"), "")
        if kind == "s":
            place = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else -1
            return self._strings[place] if 0 <= place < len(self._strings) else ""
        if kind == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(value, "")
        if kind == "n" and value:
            return self._number(value, cell.get("s", "0"))
        return value

    def _number(self, value: str, style: str) -> str:
        place = int(style) if style.isascii() and style.isdigit() and len(style) < 7 else 0
        code = self._codes[place] if place < len(self._codes) else ""
        try:
            return _in_format(float(value), code, self._since_1904)
        except (ValueError, OverflowError):
            return value


@lru_cache(maxsize=4096)
def _in_format(value: float, code: str, since_1904: bool) -> str:
    return shown(value, code, since_1904=since_1904) if code else plain_number(value)


def _strings(container: Container, part: str) -> Iterator[str]:
    if part in container.names:
        for item in container.items(part, "sst"):
            yield _rich(item)


def _rich(item: Element | None) -> str:
    """The text of a string that may be in several runs; readings of Chinese characters (rPh) are left out."""
    if item is None:
        return ""
    parts = []
    for inner in item:
        name = local(inner)
        if name == "t":
            parts.append(inner.text or "")
        elif name == "r":
            parts += (text.text or "" for text in children(inner, "t"))
    return "".join(parts)


def _codes(styles: Element | None) -> list[str]:
    """The number format code of each cell style."""
    own = {
        attribute(item, "numFmtId"): attribute(item, "formatCode")
        for item in children(child(styles, "numFmts"), "numFmt")
    }
    codes = []
    for style in children(child(styles, "cellXfs"), "xf"):
        number = attribute(style, "numFmtId")
        known = BUILT_IN.get(int(number), "") if number.isascii() and number.isdigit() and len(number) < 7 else ""
        codes.append(own.get(number) or known)
    return codes
