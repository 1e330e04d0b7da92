"""What a report puts in quotation marks, as far as it is long enough to be a quotation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from carrel.citations.marks import CitationMark
from carrel.citations.quotes import is_quotable
from carrel.citations.reports.blocks import lead, rstrip_to
from carrel.citations.reports.nouns import Quotation
from carrel.citations.tokens import tokens

__all__ = ["block_quotation", "find_quotations"]

_QUOTED = re.compile(
    r"“([^“”]{1,5000})”|„([^„“”]{1,5000})[“”]|«([^«»]{1,5000})»|「([^「」]{1,5000})」"
    r"|(?<![\w\"])\"(?=[^\s\"])([^\"\n]{1,5000}?(?:\n[^\"\n]+){0,20}?)\"(?![\w\"])"
)
_MIN_QUOTE_WORDS = 4


def block_quotation(
    view: str, offset: int, marks: Sequence[CitationMark]
) -> Iterator[tuple[int, int, tuple[Quotation, ...]]]:
    """A block quotation as one statement; who said it, after a dash or a mark, is no part of the words quoted."""
    start, end = offset + lead(view), offset + len(view.rstrip())
    if start >= end:
        return
    said = re.split(r"\n[ \t]*(?:[—–]|--|[-*] )", view.rstrip(), maxsplit=1)[0]
    stop = offset + len(said)
    inside = [mark.start for mark in marks if start < mark.start < stop and not mark.label]
    stop = min([stop, *inside])
    quoted = view[start - offset : stop - offset].strip().strip('"“”„«»')
    good = len(quoted.split()) >= _MIN_QUOTE_WORDS and is_quotable(quoted)
    yield start, end, (Quotation(start, rstrip_to(view, offset, stop), quoted, True),) if good else ()


def find_quotations(view: str, offset: int) -> list[Quotation]:
    """What stands in quotation marks and is long enough to be a quotation; titles and scare quotes are not."""
    found = []
    for match in _QUOTED.finditer(view):
        quoted = next(group for group in match.groups() if group is not None)
        words = [token for token in tokens(quoted) if token.word[0].isalnum()]
        long_enough = len(words) >= _MIN_QUOTE_WORDS or (
            not quoted.isascii() and is_quotable(quoted) and len(quoted) >= 8
        )
        if long_enough and not _looks_like_title(words) and is_quotable(quoted):
            at = offset + match.start() + match.group().index(quoted)
            found.append(Quotation(at, at + len(quoted), quoted))
    return found


def _looks_like_title(words: Sequence[object]) -> bool:
    content = [t for t in words if len(getattr(t, "raw", "")) > 3]
    capitals = sum(1 for t in content if getattr(t, "raw", "")[:1].isupper())
    return len(content) >= 2 and capitals == len(content) and len(words) <= 20
