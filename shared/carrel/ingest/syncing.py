"""Which documents have lost their file, and which of those have only moved."""

# A Path for each of many files takes longer than all the rest, so paths stay strings here.
# ruff: noqa: PTH119, PTH120, PTH206, PTH208
from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, TypeAlias

from carrel.errors import CarrelError, Refused, Unavailable
from carrel.index import KnownFile
from carrel.ingest.finding import Scope
from carrel.ingest.outcome import Skipped
from carrel.ingest.walking import inside, shown

__all__ = ["Drop", "Vanished", "find_vanished"]

Drop: TypeAlias = Literal["excluded", "most"]
"""What a sync drops only when told to: documents that the patterns leave out now, and most of a folder at once."""

_TO_DROP = "use remove_documents with source=FOLDER, and sync again"
_MANY = 5  # documents that vanish together, and are most of a folder: rather a disk not there than a tidy user


class Vanished:
    """Documents whose file is gone, by source; `moved_to` takes out those that turn up elsewhere.

    Those in ``kept`` may have moved like the others, but are not counted as gone; those ``left_out`` go though their
    file is there.
    """

    def __init__(
        self,
        known: Mapping[str, KnownFile],
        listed: Mapping[str, object],
        kept: Collection[str] = frozenset(),
        left_out: Mapping[str, KnownFile] = MappingProxyType({}),
    ) -> None:
        self._known = dict(known)
        self._left_out = left_out
        self._listed = listed
        self._kept = kept
        self._folded: dict[str, str] | None = None
        self._by_digest: dict[str, list[str]] = {}
        for source, file in known.items():
            if file.digest:
                self._by_digest.setdefault(file.digest, []).append(source)

    def __len__(self) -> int:
        return len(self._known)

    def moved_to(self, path: str, digest: str) -> tuple[str, KnownFile] | None:
        """The vanished file that had these contents, one of the same name if possible; it counts as moved from now."""
        sources = self._by_digest.get(digest, [])
        name = os.path.basename(path)
        source = next((each for each in sources if os.path.basename(each) == name), sources[0] if sources else "")
        if not source or not self._is_gone(source):
            return None
        sources.remove(source)
        return source, self._known.pop(source)

    def gone(self) -> Iterator[tuple[str, KnownFile]]:
        """Those that are left, looked at once more: what came back meanwhile stays."""
        yield from self._left_out.items()
        for source, file in self._known.items():
            if source not in self._kept and self._is_gone(source):
                yield source, file

    def _is_gone(self, source: str) -> bool:
        """Whether no file of this name exists any more; what cannot be found out is no.

        A folder has taken its place, or it now goes by another name that was listed: through a link, or in other case
        where case does not count.
        """
        try:
            found = os.lstat(source)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except (OSError, ValueError):
            return False
        if stat.S_ISDIR(found.st_mode):
            return True
        real = os.path.realpath(source)
        return (real != source and real in self._listed) or self._goes_by_another_case(source)

    def _goes_by_another_case(self, source: str) -> bool:
        if self._folded is None:
            self._folded = {path.casefold(): path for path in self._listed}
        other = self._folded.get(source.casefold(), source)
        if other == source or os.path.dirname(other) != os.path.dirname(source):
            return False
        try:
            return os.path.basename(source) not in os.listdir(os.path.dirname(source))
        except OSError:
            return False


