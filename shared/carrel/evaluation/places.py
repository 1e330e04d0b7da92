"""Where in a collection questions come from: its titles, headings and sentences."""

from __future__ import annotations

import hashlib
import heapq
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from carrel.documents import sentences, split
from carrel.records import Document, Section

__all__ = ["Kind", "Place", "number_of", "places", "sampled"]

Kind = Literal["title", "heading", "sentence"]

_PIECE = 4
_RUN = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]{2,}"
)
_SENTENCE = (8, 45)  # words of a sentence that makes a question


@dataclass(frozen=True, slots=True)
class Place:
    """What answers a question of one kind: its name, what is said there, and the words a question is made of."""

    kind: Kind
    name: str
    document: str
    words: tuple[str, ...] = field(repr=False)


def places(documents: Iterable[Document]) -> Iterator[Place]:
    """Every place of these documents that a question could be made of."""
    for document in documents:
        yield from _places_of(document)


def _places_of(document: Document) -> Iterator[Place]:
    if document.title:
        yield Place("title", f"{document.doc_id}", document.doc_id, _words(document.title))
    for section in document.sections:
        if section.heading and section.heading != document.title:
            yield Place("heading", _section_name(document, section), document.doc_id, _path(section))
    for passage in split(document):
        for start, end in sentences(passage.text):
            said = _words(passage.text[start:end])
            if _SENTENCE[0] <= len(said) <= _SENTENCE[1]:
                yield Place("sentence", str(passage.ref), document.doc_id, said)


def _section_name(document: Document, section: Section) -> str:
    return f"{document.doc_id}:{section.start}-{section.end}"


def _path(section: Section) -> tuple[str, ...]:
    """The words of the last two headings of a path, which is how a reader would name a section."""
    return _words(" ".join(section.path[-2:] or (section.heading,)))


def _words(text: str) -> tuple[str, ...]:
    """Words between blanks; where a script has none between words, pieces of four characters."""
    words: list[str] = []
    for word in text.split():
        runs = _RUN.findall(word)
        words += [run[at : at + _PIECE] for run in runs for at in range(0, len(run), _PIECE)] or [word]
    return tuple(words)


def sampled(places: Iterable[Place], each: int, seed: int) -> list[Place]:
    """At most ``each`` of every kind, chosen by hash: the same ones in whatever order they come; one per text."""
    chosen: dict[Kind, list[tuple[int, str, Place]]] = defaultdict(list)
    for place in places:
        key = number_of(seed, place.kind, place.name, " ".join(place.words))
        heap = chosen[place.kind]
        entry = (-key, f"{place.name} {' '.join(place.words)}", place)
        if len(heap) < each:
            heapq.heappush(heap, entry)
        elif key < -heap[0][0]:
            heapq.heapreplace(heap, entry)
    return [place for kind in sorted(chosen) for _, _, place in sorted(chosen[kind], reverse=True)]


def number_of(*parts: object) -> int:
    """64 bits that depend on these parts alone: what stands for chance where the same must be drawn again."""
    said = "\0".join(map(str, parts)).encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(said, digest_size=8).digest(), "big")
