"""What every reranker offers, and where they are kept once loaded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from carrel.errors import TimedOut
from carrel.rerank.pipelines import Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Loader", "Patience", "Prepares", "Scorer", "Scorers", "Shelf"]


class Patience:
    """Until when a stage may go on. ``clock`` gives seconds."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._end = clock() + seconds
        self._clock = clock
        self._seconds = seconds

    def check(self) -> None:
        """Raises TimedOut when the time is over."""
        if self._clock() > self._end:
            raise TimedOut(f"it needed more than {self._seconds:g} s; lower the stage's cut or use a smaller model")


class Scorer(Protocol):
    """A model that says how well passages answer queries. Safe to call from several threads."""

    def score(self, queries: Sequence[str], texts: Sequence[str], patience: Patience) -> NDArray[np.float64]:
        """Higher is better: shape ``(len(queries), len(texts))``, the same for the same query and text.

        Raises TimedOut when patience ends and Unavailable when the model fails on them.
        """
        ...


class Shelf(Protocol):
    """Where what a model made of passages stays, by the model's fingerprint and the digest of a passage."""

    def read(self, model: str, digests: Sequence[int]) -> dict[int, bytes]:
        """What is there of these, as it was written."""
        ...

    def write(self, model: str, made: Mapping[int, bytes]) -> Future[None] | None:
        """Keep it, perhaps in the background; None where nothing is kept."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """A scorer that reads passages before it knows the query, and so need not do it twice."""

    @property
    def fingerprint(self) -> str:
        """Names the model: its files, and how texts are put to it."""
        ...

    def prepare(self, texts: Mapping[int, str], shelf: Shelf, patience: Patience) -> Future[None] | None:
        """Have passages, by digest, ready for `score`: from the shelf, or made now and put there, which the future
        tells the end of. Raises as `Scorer.score` does."""
        ...


Loader = Callable[[str, Path], Scorer]


def _late(model: str, models: Path) -> Scorer:
    from carrel.rerank.late import LateInteraction

    return LateInteraction.load(model, models)


def _cross(model: str, models: Path) -> Scorer:
    from carrel.rerank.pairs import CrossScorer

    return CrossScorer.load(model, models)


def _sparse(model: str, models: Path) -> Scorer:
    from carrel.rerank.pairs import SparseScorer

    return SparseScorer.load(model, models)


_LOADERS: Mapping[str, Loader] = {"late": _late, "cross": _cross, "sparse": _sparse}


class Scorers:
    """Rerankers by kind and model, each loaded at its first use and kept.

    ``models`` is the folder where models may lie by name; ``loaders`` replaces how a kind is loaded.
    """

    def __init__(self, models: Path, *, loaders: Mapping[str, Loader] | None = None) -> None:
        self._models = models
        self._loaders = {**_LOADERS, **(loaders or {})}
        self._kept: dict[tuple[str, str], Scorer] = {}
        self._lock = threading.Lock()

    def of(self, stage: Stage) -> Scorer:
        """The stage's reranker. Raises Unavailable (model not on this machine, or damaged) or Unsupported (package
        missing, or a model of another kind)."""
        name = (stage.kind, stage.model)
        with self._lock:  # one at a time: loading takes memory and seconds
            if name not in self._kept:
                self._kept[name] = self._loaders[stage.kind](stage.model, self._models)
            return self._kept[name]
