"""What may come in: the short facts of a document are kept short, for every hit and every reply carries them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from carrel.documents import clean
from carrel.errors import BadRequest
from carrel.records import Document, Section

__all__ = ["admitted"]

_SOURCE = 8_192  # characters; as long as a URL may be, and twice a path
_TITLE = 300  # as readers cut titles and headings
_DEEPEST = 12  # headings of a path; no format nests as deep
_FACT = 100  # of a date, a language, a media type, a tag
_TAGS = 100
_NAME = 200
_AUTHORS = 1_000
_METADATA = 2_000


def admitted(document: Document) -> Document:
    """The document, its title, headings, authors and other facts cut to the size that replies have room for.

    What names it must be whole: raises BadRequest for a source of more than 8,192 characters, for more than 100 tags
    and for a tag of more than 100 characters.
    """
    if len(document.source) > _SOURCE:
        raise BadRequest(f"the source of a document is longer than {_SOURCE} characters; give it a shorter name")
    if len(document.tags) > _TAGS or any(len(tag) > _FACT for tag in document.tags):
        raise BadRequest(f"a document has at most {_TAGS} tags of at most {_FACT} characters; use shorter ones")
    found = replace(
        document,
        title=_line(document.title),
        sections=_sections(document.sections),
        authors=tuple(name[:_NAME] for name in document.authors[:_AUTHORS]),
        date=document.date[:_FACT],
        language=document.language[:_FACT],
        media_type=document.media_type[:_FACT],
        metadata={key[:_FACT]: value[:_METADATA] for key, value in document.metadata.items()},
    )
    return document if found == document else found


def _sections(sections: Sequence[Section]) -> tuple[Section, ...]:
    return tuple(each if _short(each) else _cut(each) for each in sections)


def _short(section: Section) -> bool:
    return (
        len(section.heading) <= _TITLE
        and len(section.path) <= _DEEPEST
        and all(len(heading) <= _TITLE for heading in section.path)
    )


def _cut(section: Section) -> Section:
    path = (*section.path[: _DEEPEST - 1], section.path[-1]) if len(section.path) > _DEEPEST else section.path
    return replace(section, heading=section.heading[:_TITLE], path=tuple(heading[:_TITLE] for heading in path))


def _line(title: str) -> str:
    """A title as one line of characters that can be seen."""
    if len(title) <= _TITLE and title.isprintable():
        return title
    return " ".join(clean(title[: 4 * _TITLE])[0].split())[:_TITLE]
