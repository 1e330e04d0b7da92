"""Which files a source names: inside the roots, links followed, in a stable order."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from carrel.documents import SUFFIXES
from carrel.errors import BadRequest, CarrelError, NotFound, Refused, Unsupported

__all__ = ["Skipped", "allowed_path", "find_files", "is_url"]

_NEVER_WALKED = {"__pycache__", "node_modules", "site-packages", "venv"}
_MOST_FILES = 200_000


@dataclass(frozen=True, slots=True)
class Skipped:
    """A source that was not added, with the kind and the words of the error that says why."""

    source: str
    kind: str
    reason: str


def allowed_path(source: str, roots: Sequence[Path]) -> Path:
    """The real path of a file or folder inside ``roots``; relative ones are tried under each root.

    Raises Refused (outside, or no roots at all), NotFound or BadRequest (a path that cannot be one).
    """
    if not roots:
        raise Refused("this server may not read local files; start it with --root FOLDER to allow one")
    if "\0" in source:
        raise BadRequest("a path cannot contain a NUL character")
    try:
        return _allowed(source, roots)
    except (OSError, RuntimeError, ValueError) as error:  # too long, ~nobody, half a surrogate pair
        raise BadRequest("that is not a path this system can have; check it and try again") from error


def _allowed(source: str, roots: Sequence[Path]) -> Path:
    path = Path(source.removeprefix("file://")).expanduser()
    tried = [path] if path.is_absolute() else [root / path for root in roots]
    inside = [real for real in map(_real, tried) if any(real.is_relative_to(_real(root)) for root in roots)]
    if not inside:
        raise Refused("that path is outside the folders this server may read; add its folder with --root")
    existing = [real for real in inside if real.exists()]
    if not existing:
        raise NotFound("there is no such file or folder inside the folders this server may read")
    return existing[0]


def _real(path: Path) -> Path:
    """The path with every symbolic link followed, so that none of them leads out of a root unseen."""
    return Path(os.path.realpath(path))


def is_url(source: str) -> bool:
    """Whether a source is an address on the web."""
    return source.lower().startswith(("http://", "https://"))


def find_files(sources: Sequence[str], roots: Sequence[Path]) -> tuple[list[Path], list[Skipped]]:
    """The files that paths, folders and globs name, each once, and what was left out; URLs are passed over."""
    files: dict[Path, None] = {}
    skipped: list[Skipped] = []
    for source in sources:
        if is_url(source):
            continue
        try:
            found = list(_expand(source, roots, skipped))
            if not found:
                raise NotFound("nothing in there can be read; supported are " + ", ".join(sorted(SUFFIXES)))
            files.update(dict.fromkeys(found))
        except CarrelError as error:
            skipped.append(Skipped(source, error.kind, str(error)))
    return list(files), skipped


def _expand(source: str, roots: Sequence[Path], skipped: list[Skipped]) -> Iterator[Path]:
    if not source.strip():
        raise BadRequest("a source is empty; give a path, a glob, a URL or text")
    if any(character in source for character in "*?[") and not _exists(source, roots):
        yield from _glob(source, roots)
        return
    path = allowed_path(source, roots)
    if path.is_dir():
        yield from _walk(path, roots, skipped)
    elif not stat.S_ISREG(path.stat().st_mode):
        raise Unsupported("that is not a regular file")
    else:
        yield path


def _exists(source: str, roots: Sequence[Path]) -> bool:
    try:
        return allowed_path(source, roots).exists()
    except CarrelError:
        return False


def _glob(pattern: str, roots: Sequence[Path]) -> Iterator[Path]:
    if not roots:
        raise Refused("this server may not read local files; start it with --root FOLDER to allow one")
    real_roots = [_real(root) for root in roots]
    if ".." in Path(pattern).parts:
        raise BadRequest("a glob cannot contain '..'; write it from the root folder down")
    # A row of ** costs a power of the depth and finds no more than one.
    try:
        plain = Path(re.sub(r"(?:\*\*/+)+", "**/", pattern)).expanduser()
    except RuntimeError as error:
        raise BadRequest("there is no such user's home folder; write the path out") from error
    pattern = str(plain)
    for given, root in zip(roots, real_roots, strict=True):
        if plain.is_absolute():
            base = next((each for each in (given, root) if plain.is_relative_to(each)), None)
            if base is None:
                continue
            relative = str(plain.relative_to(base))
        else:
            relative = pattern
        try:
            matches: Iterable[Path] = sorted(root.glob(relative))
        except (OSError, ValueError, NotImplementedError) as error:
            raise BadRequest("that glob is not valid; use forms like 'notes/**/*.md'") from error
        for match in matches:
            real = _real(match)
            hidden = any(part.startswith(".") for part in match.relative_to(root).parts) and "." not in relative[:1]
            if real.is_file() and not hidden and any(real.is_relative_to(each) for each in real_roots):
                yield real


def _walk(folder: Path, roots: Sequence[Path], skipped: list[Skipped]) -> Iterator[Path]:
    """Readable files below a folder, in order of path; hidden ones and what builds leave behind are not looked at."""
    real_roots, other, count = [_real(root) for root in roots], 0, 0
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _NEVER_WALKED)
        for name in sorted(names):
            path = _real(Path(parent) / name)
            if name.startswith("."):
                continue
            if path.suffix.lower() not in SUFFIXES or not any(path.is_relative_to(root) for root in real_roots):
                other += 1
                continue
            count += 1
            if count > _MOST_FILES:
                raise Refused(f"that folder holds more than {_MOST_FILES} readable files; add its parts one by one")
            yield path
    if other:
        skipped.append(Skipped(str(folder), "unsupported", f"{other} files of other types were not read"))
