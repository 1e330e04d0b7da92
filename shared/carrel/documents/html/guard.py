"""I have the text of an HTML page: is it safe to give to the tree builder?

Tree builders are quadratic, or worse, on a few shapes no honest page has: thousands of open elements, of unclosed
formatting tags (each new block clones them all), of attributes in one tag, of options. This reads the tags once,
keeping a stack as the HTML standard's tree construction does where that decides depth, and gives up at stated limits.
"""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["MAX_CHARS", "tag_end", "too_hostile"]

MAX_CHARS = 5_000_000
MAX_DEPTH = 512
MAX_ATTRIBUTES = 2_000
MAX_PAIRS = 50_000_000  # of attributes in one tag, summed over all tags: each is compared with those before it
MAX_OPTIONS = 20_000
MAX_TAGS = 60_000  # start tags; past this the pure-Python steps after the parser take seconds
MAX_FORMATTING = 128  # unclosed formatting tags at one time
MAX_CLONES = 2_000_000  # open formatting tags summed over all start tags: what the tree builder may have to clone

# Below these, no arrangement of tags costs the tree builder half a second: nesting costs it 9 ns for each pair of tags,
# attributes 5 ns for each pair in one tag (measured with lexbor 3), and formatting what MAX_CLONES allows.
FEW_TAGS = 8_000
FEW_ATTRIBUTES = 12_000  # on the whole page
MANY_ATTRIBUTES = 300  # in one tag; no honest one has half of it

_FORMATTERS = re.compile(
    r"<(?:[bius]|B|I|U|S|(?:em|big|code|font|nobr|tt|small|strike|strong|EM|BIG|CODE|FONT|NOBR|TT|SMALL|STRIKE|STRONG)"
    r"|(?i:em|big|code|font|nobr|tt|small|strike|strong))(?=[\s/>])"
)
# What may follow the name of a tag up to its end, as the HTML standard's tokenizer reads it (13.2.5.32 to 39).
_ATTRIBUTE = r"""[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|(?!["'])[^\s>]*+))?+"""
_ATTRIBUTES = re.compile(rf"[^\s/>]*+(?:{_ATTRIBUTE})*+[\s/]*+")
_ONE_ATTRIBUTE = re.compile(_ATTRIBUTE)
_LONG_TAG = 1_000  # characters; attributes of shorter ones are not worth counting
_START = re.compile(rf"<[a-zA-Z](?=([^\s/>]*+(?:{_ATTRIBUTE}){{0,{MANY_ATTRIBUTES}}}+[\s/]*+)(>|\Z)?+)")
_TAG = re.compile(r"<(?:(/?)([a-zA-Z][^\s/>]*)|!--|[!?])")
_OPENING = re.compile(r"<[a-zA-Z]")
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
_UNCOUNTED = frozenset(["html", "head", "body", "p", "li", "dt", "dd", "option", "optgroup", "rp", "rt"])
_RAW = frozenset(["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"])
_FORMATTING = frozenset(
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"]
)
_MARKERS = frozenset(["table", "td", "th", "caption", "template", "applet", "marquee", "object"])
_IN_TABLE = frozenset(["td", "th", "tr", "tbody", "thead", "tfoot", "caption", "colgroup"])
_SPECIAL = (
    frozenset(
        [
            "address",
            "article",
            "aside",
            "blockquote",
            "button",
            "center",
            "details",
            "dialog",
            "dir",
            "div",
            "dl",
            "fieldset",
            "figcaption",
            "figure",
            "footer",
            "form",
            "frameset",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "header",
            "hgroup",
            "listing",
            "main",
            "menu",
            "nav",
            "ol",
            "pre",
            "search",
            "section",
            "select",
            "summary",
            "ul",
        ]
    )
    | _MARKERS
    | _IN_TABLE
)


class _TrippedError(Exception):
    pass


