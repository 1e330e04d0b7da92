"""I have clean text: which headings does it have, and what lies under each?

Headings are found line by line in one pass. For Markdown the rules are CommonMark's (0.31), sections 4.2 to 4.6, for
headings at the top level: none is seen inside fences, HTML blocks, block quotes or front matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from carrel.records import Section

__all__ = ["Heading", "front_matter", "markdown_headings", "sections_of", "underlined_headings"]

MAX_HEADING = 300


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading found in a text: ``start`` is where its first line begins."""

    text: str
    level: int
    start: int


def sections_of(text: str, headings: Iterable[Heading]) -> tuple[Section, ...]:
    """Sections that touch and cover ``text``: one per heading, and one before the first if there is text there."""
    found = list(headings)
    bounds = [heading.start for heading in found] + [len(text)]
    sections = []
    if text[: bounds[0]].strip():
        sections.append(Section("", 0, 0, bounds[0]))
    elif found:
        bounds[0] = 0
    above: list[tuple[int, str]] = []
    for heading, start, end in zip(found, bounds, bounds[1:], strict=False):
        while above and above[-1][0] >= heading.level:
            above.pop()
        above.append((heading.level, heading.text))
        sections.append(Section(heading.text, heading.level, start, end, tuple(name for _, name in above)))
    return tuple(sections)


def lines_of(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, str]]:
    """Each line of ``text[start:end]`` with its offset, without its line end."""
    end = len(text) if end is None else end
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        yield start, text[start:stop]
        start = stop + 1


# -- Markdown --------------------------------------------------------------------------------------------------------

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*+\Z)|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?\Z", re.S)
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*\Z")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*+){3,}|(?:_[ \t]*+){3,}|(?:-[ \t]*+){3,})\Z")
_CONTAINER = re.compile(r" {0,3}(?:>|[-+*](?:[ \t]|\Z)|\d{1,9}[.)](?:[ \t]|\Z)|\|)")
_HTML_UNTIL = (
    (
        re.compile(r" {0,3}<(?:script|pre|style|textarea)(?:[\s>]|\Z)", re.I),
        re.compile(r"</(?:script|pre|style|textarea)>", re.I),
    ),
    (re.compile(r" {0,3}<!--"), re.compile("-->")),
    (re.compile(r" {0,3}<\?"), re.compile(r"\?>")),
    (re.compile(r" {0,3}<!\[CDATA\["), re.compile(r"\]\]>")),
    (re.compile(r" {0,3}<![A-Za-z]"), re.compile(">")),
)
_HTML_BLOCK = re.compile(
    r" {0,3}</?(?:address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|"
    r"dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|"
    r"link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|"
    r"thead|title|tr|track|ul)(?:[\s>]|/>|\Z)",
    re.I,
)
_HTML_TAG_ALONE = re.compile(r" {0,3}<(?:/[A-Za-z][\w-]*+\s*+|[A-Za-z][\w-]*+(?:\s[^<>]*+)?)>[ \t]*\Z")


class _MarkdownScan:
    """One pass over the lines of a Markdown text, keeping just enough state to know a heading when it comes."""

    def __init__(self) -> None:
        self.fence = ""
        self.until: re.Pattern[str] | None = None  # an HTML block ends on the line that matches
        self.until_blank = False  # … or at a blank line
        self.paragraph: list[tuple[int, str]] = []

    def heading(self, start: int, line: str) -> Heading | None:
        if self._inside(line):
            return None
        if not line.strip():
            self.paragraph.clear()
            return None
        if line[0] not in " \t" or line[:8].expandtabs(4)[:4].strip():
            found = self._block_start(start, line)
            if found is not None or not self.paragraph_open:
                return found
        elif not self.paragraph:
            return None  # indented code
        self.paragraph.append((start, line))
        return None

    def _inside(self, line: str) -> bool:
        """Whether this line belongs to a fence or HTML block that is open."""
        if self.fence:
            closing = line.strip()
            if len(closing) >= len(self.fence) and not closing.strip(self.fence[0]) and line[:4].strip():
                self.fence = ""
            return True
        if self.until is not None:
            if self.until.search(line):
                self.until = None
            return True
        if self.until_blank:
            self.until_blank = bool(line.strip())
            return True
        return False

    def _block_start(self, start: int, line: str) -> Heading | None:
        self.paragraph_open = False
        first = line.lstrip(" ")[:1]
        if first == "#" and (match := _ATX.match(line)):
            self.paragraph.clear()
            return Heading(plain_heading(_without_closing(match[2] or "")), len(match[1]), start)
        if first in "=-" and self.paragraph and (match := _SETEXT.match(line)):
            return self._setext(1 if match[1][0] == "=" else 2)
        if first in "`~" and (match := _FENCE.match(line)):
            self.fence = match[1]
            self.paragraph.clear()
            return None
        if first == "<" and self._html(line):
            self.paragraph.clear()
            return None
        if first in "*_-" and _RULE.match(line):
            self.paragraph.clear()
            return None
        if _CONTAINER.match(line):
            # a list item, quotation or table: what follows without a blank line is its continuation
            self.paragraph[:] = [(-1, "")]
            return None
        self.paragraph_open = True
        return None

    def _setext(self, level: int) -> Heading | None:
        lines, self.paragraph = self.paragraph, []
        text = " ".join(line.strip() for _, line in lines)
        # Three lines over a rule are prose whose author meant a rule, whatever the specification says.
        if lines[0][0] < 0 or len(lines) > 3 or len(text) > MAX_HEADING:
            return None
        return Heading(plain_heading(text), level, lines[0][0])

    def _html(self, line: str) -> bool:
        for begin, end in _HTML_UNTIL:
            if match := begin.match(line):
                self.until = None if end.search(line, match.end()) else end
                return True
        if _HTML_BLOCK.match(line) or (not self.paragraph and _HTML_TAG_ALONE.match(line)):
            self.until_blank = True
            return True
        return False

    paragraph_open = False


