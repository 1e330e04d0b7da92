"""I have text: where does each sentence begin and end?

A splitter by rule, for prose in any language that marks its sentence ends: no model, no word lists beyond the
abbreviations below, and linear time on any input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["sentences"]

# A blank line, a list item, a table row, a heading and a quotation line each begin anew.
_BREAK = re.compile(r"\n(?=[ \t]*(?:\n|[-*+•‣◦] |\d{1,3}[.)] |#{1,6} |\|))|(?<=\|)\n")
_BLANK = re.compile(r"\n[ \t]*\n")

# A run of terminators, the closing quotes and brackets after it, then numeric citation markers such as " [3, 4]".
_CJK_ENDS = "。！？｡．।॥؟۔։።"
_CLOSERS = "\"'”’»)\\]）」』】》〉*_"
_CORNERS = ("」", "』")
# What cites after a full stop belongs to the sentence before it: [1, 2], [^note], ¹², 【1†L5-L9】.
_CITED = r"[ ]?\[\d[\d,;–\- ]{0,40}\]|\[\^[\w-]{1,40}\]|[⁰¹²³⁴-⁹]{1,3}+|【[^【】\n]{1,60}】"
_END = re.compile(rf"(?P<stop>[.!?…‽{_CJK_ENDS}]++)(?P<close>[{_CLOSERS}]*+)(?P<cite>(?:{_CITED})*+)")
_WORD = re.compile(r"[\w.&'’-]*\Z")
_NEXT_WORD = re.compile(r"[^\W\d_]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Always followed by the thing they introduce.
_NEVER = _words(
    "mr mrs ms mx dr prof st mt rev hon fr gen col lt sgt capt cmdr gov sen rep pres fig figs eq eqs ref refs vs "
    "v.s e.g eg i.e ie cf viz approx resp ca e.a incl excl suppl bzw z.b d.h u.a vgl nr abb tab hr hrn p.ex "
    "c.-à-d т.е т.к т.н см рис табл стр проф акад напр ул им"
)
# Followed by a number, or ending a sentence.
_BEFORE_NUMBER = _words(
    "no nos vol vols p pp ch chap art sec sect app ed eds ver v jan feb mar apr jun jul aug sep sept oct nov dec"
)
# May end a sentence: then the next word is one that begins sentences.
_MAYBE = _words("al etc inc ltd co corp jr sr bros dept univ est ph.d b.sc m.sc u.s u.k a.m p.m")
_STARTERS = _words(
    "the this these those that there then thus they their we our it its in on at for from if when while where "
    "what why how who however moreover furthermore although though but and or so an he she his her as after "
    "before by to with no not here overall finally first second third next some many most all both each such "
    "since because during over under according until unlike yet one two only other another our you your is are "
    "was were can could do does did"
)
# A number and a full stop before one of these is an ordinal ("am 3. Oktober").
_AFTER_ORDINAL = _words(
    "januar jänner februar märz april mai juni juli august september oktober november dezember jahrhundert jahrhunderts"
)


def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Spans of the sentences of ``text``, in order, without the white space around them.

    They cover every character that is not white space. A blank line always ends a sentence; list items, table rows and
    headings are sentences of their own; a single line end is white space (as in wrapped prose). Markers such as
    ``[3]`` right after a full stop belong to the sentence they follow.
    """
    return tuple(_spans(text))


def _spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _BREAK.finditer(text):
        yield from _stretch(text, start, match.start())
        start = match.end()
    yield from _stretch(text, start, len(text))


def _stretch(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Sentences of a stretch without a hard break inside it."""
    start, end = trimmed(text, start, end)
    if start == end:
        return
    if text[start] in "#|":  # a heading or table row is its line, whatever stands in it
        line = text.find("\n", start, end)
        line = end if line < 0 else line
        yield trimmed(text, start, line)
        start = line
    yield from _stretch_prose(text, start, end)


def _stretch_prose(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    begin = start
    for match in _END.finditer(text, start, end):
        if match.end() < end and _ends_sentence(text, begin, match):
            span = trimmed(text, begin, match.end())
            if span[0] < span[1]:
                yield span
            begin = match.end()
    span = trimmed(text, begin, end)
    if span[0] < span[1]:
        yield span


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """``[start, end)`` without the white space at its ends; ``(end, end)`` when nothing else is in it."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _ends_sentence(text: str, begin: int, match: re.Match[str]) -> bool:
    stop, after = match["stop"], match.end()
    if stop[-1] in _CJK_ENDS:  # 「本当。」と言った is one sentence: hiragana after a quotation goes on
        return match["close"][-1:] not in _CORNERS or not "ぁ" <= text[after] <= "ゟ"
    if not text[after].isspace():
        return False
    following = text[after : after + 40].lstrip()
    first = following.lstrip("\"'“‘«([{*_¿¡")[:1]
    if first.islower():
        return False
    if stop != "." or match["close"].strip("*_") or match["cite"]:
        return True
    return _full_stop(text, begin, match.start(), following)


def _full_stop(text: str, begin: int, dot: int, following: str) -> bool:
    """Whether a single ``.`` before white space is a full stop rather than an abbreviation's."""
    found = _WORD.search(text, max(begin, dot - 24), dot)
    word = found[0].lstrip(".'’-") if found else ""
    lower = word.casefold()
    if lower in _NEVER:
        return False
    if lower in _BEFORE_NUMBER:
        return not following[:1].isdigit()
    next_word = _NEXT_WORD.match(following)
    next_lower = next_word[0].casefold() if next_word else ""
    if word.isdecimal():  # "3." at the head of a line is a list number
        return text[begin:dot].strip() != word and next_lower not in _AFTER_ORDINAL
    spaced = len(next_lower) == 1 and following[1:2] == "."  # "z. B.", "d. h."
    initial = len(word) == 1 and (word.isupper() or spaced)
    if initial or lower in _MAYBE or ("." in word and len(word) <= 8 and not word[-1].isdigit()):
        return next_lower in _STARTERS
    return True
