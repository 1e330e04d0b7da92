"""What all formats need of a work in parts: particles of a name, a date's parts, the ends of a page range."""

from __future__ import annotations

import re
from collections.abc import Mapping

from carrel.records import Author, Work

__all__ = ["date_parts", "is_group", "page_range", "particles", "standing_note"]

_RANGE = re.compile(r"([A-Za-z]{0,4}\d[\w.:]*)\s*[-‐-―−]+\s*([A-Za-z]{0,4}\d[\w.:]*)")
_NOTES: Mapping[str, str] = {
    "retracted": "Retracted",
    "withdrawn": "Withdrawn",
    "expression_of_concern": "Expression of concern",
}


def particles(family: str) -> tuple[str, str]:
    """``van der Berg`` as ("van der", "Berg"): the words in small letters that a family name begins with."""
    words = family.split()
    count = 0
    while count < len(words) - 1 and words[count][:1].islower():
        count += 1
    return " ".join(words[:count]), " ".join(words[count:])


def is_group(author: Author) -> bool:
    """A group, or somebody with one name: nothing that may be turned round or shortened to initials."""
    return not author.given


def date_parts(work: Work) -> tuple[int, ...]:
    """Year, month and day, as far as they are known."""
    found = re.fullmatch(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", work.date)
    if found is None or (work.year is not None and int(found[1]) != work.year):
        return (work.year,) if work.year is not None else ()
    return tuple(int(part) for part in found.groups() if part is not None)


def page_range(pages: str) -> tuple[str, str]:
    """First and last page; the last is empty for a single page, an article number, or what is no plain range."""
    plain = " ".join(pages.split())
    found = _RANGE.fullmatch(plain)
    return (found[1], found[2]) if found else (plain, "")


def standing_note(work: Work) -> str:
    """What whoever cites the work should see, such as "Retracted (2021-05-06)"; empty when all is well."""
    said = _NOTES.get(work.status.state, "") if work.status else ""
    return f"{said} ({work.status.date})" if said and work.status and work.status.date else said
