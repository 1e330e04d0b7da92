"""Real documents that any machine has: what installed Python distributions say about themselves.

Every distribution ships its project description (``METADATA``), and some ship guides beside their code. Licences,
change lists of vendored code and data tables are no documents to ask questions of.
"""

from __future__ import annotations

import importlib.metadata as metadata
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Shipped", "shipped_documents"]

_SUFFIXES = frozenset({".md", ".rst", ".html", ".txt"})
_NO_DOCUMENT = re.compile(
    r"licen[cs]e|copying|notice|authors|vendor|third_?party|cmakelists|top_level|entry_points|requirements|templates?/"
    r"|static/|/tests?/|/data/|\.dist-info/|\.egg-info/|node_modules|typeshed",
    re.I,
)
_SMALLEST = 400  # characters of description; less is a label, not a document
_LARGEST = 2_000_000  # bytes of a file


@dataclass(frozen=True, slots=True)
class Shipped:
    """Files to add, and the folders a server must be allowed to read for that. Both sorted."""

    files: tuple[Path, ...]
    roots: tuple[Path, ...]


def shipped_documents(distributions: Iterable[metadata.Distribution] | None = None, *, limit: int = 300) -> Shipped:
    """The descriptions and guides of installed distributions, at most ``limit``, one per distribution name first."""
    installed = metadata.distributions() if distributions is None else distributions
    described: dict[str, Path] = {}
    guides: set[Path] = set()
    for one in installed:
        name = (one.metadata["Name"] or "").casefold()
        path = _description(one)
        if name and path and name not in described:
            described[name] = path
            guides.update(_guides(one))
    files = [*sorted(described.values()), *sorted(guides)][:limit]
    roots = {parent for path in files for parent in path.parents if parent.name in ("site-packages", "dist-packages")}
    return Shipped(tuple(files), tuple(sorted(roots or {path.parent for path in files})))


def _description(one: metadata.Distribution) -> Path | None:
    """The METADATA file, when it holds enough of a description to be worth reading."""
    text = one.read_text("METADATA") or ""
    _, _, body = text.partition("\n\n")
    if len(body) < _SMALLEST:
        return None
    for file in one.files or []:
        if file.name == "METADATA":
            path = Path(str(file.locate())).resolve()
            return path if path.is_file() else None
    return None


def _guides(one: metadata.Distribution) -> Iterator[Path]:
    for file in one.files or []:
        if file.suffix.lower() in _SUFFIXES and not _NO_DOCUMENT.search(str(file)):
            path = Path(str(file.locate())).resolve()
            if path.is_file() and _SMALLEST <= path.stat().st_size <= _LARGEST:
                yield path
