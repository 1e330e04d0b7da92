"""The learned-sparse arms of the collections that have one: opened once per process, filled from the store."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from carrel.errors import CarrelError, Unavailable
from carrel.index import catalogue, lookups
from carrel.index.catalogue import Collection
from carrel.index.dense import DamagedVectors
from carrel.index.sparse import Head, SparseArm, SparseReader, head_in
from carrel.index.store import Store
from carrel.models import SparseEncoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SparseArms", "share"]

_FINGERPRINT = 12  # characters of it that name a folder
_REMEMBERED = 10.0  # seconds for which a model that cannot be loaded is not tried again: each try may take some


class SparseArms:
    """``folder`` says where a collection's arms lie; ``load`` opens a model by name, None: this server has none."""

    def __init__(
        self, store: Store, folder: Callable[[Collection], Path], load: Callable[[str], SparseEncoder] | None
    ) -> None:
        self._store, self._folder, self._load = store, folder, load
        self._lock, self._loading = threading.Lock(), threading.Lock()
        self._encoders: dict[str, SparseEncoder] = {}
        self._failed: dict[str, tuple[float, CarrelError]] = {}
        self._arms: dict[Path, SparseArm] = {}

    def encoder(self, name: str) -> SparseEncoder:
        """A model by name, loaded at the first call. Raises Unavailable or Unsupported when it is not here."""
        if self._load is None:
            raise Unavailable("this server has no learned-sparse models")
        with self._loading:
            if name not in self._encoders:
                at, error = self._failed.get(name, (0.0, None))
                if error is not None and time.monotonic() - at < _REMEMBERED:
                    raise error
                try:
                    self._encoders[name] = self._load(name)
                except CarrelError as error:
                    self._failed[name] = time.monotonic(), error
                    raise
            return self._encoders[name]

    def of(self, collection: Collection) -> tuple[SparseArm, SparseEncoder]:
        """A collection's arm and the model it takes; raises as `encoder`."""
        encoder = self.encoder(collection.sparse)
        return self.at(collection, encoder.fingerprint), encoder

    def at(self, collection: Collection, fingerprint: str) -> SparseArm:
        """The arm for a model that need not be here."""
        # Each model has a folder of its own: the vectors of two can never meet.
        name = hashlib.sha256(fingerprint.encode()).hexdigest()[:_FINGERPRINT]
        folder = self._folder(collection) / "sparse" / name
        with self._lock:
            if folder not in self._arms:
                self._arms[folder] = SparseArm(folder, fingerprint)
            return self._arms[folder]

    def here(self, collection: Collection) -> dict[Path, Head | None]:
        """The folders of all arms there are, of whatever models, and how far each has come; None: its head is lost."""
        return {path: head_in(path) for path in sorted((self._folder(collection) / "sparse").glob("*/"))}

    def whole(self, collection: Collection) -> bool:
        """Whether there is nothing to do for a collection, as far as can be seen without its model."""
        done = (self._store.mark(collection.journalled), 0, collection.sparse_erased)
        here = self.here(collection)
        if not here:
            return not collection.passages
        return any(head and (head.mark, head.lacking, head.erased) == done for head in here.values())

    def encoded(self, collection: Collection) -> int:
        """Passages of a collection that its arm can find; the fuller one's where there are of several models."""
        at, shares = collection.journalled, [0.0]
        for head in self.here(collection).values():
            with contextlib.suppress(DamagedVectors):
                if head is not None:
                    arm = self.at(collection, head.fingerprint)
                    digests = partial(lookups.digests, self._store, collection.number, at, None)
                    shares.append(share(self._store, collection, at, arm, digests))
        return round(max(shares) * collection.passages)

    def overstated(self, collection: Collection, arm: SparseArm) -> bool:
        """Whether an arm says that it lacks nothing, and does."""
        with self._store.snapshot():
            at = catalogue.same(self._store, collection).journalled
            wanted = lookups.digests(self._store, collection.number, at, None)
            mark = self._store.mark(at)
        head = arm.head()
        return (head.mark, head.lacking) == (mark, 0) and not arm.has(wanted).all()

    def keep_only(self, collection: Collection, arm: SparseArm) -> None:
        """Remove the arms of other models: nobody fills them, so nobody takes erased texts out of them."""
        for path in self.here(collection):
            if path != arm.folder:
                shutil.rmtree(path, ignore_errors=True)

    def discard(self, collection: Collection, folders: Sequence[Path] = ()) -> None:
        """Remove the arms in these folders (none given: all), to be made again. Needs the encoding lock."""
        self.forget(collection)
        for path in folders or self.here(collection):
            shutil.rmtree(path, ignore_errors=True)

    def forget(self, collection: Collection) -> None:
        """Let go of a collection's arms."""
        with self._lock:
            for path in [path for path in self._arms if path.parent.parent == self._folder(collection)]:
                del self._arms[path]


def share(
    store: Store, collection: Collection, at: int, reader: SparseReader, digests: Callable[[], NDArray[np.int64]]
) -> float:
    """The share of a collection's passages at commit ``at`` that a reader can find (0..1).

    ``digests`` gives those of that commit, and is asked only where the reader was compared with another.
    """
    head = reader.head()
    if at == collection.journalled and head.mark == store.mark(at):
        return 1.0 - head.lacking / collection.passages if collection.passages else 1.0
    wanted = digests()
    return float(reader.has(wanted).mean()) if len(wanted) else 1.0
