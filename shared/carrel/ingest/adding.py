"""Sources to index: find the files, parse what is new, and say what was left out and why."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from carrel.documents import SUFFIXES, clean, parse
from carrel.errors import BadRequest, CarrelError, NotFound, Unsupported
from carrel.index import KnownFile, Library, check_collection
from carrel.ingest.files import Contents, read_file, settled
from carrel.ingest.finding import Scope, find_scopes, is_url
from carrel.ingest.intake import Intake
from carrel.ingest.outcome import Outcome, Progress
from carrel.ingest.patterns import read_patterns
from carrel.ingest.syncing import Drop, Vanished, find_vanished
from carrel.ingest.walking import LEFT_OUT, Stamp, inside, is_text
from carrel.records import Document, document_id

__all__ = ["Unreadable", "add", "note"]

Unreadable: TypeAlias = MutableMapping[str, tuple[Stamp, CarrelError]]
"""Files that were read and could not be parsed: what they looked like, and what was wrong with them."""

_LONGEST_NAME = 200  # characters
_KEPT = "; its earlier text stays in the collection"


def note(text: str, *, title: str = "", tags: tuple[str, ...] = ()) -> Document:
    """A document made of text the caller hands over. Its source is ``text:`` and its title (or first words), so
    that handing over a new version replaces the old one. Raises BadRequest for empty text."""
    name = _name(title) or _name(" ".join(text.split(None, 8)[:8]))
    document = parse(
        text.encode("utf-8", "surrogatepass"),
        source=f"text:{name}",
        source_kind="text",
        media_type="text/markdown",
        charset="utf-8",
        title=title.strip(),
        tags=tags,
    )
    return document if document.title else replace(document, title=name)


def _name(title: str) -> str:
    """What a text is called: one line that can be seen. A long one is cut, and told apart by a digest from others that
    begin alike."""
    name = title.strip()
    if len(name) <= _LONGEST_NAME and name.isprintable():
        return name
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    plain = " ".join(clean(name[: 4 * _LONGEST_NAME])[0].split())
    return plain if len(name) <= _LONGEST_NAME else f"{plain[:_LONGEST_NAME]} {digest}"


def add(
    library: Library,
    sources: Sequence[str],
    *,
    roots: Sequence[Path] = (),
    collection: str = "default",
    tags: tuple[str, ...] = (),
    notes: Sequence[Document] = (),
    read_url: Callable[[str], Document] | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    sync: bool = False,
    drop: Collection[Drop] = (),
    dry_run: bool = False,
    on_progress: Progress = lambda done, total, message: None,
    cancelled: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.time,
    unreadable: Unreadable | None = None,
) -> Outcome:
    """Add files, folders, globs and URLs, and ready-made ``notes``, to a collection.

    Files must lie inside ``roots``; of folders and globs, ``include`` and ``exclude`` choose (see `read_patterns`). One
    bad source never spares the others: it is in ``skipped``. A file whose size and time have not changed is not read
    again, and one whose bytes have not is not parsed again. With ``sync``, documents whose file has vanished from the
    folders and globs leave the collection, and a file with the contents of a vanished one is that one, moved; where a
    folder cannot be read, or has lost most of its documents at once, nothing leaves, and ``skipped`` says so, unless
    ``drop`` has "most"; with "excluded" in it, documents that the patterns leave out now leave too. ``dry_run`` parses
    and changes nothing: it tells what would be done. Stops once ``cancelled()`` is true; what was added stays.
    ``clock`` gives Unix seconds. ``unreadable``, handed in again, spares the files that could not be parsed and have
    not changed since.
    Raises BadRequest for a pattern or collection name that cannot be, and what the library raises.
    """
    check_collection(collection)
    patterns = read_patterns(include, exclude)
    urls = [source for source in sources if is_url(source)]
    if dry_run and (urls or notes):
        raise BadRequest("a dry run looks at files and folders only; leave out URLs and text")
    on_progress(0, 0, "looking for files")
    scopes = find_scopes(sources, roots, patterns)
    known = _known(library, collection, scopes)
    intake = Intake(library, collection, dry_run=dry_run)
    vanished, kept = find_vanished(scopes, known, drop) if sync else (Vanished({}, {}), [])
    intake.extend_skipped(kept)
    _tell_failures(intake, scopes, sync=sync)
    work = _Work(library, intake, known, vanished, tags, read_url, clock, {} if unreadable is None else unreadable)
    files = {path: stamp for scope in scopes for path, stamp in scope.listing.files.items()}
    finished = _run(work.tasks(files, urls, notes), len(files) + len(urls) + len(notes), intake, on_progress, cancelled)
    if finished:
        intake.drop(vanished.gone())
    return intake.outcome(sum((scope.listing.not_read for scope in scopes), Counter()), finished=finished)


def _known(library: Library, collection: str, scopes: Sequence[Scope]) -> dict[str, KnownFile]:
    """What is known of the files the scopes list, and of all below their folders."""
    found: dict[str, KnownFile] = {}
    asked: set[str] = set()
    for scope in sorted(scopes, key=lambda scope: (scope.single, len(scope.listing.folder))):
        folder = scope.listing.folder
        if folder and is_text(folder) and not inside(folder, asked):
            found |= library.known_files(collection, folder if scope.single else f"{folder.rstrip(os.sep)}{os.sep}")
            asked.add(folder)
    for path in {path for scope in scopes for path in scope.listing.files if not inside(path, asked)}:
        found |= library.known_files(collection, path)  # where a link leads
    return found


def _tell_failures(intake: Intake, scopes: Sequence[Scope], *, sync: bool) -> None:
    there: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    for scope in scopes:
        left_out[scope.source] += sum(scope.listing.not_read[reason] for reason in LEFT_OUT)
        there[scope.source] += len(scope.listing.files) + (scope.failed is not None)
        intake.extend_skipped(scope.listing.skipped)
        if scope.failed is not None and (scope.single or not sync):
            intake.skip(scope.source, scope.failed)
    for source, count in there.items():
        if not count and not sync:
            intake.skip(source, _nothing(left_out[source]))


def _nothing(left_out: int) -> NotFound:
    if left_out:
        return NotFound(f"include and exclude leave nothing of it to read ({left_out:,} left out)")
    return NotFound("nothing in there can be read; supported are " + ", ".join(sorted(SUFFIXES)))


def _run(
    tasks: Iterator[Callable[[], None]],
    total: int,
    intake: Intake,
    on_progress: Progress,
    cancelled: Callable[[], bool],
) -> bool:
    """Do one task after the other, committing now and then; False when it was cancelled before the end."""
    for done, task in enumerate(tasks, start=1):
        task()
        if intake.full:
            intake.commit()
        on_progress(done, total, "reading")
        if done < total and cancelled():
            intake.commit()
            return False
    intake.commit()
    return True


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be done with each source."""

    library: Library
    intake: Intake
    known: dict[str, KnownFile]
    vanished: Vanished
    tags: tuple[str, ...]
    read_url: Callable[[str], Document] | None
    clock: Callable[[], float]
    unreadable: Unreadable

    def tasks(
        self, files: dict[str, Stamp], urls: Sequence[str], notes: Sequence[Document]
    ) -> Iterator[Callable[[], None]]:
        for path, stamp in files.items():
            yield partial(self._file, path, stamp)
        for url in urls:
            yield partial(self._url, url)
        for document in notes:
            yield partial(self.intake.put, document)

    def _url(self, url: str) -> None:
        try:
            if self.read_url is None:
                raise Unsupported("this server does not fetch pages; read it with read_page(keep=true)")
            self.intake.put(replace(self.read_url(url), tags=self.tags))
        except CarrelError as error:
            self.intake.skip(url, error)

    def _file(self, path: str, stamp: Stamp) -> None:
        before = self.known.get(path)
        if before is not None and (before.size, before.mtime) == stamp and not self.tags:
            self.intake.same(path)
            return
        if (failed := self.unreadable.get(path)) is not None and failed[0] == stamp:
            self.intake.skip(path, failed[1], _KEPT if before else "")
            return
        try:
            self._read(path, before)
        except CarrelError as error:
            self.intake.skip(path, error, _KEPT if before else "")
            if not error.retryable and settled(stamp, self.clock()):
                self.unreadable[path] = (stamp, type(error)(str(error)))  # anew: a trace would keep the file's bytes

    def _read(self, path: str, before: KnownFile | None) -> None:
        contents = read_file(path, self.clock())
        if before is not None and before.digest == contents.digest and not self.tags:
            self.intake.same(path, None if self.intake.dry_run else _remembered(before.doc_id, contents))
        elif before is None and (moved := self.vanished.moved_to(path, contents.digest)):
            self._move(path, contents, *moved)
        elif self.intake.dry_run:
            self.intake.would("replaced" if before else "added", path)
        else:
            document = self._document(path, contents, before)
            self.intake.put(document, _remembered(document.doc_id, contents), before=before)

    def _move(self, path: str, contents: Contents, was: str, before: KnownFile) -> None:
        if self.intake.dry_run:
            self.intake.would("moved", path, was)
            return
        document = self._document(path, contents, before)
        self.intake.move(document, _remembered(document.doc_id, contents), was, before)

    def _document(self, path: str, contents: Contents, before: KnownFile | None) -> Document:
        """The file's document; parsed only if the stored text of the same bytes will not do."""
        stored = self._stored(before)
        tags = self.tags or (stored.tags if stored else ())
        if stored and before and before.digest == contents.digest and not _named_by_file(stored, path):
            return replace(stored, doc_id=document_id(path, stored.text), source=path, tags=tags)
        return parse(contents.data, source=path, tags=tags)

    def _stored(self, before: KnownFile | None) -> Document | None:
        if before is None:
            return None
        try:
            return self.library.document(before.doc_id)
        except NotFound:  # erased meanwhile
            return None


def _named_by_file(document: Document, path: str) -> bool:
    """Whether the new name of a file may give its document another title or type."""
    before, now = Path(document.source), Path(path)
    if before.name == now.name:
        return False
    return before.suffix != now.suffix or _letters(before.stem) == _letters(document.title)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _remembered(doc_id: str, contents: Contents) -> KnownFile:
    size, changed = contents.stamp
    return KnownFile(doc_id, size, changed, contents.digest)
