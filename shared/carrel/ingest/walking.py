"""What lies in a folder: every file is listed, counted among what is not read, or named with the reason."""

# A Path for each of many files takes longer than all the rest, so paths stay strings here.
# ruff: noqa: PTH116, PTH120, PTH122
from __future__ import annotations

import errno
import os
import re
import stat
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from carrel.documents import SUFFIXES
from carrel.errors import CarrelError, Refused, Unavailable, Unsupported
from carrel.ingest.outcome import Skipped
from carrel.ingest.patterns import Pattern, Patterns

__all__ = [
    "LEFT_OUT",
    "Listing",
    "Stamp",
    "Wanted",
    "cannot_read",
    "check_name",
    "inside",
    "is_text",
    "shown",
    "stamp_of",
    "walk",
]

_NOT_INCLUDED, _EXCLUDED = "not included", "excluded by pattern"
LEFT_OUT = (_NOT_INCLUDED, _EXCLUDED)
"""What a listing's ``not_read`` calls that which include and exclude leave out."""

_BUILDS = {"__pycache__", "node_modules", "site-packages", "venv"}
_BEYOND_THE_GLOB = "deeper than the glob reaches"
_MOST_FILES = 200_000
_MOST_ENTRIES = 2_000_000
_PLAIN_SUFFIX = re.compile(r"\.[a-z0-9_+-]{1,12}")
# Controls, line and paragraph separators, and what turns the direction of the text around it.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# An error that concerns one place only. Any other may mean that the disk is not there, and then nothing is certain.
_LOCAL_ERRORS = {errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP}

Stamp: TypeAlias = tuple[int, int]
"""Size in bytes, and when the file last changed in any way (ns)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files of a folder to list: by ``patterns``, or those that ``glob`` names, whatever their suffix if
    ``any_suffix`` is set. ``hidden`` looks at hidden ones too."""

    patterns: Patterns = field(default_factory=Patterns)
    glob: Pattern | None = None
    any_suffix: bool = False
    hidden: bool = False

    def cover(self, path: Sequence[str]) -> bool:
        """Whether a file with this path below the folder would be listed, were it of a type that is read."""
        return (self.glob is None or self.glob.matches(path)) and self.patterns.cover(path)


@dataclass(slots=True)
class Listing:
    """What a walk found below ``folder``.

    ``files`` are those to read. ``closed`` are the folders that could not be read. ``trouble`` is set when an error
    came up after which what is missing may be there all the same. ``bare`` when nothing but hidden things was there.
    """

    folder: str
    files: dict[str, Stamp] = field(default_factory=dict)
    not_read: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    trouble: bool = False
    entries: int = 0
    bare: bool = True


def stamp_of(found: os.stat_result) -> Stamp:
    """Size and time of the last change of content, name or rights: whoever sets a file's time back cannot set that."""
    return found.st_size, max(found.st_mtime_ns, found.st_ctime_ns)


def shown(path: str) -> str:
    """A path as one line of visible text, whatever bytes it has: what is not visible is written as an escape."""
    try:
        text = os.fsencode(path).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a surrogate pair, which no path can have
        text = path.encode("utf-8", "backslashreplace").decode()
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def is_text(path: str) -> bool:
    """Whether a path can be written as text at all."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_name(path: str, what: str) -> None:
    """Raises Unsupported for a path that could not be shown as it is: its document would have a source nobody can type,
    or that looks like another. ``what`` it names is a word of the message."""
    if not is_text(path):
        raise Unsupported(f"the name of that {what} is not valid text; rename it")
    if _UNSEEN.search(path):
        raise Unsupported(f"the name of that {what} has line breaks or other invisible characters in it; rename it")


def inside(path: str, folders: Collection[str]) -> bool:
    """Whether a real path is one of the folders (a set, where there may be many) or lies in one."""
    while path not in folders:
        above = os.path.dirname(path)
        if above == path:
            return False
        path = above
    return True


def cannot_read(error: OSError) -> Unavailable:
    """What to say of a file or folder that the system will not open."""
    return Unavailable(f"cannot be read: {(error.strerror or 'unknown reason').lower()}")


def walk(folder: str, roots: Sequence[str], wanted: Wanted) -> Listing:
    """List the files below a folder (a real path), in order of path.

    Links to files count as the file they lead to, which must lie in ``roots`` (real paths); links to folders are not
    followed. Raises Refused for a folder with too much in it.
    """
    listing = Listing(folder)
    waiting: list[tuple[str, tuple[str, ...], bool]] = [(folder, (), False)]
    while waiting:
        place, path, taken = waiting.pop()
        below = []
        for entry in _entries(place, listing):
            try:
                if (deeper := _look(entry, (*path, entry.name), taken, roots, wanted, listing)) is not None:
                    below.append(deeper)
            except CarrelError as error:
                listing.skipped.append(Skipped(shown(entry.path), error.kind, str(error)))
            except OSError as error:
                _note_failure(entry.path, error, listing, is_folder=False)
        if len(listing.files) > _MOST_FILES:
            raise Refused(f"that folder holds more than {_MOST_FILES} readable files; add its parts one by one")
        waiting += reversed(below)
    return listing


def _entries(place: str, listing: Listing) -> list[os.DirEntry[str]]:
    """A folder's entries by name; those that could be read when an error comes up."""
    found: list[os.DirEntry[str]] = []
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                found.append(entry)
                listing.bare = listing.bare and entry.name.startswith(".")
                listing.entries += 1
                if listing.entries > _MOST_ENTRIES:
                    raise Refused(f"that folder holds more than {_MOST_ENTRIES:,} files; add its parts one by one")
    except OSError as error:
        _note_failure(place, error, listing, is_folder=True)
    return sorted(found, key=lambda entry: entry.name)


