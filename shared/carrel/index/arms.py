"""The arms of every collection, for one search or one writer: opened once per process, read at one snapshot."""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from carrel.errors import IncompatibleIndex, NotFound, Unavailable, Unsupported
from carrel.index import catalogue, lookups
from carrel.index.catalogue import Collection
from carrel.index.dense import DamagedVectors, DenseArm
from carrel.index.following import LOCK_SECONDS, LexicalArms
from carrel.index.gate import QueryGate
from carrel.index.lexical import LexicalArm, LexicalReader, Mark
from carrel.index.lookups import Filters
from carrel.index.sparse_arms import SparseArms
from carrel.index.store import Store
from carrel.index.view import Searched, View
from carrel.models import Encoder, SparseEncoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Arms"]

_ENCODER_SECONDS = 2.0
_TRIES = 5  # a reader that is overtaken by this many prunings in a row gives up
_CACHED = 8  # lists of digests (8 bytes a passage each) kept for repeated filters and snapshots
_SEARCHERS = 4  # threads for lexical searches beside the encoding of the query
_FINGERPRINT = 12  # characters of it that name a folder


class Arms:
    """See the module. ``encoder``, ``models``, ``sparse`` and ``read_only`` as for `Library`."""

    def __init__(
        self,
        data: Path,
        store: Store,
        *,
        encoder: Callable[[], Encoder] | None,
        models: Callable[[str], Encoder] | None,
        sparse: Callable[[str], SparseEncoder] | None,
        snapshots: int,
        read_only: bool,
    ) -> None:
        self._data, self._store, self._read_only = data, store, read_only
        self._load_encoder, self._load_model = encoder, models
        self._lock = threading.RLock()
        self._encoders: dict[str, Encoder] = {}
        self._words = LexicalArms(
            store,
            lambda collection: self.folder(collection) / "lexical",
            lambda name, wait: self.exclusive(name, wait),
            snapshots=snapshots,
            read_only=read_only,
        )
        self._dense: dict[tuple[int, str], DenseArm] = {}
        self.sparse = SparseArms(store, self.folder, sparse)
        self._pool: ThreadPoolExecutor | None = None
        self._digests: OrderedDict[tuple[int, Mark, Filters | None], NDArray[np.int64]] = OrderedDict()

    # searching --------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def view(
        self, name: str, gate: QueryGate, *, as_of: int, words: bool, meaning: bool, sparse: bool
    ) -> Iterator[View]:
        """See `Library.view`."""
        for _ in range(_TRIES):
            there = catalogue.collection(self._store, name)
            try:
                arm = self._words.fresh(there)
            except NotFound:  # dropped since: the next look says so, or finds the one that was made anew
                continue
            reader = arm.now()
            with catalogue.not_dropped(self._store, there), self._store.snapshot():
                collection = catalogue.same(self._store, there)
                newest = reader.mark().generation if reader else 0
                at = self._resolved(collection, as_of) if as_of else newest
                # Between looking at the arm and at the store, writers may have pruned what the arm still finds, or have
                # committed what it does not find yet.
                if at < collection.horizon or at > newest:
                    continue
                view = View(self._store, collection, at, gate, self._submit, partial(self._allowed, collection, at))
                view.pinned = at != newest
                if words:
                    view.lexical = reader if at == newest else _snapshot(arm, collection, at)
                if meaning:
                    self._open_dense(view, needed=not words)
                if sparse and collection.sparse:
                    self._open_sparse(view)
                yield view
            catalogue.same(self._store, there)  # or vectors may have gone while they were asked
            return
        raise Unavailable("the collection is changing faster than it can be read; try again", retry_after=1)

    def _submit(self, work: Callable[[], Searched]) -> Future[Searched]:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_SEARCHERS, thread_name_prefix="carrel-words")
            return self._pool.submit(work)

    def close(self) -> None:
        """Let the searching threads go."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait=False)

    def _open_dense(self, view: View, *, needed: bool) -> None:
        try:
            arm, view.encoder = self.dense_of(view.collection)
            view.dense = arm.now()
            # Damaged files show here too.
            view.vectors_lost = view.dense.lacks(view.collection.vectors, view.collection.batch)
        except (Unavailable, Unsupported) as error:  # no model here, or one that needs another package
            view.dense = view.encoder = None
            if needed:
                raise
            view.notes.append(f"lexical only: {error}")
            view.vectors_lost = self.has_encoder and view.collection.vectors > 0

    def _open_sparse(self, view: View) -> None:
        try:
            arm, view.sparse_encoder = self.sparse.of(view.collection)
            view.sparse = arm.now()
            view.sparse_lost = bool(view.collection.passages) and not view.sparse.head().mark.generation
        except (Unavailable, Unsupported) as error:  # no model here, another package is needed, or damaged files
            view.sparse = view.sparse_encoder = None
            view.sparse_lost = isinstance(error, DamagedVectors)
            view.notes.append(f"without the learned-sparse arm: {error}")

    def _resolved(self, collection: Collection, as_of: int) -> int:
        """The collection's own generation that was the newest at ``as_of``."""
        if as_of >= collection.journalled:
            if as_of > self._store.generation():
                raise NotFound(f"there is no snapshot {as_of} yet; the newest is {collection.journalled}")
            return collection.journalled
        found = self._store.value(
            "SELECT max(generation) FROM journal WHERE collection_no=? AND generation<=?", (collection.number, as_of)
        )
        at = int(found) if found is not None else collection.horizon if as_of >= collection.horizon else 0
        if at < collection.oldest:
            raise NotFound(
                f"snapshot {as_of} of '{collection.name}' is no longer kept; the oldest is {collection.oldest}, the "
                f"newest {collection.journalled}"
            )
        return at

    def _allowed(self, collection: Collection, at: int, filters: Filters | None) -> NDArray[np.int64]:
        key = (collection.number, self._store.mark(at), filters)
        with self._lock:
            if key in self._digests:
                self._digests.move_to_end(key)
                return self._digests[key]
        found = lookups.digests(self._store, collection.number, at, filters)
        with self._lock:
            self._digests[key] = found
            while len(self._digests) > _CACHED:
                self._digests.popitem(last=False)
        return found

    # the lexical arm --------------------------------------------------------------------------------------------------

    def catch_up(self, there: Collection, *, generation: int = 0, wait: float = LOCK_SECONDS) -> int:
        """See `LexicalArms.catch_up`."""
        return self._words.catch_up(there, generation=generation, wait=wait)

    def rebuild(self, name: str) -> None:
        """Make the lexical arm anew from the store, whatever it holds. Earlier snapshots answer no more."""
        self._words.rebuild(catalogue.collection(self._store, name))

    def lexical_as_it_is(self, collection: Collection) -> LexicalArm:
        """The lexical arm without bringing it up to date. Raises DamagedArm."""
        arm = self._words.arm(collection)
        arm.reload()
        return arm

    # the dense arm ----------------------------------------------------------------------------------------------------

    def dense(self, name: str) -> tuple[DenseArm, Encoder]:
        """The dense arm and the encoder it takes.

        Raises Unavailable without an encoder, IncompatibleIndex when another encoder made the collection's vectors.
        """
        return self.dense_of(catalogue.collection(self._store, name))

    def dense_of(self, collection: Collection) -> tuple[DenseArm, Encoder]:
        """The same, of a collection as it was looked up."""
        encoder = self._encoder_for(collection)
        if collection.fingerprint and collection.fingerprint != encoder.fingerprint:
            raise IncompatibleIndex(
                f"collection '{collection.name}' was encoded with {collection.encoder} ({collection.fingerprint[:8]}) "
                f"and this server runs {encoder.name} ({encoder.fingerprint[:8]}); start it with the encoder of the "
                "collection (--encoder), search with mode='lexical', or add the documents to a new collection"
            )
        return self.vectors(collection, encoder.fingerprint), encoder

    def warm(self, collection: Collection) -> None:
        """Bring the arrays of a collection's vectors up to date and read them once; nothing without an encoder."""
        with contextlib.suppress(Unavailable, Unsupported):
            arm, _ = self.dense_of(collection)
            if collection.encoded:
                arm.publish()
                arm.warm()

    def discard_dense(self, collection: Collection) -> None:
        """Set the vectors of a collection aside, for the encoder to make them again. Needs the encoding lock."""
        arm, encoder = self.dense_of(collection)
        with self._lock:
            self._dense.pop((collection.number, encoder.fingerprint), None)
        shutil.rmtree(arm.folder, ignore_errors=True)

    def vectors(self, collection: Collection, fingerprint: str) -> DenseArm:
        """The dense arm for vectors of an encoder that need not be here."""
        key = (collection.number, fingerprint)
        with self._lock:
            if key not in self._dense:
                # Each encoder has a folder of its own: vectors of two can never meet.
                name = hashlib.sha256(fingerprint.encode()).hexdigest()[:_FINGERPRINT]
                self._dense[key] = DenseArm(self.folder(collection) / "dense" / name)
            return self._dense[key]

    @property
    def has_encoder(self) -> bool:
        """Whether vectors are wanted at all."""
        return self._load_encoder is not None

    def encoder(self, name: str = "") -> Encoder:
        """The server's encoder, or one by name, loaded at the first call. Raises Unavailable when there is none."""
        with self._lock:
            if name not in self._encoders:
                if self._load_encoder is None:
                    raise Unavailable("vectors are switched off here (encoder 'none')")
                if name and self._load_model is None:
                    raise Unavailable(
                        "this server has only its own encoder; start it with the collection's (--encoder)"
                    )
                self._encoders[name] = self._load_model(name) if name and self._load_model else self._load_encoder()
            return self._encoders[name]

    def _encoder_for(self, collection: Collection) -> Encoder:
        own = self.encoder()
        if collection.model and collection.model != own.name:
            return self.encoder(collection.model)
        return own

    # ------------------------------------------------------------------------------------------------------------------

    def folder(self, collection: Collection) -> Path:
        """Where a collection's arms lie; a collection dropped and made again begins in a new one."""
        return self._data / "collections" / f"{collection.name}.{collection.number}"

    def drop(self, collection: Collection) -> None:
        """Forget a dropped collection's arms and remove their files; processes that have them open read on.

        Nobody waits long for whoever encodes, perhaps another collection and for hours: it removes what it has written
        once it sees that the collection has gone.
        """
        with contextlib.ExitStack() as stack:
            for lock, wait in (("encode", _ENCODER_SECONDS), (f"{collection.number}.lexical", LOCK_SECONDS)):
                with contextlib.suppress(Unavailable):  # then `sweep` removes what is made again meanwhile
                    stack.enter_context(self.exclusive(lock, wait))
            self.forget(collection)

    def forget(self, collection: Collection) -> None:
        """Remove what is left of a dropped collection."""
        self._words.forget(collection)
        with self._lock:
            for key in [key for key in self._dense if key[0] == collection.number]:
                del self._dense[key]
        self.sparse.forget(collection)
        self._remove(self.folder(collection))

    def sweep(self) -> None:
        """Remove folders that belong to no collection: of some that were dropped by processes that did not live on."""
        home = self._data / "collections"
        found = sorted(home.iterdir()) if home.is_dir() else []
        # Listed before the names are read: a collection is in the store before its folder is made.
        there = {self.folder(each) for each in catalogue.collections(self._store)}
        for path in found:
            if path not in there and re.fullmatch(r"[a-z0-9_-]+\.\d+(\.dropped-\w+)?", path.name):
                self._remove(path)

    @staticmethod
    def _remove(folder: Path) -> None:
        aside = folder.with_name(f"{folder.name.partition('.dropped-')[0]}.dropped-{secrets.token_hex(4)}")
        with contextlib.suppress(OSError):
            folder.rename(aside)  # at once, so that nobody meets half of it
            shutil.rmtree(aside, ignore_errors=True)

    @contextlib.contextmanager
    def exclusive(self, name: str, wait: float) -> Iterator[None]:
        """A lock over all processes of the data folder; the system frees it when its holder dies."""
        folder = self._data / "locks"
        if self._read_only:
            raise Unavailable(
                "the index is behind the store or gone, and this server may not write (--read-only); run "
                "`carrel doctor --repair`"
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(folder / f"{name}.lock", timeout=wait)
            lock.acquire()
        except filelock.Timeout:  # itself an OSError
            raise Unavailable(
                "another process is updating this collection; try again in a moment", retry_after=5
            ) from None
        except OSError as error:
            raise Unavailable("the folder 'locks' in the data folder cannot be used; check its permissions") from error
        try:
            yield
        finally:
            lock.release()


def _snapshot(arm: LexicalArm, collection: Collection, at: int) -> LexicalReader:
    """An earlier snapshot of the lexical arm. Raises NotFound where the commit ``at`` has none of its own."""
    kept = [mark.generation for mark in arm.kept()]
    if at in kept:
        return arm.at(at)
    near = [*[each for each in kept if each < at][-1:], *[each for each in kept if each > at][:1]]
    raise NotFound(
        f"commit {at} of '{collection.name}' has no snapshot of its own, for the next one came before its index was "
        f"made; the nearest snapshots are {' and '.join(map(str, near))}"
    )
