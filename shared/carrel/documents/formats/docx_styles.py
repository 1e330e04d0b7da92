"""I have a paragraph of a Word document: is it a heading, and what number does it carry?

ECMA-376 part 1, sections 17.7 (styles, inheritance through ``basedOn``) and 17.9 (numbering).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from carrel.documents.draft import words
from carrel.documents.formats.container import attribute, child, children

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["Numbering", "Styles", "counted"]

_HEADING = re.compile(r"heading\s*([1-9])", re.I)
_LEVELS = 9


def _value(element: Element | None, *path: str) -> str:
    found = child(element, *path)
    return attribute(found, "val") if found is not None else ""


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


class Styles:
    """What the paragraph styles say, inheritance followed."""

    def __init__(self, root: Element | None) -> None:
        self._styles = {attribute(style, "styleId"): style for style in children(root, "style")}
        self._outlines: dict[str, int] = {}
        self._numbers: dict[str, tuple[str, str]] = {}

    def outline(self, style: str, look: Element | None) -> int:
        """The level (from 1) of the heading a paragraph is; 0 for text."""
        own = _value(look, "outlineLvl")
        if own:
            return self._level(own)
        if style not in self._outlines:
            self._outlines[style] = self._inherited_outline(style)
        return self._outlines[style]

    def is_title(self, style: str) -> bool:
        """Whether a style is the one for a document's title."""
        return self._name(style).lower() == "title"

    def numbering(self, style: str, look: Element | None) -> tuple[str, str]:
        """Number definition and level (from 0) of a paragraph, both empty for none."""
        own = _value(look, "numPr", "numId"), _value(look, "numPr", "ilvl")
        if own[0]:
            return own[0], own[1] or "0"
        if style not in self._numbers:
            found = [
                (_value(s, "pPr", "numPr", "numId"), _value(s, "pPr", "numPr", "ilvl")) for s in self._chain(style)
            ]
            self._numbers[style] = next((pair for pair in found if pair[0]), ("", ""))
        number, level = self._numbers[style]
        return number, own[1] or level or "0"

    def _inherited_outline(self, style: str) -> int:
        for each in self._chain(style):
            match = _HEADING.fullmatch(_value(each, "name").strip())
            if match:
                return int(match[1])
            if told := _value(each, "pPr", "outlineLvl"):
                return self._level(told)
        # a document without a styles part still names its styles
        match = _HEADING.fullmatch(style) if style not in self._styles else None
        return int(match[1]) if match else 0

    @staticmethod
    def _level(told: str) -> int:
        level = _number(told, _LEVELS)
        return level + 1 if level < _LEVELS else 0

    def _name(self, style: str) -> str:
        return _value(self._styles.get(style), "name") or style

    def _chain(self, style: str) -> list[Element]:
        """The style and those it is based on; a loop ends where it closes."""
        found: dict[str, Element] = {}
        while style in self._styles and style not in found and len(found) < 40:
            found[style] = self._styles[style]
            style = _value(found[style], "basedOn")
        return list(found.values())


class Numbering:
    """Counts the numbered paragraphs as they come, as Word does when it shows them."""

    def __init__(self, root: Element | None) -> None:
        abstract = {attribute(item, "abstractNumId"): item for item in children(root, "abstractNum")}
        self._kinds = {
            attribute(item, "numId"): (_value(item, "abstractNumId"), item) for item in children(root, "num")
        }
        self._abstract = abstract
        self._counts: dict[str, list[int]] = {}
        self._levels: dict[tuple[str, int], tuple[str, str, int]] = {}

    def label(self, number: str, told_level: str) -> tuple[str, int]:
        """What stands before a paragraph (``-`` for a bullet, ``2.1``; empty for none) and its level from 0."""
        level = min(_number(told_level, 0), _LEVELS - 1)
        if not number or number == "0" or number not in self._kinds:
            return "", level
        kind, pattern, start = self._level(number, level)
        counts = self._counts.setdefault(self._kinds[number][0], [-1] * _LEVELS)
        counts[level] = start if counts[level] < 0 else counts[level] + 1
        counts[level + 1 :] = [-1] * (_LEVELS - level - 1)
        if kind == "bullet":
            return "-", level
        if kind == "none" or not pattern:
            return "", level
        return " ".join(re.sub(r"%([1-9])", lambda match: self._shown(number, counts, match), pattern).split()), level

    def _shown(self, number: str, counts: list[int], match: re.Match[str]) -> str:
        place = int(match[1]) - 1
        kind, _, start = self._level(number, place)
        return counted(counts[place] if counts[place] >= 0 else start, kind)

    def _level(self, number: str, level: int) -> tuple[str, str, int]:
        """Number format, text with ``%1`` for the counters, first number of a level."""
        if (number, level) not in self._levels:
            abstract, own = self._kinds[number]
            overrides = (o for o in children(own, "lvlOverride") if attribute(o, "ilvl") == str(level))
            override = next(overrides, None)
            shapes = [child(override, "lvl"), *children(self._abstract.get(abstract), "lvl")]
            shape = next((s for s in shapes if s is not None and attribute(s, "ilvl") == str(level)), None)
            start = _number(_value(override, "startOverride") or _value(shape, "start"), 1)
            kind = _value(shape, "numFmt") or ("decimal" if shape is not None else "bullet")
            self._levels[number, level] = (kind, _value(shape, "lvlText"), start)
        return self._levels[number, level]


def counted(number: int, kind: str) -> str:
    """A number as a Word or OpenDocument number format shows it; kinds not known are shown in digits."""
    if kind in ("lowerLetter", "upperLetter", "a", "A") and 0 < number <= 26 * 20:
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter if kind in ("lowerLetter", "a") else letter.upper()
    if kind in ("lowerRoman", "upperRoman", "i", "I") and 0 < number < 4000:
        roman = _roman(number)
        return roman.lower() if kind in ("lowerRoman", "i") else roman
    return f"{number:02d}" if kind == "decimalZero" else str(number)


_ROMAN = tuple(
    zip((1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1), words("M CM D CD C XC L XL X IX V IV I"), strict=True)
)


def _roman(number: int) -> str:
    shown = ""
    for value, letters in _ROMAN:
        shown += letters * (number // value)
        number %= value
    return shown
