"""The lexical arm: BM25 over title, headings and text, in snapshots that say which commit of the store they show.

Each commit is a folder of its own that shares all unchanged files with the one before (`lexical_files`). So a reader
never sees a commit half done, goes on reading what it has open whatever others do, and can return to any snapshot that
is still kept. A crash leaves the arm at its last commit; catching up repeats only what came later, and repeating is
harmless: a document is deleted before it is added.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from carrel.errors import NotFound, Unavailable
from carrel.index.lexical.analysis import ANALYSER, NAMES, filters
from carrel.index.lexical.files import Manifest, Shelf, generations, live_files, mark_of
from carrel.index.lexical.nouns import DamagedArm, LexicalFacts, LexicalFilter, LexicalRow, Mark
from carrel.index.lexical.query import document, schema
from carrel.index.lexical.reader import LexicalReader, engine, guarded
from carrel.index.lexical.seals import damage, inspect

__all__ = [
    "DamagedArm",
    "LexicalArm",
    "LexicalFacts",
    "LexicalFilter",
    "LexicalReader",
    "LexicalRow",
    "Mark",
]

_WRITER_HEAP = 64_000_000  # bytes
_LOOK_AGAIN = 1.0  # seconds between looks at files that are open
_SMALL = 1_000  # passages; that many are indexed in less than a tenth of a second
_OPEN_SNAPSHOTS = 4  # earlier ones, kept open for whoever asks again


class LexicalArm:
    """One collection's lexical index.

    `search`, `reload`, `at`, `mark`, `kept`, `verify` and `facts` are thread-safe and need no lock; `apply`, `renew`
    and `retain` need the collection's lock. Searching goes on undisturbed by all of them, in every process.

    **Damage.** A file that is missing, cut, or not what was written is DamagedArm when the arm is opened, when its
    snapshot is, and within a second of use afterwards; a change that hides behind an unchanged size and time of change
    is found by `verify` alone.

    **Equal results.** A snapshot answers byte for byte the same as long as it is kept. So do two arms that were given
    the same calls of `apply`, in whatever processes, on one kind of machine: scores do not depend on how rows lie
    in segments. BM25's statistics still count deleted rows until tantivy merges their segment: equal *contents* alone
    give equal scores only after an `apply` with ``afresh``; ``wants_rebuild`` says when that is due.

    Opening raises DamagedArm, or Unavailable when the files cannot be read now.
    """

    def __init__(self, folder: Path, analyser: str = ANALYSER, *, clock: Callable[[], float] = time.monotonic) -> None:
        filters(analyser)  # refuses an unknown name
        self.folder = folder
        self._analyser = analyser
        self._clock = clock
        self._shelf = Shelf(folder)
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._pointer: tuple[int, int, int] | None = None
        self._reader: LexicalReader | None = None
        self._earlier: dict[str, LexicalReader] = {}
        self._looked = clock()
        self.reload()

    @staticmethod
    def renew(folder: Path) -> None:
        """Set a damaged arm aside, so that the next `LexicalArm` of this folder is new and empty.

        Other processes that have it open go on reading what they have.
        """
        with _writable():
            Shelf(folder).renew()

    # reading ----------------------------------------------------------------------------------------------------------

    def reload(self) -> None:
        """See what other processes have committed, a renewed index included. Raises DamagedArm or Unavailable."""
        self._look(self._clock() - self._looked >= _LOOK_AGAIN)

    def mark(self) -> Mark:
        """The commit of the store that this arm has reached; ``Mark(0, 0)`` for a new one.

        Also for one that another process has renewed and not yet filled: until then searches see what is open here.
        """
        reader = self._reader
        return reader.mark() if reader and self._pointer else Mark(0, 0)

    def search(self, query: str, depth: int, only: LexicalFilter | None = None) -> list[tuple[int, float]]:
        """The ``depth`` best passages as ``(passage_id, score)``, best first, equal scores by id.

        A query without a single indexable term finds nothing. Should more than 20,000 passages tie at the end of the
        list, which of them are in it is left open. Raises DamagedArm.
        """
        reader = self._reader
        return reader.search(query, depth, only) if reader else []

    def now(self) -> LexicalReader | None:
        """What searches see at this moment, to stay with it whatever `reload` brings; None for an empty arm."""
        return self._reader

    def at(self, generation: int) -> LexicalReader:
        """The kept snapshot of this generation. Raises NotFound when it is not kept, DamagedArm."""
        while True:
            pointer = self._shelf.pointer()
            names = {mark_of(name).generation: name for name in self._shelf.names()}
            if generation not in names:
                there = f"kept are {generations(names.values())}" if names else "none is kept"
                raise NotFound(f"snapshot {generation} is not kept; {there}")
            try:
                with self._reading:
                    return self._opened(names[generation])
            except DamagedArm:
                if self._shelf.pointer() == pointer and names[generation] in self._shelf.names():
                    raise  # it was neither dropped nor renewed while it was opened

    def kept(self) -> list[Mark]:
        """The snapshots that `at` answers, ascending; the last is the current one."""
        return [mark_of(name) for name in self._shelf.names()]

    def verify(self) -> list[str]:
        """Read every file of every kept snapshot; problems in words, none when sound."""
        return self._shelf.problems()

    def facts(self) -> LexicalFacts:
        """How much searches see, and how large it is."""
        reader = self._reader
        return reader.facts() if reader else LexicalFacts(0, 0, 0)

    @property
    def wants_rebuild(self) -> bool:
        """Whether an `apply` of all rows with ``afresh`` is due, so that deleted rows no longer weigh in scores.

        True above one deleted row in ten, and with a single one in an arm so small that rebuilding costs less than
        saying why. Depends on nothing but the calls of `apply`.
        """
        reader = self._reader
        if reader is None or not reader.manifest.dead:
            return False
        return reader.manifest.dead * 10 > reader.manifest.passages or reader.manifest.passages <= _SMALL

    # writing ----------------------------------------------------------------------------------------------------------

    def apply(self, gone: Iterable[str], rows: Iterable[LexicalRow], mark: Mark, *, afresh: bool = False) -> None:
        """Drop the documents ``gone``, add ``rows``, and commit as ``mark``; the snapshot before stays kept.

        ``afresh`` begins with an empty index. Snapshots of the mark's own and of later generations are dropped. Where
        the file system has no hard links, only the current snapshot is kept. Raises DamagedArm, or Unavailable when
        nothing can be written; then the arm is as it was.
        """
        with self._writing, _writable():
            if not afresh:
                self._look(True)
            start = self._reader.manifest if self._reader and self._pointer and not afresh else None
            work, shared = self._shelf.workplace(start)
            try:
                with guarded():
                    self._write(work, gone, rows)
                files, passages, dead = live_files(work)
                sums = {file: _known(start, file) or inspect(work / file) for file in files}
                self._shelf.publish(work, Manifest(mark, self._analyser, engine(), passages, dead, sums))
            except BaseException:
                shutil.rmtree(work, ignore_errors=True)
                raise
            self.reload()
            if not shared:
                self.retain(())

    def retain(self, generations: Iterable[int]) -> None:
        """Drop all kept snapshots but those of these generations and the current one."""
        wanted = set(generations)
        with _writable():
            leaving = [name for name in self._shelf.names()[:-1] if mark_of(name).generation not in wanted]
            self._shelf.drop(leaving)
            if leaving:
                self._shelf.forget()
        with self._reading:
            for name in leaving:
                self._earlier.pop(name, None)

    def _write(self, work: Path, gone: Iterable[str], rows: Iterable[LexicalRow]) -> None:
        import tantivy

        form = schema()
        with _engine_writes():
            index = tantivy.Index(form, path=str(work), reuse=True)
            index.register_tokenizer("words", filters(self._analyser))
            index.register_tokenizer("names", filters(NAMES))
            # One thread: which row lands in which segment, and so what a merge later purges, is the same every time.
            writer = index.writer(heap_size=_WRITER_HEAP, num_threads=1)
        try:
            for doc_id in gone:
                writer.delete_documents_by_term("doc", doc_id)
            for made in (document(row, self._analyser, form) for row in rows):
                with _engine_writes():
                    writer.add_document(made)
            with _engine_writes():
                writer.commit()
                writer.wait_merging_threads()
        finally:
            del writer, index

    # ------------------------------------------------------------------------------------------------------------------

    def _look(self, closely: bool) -> None:
        """Open what is current; if that is open already and ``closely`` is set, see that its files are untouched."""
        with self._reading:
            found = self._shelf.pointer()
            if found != self._pointer or found is None:
                self._follow()
            elif self._reader and closely:
                try:
                    self._reader.look_again()
                except DamagedArm:
                    if self._shelf.pointer() == found:
                        raise
                    self._follow()
                self._looked = self._clock()

    def _follow(self) -> None:
        """Open what is current now. A snapshot that goes while it is opened has a successor: try that."""
        while True:
            pointer = self._shelf.pointer()
            name = self._shelf.current()
            if name and pointer is None:
                continue
            if not name:  # being rebuilt elsewhere: what is open here stays until that is done
                self._pointer = None
                return
            try:
                reader = LexicalReader(self._shelf, name)
                if reader.manifest.analyser != self._analyser:
                    raise damage("was made with another analyser")
            except DamagedArm:
                if self._shelf.pointer() == pointer:
                    raise
                continue
            self._reader, self._pointer, self._looked = reader, pointer, self._clock()
            return

    def _opened(self, name: str) -> LexicalReader:
        reader = self._earlier.pop(name, None)
        if reader is not None:
            with suppress(DamagedArm):  # changed since, or made anew under the same name: opening it will tell
                reader.look_again()
                self._earlier[name] = reader
                return reader
        self._earlier[name] = reader = LexicalReader(self._shelf, name)
        while len(self._earlier) > _OPEN_SNAPSHOTS:
            self._earlier.pop(next(iter(self._earlier)))
        return reader


def _known(start: Manifest | None, file: str) -> tuple[int, int] | None:
    return start.files.get(file) if start and file != "meta.json" else None


@contextmanager
def _writable() -> Iterator[None]:
    """Say in one sentence that nothing can be written."""
    try:
        yield
    except OSError as error:
        raise _unwritable() from error


@contextmanager
def _engine_writes() -> Iterator[None]:
    """The same, where the engine reports it: as a ValueError, whatever happened."""
    try:
        yield
    except ValueError as error:
        raise _unwritable() from error


def _unwritable() -> Unavailable:
    return Unavailable(
        "the lexical index cannot be written; check the disk's free space and the data folder's permissions"
    )
