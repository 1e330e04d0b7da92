"""An index for a test set, made once: kept in a cache folder by what it was made of, and finished where it stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from carrel.documents import PARSER_VERSION, SPLITTER_VERSION, split
from carrel.errors import IncompatibleIndex, Unavailable
from carrel.evaluation.beir import Corpus, documents
from carrel.evaluation.nouns import Progress
from carrel.evaluation.pipelines import Words
from carrel.evaluation.running import Shelf
from carrel.index import Library, catalogue, terms
from carrel.index.lexical.analysis import ANALYSER, ANALYSERS
from carrel.index.texts import named

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from carrel.models import Encoder

__all__ = ["folder_bytes", "shelf_of"]

_BATCH = 500  # documents per commit
_PROBED = 40  # documents
_LOOK = 0.3  # seconds between two looks at how many vectors there are
_COLLECTIONS: dict[Words, str] = {"usual": "set", "whole": "set-whole"}


@contextmanager
def shelf_of(
    corpus: Corpus,
    cache: Path,
    encoder: Callable[[], Encoder] | None,
    *,
    words: Sequence[Words] = ("usual",),
    language: str = "",
    vectors: bool = True,
    progress: Progress = lambda done, total, what: None,
) -> Iterator[Shelf]:
    """The corpus indexed for these ways to read words, with vectors unless none are wanted.

    What an earlier call has made is used again, also where it was interrupted. Raises what the library and the encoder
    raise.
    """
    analyser = ANALYSERS[language] if language else ANALYSER
    usual = _Remembering(encoder()) if encoder and vectors else None
    folder = cache / _key(corpus, analyser, usual)
    library = _opened(folder, usual)
    try:
        for way in words:
            name = _COLLECTIONS[way]
            _fill(library, name, analyser if way == "usual" else f"{analyser[:-1]}1", corpus, folder, progress)
            if usual is not None:
                _encode(library, name, progress)
                usual.reads = library
        collections = {way: _COLLECTIONS[way] for way in words}
        yield Shelf(library, collections, lambda hit, _: corpus.names[int(hit.source[4:])], bytes=folder_bytes(folder))
    finally:
        library.close()


class _Remembering:
    """An encoder that takes from the index what is encoded there already."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.reads: Library | None = None
        self.name, self.fingerprint = encoder.name, encoder.fingerprint
        self.dimension, self.max_tokens = encoder.dimension, encoder.max_tokens

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        if self.reads is None:
            return self._encoder.encode(texts)
        arm, _ = self.reads.arms.dense(_COLLECTIONS["usual"])
        digests = np.array([named(text) for text in texts], np.int64)
        there, vectors = arm.vectors(digests)
        known = dict(zip(there.tolist(), vectors, strict=True))
        if len(known) < len(set(digests.tolist())):
            return self._encoder.encode(texts)
        return np.stack([known[digest] for digest in digests.tolist()])

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encoder.encode_queries(texts)


def _key(corpus: Corpus, analyser: str, encoder: _Remembering | None) -> str:
    """Everything an index depends on."""
    made_by = [metadata.version("carrel"), PARSER_VERSION, SPLITTER_VERSION, analyser]
    parts = [corpus.sha256, *made_by, encoder.fingerprint if encoder else "", _probe(corpus, analyser)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _probe(corpus: Corpus, analyser: str) -> str:
    """What the first documents become. It differs where the code has changed and its versions have not, so that the
    figures of one are never taken for those of the other."""
    found = hashlib.sha256()
    for document in islice(documents(corpus), _PROBED):
        for passage in split(document) if document is not None else ():
            said = " ".join(terms(passage.text, analyser))
            found.update(f"{passage.start} {passage.end} {said}\n".encode("utf-8", "replace"))
    return found.hexdigest()


def _opened(folder: Path, encoder: _Remembering | None) -> Library:
    def library() -> Library:
        return Library(folder, encoder=(lambda: encoder) if encoder else None, background=False)

    try:
        return library()
    except IncompatibleIndex:  # the program has changed since: it is a cache, so it is made anew
        shutil.rmtree(folder)
        return library()


def _fill(library: Library, name: str, analyser: str, corpus: Corpus, folder: Path, progress: Progress) -> None:
    done = folder / f"{name}.done"
    if done.exists():
        return
    with library.store.change():
        catalogue.ensure(library.store, name, SPLITTER_VERSION, analyser=analyser)
    total, added = len(corpus.names), 0
    rows = documents(corpus)
    while batch := list(islice(rows, _BATCH)):
        library.add([document for document in batch if document is not None], name)
        added += len(batch)
        progress(added, total, "indexing")
    done.touch()


def _encode(library: Library, name: str, progress: Progress) -> None:
    """Make the vectors that are missing, telling how many there are meanwhile."""
    total = library.collection(name).passages
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(_encode_all, library, name, stop)
        try:
            while not work.done():
                try:
                    work.result(timeout=_LOOK)
                except TimeoutError:
                    progress(total - library.pending(name), total, "encoding")
        except BaseException:
            stop.set()
            library.close()  # after the batch in hand; the next call goes on from there
            raise
    work.result()


def _encode_all(library: Library, name: str, stop: threading.Event) -> None:
    """Encode until nothing is missing, also where another process is at it and stops half-way."""
    while not stop.is_set() and library.pending(name):
        try:
            library.encode(name)
        except Unavailable as busy:
            if busy.retry_after is None:
                raise
            stop.wait(_LOOK)


def folder_bytes(folder: Path) -> int:
    """What a folder takes on the disk, files that go meanwhile left out."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total
