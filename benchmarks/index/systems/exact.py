"""Brute force in numpy: every cosine of every query. No words, no updates: the floor for the dense part alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from benchmarks.index.corpus import Made
from benchmarks.index.material import DEPTH, Material
from benchmarks.index.systems.system import Mode
from numpy.typing import NDArray

from carrel.models import Encoder

__all__ = ["Exact"]


class Exact:
    """The vectors in one matrix in memory, the texts in a file with offsets."""

    modes: tuple[Mode, ...] = ("dense",)

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self._folder, self._encoder = folder, encoder
        self._vectors: NDArray[np.float32]
        self._offsets: NDArray[np.int64]
        self._texts: BinaryIO | None = None

    def build(self, material: Material) -> dict[str, Any]:
        """The files are there already."""
        for name in ("vectors.npy", "passages.jsonl", "offsets.npy"):
            (self._folder / name).hardlink_to(material.folder / name)
        return {}

    def open(self, material: Material) -> None:
        """Read the matrix."""
        self._vectors = np.load(self._folder / "vectors.npy")
        self._offsets = np.load(self._folder / "offsets.npy")
        self._texts = (self._folder / "passages.jsonl").open("rb")

    def search(self, query: str, mode: Mode) -> list[tuple[int, str]]:
        """The ten nearest."""
        cosines = self._vectors @ self._encoder.encode_queries([query])[0]
        best = np.argpartition(-cosines, DEPTH - 1)[:DEPTH]
        return [(row, self._text(row)) for row in best[np.argsort(-cosines[best])].tolist()]

    def rows(self, hits: Sequence[Any]) -> list[int]:
        """Row numbers."""
        return [row for row, _ in hits]

    def texts(self, hits: Sequence[Any]) -> list[str]:
        """Texts."""
        return [text for _, text in hits]

    def replace(self, documents: Sequence[Made]) -> dict[str, float]:
        """A matrix is not updated."""
        return {}

    def close(self) -> None:
        """Close the texts."""
        if self._texts is not None:
            self._texts.close()

    def _text(self, row: int) -> str:
        assert self._texts is not None, "open() comes first"
        self._texts.seek(int(self._offsets[row]))
        return str(json.loads(self._texts.readline())[1])
