"""One snapshot of the lexical arm, open for searching."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from carrel.errors import Unavailable
from carrel.index.lexical.demands import Demands, without_words
from carrel.index.lexical.files import Manifest, Shelf
from carrel.index.lexical.highest import highest
from carrel.index.lexical.mending import Mending, mend
from carrel.index.lexical.nouns import LexicalFacts, LexicalFilter, Mark
from carrel.index.lexical.query import holding, question, rank, schema, within
from carrel.index.lexical.seals import Stamp, damage, stamp

if TYPE_CHECKING:
    import numpy as np
    import tantivy
    from numpy.typing import NDArray

__all__ = ["LexicalReader", "engine", "guarded"]


class LexicalReader:
    """A snapshot as it was committed: its rankings never change. Thread-safe.

    Opening checks the files (see `Shelf.check`) and raises DamagedArm, or Unavailable when they cannot be read now.
    """

    def __init__(self, shelf: Shelf, name: str) -> None:
        self.manifest: Manifest = shelf.manifest(name)
        self._folder = shelf.path(name)
        if self.manifest.engine != engine():
            raise damage("was written by another version of its search engine")
        self._stamps: Mapping[str, Stamp] = shelf.check(self.manifest)
        self._schema = schema()
        self._searcher = self._open()

    def mark(self) -> Mark:
        """The commit of the store that this snapshot shows."""
        return self.manifest.mark

    def search(
        self,
        query: str,
        depth: int,
        only: LexicalFilter | None = None,
        *,
        also: Sequence[tuple[str, float]] = (),
        demands: Demands | None = None,
    ) -> list[tuple[int, float]]:
        """See `LexicalArm.search`. ``also`` are index terms that count with their weights beside the query's."""
        analyser = self.manifest.analyser
        with guarded():
            asked = question(query, analyser, self._schema, self._searcher.doc_freq, also)
            limited = within(asked, only, demands, analyser, self._schema)
            return [] if limited is None or depth < 1 else rank(self._searcher, limited, depth)

    def mended(self, query: str) -> Mending:
        """The query with what may have been meant by words that nothing has."""
        with guarded():
            return mend(query, self.manifest.analyser, self._held, self._beginning)

    def holding(self, demands: Demands) -> tuple[NDArray[np.int64], bool]:
        """Sorted ids of the passages that meet the demands, True; where nothing must be in a passage, of those that
        hold what must not, False."""
        with guarded():
            return holding(self._searcher, demands, self.manifest.analyser, self._schema)

    def without_words(self, demands: Demands) -> list[str]:
        """Those demands that limit nothing."""
        return without_words(demands, self.manifest.analyser)

    def _held(self, term: str) -> int:
        return self._searcher.doc_freq("text", term)

    def _beginning(self, prefix: str, most: int) -> Sequence[tuple[str, int]]:
        return self._searcher.terms_with_prefix("text", prefix, limit=most)

    def most(self, query: str) -> float:
        """The BM25 that no passage can exceed for ``query``; 0 when it has no term."""
        with guarded():
            return highest(query, self.manifest.analyser, self._searcher.num_docs, self._searcher.doc_freq)

    def look_again(self) -> None:
        """Make sure that no file was changed or removed since it was opened. Raises DamagedArm."""
        for file, found in self._stamps.items():
            if stamp(self._folder / file) != found:
                raise damage("was changed by something else while it was open")

    def facts(self) -> LexicalFacts:
        """How much there is."""
        held = sum(size for size, _ in self.manifest.files.values())
        return LexicalFacts(self._searcher.num_docs, self._searcher.num_segments, held)

    def _open(self) -> tantivy.Searcher:
        with guarded():
            try:
                searcher = _searcher(self._folder)
            except (ValueError, OSError):
                # Its files are what was written, so it is not they; when they vanish meanwhile, this raises DamagedArm.
                self.look_again()
                searcher = self._open_elsewhere()
        if searcher.num_docs != self.manifest.passages:
            raise damage("does not hold what it should")
        return searcher

    def _open_elsewhere(self) -> tantivy.Searcher:
        """Open by way of a folder of links: tantivy writes a lock file where it reads, and here it may not."""
        try:
            with tempfile.TemporaryDirectory() as mirror:
                for file in self.manifest.files:
                    (Path(mirror) / file).symlink_to((self._folder / file).absolute())
                return _searcher(Path(mirror))
        except (ValueError, OSError) as error:
            self.look_again()
            raise Unavailable(
                "the lexical index could not be opened now; check the data folder's permissions and the limit of "
                "open files, then try again"
            ) from error


def _searcher(folder: Path) -> tantivy.Searcher:
    import tantivy

    return tantivy.Index.open(str(folder)).searcher()


def engine() -> str:
    """The form of the engine's files, as its version says it."""
    import tantivy

    return str(vars(tantivy)["__version__"]).rpartition(", ")[2]


@contextmanager
def guarded() -> Iterator[None]:
    """Turn the engine's panics, which are no Exceptions, into DamagedArm."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise damage("made its search engine fail") from None
