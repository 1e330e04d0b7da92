"""The engine, through its public door: documents in, rankings out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.index.corpus import Corpus, Made, Shape
from benchmarks.index.material import DEPTH, Material, passage_key
from benchmarks.index.measure import Stopwatch, memory, progress
from benchmarks.index.systems.system import Mode

from carrel.index import Library
from carrel.models import Encoder
from carrel.records import Document, Hit
from carrel.retrieve import search

__all__ = ["Engine"]

_COLLECTION = "default"
_DOCUMENTS = 1024  # in a batch: what `carrel.ingest` puts into one commit


class Engine:
    """A library in a folder. No background thread: vectors are made when the benchmark says so."""

    modes: tuple[Mode, ...] = ("hybrid", "lexical", "dense")

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self._library = Library(folder, encoder=lambda: encoder, background=False)
        self._material: Material

    def build(self, material: Material) -> dict[str, Any]:
        """Add all documents, then encode. Making the documents is not counted, splitting them is."""
        adding, encoding = Stopwatch(), Stopwatch()
        done = 0
        for batch in _batches(corpus_of(material), material.passages):
            with adding:
                added = self._library.add(batch, _COLLECTION)
            done += added.passages
            progress(f"added {done:,} of {material.passages:,} passages")
        peak = memory()
        with encoding:
            written = self._library.encode(_COLLECTION)
        if not done == written == material.passages:
            raise SystemExit(f"the engine took {done} passages and encoded {written} of {material.passages}")
        return {
            "lexical_ready_s": adding.wall,
            "lexical_ready_cpu_s": adding.cpu,
            "dense_ready_s": encoding.wall,
            "dense_ready_cpu_s": encoding.cpu,
            "peak_adding_mb": peak["peak_mb"],
        }

    def open(self, material: Material) -> None:
        """Warm up, as a server does after its handshake."""
        self._material = material
        self._library.warm_up()

    def search(self, query: str, mode: Mode) -> Sequence[Any]:
        """One call of `carrel.retrieve.search`."""
        return search(self._library, [query], collection=_COLLECTION, k=DEPTH, mode=mode).hits

    def rows(self, hits: Sequence[Hit]) -> list[int]:
        """By the text of the passage."""
        return self._material.rows_of_keys([passage_key(hit.passage.text) for hit in hits])

    def texts(self, hits: Sequence[Hit]) -> list[str]:
        """Texts of the passages."""
        return [hit.passage.text for hit in hits]

    def replace(self, documents: Sequence[Made]) -> dict[str, float]:
        """One commit, searchable by words; then the vectors."""
        with Stopwatch() as adding:
            self._library.add([made.document for made in documents], _COLLECTION)
        with Stopwatch() as encoding:
            self._library.encode(_COLLECTION)
        return {"commit_s": adding.wall, "vectors_s": encoding.wall}

    def close(self) -> None:
        """Close the library."""
        self._library.close()


def corpus_of(material: Material) -> Corpus:
    """The corpus that a material was made from."""
    return Corpus(Shape(**material.facts["shape"]))


def _batches(corpus: Corpus, passages: int) -> Iterator[list[Document]]:
    batch: list[Document] = []
    for made in corpus.documents(passages):
        batch.append(made.document)
        if len(batch) == _DOCUMENTS:
            yield batch
            batch = []
    if batch:
        yield batch
