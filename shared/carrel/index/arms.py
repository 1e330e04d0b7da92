"""The arms of every collection: opened once per process, brought to the store's generation, rebuilt when damaged."""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from carrel.errors import IncompatibleIndex, NotFound, Unavailable, Unsupported
from carrel.index import catalogue, kept, lookups, members
from carrel.index.catalogue import Collection
from carrel.index.dense import DenseArm
from carrel.index.gate import QueryGate
from carrel.index.lexical import DamagedArm, LexicalArm, LexicalRow, Mark
from carrel.index.lookups import Filters
from carrel.index.store import Store
from carrel.index.view import Searched, View
from carrel.models import Encoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Arms"]

_LOCK_SECONDS = 60.0
_PATIENCE = 10.0  # seconds a reader waits for an index that is being made
_TRIES = 5  # a reader that is overtaken by this many prunings in a row gives up
_CACHED = 8  # lists of digests (8 bytes a passage each) kept for repeated filters and snapshots
_SEARCHERS = 4  # threads for lexical searches beside the encoding of the query
_FINGERPRINT = 12  # characters of it that name a folder


class Arms:
    """See the module. ``encoder``, ``models`` and ``read_only`` as for `Library`."""

    def __init__(
        self,
        data: Path,
        store: Store,
        *,
        encoder: Callable[[], Encoder] | None,
        models: Callable[[str], Encoder] | None,
        snapshots: int,
        read_only: bool,
    ) -> None:
        self._data, self._store, self._read_only = data, store, read_only
        self._snapshots = snapshots
        self._load_encoder, self._load_model = encoder, models
        self._lock = threading.RLock()
        self._encoders: dict[str, Encoder] = {}
        self._lexical: dict[int, LexicalArm] = {}
        self._dense: dict[tuple[int, str], DenseArm] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._digests: OrderedDict[tuple[int, Mark, Filters | None], NDArray[np.int64]] = OrderedDict()

    # searching --------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def view(self, name: str, gate: QueryGate, *, as_of: int, words: bool, meaning: bool) -> Iterator[View]:
        """See `Library.view`."""
        for _ in range(_TRIES):
            arm = self.lexical(name)
            reader = arm.now()
            with self._store.snapshot():
                collection = catalogue.collection(self._store, name)
                newest = reader.mark().generation if reader else 0
                at = self._resolved(collection, as_of) if as_of else newest
                # Between looking at the arm and at the store, writers may have pruned what the arm still finds, or have
                # committed what it does not find yet.
                if at < collection.horizon or at > newest:
                    continue
                view = View(self._store, collection, at, gate, self._submit, partial(self._allowed, collection, at))
                view.pinned = at != newest
                if words:
                    view.lexical = reader if at == newest else arm.at(at)
                if meaning:
                    self._open_dense(view, needed=not words)
                yield view
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
            view.dense, view.encoder = self.dense(view.collection.name)
            view.vectors_lost = view.dense.count() < view.collection.vectors  # damaged files show here too
        except (Unavailable, Unsupported) as error:  # no model here, or one that needs another package
            view.dense = view.encoder = None
            if needed:
                raise
            view.notes.append(f"lexical only: {error}")
            view.vectors_lost = self.has_encoder and view.collection.vectors > 0

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

    def lexical(self, name: str) -> LexicalArm:
        """The lexical arm, as fresh as can be without waiting for a writer. Raises NotFound.

        Damaged files are rebuilt from the store, which is noted among the problems; a reader raises Unavailable.
        """
        collection = catalogue.collection(self._store, name)
        try:
            arm = self._lexical_arm(collection)
            arm.reload()
            mark = arm.mark()
        except DamagedArm as error:
            self._renew(collection, str(error))
            return self._lexical_arm(collection)
        if mark.generation != collection.journalled or not self._store.knows(mark):
            # What is a little behind still answers, from its own snapshot; what is empty or another's does not.
            serves = arm.now() is not None and self._store.knows(mark)
            try:
                self.catch_up(name, wait=0.0 if serves else _PATIENCE)
            except Unavailable:
                if arm.now() is None:
                    raise
            if not self._store.knows(arm.mark()):
                raise Unavailable(
                    "the index does not belong to this store, which was restored or cut short; it is being rebuilt: "
                    "try again in a moment, or run `carrel doctor --repair`",
                    retry_after=5,
                )
        return arm

    def catch_up(self, name: str, *, wait: float = _LOCK_SECONDS) -> None:
        """Bring the lexical arm to the store's generation. Raises Unavailable if another process is at it for long."""
        number = catalogue.collection(self._store, name).number
        with self.exclusive(f"{number}.lexical", wait):
            try:
                self._lexical_arm(catalogue.collection(self._store, name)).reload()
            except DamagedArm:
                self._begin_anew(name)
            lost = self._follow(name)
        if lost:
            self._store.note_problem(lost)

    def rebuild(self, name: str) -> None:
        """Make the lexical arm anew from the store, whatever it holds. Earlier snapshots answer no more."""
        number = catalogue.collection(self._store, name).number
        with self.exclusive(f"{number}.lexical", _LOCK_SECONDS):
            self._begin_anew(name)
            self._follow(name)

    def _begin_anew(self, name: str) -> None:
        # A generation of its own: an index without what was deleted weighs words a little otherwise than before.
        with self._store.write() as generation:
            collection = catalogue.collection(self._store, name)
            members.journal_rebuilding(self._store, generation, collection.number)
        with self._lock:
            self._lexical.pop(collection.number, None)
            LexicalArm.renew(self.folder(collection) / "lexical")

    def _follow(self, name: str) -> str:
        """Bring the arm to the store's generation, then forget what nobody can ask for any more. Needs the lock.

        Returns words when commits were lost, which must be told.
        """
        with self._store.snapshot():
            collection = catalogue.collection(self._store, name)
            arm = self._lexical_arm(collection)
            lost = self._apply(collection, arm)
        with self._store.change():
            there = catalogue.collection(self._store, name)
            horizon = members.prune(self._store, there, self._snapshots, arm.mark().generation)
            if collection.words_erased:
                self._store.run(
                    "UPDATE collections SET words_erased=words_erased-? WHERE collection_no=?",
                    (collection.words_erased, collection.number),
                )
        oldest = max(horizon, there.readable)
        arm.retain([mark.generation for mark in arm.kept() if mark.generation >= oldest])
        return lost

    def _apply(self, collection: Collection, arm: LexicalArm) -> str:
        reached, target = arm.mark(), self._store.mark(collection.journalled)
        if reached == target and not collection.words_erased:
            return ""
        known = self._store.knows(reached)
        # A store restored from an older copy, or cut short: what the arm holds is not the store's own.
        afresh = (
            not known
            or arm.wants_rebuild
            or bool(collection.words_erased)
            or reached.generation > target.generation
            or reached.generation < collection.horizon
        )
        if afresh:
            touched = members.everyone(self._store, collection.number)
        else:
            touched = members.touched_since(self._store, collection.number, reached.generation)
        staying = members.present(self._store, collection.number, touched)
        rows = self._rows(collection, [doc_no for doc_no in touched if doc_no in staying])
        arm.apply(map(str, touched), rows, target, afresh=afresh)
        return (
            ""
            if known
            else (
                f"the store had lost commits of '{collection.name}' that its index knew (up to {reached.generation}, "
                f"now {target.generation}): it was restored from a copy or cut short; add again what is missing"
            )
        )

    def _rows(self, collection: Collection, doc_nos: Iterable[int]) -> Iterator[LexicalRow]:
        for doc_no in doc_nos:
            facts = members.facts(self._store, collection.number, doc_no)
            text = kept.span(self._store, doc_no, 0)
            for key, start, end, heading in members.passages(self._store, collection.number, doc_no):
                yield LexicalRow(
                    passage_id=key, doc_id=str(doc_no), heading=heading, body=text[start:end], **facts._asdict()
                )

    def _renew(self, collection: Collection, words: str) -> None:
        if self._read_only:
            raise Unavailable(f"{words}; run `carrel doctor --repair`, this server may not write")
        self.rebuild(collection.name)
        self._store.note_problem(f"the lexical index of '{collection.name}' was damaged and has been rebuilt")

    def _lexical_arm(self, collection: Collection) -> LexicalArm:
        with self._lock:
            if collection.number not in self._lexical:
                folder = self.folder(collection) / "lexical"
                self._lexical[collection.number] = LexicalArm(folder, collection.analyser)
            return self._lexical[collection.number]

    # the dense arm ----------------------------------------------------------------------------------------------------

    def dense(self, name: str) -> tuple[DenseArm, Encoder]:
        """The dense arm and the encoder it takes.

        Raises Unavailable without an encoder, IncompatibleIndex when another encoder made the collection's vectors.
        """
        collection = catalogue.collection(self._store, name)
        encoder = self._encoder_for(collection)
        if collection.fingerprint and collection.fingerprint != encoder.fingerprint:
            raise IncompatibleIndex(
                f"collection '{name}' was encoded with {collection.encoder} ({collection.fingerprint[:8]}) and this "
                f"server runs {encoder.name} ({encoder.fingerprint[:8]}); start it with the encoder of the collection "
                "(--encoder), search with mode='lexical', or add the documents to a new collection"
            )
        return self.vectors(collection, encoder.fingerprint), encoder

    def discard_dense(self, name: str) -> None:
        """Set the vectors of a collection aside, for the encoder to make them again. Needs the encoding lock."""
        collection = catalogue.collection(self._store, name)
        arm, encoder = self.dense(name)
        with self._lock:
            self._dense.pop((collection.number, encoder.fingerprint), None)
        shutil.rmtree(arm.folder, ignore_errors=True)

    def lexical_as_it_is(self, collection: Collection) -> LexicalArm:
        """The lexical arm without bringing it up to date. Raises DamagedArm."""
        arm = self._lexical_arm(collection)
        arm.reload()
        return arm

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
        """Forget a collection's arms and remove their files; processes that have them open read on."""
        with contextlib.ExitStack() as stack:
            for lock in ("encode", f"{collection.number}.lexical"):
                with contextlib.suppress(Unavailable):  # then `sweep` removes what is made again meanwhile
                    stack.enter_context(self.exclusive(lock, _LOCK_SECONDS))
            with self._lock:
                self._lexical.pop(collection.number, None)
                for key in [key for key in self._dense if key[0] == collection.number]:
                    del self._dense[key]
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