def find_vanished(
    scopes: Sequence[Scope], known: Mapping[str, KnownFile], drop: Collection[Drop] = ()
) -> tuple[Vanished, list[Skipped]]:
    """The known files that their scope no longer lists, and why those of some scopes are kept all the same.

    ``known`` are the known files below the scopes' folders. Nothing is gone that the scope's patterns do not cover,
    whose folder could not be read, or whose disk may be missing. What the patterns now leave out stays and is told.
    ``drop`` lets go of these and of most of a folder.
    """
    listed = {path: None for scope in scopes for path in scope.listing.files}
    closed = {folder for scope in scopes for folder in scope.listing.closed}
    unlisted = {path: file for path, file in known.items() if path not in listed}
    missing: dict[str, KnownFile] = {}
    doubted: set[str] = set()
    told = []
    for scope in scopes:
        if scope.single:
            continue
        own = {path: file for path, file in unlisted.items() if scope.covers(path)}
        if (reason := _doubt(scope, len(own))) is not None:
            told.append(_kept(scope, len(own), reason))
            continue
        own = {path: file for path, file in own.items() if not inside(path, closed)}
        missing |= own
        if "most" not in drop and (doubt := _doubt_of_most(scope, own, known)) is not None:
            told.append(doubt)
            doubted |= own.keys()
    left_out = _left_out(scopes, unlisted)
    if "excluded" in drop:
        return Vanished(missing, listed, doubted, {path: known[path] for _, own in left_out for path in own}), told
    told += [_stays(scope, own) for scope, own in left_out]
    return Vanished(missing, listed, doubted), told


def _doubt(scope: Scope, missing: int) -> CarrelError | None:
    """Why a scope's listing cannot be trusted to tell what is gone."""
    if scope.failed is not None:
        return scope.failed
    if missing and (scope.listing.trouble or scope.listing.folder in scope.listing.closed):
        return Unavailable("the folder cannot be read")
    return None


def _doubt_of_most(scope: Scope, missing: Mapping[str, KnownFile], known: Mapping[str, KnownFile]) -> Skipped | None:
    """Why documents stay although their files are gone: most of the folder went at once, as when its disk is missing.

    A file that was not known and has the size of a missing one is taken for that one, moved, and is not counted.
    """
    if len(missing) < _MANY:
        return None
    files = scope.listing.files
    there = sum(path in known for path in files)
    new = Counter(stamp[0] for path, stamp in files.items() if path not in known)
    lost = sum((Counter(file.size for file in missing.values()) - new).values())
    if lost < _MANY or 2 * lost <= there + len(missing):
        return None
    what = "is empty" if scope.listing.bare else f"has lost {lost:,} of {there + len(missing):,} documents"
    return _kept(scope, lost, Refused(f"the folder {what}, as if its disk were missing"), "sync with drop=most")


def _kept(scope: Scope, missing: int, reason: CarrelError, how: str = _TO_DROP) -> Skipped:
    words = str(reason)
    if missing:
        words += f"; {_stay(missing, 'of it')} in the collection; if gone for good, {how}"
    return Skipped(shown(scope.source), reason.kind, words)


def _left_out(scopes: Sequence[Scope], unlisted: Mapping[str, KnownFile]) -> list[tuple[Scope, set[str]]]:
    """Documents that came in before the patterns left them out: as rsync does, a pattern only narrows what is looked
    at, and what it hides is never taken for gone."""
    found, seen = [], set[str]()
    for scope in scopes:
        own = {path for path in unlisted if path not in seen and _leaves_out(scope, path)}
        own -= {path for path in own if any(other.covers(path) for other in scopes)}
        seen |= own
        if own:
            found.append((scope, own))
    return found


def _stays(scope: Scope, own: Collection[str]) -> Skipped:
    words = f"{_stay(len(own), 'that include or exclude leaves out now')} in the collection, such as {shown(min(own))}"
    return Skipped(shown(scope.source), "excluded", f"{words}; to drop them, sync with drop=excluded")


def _leaves_out(scope: Scope, path: str) -> bool:
    """Whether it is for the patterns alone that a scope does not look at a path."""
    if scope.single or scope.failed is not None or not inside(path, [scope.listing.folder]):
        return False
    parts = path[len(scope.listing.folder) :].strip(os.sep).split(os.sep)
    return (scope.wanted.glob is None or scope.wanted.glob.matches(parts)) and not scope.wanted.patterns.cover(parts)


def _stay(count: int, which: str) -> str:
    return f"1 document {which} stays" if count == 1 else f"{count:,} documents {which} stay"
