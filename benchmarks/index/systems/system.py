"""What every compared system can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from benchmarks.index.corpus import Made
from benchmarks.index.material import Material

__all__ = ["Mode", "System", "fused"]

Mode = Literal["hybrid", "lexical", "dense"]


class System(Protocol):
    """A folder with an index in it. Hits are the system's own, best first, and hold the text of their passage."""

    modes: tuple[Mode, ...]

    def build(self, material: Material) -> dict[str, Any]:
        """Index all passages; returns seconds by stage, and settings worth knowing."""
        ...

    def open(self, material: Material) -> None:
        """Make ready for searches, as a server would at its start."""
        ...

    def search(self, query: str, mode: Mode) -> Sequence[Any]:
        """The ten best hits. Encodes the query unless ``mode`` is lexical."""
        ...

    def rows(self, hits: Sequence[Any]) -> list[int]:
        """The material's row of each hit, -1 for a passage that is not of it."""
        ...

    def texts(self, hits: Sequence[Any]) -> list[str]:
        """The text of each hit."""
        ...

    def replace(self, documents: Sequence[Made]) -> dict[str, float]:
        """Put new texts in the place of those with the same sources, durably; returns seconds by stage."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


def fused(rankings: Sequence[Sequence[int]], count: int) -> list[int]:
    """Reciprocal rank fusion with the usual constant of 60 (Cormack et al. 2009)."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, row in enumerate(ranking, start=1):
            scores[row] = scores.get(row, 0.0) + 1.0 / (60 + rank)
    return sorted(scores, key=lambda row: (-scores[row], row))[:count]
