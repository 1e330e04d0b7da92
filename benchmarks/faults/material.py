"""What the workers write: documents that anyone can make again from three numbers, and an encoder for them.

Every passage of a document carries the document's own marker and the marker of the batch it was added with, so a search
for a marker must give all passages of a document, and all documents of a batch, or none.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from carrel.documents import split
from carrel.index import terms
from carrel.records import Document, Section, document_id

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["COLLECTIONS", "Edition", "WordEncoder", "batch_marker", "collection_of", "document", "marker", "passages"]

COLLECTIONS = ("alpha", "beta")
_DIGITS = "bcdfghjklmnpqrtvwz"  # no vowels and no s: no stemmer has anything to take away
_WORDS = """archive basin copper dune ember fjord glacier harbour island jungle kernel lantern meadow needle orchard
pebble quarry river saddle timber upland valley willow yonder zephyr anchor bridge candle desert engine forest garden
hollow ivory jacket kettle ladder marble nectar oyster parcel quiver ribbon silver tunnel umbrella velvet window"""


class Edition(NamedTuple):
    """One text of one source: which writer's, which of its sources, which version, added with which batch."""

    writer: int
    number: int
    version: int
    batch: int

    @property
    def source(self) -> str:
        return f"w{self.writer}/doc{self.number}"


def collection_of(writer: int) -> str:
    """The collection a writer writes to."""
    return COLLECTIONS[writer % len(COLLECTIONS)]


def marker(edition: Edition) -> str:
    """A word that only this edition has, in each of its passages."""
    return f"q{_word(edition.writer, 1)}{_word(edition.number, 3)}{_word(edition.version, 5)}x"


def batch_marker(writer: int, batch: int) -> str:
    """A word that only editions of this batch have, in each of their passages."""
    return f"k{_word(writer, 1)}{_word(batch, 5)}x"


@lru_cache(maxsize=20_000)
def document(edition: Edition) -> Document:
    """The document of an edition: a title and one to five sections, each small enough to be one passage."""
    chance = random.Random(repr(tuple(edition)))
    filler = _WORDS.split()
    text, sections = "", []
    for part in range(chance.randint(1, 5)):
        start, heading = len(text), f"Part {part + 1}"
        words = " ".join(chance.choices(filler, k=chance.randint(8, 40)))
        text += f"## {heading}\n\n{marker(edition)} {batch_marker(edition.writer, edition.batch)} {words}.\n\n"
        sections.append(Section(heading, 2, start, len(text), (heading,)))
    return Document(
        doc_id=document_id(edition.source, text),
        source=edition.source,
        source_kind="text",
        media_type="text/markdown",
        title=f"{edition.source} in version {edition.version}",
        text=text,
        sections=tuple(sections),
        tags=(f"writer{edition.writer}",),
    )


@lru_cache(maxsize=20_000)
def passages(edition: Edition) -> frozenset[tuple[int, int]]:
    """The spans of the edition's passages."""
    return frozenset((passage.start, passage.end) for passage in split(document(edition)))


def _word(number: int, digits: int) -> str:
    letters = ""
    for _ in range(digits):
        number, digit = divmod(number, len(_DIGITS))
        letters += _DIGITS[digit]
    return letters


class WordEncoder:
    """A tiny, fast encoder: the sum of one fixed random direction for each word, so shared words mean nearness."""

    name = "words-64"
    dimension = 64
    max_tokens = 256
    fingerprint = hashlib.sha256(b"words-64").hexdigest()

    def __init__(self) -> None:
        self._directions: dict[str, NDArray[np.float64]] = {}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode passages: shape ``(len(texts), 64)``, rows of length one."""
        import numpy as np

        vectors = np.stack([self._vector(text) for text in texts])
        unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode queries, like passages."""
        return self.encode(texts)

    def _vector(self, text: str) -> NDArray[np.float64]:
        import numpy as np

        total = np.full(self.dimension, 1e-6)
        for word in terms(text):
            if word not in self._directions:
                if len(self._directions) > 50_000:
                    self._directions.clear()
                seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
                self._directions[word] = np.random.default_rng(seed).standard_normal(self.dimension)
            total += self._directions[word]
        return total
