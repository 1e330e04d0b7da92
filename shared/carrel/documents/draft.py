"""What a format's reader gives: clean text and whatever the document says of itself.

Readers write through `Composer`, which cleans each block as it comes, so that the offsets they note stay true.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from carrel.documents.sections import Heading, markdown_headings
from carrel.documents.text import clean
from carrel.records import Link

__all__ = ["BARRED", "BROKEN", "ENCRYPTED", "NO_TEXT", "TOO_BIG", "Composer", "Draft", "Unreadable", "words"]

BROKEN, ENCRYPTED, TOO_BIG, NO_TEXT, BARRED = "broken", "encrypted", "too_big", "no_text", "barred"

MAX_LINKS = 1_000
_MAX_NAME = 300
MAX_FACT = 500


def words(text: str) -> tuple[str, ...]:
    """The words of a literal."""
    return tuple(text.split())


class Unreadable(Exception):
    """A document cannot be read. ``problem`` is BROKEN, ENCRYPTED, TOO_BIG, NO_TEXT or BARRED."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(slots=True)
class Draft:
    """A document before it has a name."""

    text: str
    title: str = ""
    headings: tuple[Heading, ...] = ()
    date: str = ""
    authors: tuple[str, ...] = ()
    language: str = ""
    page_starts: tuple[int, ...] = ()
    links: tuple[Link, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """Itself as what JSON can carry."""
        return {
            "text": self.text,
            "title": self.title,
            "headings": [(heading.text, heading.level, heading.start) for heading in self.headings],
            "date": self.date,
            "authors": self.authors,
            "language": self.language,
            "page_starts": self.page_starts,
            "links": [(link.url, link.text) for link in self.links],
            "facts": self.facts,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Draft:
        """Read what `as_data` gave. Raises KeyError, TypeError or ValueError for anything else.

        The other side has read a hostile file: the text is cleaned again and offsets are checked.
        """
        text = clean(str(data["text"]))[0]
        headings = tuple(Heading(str(name), int(level), int(start)) for name, level, start in data["headings"])
        pages = tuple(int(start) for start in data["page_starts"])
        for starts in (pages, tuple(heading.start for heading in headings)):
            if list(starts) != sorted(starts) or (starts and not 0 <= starts[0] <= starts[-1] <= len(text)):
                raise ValueError("offsets out of order")
        return cls(
            text,
            str(data["title"]),
            headings,
            str(data["date"]),
            tuple(str(name) for name in data["authors"]),
            str(data["language"]),
            pages,
            tuple(Link(str(url), str(label)) for url, label in data["links"]),
            {str(key): str(value)[:MAX_FACT] for key, value in data["facts"].items()},
        )


class Composer:
    """Writes a text block by block and notes where headings and pages begin.

    Raises Unreadable (TOO_BIG) once the text has more than ``max_chars`` characters.
    """

    def __init__(self, max_chars: int) -> None:
        self.length = 0
        self.hidden = 0
        self.headings: list[Heading] = []
        self.page_starts: list[int] = []
        self._parts: list[str] = []
        self._max = max_chars
        self._links: dict[str, Link] = {}
        self._page_waits = False

    def block(self, text: str, *, gap: str = "\n\n") -> int | None:
        """Add a block, set apart from the one before by ``gap``; returns where it begins, None for white space."""
        cleaned, removed = clean(text)
        self.hidden += removed
        cleaned = cleaned.strip("\n").rstrip()
        if not cleaned.strip():
            return None
        if self._parts:
            self._write(gap)
        start = self.length
        if self._page_waits:
            self._open_pages(start)
        self._write(cleaned)
        return start

    def line(self, text: str) -> int | None:
        """Add a block that follows the one before without a blank line, as the items of a list do."""
        return self.block(text, gap="\n")

    def heading(self, text: str, level: int) -> None:
        """Add a heading as a Markdown line; nothing for an empty one. Its name is cut after 300 characters."""
        line = " ".join(clean(text)[0].split())
        shown = min(max(level, 1), 6)
        start = self.block(f"{'#' * shown} {line}") if line else None
        if start is not None:
            self.headings.append(Heading(line[:_MAX_NAME], max(level, 1), start))

    def markdown(self, text: str, *, deeper: int = 0) -> None:
        """Add Markdown as it is, with the headings that are in it, each ``deeper`` levels down."""
        start = self.block(text)
        if start is not None:
            added = self._parts[-1]
            self.headings += (
                Heading(heading.text, heading.level + deeper, start + heading.start)
                for heading in markdown_headings(added)
                if heading.text
            )

    def page(self) -> None:
        """Begin a page with the next block."""
        if self._page_waits:  # the page before had no text
            self.page_starts.append(-1)
        self._page_waits = True

    def link(self, url: str, text: str) -> None:
        """Note a link; the first of an address is kept."""
        if url not in self._links and len(self._links) < MAX_LINKS and len(url) <= 1_000:
            self._links[url] = Link(clean(url)[0], " ".join(clean(text)[0].split())[:200])

    def draft(self, **about: Any) -> Draft:
        """What was written, with the fields of `Draft` given by name; raises Unreadable (NO_TEXT) for no text."""
        text = "".join(self._parts)
        if not text.strip():
            raise Unreadable(NO_TEXT)
        if self._page_waits:
            self._open_pages(len(text))
        for name in ("title", "date", "language"):
            about[name] = " ".join(clean(str(about.get(name, "")))[0].split())[:300]
        about["authors"] = tuple(
            " ".join(clean(name)[0].split())[:200] for name in about.get("authors", ()) if name.strip()
        )[:100]
        facts = {key: clean(value)[0][:MAX_FACT] for key, value in about.pop("facts", {}).items() if value}
        if self.hidden:
            facts["hidden_chars"] = str(self.hidden)
        return Draft(
            text,
            headings=tuple(self.headings),
            page_starts=tuple(self.page_starts),
            links=tuple(self._links.values()),
            facts=facts,
            **about,
        )

    def _write(self, text: str) -> None:
        self.length += len(text)
        if self.length > self._max:
            raise Unreadable(TOO_BIG)
        self._parts.append(text)

    def _open_pages(self, start: int) -> None:
        self.page_starts = [start if begin < 0 else begin for begin in self.page_starts]
        self.page_starts.append(start)
        self.page_starts[0] = 0
        self._page_waits = False
