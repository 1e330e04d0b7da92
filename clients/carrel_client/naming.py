"""I have the source of a document: how does a person want to read it?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path, PurePath

__all__ = ["Place", "near", "places"]

Place = Callable[[str], str]
_INSTALLED = ("site-packages", "dist-packages")


def places(roots: Iterable[Path] = (), home: str = "") -> Place:
    """How to name sources: a file of an installed distribution by its path there, one under a root by the root's name
    and its path in it, one under ``home`` with ``~``, all else as it is."""
    both = {each: root.name for root in roots for each in (root, root.resolve())}
    return partial(_name, roots=both, home=home)


def _name(source: str, *, roots: dict[Path, str], home: str) -> str:
    path = PurePath(source)
    if not path.is_absolute():
        return source
    for folder in _INSTALLED:
        if folder in path.parts[:-1]:
            return str(PurePath(*path.parts[path.parts.index(folder) + 1 :]))
    for root, name in sorted(roots.items(), key=lambda pair: -len(pair[0].parts)):
        if path.is_relative_to(root):
            return str(PurePath(name, path.relative_to(root)))
    if len(PurePath(home).parts) > 1 and path.is_relative_to(home):
        return str(PurePath("~", path.relative_to(home)))
    return source


def near(path: Path, here: Path) -> str:
    """A path for a person: from ``here`` when it lies below, else in full."""
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
