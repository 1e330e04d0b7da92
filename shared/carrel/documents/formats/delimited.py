"""I have a table as text (CSV, TSV and their kin, RFC 4180 and worse): give me rows that stand alone."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from typing import Any

from carrel.documents.draft import NO_TEXT, Composer, Draft, Unreadable
from carrel.documents.formats.rows import write_rows

__all__ = ["read"]

_DELIMITERS = ",;\t|"
_SAMPLE = 64
_WORDS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read delimited text; ``hint`` is the suffix of its name. Raises Unreadable."""
    text = data.decode("utf-8", "replace").lstrip("\ufeff")
    lines = text.split("\n")
    told = lines[0].strip().lower()
    delimiter = ""
    if told.startswith("sep=") and len(told) == 5:  # what Excel writes to tell itself
        delimiter, lines = told[4], lines[1:]
    delimiter = delimiter or _delimiter(lines, "\t" if hint in (".tsv", ".tab") else ",")
    try:
        return _written(lines, delimiter, max_chars, quoting=csv.QUOTE_MINIMAL)
    except csv.Error:  # a quotation mark that never closes: they are not quotation marks
        return _written(lines, delimiter, max_chars, quoting=csv.QUOTE_NONE)


def _written(lines: list[str], delimiter: str, max_chars: int, *, quoting: Any) -> Draft:
    out = Composer(max_chars)
    fed = (line.replace("\0", "").rstrip("\r") + "\n" for line in lines)
    rows = write_rows(out, _full(csv.reader(fed, delimiter=delimiter, quoting=quoting, skipinitialspace=True)))
    if not rows:
        raise Unreadable(NO_TEXT)
    return out.draft(facts={"extractor": "rows", "rows": str(rows), "delimiter": _WORDS.get(delimiter, delimiter)})


def _full(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows; raises csv.Error for one of many lines: an opening quotation mark that was none has swallowed them."""
    for row in rows:
        if any(cell.count("\n") > 1_000 for cell in row):
            raise csv.Error("a cell of more than a thousand lines")
        yield row


def _delimiter(lines: list[str], preferred: str) -> str:
    """The character that parts the first lines into the same number of cells (more than one) most often."""
    sample = [line for line in lines[: 4 * _SAMPLE] if line.strip()][:_SAMPLE]
    best, most = preferred, 0.0
    for candidate in sorted(_DELIMITERS, key=lambda each: each != preferred):
        try:
            widths = Counter(len(row) for row in csv.reader((line[:20_000] for line in sample), delimiter=candidate))
        except csv.Error:
            continue
        width, count = max(widths.items(), key=lambda pair: (pair[0] > 1, pair[1], pair[0]), default=(1, 0))
        score = count / max(sum(widths.values()), 1) if width > 1 else 0.0
        if score > most + 1e-9:
            best, most = candidate, score
    return best
