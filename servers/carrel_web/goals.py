"""Reading with a goal: the passages of pages that bear on it, the best first until the room is used up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from carrel.documents import find_section, how_to_cite
from carrel.errors import CarrelError
from carrel.index import LazyLibrary
from carrel.mcp import next_cursor, read_cursor
from carrel.models import Encoder
from carrel.records import Document, Hit, Passage
from carrel.retrieve import evidence
from carrel_web.pages import Reading
from carrel_web.views import byline, header, more, reply

__all__ = ["Choice", "Reader", "choose", "marked", "open_reader", "show_goal"]

_MOST = 60  # passages of one answer
_DEPTH = 96  # windows weighed by meaning; an encoder does about a hundred in a second
_BEARS = 0.3
"""A passage bears on a goal with this share of the best one's score. Of pages made of twelve abstracts of scifact, one
of them on the claim, that shows 12 % (words alone: 8 %) and with it 78 % (62 %) of the right one; .4: 9 % and 72 %."""

_LONGEST = 2_000  # characters of one passage: a sentence without an end must not use up the room


@dataclass(frozen=True, slots=True)
class Reader:
    """What weighs passages: an encoder, or words alone; ``how`` says which."""

    encoder: Encoder | None
    how: str


def open_reader(shelf: LazyLibrary, encoder: str) -> Reader:
    """The library's encoder where there is one. Loads it, so call it in a thread."""
    if encoder == "none":
        return Reader(None, "ranked by words")
    try:
        return Reader(shelf().encoder(), "ranked by words and meaning")
    except CarrelError as error:
        return Reader(None, f"ranked by words only: {error}")


@dataclass(frozen=True, slots=True)
class Choice:
    """The passages shown, best first, how many were before them and how many more there are."""

    shown: tuple[Hit, ...]
    before: int
    left: int

    @property
    def chars(self) -> int:
        return sum(len(hit.passage.text) for hit in self.shown)

    def of(self, document: Document) -> list[Hit]:
        """Those of one document, in its order."""
        mine = [hit for hit in self.shown if hit.passage.doc_id == document.doc_id]
        return sorted(mine, key=lambda hit: hit.passage.start)


def choose(documents: Sequence[Document], goal: str, reader: Reader, max_chars: int, start: int = 0) -> Choice:
    """The passages of several documents that bear on a goal, from the one of rank ``start`` on, as far as they fit."""
    hits = evidence(documents, goal, k=_MOST, encoder=reader.encoder, depth=_DEPTH)
    bearing = [hit for hit in hits if hit.score >= _BEARS * hits[0].score]
    shown: list[Hit] = []
    room = max_chars
    for hit in bearing[start:]:
        passage = _cut(hit.passage, min(_LONGEST, max_chars))
        if shown and len(passage.text) > room:
            break
        room -= len(passage.text)
        shown.append(replace(hit, passage=passage))
    return Choice(tuple(shown), start, max(len(bearing) - start - len(shown), 0))


def _cut(passage: Passage, chars: int) -> Passage:
    if len(passage.text) <= chars:
        return passage
    return replace(passage, end=passage.start + chars, text=passage.text[:chars])


def marked(document: Document, choice: Choice) -> str:
    """The passages shown of a document under their offsets and headings, in its order; empty where there are none."""
    parts = []
    for hit in choice.of(document):
        passage = hit.passage
        place = " ".join([f"[{passage.start}-{passage.end}]", " > ".join(passage.heading)]).rstrip()
        parts.append(f"{place}\n{passage.text}")
    return "\n".join([how_to_cite(document), "\n\n".join(parts)]) if parts else ""


def show_goal(reading: Reading, url: str, goal: str, section: str, cursor: str, max_chars: int, reader: Reader) -> str:
    """The passages of a page that bear on a goal, in the page's order, and how to see the others."""
    document = reading.document
    question = (document.doc_id, "goal", goal, section)
    start = read_cursor(cursor, *question)
    area = _only(document, section) if section else document
    choice = choose([area], goal, reader, max_chars, start)
    lines = header(reading)
    if not choice.shown:
        lines.append(
            f"goal: no passage shares a word with it ({reader.how}); {len(document.text)} characters were read"
        )
        lines.append(f'next: read_page(url="{url}", view="outline"), or a goal in the words of the page')
        return "\n".join(lines)
    last = choice.before + len(choice.shown)
    lines.append(
        f"goal: passages {choice.before + 1}-{last} of {last + choice.left} that bear on it, in the page's order; "
        f"{choice.chars} of {len(document.text)} characters, {reader.how}"
    )
    if choice.left:
        lines.append(more(url, "text", section, next_cursor(last, *question), goal))
    lines.append(f'whole page: read_page(url="{url}")')
    return reply(lines, f"{byline(document)}\n{marked(document, choice)}", document)


def _only(document: Document, section: str) -> Document:
    """A document with only one section left of it, at its place: the rest is blank, so offsets stay true."""
    ref = find_section(document, section).ref
    start, end = ref.start or 0, len(document.text) if ref.end is None else ref.end
    return replace(document, text=" " * start + document.text[start:end])
