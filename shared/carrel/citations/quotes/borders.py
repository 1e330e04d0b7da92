"""Where a stretch of text begins and ends with whole words and whole numbers."""

from __future__ import annotations

import re

__all__ = ["bounded", "snap", "unspaced", "widen"]


_GAP = "[ \u00a0\u2009\u202f]"  # what parts the thousands of a number
_SIGNED = re.compile(r"(?<![^\W_])[A-Z](?:\+{1,2}|#)(?!\w)")  # C++, C#, A+
_HUNDREDS = re.compile(r"\d{3}(?!\d)")
_THOUSANDS_BEFORE = re.compile(rf"(?<![\w.,])\d{{1,3}}{_GAP}\Z")
_THOUSANDS_AFTER = re.compile(rf"(?:{_GAP}\d{{3}})+(?!\d)")


def widen(text: str, start: int, end: int) -> tuple[int, int]:
    """Out to the borders of the words and numbers that a span begins and ends in."""
    left, right = start, end
    while left > 0 and start - left < 40 and _joined(text, left):
        left -= 1
    if text[start].isdigit() and left == start and left > 0 and text[left - 1] in "-−–":
        left -= 1
    while right < len(text) and right - end < 40 and _joined(text, right):
        right += 1
    if right == end and text[end - 1].isdigit() and text[right : right + 1] in ("%", "‰", "°"):
        right += 1
    if right == end and (sign := _SIGNED.match(text, end - 1)):
        right = sign.end()
    if (
        right == end
        and (rest := _THOUSANDS_AFTER.match(text, end))
        and re.search(r"(?<!\d)\d{1,3}\Z", text[max(0, end - 4) : end])
    ):
        right = rest.end()
    if left == start and _HUNDREDS.match(text, start):
        before = _THOUSANDS_BEFORE.search(text[max(0, start - 5) : start])
        left -= len(before.group()) if before else 0
    return left, right


def _joined(text: str, at: int) -> bool:
    """Whether the characters on both sides of ``at`` belong to one word or one number."""
    before, after = text[at - 1], text[at]
    if before.isalnum() and after.isalnum():
        return not unspaced(before) and not unspaced(after)
    if before in ".," and after.isdigit():
        return at >= 2 and text[at - 2].isdigit()
    return after in ".," and before.isdigit() and text[at + 1 : at + 2].isdigit()


def unspaced(char: str) -> bool:
    """Whether a character belongs to a script that puts no space between words."""
    return "\u0e00" <= char <= "\u0eff" or "\u3040" <= char <= "\u9fff" or "\U00020000" <= char <= "\U0003ffff"


def bounded(text: str, start: int, end: int) -> bool:
    """Whether a span neither begins nor ends inside a word or number."""
    left, right = widen(text, start, end)
    return text[left:right].strip("%‰°") == text[start:end].strip("%‰°") if (left, right) != (start, end) else True


def snap(text: str, left: int, right: int) -> tuple[int, int]:
    """Out to word borders on both sides."""
    while left > 0 and text[left - 1].isalnum() and text[left].isalnum() and not unspaced(text[left]):
        left -= 1
    while 0 < right < len(text) and text[right - 1].isalnum() and text[right].isalnum() and not unspaced(text[right]):
        right += 1
    return left, right
