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
_SELECTOR = re.compile(r"(?:[a-z][a-z0-9]*)?([.#])([A-Za-z_-][\w-]*)")
_ZERO = r"-?(?:0+(?:\.0*)?|\.0+)(?:px|em|rem|%|pt|vh|vw)?"
_DECLARATION = re.compile(
    r"""(?:^|[;{\s])(?:
      display\s*:\s*none
    | visibility\s*:\s*(?:hidden|collapse)
    | opacity\s*:\s*"""
    + _ZERO
    + r"""(?![.\d])
    | font-size\s*:\s*(?:0*\.\d+px|0*1px|"""
    + _ZERO
    + r""")(?![.\d])
    | text-indent\s*:\s*-\d{3,}
    | (?:left|top|right|bottom|margin-left|margin-top)\s*:\s*-\d{4,}(?:\.\d+)?px
    | (?:left|top)\s*:\s*-\d{2,}(?:\.\d+)?(?:em|rem|vw|vh|%)
    | clip\s*:\s*rect\(\s*(?:0|1)(?:px)?[\s,]+(?:0|1)(?:px)?[\s,]+(?:0|1)(?:px)?[\s,]+(?:0|1)(?:px)?\s*\)
    | clip-path\s*:\s*inset\(\s*(?:50|100)%
    | transform\s*:\s*(?:scale[xy]?\(\s*0\s*\)|translate[xy]?\(\s*-\d{4,})
    )""",
    re.I | re.X,
)
_SMALL = re.compile(
    r"(?:^|[;\s])(?:max-)?(?:height|width)\s*:\s*(?:0|1px)(?:px|em|rem|%)?\s*(?:!important\s*)?(?:;|$)", re.I
)
_CLIPPED = re.compile(r"overflow(?:-[xy])?\s*:\s*(?:hidden|clip)", re.I)
_COLOUR = re.compile(r"(?:^|[;\s])color\s*:\s*([^;!]+)", re.I)
_BACKGROUND = re.compile(r"background(?:-color)?\s*:\s*([^;!]+)", re.I)
_NAMED = {"white": "#ffffff", "black": "#000000", "transparent": "rgba(0,0,0,0)"}
# what style sheets call text that is for screen readers alone
_UNSEEN = frozenset(
    {"sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "screen-reader-only", "a11y-hidden"}
)
# What a click takes away again, and who takes it: the ids that tabs, buttons and headings of a page say they control.
_TOGGLED = re.compile(
    rf"(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*{_ZERO}(?![.\d]))", re.I
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
    """Which classes and ids the page's own style blocks hide, those of them that no click shows (``shut``), and which
    ids its controls open."""

    classes: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    shut: frozenset[str] = frozenset()
    opened: frozenset[str] = frozenset()

    @classmethod
    def of_page(cls, css: str, html: str) -> Hiding:
        """Read ``<style>`` text, but no rules within ``@media`` and the like, which hide only sometimes; and whatever
        in ``html`` says what it opens."""
        found: dict[str, set[str]] = {".": set(), "#": set()}
        shut: set[str] = set()
        for rule in _outside_at_rules(_COMMENT.sub(" ", css[:MAX_CSS])).split("}"):
            selectors, _, declarations = rule.rpartition("{")
            if selectors and hides_style(declarations):
                for selector in selectors.split(","):
                    match = _SELECTOR.fullmatch(selector.strip())
                    if match is not None:
                        found[match[1]].add(match[2])
                        if _hides_for_good(declarations):
                            shut.add(match[2])
        return cls(frozenset(found["."]), frozenset(found["#"]), frozenset(shut), frozenset(_controlled(html)))

    def hides(self, tag: str, attributes: Mapping[str, str | None]) -> bool:
        """Judge one element by itself, its classes apart; what it holds goes with it."""
        style = attributes.get("style")
        if style and hides_style(style):
            return True
        if "hidden" in attributes and attributes["hidden"] != "until-found":
            return True
        if "aria-hidden" in attributes and attributes["aria-hidden"] == "true":
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
    return hides_style(_TOGGLED.sub("", style[:MAX_STYLE]))


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
def hides_style(style: str) -> bool:
    """Tell whether a list of declarations hides what it applies to."""
    style = style[:MAX_STYLE]
    if _DECLARATION.search(style):
        return True
    if _SMALL.search(style) and _CLIPPED.search(style):
        return True
    colour, background = _COLOUR.search(style), _BACKGROUND.search(style)
    return bool(colour and background and _plain(colour[1]) == _plain(background[1]))


def _plain(colour: str) -> str:
    value = "".join(colour.lower().split())
    if re.fullmatch(r"#[0-9a-f]{3}", value):
        value = "#" + "".join(digit * 2 for digit in value[1:])
    triple = re.fullmatch(r"rgb\((\d{1,3}),(\d{1,3}),(\d{1,3})\)", value)
    if triple:
        value = "#" + "".join(f"{int(part):02x}" for part in triple.groups())
    return _NAMED.get(value, value)


def _outside_at_rules(css: str) -> str:
    """Cut ``@media … { … }`` blocks out, whatever is nested in them."""
    kept: list[str] = []
    depth = start = 0
    within = False
    for match in re.finditer(r"@[^{};@]*\{|[{}]", css):
        token = match[0]
        if token.startswith("@") and not within:
            kept.append(css[start : match.start()])
            within, depth = True, 1
        elif within:
            depth += -1 if token == "}" else 1
            if depth == 0:
                within, start = False, match.end()
    if not within:
        kept.append(css[start:])
    return "".join(kept)