def _note_failure(path: str, error: OSError, listing: Listing, *, is_folder: bool) -> None:
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and path != listing.folder:
        return  # it went away while we looked
    if is_folder:
        listing.closed.append(path)
    listing.trouble = listing.trouble or error.errno not in _LOCAL_ERRORS
    listing.skipped.append(Skipped(shown(path), "unavailable", str(cannot_read(error))))


def _look(
    entry: os.DirEntry[str], path: tuple[str, ...], taken: bool, roots: Sequence[str], wanted: Wanted, listing: Listing
) -> tuple[str, tuple[str, ...], bool] | None:
    """List one entry, or return the folder to look into: its place, path, and whether ``include`` names it whole."""
    linked = entry.is_symlink()
    is_folder = entry.is_dir(follow_symlinks=linked)
    if reason := _passed_over(entry.name, path, is_folder, linked, wanted):
        if reason != _BEYOND_THE_GLOB and (wanted.glob is None or reason != "hidden"):
            listing.not_read[reason] += 1
        return None
    taken = taken or wanted.patterns.includes(path, folder=is_folder)
    if is_folder:
        _check_folder(entry, listing)
        return entry.path, path, taken
    if wanted.glob is not None and not wanted.glob.matches(path):
        return None
    if not taken:
        listing.not_read[_NOT_INCLUDED] += 1
        return None
    _list_file(entry, linked, roots, wanted, listing)
    return None


def _check_folder(entry: os.DirEntry[str], listing: Listing) -> None:
    try:
        check_name(entry.name, "folder")
    except Unsupported:
        listing.closed.append(entry.path)
        raise


def _passed_over(name: str, path: tuple[str, ...], is_folder: bool, linked: bool, wanted: Wanted) -> str:
    """Why an entry is not even looked at; empty when it is."""
    if name.startswith(".") and not wanted.hidden:
        return "hidden"
    if is_folder and name in _BUILDS:
        return "folders of builds"
    if is_folder and linked:
        return "links to folders"
    if is_folder and wanted.glob is not None and wanted.glob.depth is not None and len(path) > wanted.glob.depth:
        return _BEYOND_THE_GLOB
    return _EXCLUDED if wanted.patterns.excludes(path, folder=is_folder) else ""


def _list_file(entry: os.DirEntry[str], linked: bool, roots: Sequence[str], wanted: Wanted, listing: Listing) -> None:
    real = os.path.realpath(entry.path) if linked else entry.path
    if linked and not inside(real, roots):
        raise Refused("this link leads outside the folders this server may read")
    suffix = os.path.splitext(real)[1].lower()
    if suffix not in SUFFIXES and not wanted.any_suffix:
        listing.not_read[_kind_of(suffix)] += 1
        return
    check_name(real, "file")
    try:
        found = os.stat(real) if linked else entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        if linked:
            raise Unavailable("this link leads to nothing; mend or delete it") from None
        raise
    if not stat.S_ISREG(found.st_mode):
        raise Unsupported("that is not a regular file")  # reading a pipe would never end
    listing.files[real] = stamp_of(found)


def _kind_of(suffix: str) -> str:
    """What to count a file as; odd suffixes are text from outside and are not repeated."""
    return suffix if _PLAIN_SUFFIX.fullmatch(suffix) else "without suffix" if not suffix else "odd suffixes"
