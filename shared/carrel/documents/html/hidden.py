"""I have an element: can a reader see it?

Hidden text is where instructions to machines are hidden. It is judged from attributes, inline style, and `<style>`
rules with a plain class or id selector; external style sheets are not fetched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

__all__ = ["Hiding"]

MAX_CSS = 500_000
MAX_STYLE = 4_000
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.S)
_ALWAYS = re.compile(r"@(?:media\s+(?:only\s+)?(?:all|screen)|layer\b[^{;]*)\s*\{", re.I)
_SELECTOR = re.compile(r"(?:[a-z][a-z0-9]*)?([.#])([A-Za-z_-][\w-]*)")
_ZERO = r"-?(?:0+(?:\.0*)?|\.0+)(?:px|em|rem|%|pt|vh|vw)?"
_FAINT = r"(?:0+(?:\.0\d*)?|\.0\d*)%?(?![.\d])"  # less than a tenth
_DECLARATION = re.compile(
    r"""(?:^|[;{\s])(?:
      display\s*:\s*none
    | (?:content-)?visibility\s*:\s*(?:hidden|collapse)
    | opacity\s*:\s*"""
    + _FAINT
    + r"""
    | filter\s*:\s*opacity\(\s*0[%)]
    | font-size\s*:\s*(?:(?:0*[01](?:\.\d+)?|0*2(?:\.0+)?|0*\.\d+)px|0*(?:1(?:\.0+)?|\.\d+)pt|0*\.(?:0\d*|10*)r?em
      |0*\d(?:\.\d+)?%|"""
    + _ZERO
    + r""")(?![.\d])
    | font\s*:\s*(?:[a-z-]{1,20}\s+){0,4}(?:0|[01](?:\.\d+)?px)\s*[/\s]
    | text-indent\s*:\s*(?:-\d{3,}|\d{3,}%)
    | (?:left|top|right|bottom|margin-left|margin-top)\s*:\s*-\d{4,}(?:\.\d+)?px
    | (?:left|top|right|bottom)\s*:\s*-[5-9]\d\d(?:\.\d+)?px
    | (?:left|top)\s*:\s*(?:\d{5,}px|-\d{2,}(?:\.\d+)?(?:em|rem|vw|vh|%))
    | inset\s*:[^;]{0,40}-\d{4,}px
    | clip\s*:\s*rect\(\s*(?:0|1)(?:px)?[\s,]+(?:0|1)(?:px)?[\s,]+(?:0|1)(?:px)?[\s,]+(?:0|1)(?:px)?\s*\)
    | clip-path\s*:\s*(?:inset\(\s*(?:50|100)%|circle\(\s*0(?:px|%)?\s*[)a]
      |polygon\(\s*0(?:px|%)?(?:[\s,]+0(?:px|%)?)*\s*\))
    | transform\s*:\s*(?:scale[xy]?\(\s*(?:0+(?:\.0\d*)?|\.0\d*)\s*[,)]|translate[xy]?\(\s*-\d{4,})
    )""",
    re.I | re.X,
)
_SMALL = re.compile(
    r"(?:^|[;\s])(?:(?:max-)?(?:height|width)|line-height)\s*:\s*(?:0|1px)(?:px|em|rem|%)?\s*(?:!important\s*)?(?:;|$)",
    re.I,
)
_CLIPPED = re.compile(r"overflow(?:-[xy])?\s*:\s*(?:hidden|clip)", re.I)
_COLOUR = re.compile(r"(?:^|[;\s])(?:-webkit-text-fill-)?color\s*:\s*([^;!]+)", re.I)
_BACKGROUND = re.compile(r"background(?:-color)?\s*:\s*([^;!\"'<>}]+)", re.I)
_PAINTED_LETTERS = re.compile(r"background-clip\s*:\s*text", re.I)  # shown, though their own colour is none
_PAPER = re.compile(r"""bgcolor\s*=\s*["']?([#\w]+)""", re.I)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))")
# what style sheets call text that is for screen readers alone
_UNSEEN = frozenset(
    {"sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "screen-reader-only", "a11y-hidden"}
)
# What a click takes away again, and who takes it: the ids that tabs, buttons and headings of a page say they control.
_TOGGLED = re.compile(
    rf"(?:display\s*:\s*none|(?:content-)?visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*{_FAINT})", re.I
)
_CONTROLS = re.compile(r"""aria-controls\s*=\s*["']?([\w:. -]{1,200})""")
_TARGET = re.compile(r"""data-(?:bs-)?target\s*=\s*["']?#([\w:.-]{1,100})""")
_TABS = (
    re.compile(r"""role\s*=\s*["']?tab\b"""),
    re.compile(r"data-(?:bs-)?toggle\s*="),
)  # each found by its first word
_FRAGMENT = re.compile(r"""<a\s(?:[^>]*\s)?href\s*=\s*["']?#([\w:.-]{1,100})""", re.I)
_LONGEST_TAG = 1_000


@dataclass(frozen=True, slots=True)
class Hiding:
    """Which classes and ids the page's own style blocks hide, those of them that no click shows (``shut``), which ids
    its controls open, and whether all of its paper is known to be ``white``."""

    classes: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    shut: frozenset[str] = frozenset()
    opened: frozenset[str] = frozenset()
    white: bool = False

    @classmethod
    def of_page(cls, css: str, html: str) -> Hiding:
        """Read ``<style>`` text, but no rules within ``@media`` and the like, which hide only sometimes; and whatever
        in ``html`` says what it opens."""
        found: dict[str, set[str]] = {".": set(), "#": set()}
        shut: set[str] = set()
        white = _all_white(css, html)
        for rule in _outside_at_rules(_COMMENT.sub(" ", css[:MAX_CSS])).split("}"):
            selectors, _, declarations = rule.rpartition("{")
            if selectors and hides_style(declarations, white):
                for selector in selectors.rpartition("{")[2].split(","):
                    match = _SELECTOR.fullmatch(selector.strip())
                    if match is not None:
                        found[match[1]].add(match[2])
                        if _hides_for_good(declarations):
                            shut.add(match[2])
        return cls(frozenset(found["."]), frozenset(found["#"]), frozenset(shut), frozenset(_controlled(html)), white)

    def hides(self, tag: str, attributes: Mapping[str, str | None]) -> bool:
        """Judge one element by itself, its classes apart; what it holds goes with it."""
        style = attributes.get("style")
        if style and hides_style(style, self.white):
            return True
        if self.white and tag == "font" and _colour(attributes.get("color") or "") == _WHITE:
            return True
        if "hidden" in attributes and attributes["hidden"] != "until-found":
            return True
        if "aria-hidden" in attributes and (attributes["aria-hidden"] or "").lower() == "true":
            return True
        if self.ids and attributes.get("id") in self.ids:
            return True
        return tag == "dialog" and "open" not in attributes

    def hides_class(self, names: str) -> bool:
        """Judge the value of a class attribute."""
        return any(name in self.classes or name in _UNSEEN for name in names.split())

    def opens(self, attributes: Mapping[str, str | None]) -> bool:
        """Whether a reader comes to see a hidden element by a click: a tab, a button or the like controls it, and
        nothing but what a click takes away hides it."""
        own = attributes.get("id")
        if not own or own not in self.opened or own in self.shut:
            return False
        if any(name in self.shut or name in _UNSEEN for name in (attributes.get("class") or "").split()):
            return False
        return not _hides_for_good(attributes.get("style") or "")


def _hides_for_good(style: str) -> bool:
    return hides_style(_TOGGLED.sub("", _readable(style)))


def _controlled(html: str) -> set[str]:
    """The ids that something on the page says it opens."""
    found = {name for several in _CONTROLS.findall(html) for name in several.split()}
    found.update(_TARGET.findall(html))
    for match in chain.from_iterable(tab.finditer(html) for tab in _TABS):
        start = html.rfind("<", max(0, match.start() - _LONGEST_TAG), match.start())
        stop = html.find(">", match.end(), match.end() + _LONGEST_TAG)
        if start >= 0 and (link := _FRAGMENT.match(html, start, max(stop, match.end()))) is not None:
            found.add(link[1])
    return found


@lru_cache(maxsize=10_000)
def hides_style(style: str, white: bool = False) -> bool:
    """Tell whether a list of declarations hides what it applies to, on ``white`` paper or on some that is not known."""
    style = _readable(style)
    if _DECLARATION.search(style):
        return True
    if _SMALL.search(style) and _CLIPPED.search(style):
        return True
    told = _COLOUR.search(style)
    if told is None:
        return False
    colour, behind = _colour(told[1]), _BACKGROUND.search(style)
    if colour == _NO_COLOUR:
        return _PAINTED_LETTERS.search(style) is None
    paper = _colour(behind[1]) if behind else _WHITE if white else None
    return colour is not None and paper is not None and max(abs(a - b) for a, b in zip(colour, paper, strict=True)) <= 8


def _readable(style: str) -> str:
    """Without the comments and escapes that a browser reads past."""
    style = style[:MAX_STYLE]
    if "/*" in style:
        style = _COMMENT.sub("", style)
    if "\\" in style:
        style = _ESCAPE.sub(lambda match: chr(min(int(match[1], 16), 0x10FFFF)) if match[1] else match[2], style)
    return style


_Colour = tuple[int, int, int, int]  # red, green, blue, and 255 for what can be seen at all
_WHITE, _BLACK, _NO_COLOUR = (255, 255, 255, 255), (0, 0, 0, 255), (0, 0, 0, 0)
_NAMED = {"white": _WHITE, "black": _BLACK, "transparent": _NO_COLOUR}
_HEX = re.compile(r"#(?:([0-9a-f]{3})([0-9a-f])?|([0-9a-f]{6})([0-9a-f]{2})?)")
_RGB = re.compile(r"rgba?\((\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})(?:[\s,/]+([\d.]+%?))?\s*\)")
_HSL = re.compile(r"hsla?\([^,\s]+[\s,]+[^,\s]+[\s,]+(0|100)%\s*\)")


def _colour(text: str) -> _Colour | None:
    """The colour that is written; None where it is none that is known here, or a picture."""
    text = text.strip().lower()
    if (match := _HEX.fullmatch(text)) is not None:
        digits = "".join(digit * 2 for digit in match[1]) if match[1] else match[3]
        alpha = match[2] or match[4] or "f"
        return _NO_COLOUR if not alpha.strip("0") else (*(int(digits[at : at + 2], 16) for at in (0, 2, 4)), 255)  # type: ignore[return-value]
    if (match := _RGB.fullmatch(text)) is not None:
        return (
            _NO_COLOUR if match[4] and not match[4].strip("0.%") else (int(match[1]), int(match[2]), int(match[3]), 255)
        )
    if (match := _HSL.fullmatch(text)) is not None:
        return _WHITE if match[1] == "100" else _BLACK
    return _NAMED.get(text)


def _all_white(css: str, html: str) -> bool:
    """Whether no style sheet from elsewhere, and no background on the page, can make its paper other than white."""
    if "stylesheet" in html or "@import" in css:
        return False
    told = (_BACKGROUND.findall(css[:MAX_CSS]), _BACKGROUND.findall(html), _PAPER.findall(html))
    return all(_colour(value) == _WHITE for several in told for value in several)


def _outside_at_rules(css: str) -> str:
    """Cut ``@media … { … }`` blocks out, whatever is nested in them, but for those of every screen."""
    kept: list[str] = []
    depth = start = 0
    within = False
    for match in re.finditer(r"@[^{};@]*\{|[{}]", css):
        token = match[0]
        if token.startswith("@") and not within and not _ALWAYS.match(token):
            kept.append(css[start : match.start()])
            within, depth = True, 1
        elif within:
            depth += -1 if token == "}" else 1
            if depth == 0:
                within, start = False, match.end()
    if not within:
        kept.append(css[start:])
    return "".join(kept)
