"""A text as it is read: entities as their characters, letters composed, vowel points off — with the way back.

Only what differs is rewritten, so most texts come back as they are.
"""

from __future__ import annotations

import bisect
import html
import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache

from carrel.citations.quotes.found import Found
from carrel.citations.tokens import Edit

__all__ = ["Plain", "plain_quote", "plain_text"]

_POINTS = "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc"
_POINTED = re.compile(f"[{_POINTS}]")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8}\d{0,2});")
_APART = re.compile(r"(?<=[\u0370-\uffff])[\u0300-\u036f\u0653-\u0655]")  # the mark of a letter taken apart
_TELLING = re.compile(f"[{_POINTS}\u0640\u1100-\u115f\u3099\u309a\uff66-\uff9d]")  # one of what is rewritten below
_REWRITTEN = (
    rf"{_ENTITY.pattern}"
    r"|[\u0370-\uffff][\u0300-\u036f\u0653-\u0655\u3099\u309a]{1,4}"
    r"|[\u1100-\u115f][\u1160-\u11a7][\u11a8-\u11ff]?"  # a Korean syllable, taken apart
    r"|[\uff66-\uff9d][\uff9e\uff9f]?"  # narrow kana
    r"|\u0640{1,40}"  # an Arabic word drawn out
)
_PLAIN = re.compile(_REWRITTEN)
_UNPOINTED = re.compile(f"{_REWRITTEN}|[{_POINTS}]{{1,8}}")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_INSIDE_WORD = re.compile(r"(?<!\w)\[([^\W\d_]{1,12})\](?=[^\W\d_])|(?<=[^\W\d_])\[([^\W\d_]{1,12})\](?!\w)")


@dataclass(frozen=True, slots=True)
class Plain:
    """``text`` as read; from offset ``starts[i]`` on it stands ``shifts[i]`` characters further on in the original."""

    text: str
    starts: tuple[int, ...] = (0,)
    shifts: tuple[int, ...] = (0,)

    def original(self, found: Found) -> Found:
        """The same place in the original text; "verbatim" stays only where nothing was rewritten."""
        if len(self.starts) == 1 or found.verdict == "absent":
            return found
        start, end = self._at(found.start), self._end(found.end)
        edits = tuple(Edit(e.kind, e.quote, e.source, self._at(e.start), self._end(e.end)) for e in found.edits)
        changed = found.verdict == "verbatim" and end - start != found.end - found.start
        return replace(found, verdict="normalized" if changed else found.verdict, start=start, end=end, edits=edits)

    def near(self, at: int) -> int:
        """About where an offset of the original stands in ``text``."""
        step = bisect.bisect_right([a + b for a, b in zip(self.starts, self.shifts, strict=True)], at) - 1
        return max(0, at - self.shifts[max(0, step)])

    def _at(self, at: int) -> int:
        return at + self.shifts[bisect.bisect_right(self.starts, at) - 1]

    def _end(self, end: int) -> int:
        return self._at(end - 1) + 1 if end - 1 not in self._last() else self._at(end)

    def _last(self) -> frozenset[int]:
        return frozenset(start - 1 for start in self.starts)


def plain_text(text: str, quote: str) -> Plain:
    """``text`` as read. Vowel points go when the quote has none; else they count."""
    pointed = _POINTED.search(quote) is not None
    if text.isascii() and "&" not in text:
        return Plain(text)
    return _remembered(text, pointed) if len(text) <= _REMEMBERED else _rewrite(text, pointed)


def _rewrite(text: str, pointed: bool) -> Plain:
    if not (_ENTITY.search(text) or _TELLING.search(text) or _APART.search(text)):
        return Plain(text)
    pattern = _PLAIN if pointed else _UNPOINTED
    parts: list[str] = []
    starts, shifts, at, length = [0], [0], 0, 0
    for match in pattern.finditer(text):
        read = _read(match.group())
        if read == match.group():
            continue
        parts += (text[at : match.start()], read)
        length += match.start() - at + len(read)
        at = match.end()
        starts.append(length)
        shifts.append(at - length)
    return Plain("".join((*parts, text[at:])), tuple(starts), tuple(shifts))


_REMEMBERED = 1_000_000
_remembered = lru_cache(maxsize=8)(_rewrite)


def _read(group: str) -> str:
    if group[0] == "&":
        return html.unescape(group)
    if group[0] == "\u0640" or _POINTED.match(group):
        return ""
    return unicodedata.normalize("NFKC" if group[0] >= "\uff00" else "NFC", group)


def plain_quote(quote: str, text: str) -> str:
    """The quote as read, without invisible characters, with "[T]he" and "claim[ed]" as the words they make.

    Vowel points go when the text has none.
    """
    read = (_PLAIN if _POINTED.search(text) else _UNPOINTED).sub(lambda match: _read(match.group()), quote)
    return _INSIDE_WORD.sub(lambda match: match[1] or match[2], _INVISIBLE.sub("", read))
