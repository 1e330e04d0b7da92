"""An encoder quick enough for a million passages: what the made words mean is known, so a text is their weighted sum.

A topic's direction leans on its field's, a word's on the topics it is frequent in, and a passage's is the sum of its
words', rare ones weighing more: neighbours are passages of one document, then of one topic, then of one field, in
clusters as uneven as the topics are. The constants were set so that the cosines to the nearest, tenth and hundredth
neighbour and the local dimension (15) are those of all-MiniLM-L6-v2 over as many English passages.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.index.corpus import Corpus
from numpy.typing import NDArray

if TYPE_CHECKING:
    from carrel.models import Encoder

__all__ = ["PreparedEncoder"]

_WORD = re.compile("[a-z]+")
_BATCH = 64  # texts whose words are gathered at once: bounds the memory
_INNER = 128  # dimensions that sums are taken in, before they are spread over the full space, a multiple
_FIELD, _OWN, _MEAN = 0.65, 2.0, 0.1  # leaning of topics on fields; a word's own part; what all texts share
_POWER = 3  # of a word's rarity: what makes its weight


# Made words fall into many more word pieces than real ones, and a query's price is its pieces. These have 1.5 each, as
# questions about science have; each made word stands for one of them.
_ENGLISH = """
evidence protein measured surface language temperature children market response pressure theory network
climate signal treatment memory growth river policy cells ancient engine statistical boundary habitat
transformer vaccination photosynthesis reinforcement mitochondrial hypersonic tokenizer orthography
bibliography turbulence antibodies thermodynamics hippocampal phosphorylation bioavailability microarray
lymphoblastic the of in and for with between under during effect rate patients analysis model results higher
lower early long
"""


def _english(text: str) -> str:
    words = _ENGLISH.split()
    return " ".join(words[zlib.crc32(word.encode()) % len(words)] for word in text.split())


class PreparedEncoder:
    """A `carrel.models.Encoder` over a corpus's own words. ``timed``: a real one that encodes each query as well.

    What the real encoder makes of a query is thrown away: it is there so that a query costs what it costs.
    """

    max_tokens = 256

    def __init__(self, corpus: Corpus, timed: Encoder | None = None, dimension: int = 384) -> None:
        self.name = "prepared"
        self.dimension = dimension
        self.fingerprint = hashlib.sha256(f"{corpus.shape}:{dimension}:{_FIELD}:{_OWN}:{_MEAN}".encode()).hexdigest()
        self._timed = timed
        self._words = {word: place for place, word in enumerate(corpus.vocabulary)}
        self._table = _directions(corpus)
        self._inner, self._factors = _spread(corpus, dimension)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors ``(len(texts), dimension)`` of length one. A word that is not of the corpus counts as some other."""
        sums = np.empty((len(texts), _INNER), np.float32)
        for start in range(0, len(texts), _BATCH):
            sums[start : start + _BATCH] = self._sums(texts[start : start + _BATCH])
        vectors: NDArray[np.float32] = _unit(sums)[:, self._inner] * self._factors
        return vectors

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `encode`, at the price of the real encoder."""
        if self._timed is not None:
            self._timed.encode_queries([_english(text) for text in texts])
        return self.encode(texts)

    def _sums(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [self._places(text) for text in texts]
        starts = np.cumsum([0, *(len(row) for row in rows[:-1])])
        gathered = self._table[np.fromiter((place for row in rows for place in row), np.int64)]
        sums: NDArray[np.float32] = np.add.reduceat(gathered, starts, axis=0)
        return sums

    def _places(self, text: str) -> list[int]:
        words = _WORD.findall(text.lower()) or [text]
        return [
            self._words[word] if word in self._words else zlib.crc32(word.encode("utf-8", "replace")) % len(self._words)
            for word in words
        ]


def _spread(corpus: Corpus, dimension: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Which inner dimension each outer one repeats, and its factor: cosines stay what they are, without a product.

    A matrix product would wake the threads of the linear algebra library, which then compete with what is measured.
    """
    rng = np.random.default_rng([corpus.shape.seed, 10])
    places = np.concatenate([rng.permutation(_INNER) for _ in range(dimension // _INNER)])
    factors = rng.choice([-1.0, 1.0], len(places)) / np.sqrt(dimension // _INNER)
    return places, factors.astype(np.float32)


def _directions(corpus: Corpus, dimension: int = _INNER) -> NDArray[np.float32]:
    """The weighted direction of every word: ``(words, dimension)``."""
    rng = np.random.default_rng([corpus.shape.seed, 9])
    count = corpus.shape.topics
    fields = _random(rng, corpus.shape.fields, dimension)
    lean = fields[[corpus.field_of(topic) for topic in range(count)]]
    topics = _unit(_FIELD * lean + (1 - _FIELD**2) ** 0.5 * _random(rng, count, dimension))
    shares = np.arange(1, corpus.topic_words.shape[1] + 1, dtype=np.float32) ** -0.8
    table = np.zeros((corpus.shape.words, dimension), np.float32)
    for topic, words in zip(topics, corpus.topic_words, strict=True):
        once, places = np.unique(words, return_inverse=True)
        table[once] += np.bincount(places, shares).astype(np.float32)[:, None] * topic
    topical = np.linalg.norm(table, axis=1, keepdims=True)
    table = table / np.maximum(topical, 1e-9) + _OWN * _random(rng, corpus.shape.words, dimension)
    weights = corpus.rarity[:, None].astype(np.float32) ** _POWER
    mean = _random(rng, 1, dimension)
    directions: NDArray[np.float32] = weights * (table + _MEAN * mean)
    return directions


def _random(rng: np.random.Generator, count: int, dimension: int) -> NDArray[np.float32]:
    return _unit(rng.standard_normal((count, dimension), np.float32))


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
