"""What a search asks of the store: which passages an arm's answers name, and which vectors a filter allows."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from carrel.errors import BadRequest
from carrel.index import texts
from carrel.index.lexical.analysis import NAMES, terms
from carrel.index.store import Store
from carrel.records import SourceKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["NOW", "Candidate", "Details", "Filters", "Span", "candidates", "details", "digests", "digests_of", "spans"]

NOW = 2**62
"""A generation after every other: membership as it is now."""

_AT = "m.began<=:at AND coalesce(m.ended, 4611686018427387905)>:at"
_MOST_CANDIDATES = 4_000  # passages for one list of digests
_MOST_OF_ONE = 50  # passages for one digest, where there are so many: a text repeated ten thousand times is one vector
_ISO = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_MOST_NAMES = 20  # words of an author that is asked for


@dataclass(frozen=True, slots=True)
class Filters:
    """Limits on the documents searched; empty means no limit.

    Dates are ISO prefixes (``2024``, ``2024-05``): ``after`` includes its own first day, ``before`` excludes it. A
    document without a date passes neither. Of several tags, media types or kinds, one is enough. ``author``: each of
    its words is in an author's name. Raises BadRequest for what is no such date or name.
    """

    source_kinds: tuple[SourceKind, ...] = ()
    media_types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    after: str = ""
    before: str = ""
    author: str = ""

    def __post_init__(self) -> None:
        for date in (self.after, self.before):
            if date and not _ISO.fullmatch(date):
                raise BadRequest("a date is written as 2024, 2024-05 or 2024-05-31")
        if self.author and not 1 <= len(set(terms(self.author, NAMES))) <= _MOST_NAMES:
            raise BadRequest(f"an author is asked for by one to {_MOST_NAMES} words of the name")

    def __bool__(self) -> bool:
        return any((self.source_kinds, self.media_types, self.tags, self.after, self.before, self.author))


class Candidate(NamedTuple):
    """A passage that an arm found: all that ranking needs."""

    passage_id: int
    digest: int
    doc_no: int


class Span(NamedTuple):
    """A passage's place, ordered as references are; ``heading`` is its path as JSON."""

    doc_id: str
    start: int
    end: int
    heading: str


class Details(NamedTuple):
    """What a hit shows beside its text; ``page_starts`` is JSON, or empty."""

    span: Span
    title: str
    source: str
    date: str
    page_starts: str


def candidates(
    store: Store,
    collection_no: int,
    at: int,
    passage_ids: Sequence[int],
    digests: Sequence[int],
    filters: Filters | None = None,
) -> list[Candidate]:
    """The passages with these ids, and those that these digests name, whose document was a member at generation ``at``
    and passes the filters.

    Membership decides: an arm may still know, or know already, what was not there then. Of a text that is repeated
    thousands of times, fifty passages stand for all.
    """
    conditions, limits = _conditions(filters or Filters())
    joined = "JOIN documents d ON d.doc_no=m.doc_no " if conditions else ""
    select = (
        "SELECT p.passage_id, p.digest, p.doc_no FROM json_each(:keys) k CROSS JOIN passages p ON {} "
        f"WHERE p.collection_no=:collection AND EXISTS(SELECT 1 FROM members m {joined}WHERE m.doc_no=p.doc_no "
        f"AND m.collection_no=:collection AND {_AT} {conditions}) LIMIT :most"
    )

    def look_up(condition: str, keys: Sequence[int], most: int) -> list[Candidate]:
        asked = {"keys": json.dumps(list(keys)), "collection": collection_no, "at": at, "most": most, **limits}
        return [Candidate._make(row) for row in store.rows(select.format(condition), asked)]

    found: list[Candidate] = []
    if passage_ids:
        found += look_up("p.passage_id=k.value", passage_ids, len(passage_ids))
    if digests:
        named = look_up("p.digest=k.value", digests, _MOST_CANDIDATES)
        if len(named) == _MOST_CANDIDATES:  # one text has crowded out others: each gets its share
            named = [each for digest in digests for each in look_up("p.digest=k.value", [digest], _MOST_OF_ONE)]
        found += named
    return found


def spans(store: Store, passage_ids: Sequence[int]) -> dict[int, Span]:
    """Where these passages lie in their documents."""
    rows = store.rows(
        "SELECT p.passage_id, d.doc_id, p.start, p.end, p.heading FROM json_each(?) k CROSS JOIN passages p "
        "ON p.passage_id=k.value CROSS JOIN documents d ON d.doc_no=p.doc_no",
        (json.dumps(list(passage_ids)),),
    )
    return {row[0]: Span(*row[1:]) for row in rows}


def details(store: Store, passage_ids: Sequence[int]) -> dict[int, Details]:
    """What is shown of these passages."""
    rows = store.rows(
        "SELECT p.passage_id, d.doc_id, p.start, p.end, p.heading, d.title, d.source, d.date, d.page_starts "
        "FROM json_each(?) k CROSS JOIN passages p ON p.passage_id=k.value CROSS JOIN documents d ON d.doc_no=p.doc_no",
        (json.dumps(list(passage_ids)),),
    )
    return {row[0]: Details(Span(*row[1:5]), *row[5:]) for row in rows}


def digests(store: Store, collection_no: int, at: int, filters: Filters | None) -> NDArray[np.int64]:
    """The sorted digests of all passages of documents that were members at ``at`` and pass the filters."""
    import numpy as np

    conditions, limits = _conditions(filters or Filters())
    rows = store.rows(
        "SELECT DISTINCT p.digest FROM members m CROSS JOIN documents d ON d.doc_no=m.doc_no CROSS JOIN passages p "
        "ON p.doc_no=m.doc_no AND p.collection_no=m.collection_no "
        f"WHERE m.collection_no=:collection AND {_AT} {conditions}",
        {"collection": collection_no, "at": at, **limits},
    )
    return np.sort(np.fromiter((row[0] for row in rows), np.int64, len(rows)))


def digests_of(store: Store, passage_ids: Sequence[int]) -> NDArray[np.int64]:
    """The sorted, distinct digests of these passages."""
    import numpy as np

    rows = store.rows(
        "SELECT p.digest FROM json_each(?) k CROSS JOIN passages p ON p.passage_id=k.value",
        (json.dumps(list(passage_ids)),),
    )
    return np.unique(np.fromiter((row[0] for row in rows), np.int64, len(rows)))


def _conditions(filters: Filters) -> tuple[str, dict[str, object]]:
    wanted: list[str] = []
    limits: dict[str, object] = {}
    for name, values in (("source_kind", filters.source_kinds), ("media_type", filters.media_types)):
        if values:
            wanted.append(f"d.{name} IN (SELECT value FROM json_each(:{name}))")
            limits[name] = json.dumps(values)
    if filters.tags:
        wanted.append("EXISTS(SELECT 1 FROM json_each(m.tags) t WHERE t.value IN (SELECT value FROM json_each(:tags)))")
        limits["tags"] = json.dumps(filters.tags)
    for name, text, sign in (("after", filters.after, ">="), ("before", filters.before, "<")):
        if text:
            wanted.append(f"d.day>0 AND d.day{sign}:{name}")
            limits[name] = texts.day(text)
    for number, word in enumerate(terms(filters.author, NAMES)):
        wanted.append(f"instr(d.author_terms, :author{number})")
        limits[f"author{number}"] = f" {word} "
    return "".join(f"AND {each} " for each in wanted), limits
