"""Which documents have lost their file, and which of those have only moved."""

# A Path for each of many files takes longer than all the rest, so paths stay strings here.
# ruff: noqa: PTH119, PTH120, PTH208
from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence

from carrel.errors import CarrelError, Refused, Unavailable
from carrel.index import KnownFile
from carrel.ingest.finding import Scope
from carrel.ingest.outcome import Skipped
from carrel.ingest.walking import inside, shown

__all__ = ["Vanished", "find_vanished"]

_MANY = 5  # documents of a folder that is suddenly empty: rather a disk that is not there than a tidy user


class Vanished:
    """Documents whose file is gone, by source; `moved_to` takes out those that turn up elsewhere."""

    def __init__(self, known: Mapping[str, KnownFile], listed: Mapping[str, object]) -> None:
        self._known = dict(known)
        self._listed = listed
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
        return ((source, file) for source, file in self._known.items() if self._is_gone(source))

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


def find_vanished(scopes: Sequence[Scope], known: Mapping[str, KnownFile]) -> tuple[Vanished, list[Skipped]]:
    """The known files that their scope no longer lists, and why those of some scopes are kept all the same.

    ``known`` are the known files below the scopes' folders. Nothing is gone that the scope's patterns do not cover,
    whose folder could not be read, or whose disk may be missing.
    """
    listed = {path: None for scope in scopes for path in scope.listing.files}
    closed = {folder for scope in scopes for folder in scope.listing.closed}
    unlisted = {path: file for path, file in known.items() if path not in listed}
    missing: dict[str, KnownFile] = {}
    kept = []
    for scope in scopes:
        if scope.single:
            continue
        own = {path: file for path, file in unlisted.items() if scope.covers(path)}
        if (reason := _doubt(scope, len(own))) is not None:
            kept.append(_kept(scope, len(own), reason))
        else:
            missing |= {path: file for path, file in own.items() if not inside(path, closed)}
    return Vanished(missing, listed), kept


def _doubt(scope: Scope, missing: int) -> CarrelError | None:
    """Why it is not certain that what a scope does not list is gone."""
    if scope.failed is not None:
        return scope.failed
    if not missing:
        return None
    if scope.listing.trouble or scope.listing.folder in scope.listing.closed:
        return Unavailable("the folder cannot be read")
    if scope.listing.bare and missing >= _MANY:
        return Refused("the folder is empty, as if its disk were missing")
    return None


def _kept(scope: Scope, missing: int, reason: CarrelError) -> Skipped:
    words = str(reason)
    if missing:
        count = "1 document" if missing == 1 else f"{missing:,} documents"
        words += f"; {count} of it stay in the collection; if they are gone for good, use remove_documents"
    return Skipped(shown(scope.source), reason.kind, words)