def markdown_headings(text: str, start: int = 0) -> tuple[Heading, ...]:
    """The ATX and setext headings of ``text[start:]``, in order."""
    scan = _MarkdownScan()
    found = []
    for offset, line in lines_of(text, start):
        heading = scan.heading(offset, line)
        if heading is not None:
            found.append(heading)
    return tuple(found)


def _without_closing(text: str) -> str:
    text = text.strip()
    bare = text.rstrip("#")
    return bare.rstrip() if not bare or bare[-1] in " \t" else text


_LINK = re.compile(r"!?\[([^\[\]]{0,300})\](?:\([^()\s]{0,2000}(?:\s+\"[^\"]{0,300}\")?\)|\[[^\[\]]{0,300}\])")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,300}>")
_MARKUP = re.compile(r"(\*{1,3}|(?<!\w)_{1,3}|_{1,3}(?!\w)|`+)")
_ANCHOR = re.compile(r"\s*(?:\{#[^{}]{0,200}\}|¶)\s*\Z")


def plain_heading(text: str) -> str:
    """A heading without its inline markup, on one line, at most 300 characters."""
    text = _ANCHOR.sub("", text[: 2 * MAX_HEADING])
    text = _MARKUP.sub("", _TAG.sub("", _LINK.sub(r"\1", text)))
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)
    return " ".join(text.split())[:MAX_HEADING]


_FRONT_LINE = re.compile(r"([A-Za-z][\w-]{0,40})[ \t]*:[ \t]*(.*)")


def front_matter(text: str) -> tuple[dict[str, str], int]:
    """``key: value`` lines between a first line ``---`` and the next ``---`` or ``...``, and where the body begins.

    A list (``[a, b]`` or ``- a`` lines) becomes "a, b". Not YAML: what has another shape is left alone.
    """
    if not text.startswith("---\n"):
        return {}, 0
    fields: dict[str, str] = {}
    key = ""
    for offset, line in lines_of(text, 4, min(len(text), 20_000)):
        if line.rstrip() in ("---", "..."):
            return fields, min(offset + len(line) + 1, len(text))
        if match := _FRONT_LINE.fullmatch(line):
            key = match[1].lower()
            fields[key] = _scalar(match[2])
        elif key and line.strip().startswith("- "):
            fields[key] = ", ".join(filter(None, (fields[key], _scalar(line.strip()[2:]))))
        elif line.strip() and not line[0].isspace() and line[0] != "#":
            return {}, 0  # prose after a rule
    return {}, 0


def _scalar(value: str) -> str:
    value = value.strip()
    if value.startswith("[") and value.endswith("]"):
        return ", ".join(_scalar(part) for part in value[1:-1].split(",") if part.strip())
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return "" if value in ("|", ">", "|-", ">-", "null", "~") else value[:1000]


# -- reStructuredText and plain text ---------------------------------------------------------------------------------

_UNDERLINE = re.compile(r"([=\-~^\"'`#*+:.<>_])\1{2,}[ \t]*\Z")
_PLAIN_UNDERLINES = "=-~^*#"


def underlined_headings(text: str, start: int = 0, *, rst: bool = True) -> tuple[Heading, ...]:
    """Headings that are underlined (and perhaps overlined) with a line of punctuation at least as long as the title.

    Levels follow the order in which the styles first appear, as in reStructuredText. ``rst=False`` (plain text)
    knows fewer kinds of line.
    """
    styles: list[str] = []
    found = []
    older, old = (start, ""), (start, "")  # the two lines before this one
    for offset, line in lines_of(text, start):
        match = _UNDERLINE.match(line) if line[:1] and not line[0].isalnum() else None
        title = old[1].strip()
        if match and title and len(title) <= min(len(match[0].rstrip()) + (0 if rst else 2), MAX_HEADING):
            over = older[1].rstrip() == line.rstrip()
            known = rst or match[1] in _PLAIN_UNDERLINES
            if known and (over or (not older[1].strip() and not old[1][0].isspace())) and not _UNDERLINE.match(old[1]):
                style = match[1] + ("o" if over else "")
                if style not in styles:
                    styles.append(style)
                found.append(Heading(_plain_rst(title), styles.index(style) + 1, older[0] if over else old[0]))
        older, old = old, (offset, line)
    return tuple(found)


_ROLE = re.compile(r":[\w:.+-]{1,60}:`([^`]{1,300})`")


def _plain_rst(title: str) -> str:
    return " ".join(_ROLE.sub(r"\1", title).replace("``", "").replace("**", "").split())
