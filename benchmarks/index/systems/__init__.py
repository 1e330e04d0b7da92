"""What is compared: the engine and its peers, each set up as its own documentation advises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.index.systems.system import Mode, System, fused

from carrel.models import Encoder

__all__ = ["SYSTEMS", "Mode", "System", "fused", "open_system"]


def _engine(folder: Path, encoder: Encoder) -> System:
    from benchmarks.index.systems.engine import Engine

    return Engine(folder, encoder)


def _lancedb(folder: Path, encoder: Encoder) -> System:
    from benchmarks.index.systems.lance import Lance

    return Lance(folder, encoder)


def _sqlite(folder: Path, encoder: Encoder) -> System:
    from benchmarks.index.systems.sqlite import Sqlite

    return Sqlite(folder, encoder)


def _numpy(folder: Path, encoder: Encoder) -> System:
    from benchmarks.index.systems.exact import Exact

    return Exact(folder, encoder)


_MAKERS: dict[str, Callable[[Path, Encoder], System]] = {
    "engine": _engine,
    "lancedb": _lancedb,
    "sqlite": _sqlite,
    "numpy": _numpy,
}

SYSTEMS: dict[str, str] = {
    "engine": "Carrel",
    "lancedb": "LanceDB hybrid",
    "sqlite": "SQLite FTS5 + sqlite-vec",
    "numpy": "numpy, exact, vectors only",
}
"""What each is called in tables."""


def open_system(name: str, folder: Path, encoder: Encoder) -> Any:
    """The system ``name`` over ``folder``; its libraries are imported here."""
    return _MAKERS[name](folder, encoder)
