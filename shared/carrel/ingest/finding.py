"""Which files a source names: inside the roots, links followed, in a stable order."""

# A Path for each of many files takes longer than all the rest, so paths stay strings here.
# ruff: noqa: PTH122, PTH206
from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from carrel.errors import BadRequest, CarrelError, NotFound, Refused, Unsupported
from carrel.ingest.patterns import Patterns, glob_pattern
from carrel.ingest.walking import Listing, Wanted, cannot_read, check_name, inside, stamp_of, walk

__all__ = ["Scope", "allowed_path", "find_scopes", "is_url"]

_MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Scope:
    """What one source names: the files listed below a folder. A ``single`` file is a scope that covers no others.

    ``failed`` is why the source could not be looked at; None when it could.
    """

    source: str
    listing: Listing
    wanted: Wanted = field(default_factory=Wanted)
    single: bool = False
    failed: CarrelError | None = None

    def covers(self, path: str) -> bool:
        """Whether a file with this real path would be among the scope's, if it were there."""
        if self.single or not inside(path, [self.listing.folder]):
            return False
        return self.wanted.cover(path[len(self.listing.folder) :].strip(os.sep).split(os.sep))


def allowed_path(source: str, roots: Sequence[Path]) -> Path:
    """The real path of a file or folder inside ``roots``; relative ones are tried under each root.

    Raises Refused (outside, or no roots at all), NotFound, Unavailable (the system will not say) or BadRequest (a
    path that cannot be one).
    """
    for real in _candidates(source, roots):
        if os.path.exists(real):  # noqa: PTH110 - what could raise here was raised there
            return real
    raise NotFound("there is no such file or folder inside the folders this server may read")


def _candidates(source: str, roots: Sequence[Path]) -> list[Path]:
    """The real paths inside the roots that a source may mean, there or not."""
    if not roots:
        raise Refused("this server may not read local files; start it with --root FOLDER to allow one")
    if "\0" in source:
        raise BadRequest("a path cannot contain a NUL character")
    try:
        path = Path(source.removeprefix("file://")).expanduser()
        tried = [path] if path.is_absolute() else [root / path for root in roots]
        real_roots = [_real(root) for root in roots]
        found = [real for real in map(_real, tried) if any(real.is_relative_to(root) for root in real_roots)]
        for real in found:
            real.exists()
    except PermissionError as error:
        raise cannot_read(error) from error
    except (OSError, RuntimeError, ValueError) as error:  # too long, ~nobody, half a surrogate pair
        raise BadRequest("that is not a path this system can have; check it and try again") from error
    if not found:
        raise Refused("that path is outside the folders this server may read; add its folder with --root")
    return found


def _real(path: Path) -> Path:
    """The path with every symbolic link followed, so that none of them leads out of a root unseen."""
    return Path(os.path.realpath(path))


def is_url(source: str) -> bool:
    """Whether a source is an address on the web."""
    return source.lower().startswith(("http://", "https://"))


def find_scopes(sources: Sequence[str], roots: Sequence[Path], patterns: Patterns) -> list[Scope]:
    """What paths, folders and globs name, in their order; URLs are passed over. What fails is a scope that says why."""
    return [scope for source in sources if not is_url(source) for scope in _scopes(source, roots, patterns)]


def _scopes(source: str, roots: Sequence[Path], patterns: Patterns) -> list[Scope]:
    try:
        if not source.strip():
            raise BadRequest("a source is empty; give a path, a glob, a URL or text")
        if _MAGIC.search(source) and not _exists(source, roots):
            return [_walked(source, base, roots, wanted) for base, wanted in _glob(source, roots, patterns)]
        path = allowed_path(source, roots)
        is_folder = path.is_dir()
        check_name(str(path), "folder" if is_folder else "file")
        if is_folder:
            return [_walked(source, path, roots, Wanted(patterns))]
        return [Scope(source, _single(path), single=True)]
    except CarrelError as error:
        return _failed(source, roots, error)


def _walked(source: str, folder: Path, roots: Sequence[Path], wanted: Wanted) -> Scope:
    try:
        return Scope(source, walk(str(folder), [str(_real(root)) for root in roots], wanted), wanted)
    except CarrelError as error:
        return Scope(source, Listing(str(folder)), wanted, failed=error)


def _single(path: Path) -> Listing:
    try:
        found = path.stat()
    except OSError as error:
        raise cannot_read(error) from error
    if not stat.S_ISREG(found.st_mode):
        raise Unsupported("that is not a regular file")
    return Listing(str(path), {str(path): stamp_of(found)})


def _failed(source: str, roots: Sequence[Path], error: CarrelError) -> list[Scope]:
    """The folders a source may have meant before it could no longer be looked at."""
    try:
        return [Scope(source, Listing(str(path)), failed=error) for path in _candidates(source, roots)[:1]]
    except CarrelError:
        return [Scope(source, Listing(""), single=True, failed=error)]


def _exists(source: str, roots: Sequence[Path]) -> bool:
    try:
        return allowed_path(source, roots).exists()
    except CarrelError:
        return False


def _glob(source: str, roots: Sequence[Path], patterns: Patterns) -> Iterator[tuple[Path, Wanted]]:
    """The folders a glob is to be looked for in, below each root, with the rest of it as a pattern."""
    if not roots:
        raise Refused("this server may not read local files; start it with --root FOLDER to allow one")
    if "\0" in source or ".." in Path(source).parts:
        raise BadRequest("a glob cannot contain '..' or a NUL character; write it from the root folder down")
    try:
        pattern = Path(source).expanduser()
        real_roots = [_real(root) for root in roots]
        for given, root in zip(roots, real_roots, strict=True):
            folder, rest = _split(pattern, given, root)
            if rest and folder.is_dir() and any(folder.is_relative_to(each) for each in real_roots):
                yield folder, _wanted(rest, patterns)
    except RuntimeError as error:
        raise BadRequest("there is no such user's home folder; write the path out") from error
    except (OSError, ValueError) as error:
        raise BadRequest("that glob is not valid; use forms like 'notes/**/*.md'") from error


def _split(pattern: Path, given: Path, root: Path) -> tuple[Path, Sequence[str]]:
    """The folder a glob starts in below a root, and its parts from there; no parts when it is not of that root."""
    parts = pattern.parts
    if pattern.is_absolute():
        base = next((each for each in (given, root) if pattern.is_relative_to(each)), None)
        parts = pattern.relative_to(base).parts if base else ()
    plain = next((number for number, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
    return _real(root.joinpath(*parts[:plain])), parts[plain:]


def _wanted(glob: Sequence[str], patterns: Patterns) -> Wanted:
    named = os.path.splitext(glob[-1])[1] not in ("", ".*")
    return Wanted(
        patterns,
        glob=glob_pattern("/".join(glob)),
        any_suffix=named,
        hidden=any(part.startswith(".") for part in glob),
    )
