"""What all systems of a run are given: passages and vectors in files, queries, and the exact answers to them.

Passages are what the engine's own splitter makes of the documents; the text of a passage is what the engine encodes
for it (title, headings, text), in every system. Written and read in slices: a million passages are never in memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.index.corpus import Corpus, Made
from benchmarks.index.measure import progress
from numpy.typing import NDArray

from carrel.documents import split
from carrel.models import Encoder
from carrel.records import Passage

__all__ = ["DEPTH", "Material", "Slice", "make", "passage_key", "rows_of"]

DEPTH = 10  # hits asked for
_SLICE = 2000  # passages


@dataclass(frozen=True, slots=True)
class Slice:
    """Neighbouring passages: row numbers, their documents' sources, texts, vectors (n, dimension)."""

    rows: list[int]
    sources: list[str]
    texts: list[str]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Row:
    source: str
    text: str
    key: int
    topic: int


class Material:
    """The files that `make` left in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts: dict[str, Any] = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        self.passages: int = self.facts["passages"]
        self.queries: list[str] = self.facts["queries"]
        self.query_topics: list[int] = self.facts["query_topics"]

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """All vectors, mapped: ``(passages, dimension)``."""
        mapped: NDArray[np.float32] = np.load(self.folder / "vectors.npy", mmap_mode="r")
        return mapped

    @cached_property
    def topics(self) -> NDArray[np.int32]:
        """The topic of each row."""
        return np.asarray(self._array("topics"), np.int32)

    @cached_property
    def truth(self) -> NDArray[np.int64]:
        """Per query the rows of the `DEPTH` nearest vectors, in no order: ``(queries, DEPTH)``."""
        return np.asarray(self._array("truth"), np.int64)

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """Where each row's text begins in ``passages.jsonl``, and last the file's size."""
        return np.asarray(self._array("offsets"), np.int64)

    def slices(self) -> Iterator[Slice]:
        """All passages in order."""
        with (self.folder / "passages.jsonl").open(encoding="utf-8") as file:
            start = 0
            while lines := [json.loads(line) for line in islice(file, _SLICE)]:
                rows = list(range(start, start + len(lines)))
                vectors = np.array(self.vectors[start : start + len(lines)])
                yield Slice(rows, [source for source, _ in lines], [text for _, text in lines], vectors)
                start += len(lines)
                progress(f"{start:,} of {self.passages:,} passages")

    def rows_of_keys(self, keys: list[int]) -> list[int]:
        """The row of each passage key; -1 where there is none."""
        known, rows = self._keys
        wanted = np.array(keys, np.int64)
        places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        return [int(row) for row in np.where(known[places] == wanted, rows[places], -1)]

    @cached_property
    def _keys(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        keys = self._array("keys")
        order = np.argsort(keys)
        return keys[order], order

    def _array(self, name: str) -> Any:
        return np.load(self.folder / f"{name}.npy")


def passage_key(text: str) -> int:
    """A number that names a passage by its own text (headings and title not counted)."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def rows_of(made: Made) -> list[_Row]:
    """The passages of a document, as every system gets them."""
    passages = split(made.document)
    return [
        _Row(made.document.source, _whole_text(made.document.title, passage), passage_key(passage.text), topic)
        for passage, topic in zip(passages, made.topics, strict=True)
    ]


def _whole_text(title: str, passage: Passage) -> str:
    path = [part for part in passage.heading if part and part != title]
    return "\n".join(part for part in (title, " > ".join(path), passage.text) if part)


def make(folder: Path, corpus: Corpus, passages: int, queries: int, encoder: Encoder) -> Material:
    """Write the files for so many passages and queries."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = corpus.queries(queries)
    vectors = np.lib.format.open_memmap(folder / "vectors.npy", "w+", np.float32, (passages, encoder.dimension))
    keys, topics, lengths = np.zeros(passages, np.int64), np.zeros(passages, np.int32), np.zeros(passages + 1, np.int64)
    best = _Nearest(encoder.encode([text for text, _ in asked]))
    with (folder / "passages.jsonl").open("wb") as file:
        for start, rows in _sliced(corpus.documents(passages)):
            lines = [json.dumps([row.source, row.text]).encode() + b"\n" for row in rows]
            file.writelines(lines)
            end = start + len(rows)
            keys[start:end], topics[start:end] = [row.key for row in rows], [row.topic for row in rows]
            lengths[start + 1 : end + 1] = [len(line) for line in lines]
            made = encoder.encode([row.text for row in rows])
            vectors[start:end] = made
            best.see(start, made)
            progress(f"made {end:,} of {passages:,} passages")
    vectors.flush()
    arrays: dict[str, NDArray[Any]] = {
        "keys": keys,
        "topics": topics,
        "offsets": np.cumsum(lengths),
        "truth": best.rows,
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    facts = {
        "passages": passages,
        "dimension": encoder.dimension,
        "shape": asdict(corpus.shape),
        "queries": [text for text, _ in asked],
        "query_topics": [topic for _, topic in asked],
    }
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    return Material(folder)


def _sliced(documents: Iterator[Made]) -> Iterator[tuple[int, list[_Row]]]:
    start, rows = 0, []
    for made in documents:
        rows += rows_of(made)
        if len(rows) >= _SLICE:
            yield start, rows
            start, rows = start + len(rows), []
    if rows:
        yield start, rows


class _Nearest:
    """The nearest rows of each query among the slices seen so far, by cosine."""

    def __init__(self, queries: NDArray[np.float32]) -> None:
        self._queries = queries
        self._scores = np.full((len(queries), DEPTH), -2.0, np.float32)
        self.rows = np.full((len(queries), DEPTH), -1, np.int64)

    def see(self, start: int, vectors: NDArray[np.float32]) -> None:
        """Take in the vectors of the rows from ``start`` on."""
        scores = np.concatenate([self._scores, self._queries @ vectors.T], axis=1)
        rows = np.concatenate(
            [self.rows, np.broadcast_to(np.arange(start, start + len(vectors)), (len(self._queries), len(vectors)))],
            axis=1,
        )
        best = np.argpartition(-scores, DEPTH - 1, axis=1)[:, :DEPTH]
        self._scores, self.rows = np.take_along_axis(scores, best, 1), np.take_along_axis(rows, best, 1)
