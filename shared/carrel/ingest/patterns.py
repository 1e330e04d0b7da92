"""Does a pattern name this path? Globs as .gitignore has them, in time linear in the path."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass

from carrel.errors import BadRequest

__all__ = ["Pattern", "Patterns", "glob_pattern", "read_patterns"]

_MOST_CHARS = 500
_ANY_FOLDERS = None  # stands for ``**``


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern, cut at its slashes; None stands for ``**``, any number of folders."""

    parts: tuple[re.Pattern[str] | None, ...]
    folders_only: bool = False

    def matches(self, path: Sequence[str], *, folder: bool = False) -> bool:
        """Whether it names the path, given as its parts below the folder the pattern belongs to."""
        return (folder or not self.folders_only) and _matches(self.parts, path)

    @property
    def depth(self) -> int | None:
        """How many folders deep the paths it names can lie; None without a limit."""
        return None if _ANY_FOLDERS in self.parts else len(self.parts) - 1


@dataclass(frozen=True, slots=True)
class Patterns:
    """Which paths below a folder are wanted: those an ``include`` names (all when there is none), less ``exclude``."""

    include: tuple[Pattern, ...] = ()
    exclude: tuple[Pattern, ...] = ()

    def excludes(self, path: Sequence[str], *, folder: bool = False) -> bool:
        """Whether ``exclude`` names this very path; the folders above it are asked for themselves."""
        return any(pattern.matches(path, folder=folder) for pattern in self.exclude)

    def includes(self, path: Sequence[str], *, folder: bool = False) -> bool:
        """Whether ``include`` names this very path, or there is no ``include``."""
        return not self.include or any(pattern.matches(path, folder=folder) for pattern in self.include)

    def cover(self, path: Sequence[str]) -> bool:
        """Whether a file is wanted, its folders considered."""
        above = [path[:end] for end in range(1, len(path))]
        if self.excludes(path) or any(self.excludes(each, folder=True) for each in above):
            return False
        return self.includes(path) or any(self.includes(each, folder=True) for each in above)


def read_patterns(include: Sequence[str], exclude: Sequence[str]) -> Patterns:
    """Read patterns as .gitignore has them.

    ``*``, ``?`` and ``[…]`` stop at a slash, ``**`` does not; a pattern without a slash names files and folders at any
    depth; what names a folder names all below it; a last slash names folders only. Raises BadRequest.
    """
    return Patterns(tuple(map(_ignore_pattern, include)), tuple(map(_ignore_pattern, exclude)))


def glob_pattern(text: str) -> Pattern:
    """Read a glob that names files from its folder down, such as ``notes/**/*.md``."""
    return Pattern(_parts(text))


def _ignore_pattern(text: str) -> Pattern:
    if not text.strip("/ ") or len(text) > _MOST_CHARS:
        raise BadRequest(f"a pattern has 1 to {_MOST_CHARS} characters; use forms like '*.md', 'drafts/' or '**/old/*'")
    if text.startswith("!"):
        raise BadRequest("a pattern cannot begin with '!'; what exclude names is left out, the rest stays")
    anchored = "/" in text.rstrip("/")
    parts = _parts(text.strip("/"))
    return Pattern(parts if anchored else (_ANY_FOLDERS, *parts), folders_only=text.endswith("/"))


def _parts(text: str) -> tuple[re.Pattern[str] | None, ...]:
    """The pattern's parts; a row of ``**`` finds no more than one, and a last one stands for at least one part."""
    parts: list[re.Pattern[str] | None] = []
    for part in text.split("/"):
        if part == "**" and parts[-1:] != [_ANY_FOLDERS]:
            parts.append(_ANY_FOLDERS)
        elif part not in ("", ".", "**"):
            parts.append(re.compile(fnmatch.translate(part)))
    if parts[-1:] == [_ANY_FOLDERS]:
        parts.append(re.compile(r"[^/]+"))
    return tuple(parts)


def _matches(pattern: Sequence[re.Pattern[str] | None], path: Sequence[str]) -> bool:
    """Match from the left; on a failure only the last ``**`` takes one more part, which is enough."""
    at = place = 0
    retry: tuple[int, int] | None = None
    while place < len(path):
        part = pattern[at] if at < len(pattern) else re.compile(r"(?!)")
        if part is _ANY_FOLDERS:
            at += 1
            retry = (at, place)
        elif part.fullmatch(path[place]):
            at, place = at + 1, place + 1
        elif retry is not None:
            at, place = retry[0], retry[1] + 1
            retry = (at, place)
        else:
            return False
    return at == len(pattern)