class _Stack:
    """Open elements, as far as they decide how deep the tree gets; each step looks at ``MAX_DEPTH`` of them at most."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._counts: Counter[str] = Counter()
        self._formatting = 0
        self._clones = 0

    def inside(self, name: str) -> bool:
        return self._counts[name] > 0

    def start(self, name: str) -> None:
        self._clones += self._formatting
        if name in _IN_TABLE:
            if not self.inside("table"):
                return  # the tree builder drops it too
            self._cut(self._last("table") + 1, formatting_too=True)
        if name in _UNCOUNTED:
            return
        self._open.append(name)
        self._counts[name] += 1
        self._formatting += name in _FORMATTING
        if len(self._open) > MAX_DEPTH or self._formatting > MAX_FORMATTING or self._clones > MAX_CLONES:
            raise _TrippedError

    def end(self, name: str) -> None:
        if not self.inside(name):
            return
        place = self._last(name)
        above = self._open[place + 1 :]
        if name in _FORMATTING:
            if not _MARKERS.intersection(above):
                self._drop(place)
        elif name in _MARKERS or name in _IN_TABLE:
            self._cut(place, formatting_too=True)
        elif not (_MARKERS if name in _SPECIAL else _SPECIAL).intersection(above):
            self._cut(place, formatting_too=False)

    def _last(self, name: str) -> int:
        return len(self._open) - 1 - self._open[::-1].index(name)

    def _drop(self, place: int) -> None:
        name = self._open.pop(place)
        self._counts[name] -= 1
        self._formatting -= name in _FORMATTING

    def _cut(self, place: int, *, formatting_too: bool) -> None:
        """Close everything from ``place`` on; formatting tags that were not closed come back in the next block."""
        closed = self._open[place:]
        kept = [] if formatting_too else [name for name in closed[1:] if name in _FORMATTING]
        self._open[place:] = kept
        self._counts.subtract(closed)
        self._counts.update(kept)
        self._formatting += len(kept) - sum(name in _FORMATTING for name in closed)


def too_hostile(html: str) -> bool:
    """Tell whether a page goes past the limits. Most pages are too small to; for others, one pass over their tags."""
    if len(html) > MAX_CHARS:
        return True
    tags = html.count("<")
    if tags <= FEW_TAGS and tags * len(_FORMATTERS.findall(html)) <= MAX_CLONES and not _may_be_crowded(html):
        return False
    if tags > MAX_TAGS and len(_OPENING.findall(html)) > MAX_TAGS:
        return True  # told without looking at each
    try:
        _scan(html)
    except _TrippedError:
        return True
    return False


def _may_be_crowded(html: str) -> bool:
    """Whether one tag may have many attributes: judged from all that could set so many apart, then from every place
    where a tag could begin, so that no quote or comment hides one."""
    if len(html.split()) + html.count("/") + (html.count('"') + html.count("'")) // 2 <= FEW_ATTRIBUTES:
        return False
    read = 0
    for start in _START.finditer(html):
        read += start.end(1) - start.start()
        if start[2] is None or read > 2 * len(html):
            return True
    return False


def _scan(html: str) -> None:
    stack = _Stack()
    tags = options = pairs = place = 0
    lowered = html.lower()
    while (match := _TAG.search(html, place)) is not None:
        place = match.end()
        name = (match[2] or "").lower()
        if not name:
            place = _after_comment(html, match)
            continue
        stop = tag_end(html, place)
        if stop - place > _LONG_TAG:
            count = _count_attributes(html, place, stop)
            pairs += count * count // 2
            if count > MAX_ATTRIBUTES or pairs > MAX_PAIRS:
                raise _TrippedError
        place = stop + 1
        if match[1]:
            stack.end(name)
            continue
        tags += 1
        options += name == "option"
        if tags > MAX_TAGS or options > MAX_OPTIONS:
            raise _TrippedError
        foreign = stack.inside("svg") or stack.inside("math")
        if name not in _VOID and not (foreign and html[stop - 1 : stop] == "/"):
            if name in _RAW and not foreign:
                closing = lowered.find(f"</{name}", place)
                place = len(html) if closing < 0 else closing
            else:
                stack.start(name)


def _after_comment(html: str, match: re.Match[str]) -> int:
    if match[0] != "<!--":
        stop = html.find(">", match.end())
    elif html.startswith((">", "->"), match.end()):
        return match.end()
    else:
        end = re.compile(r"--!?>").search(html, match.end())
        return len(html) if end is None else end.end()
    return len(html) if stop < 0 else stop + 1


def tag_end(html: str, place: int) -> int:
    """Where the tag ends that has its name before ``place``; a ``>`` in a quoted value does not end it."""
    match = _ATTRIBUTES.match(html, place)
    stop = match.end() if match is not None else place
    return stop if html.startswith(">", stop) else len(html)


def _count_attributes(html: str, place: int, stop: int) -> int:
    return sum(1 for _ in _ONE_ATTRIBUTE.finditer(html, place, stop))
