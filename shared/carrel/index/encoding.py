"""Vectors in the background: whatever a collection's current documents lack is encoded, newest first, until nothing is.

A vector belongs to what was encoded, not to a passage: a document that moved, came back or changed in one paragraph
takes the vectors it already has with it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from carrel.errors import BadRequest, CarrelError, NotFound, Unavailable, Unsupported
from carrel.index import catalogue
from carrel.index.catalogue import Collection
from carrel.index.dense import DamagedVectors, DenseArm
from carrel.index.filling import BATCH, WANTED, said, slices
from carrel.index.gate import QueryGate
from carrel.index.sparse_arms import SparseArms
from carrel.index.store import Store
from carrel.index.trials import set_aside, taken
from carrel.index.weighing import Weighing
from carrel.models import Encoder
from carrel.models.encoder import sound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["EncodingWorker"]

_log = logging.getLogger(__name__)
_CLOSING = 5.0  # seconds; a batch that is not finished by then is encoded again
_RETRY_SECONDS = 2.0  # another process is encoding: look again
_POLL_SECONDS = 5.0  # another process, perhaps one without an encoder, may have added something
_GARBAGE = 1.25  # vectors per passage above which the superfluous ones are looked for

_NEXT = f"""SELECT {WANTED}
FROM passages p JOIN documents d USING(doc_no)
WHERE p.collection_no=? AND p.encoded=0 ORDER BY p.passage_id DESC LIMIT ?"""
_WAITING = """SELECT name FROM collections c WHERE EXISTS(SELECT 1 FROM passages p WHERE p.collection_no=c.collection_no
AND p.encoded=0) OR c.vectors_erased>0
ORDER BY (SELECT max(passage_id) FROM passages p WHERE p.collection_no=c.collection_no AND p.encoded=0) DESC"""


def _digests(rows: Sequence[Sequence[Any]]) -> NDArray[np.int64]:
    import numpy as np

    return np.fromiter((row[1] for row in rows), np.int64, len(rows))


@dataclass(frozen=True, slots=True)
class _Arm:
    """An arm to fill: ``ready`` raises Unavailable while no model is there, ``fill`` makes what is missing and says how
    many that were, ``renew`` sets damaged files aside."""

    vectors: str
    ready: Callable[[Collection], object]
    fill: Callable[[Collection], int]
    renew: Callable[[Collection], None]


class EncodingWorker:
    """One daemon thread per process; ``exclusive`` is a lock over all processes of the data folder, so one encodes.

    ``arm`` gives a collection's dense arm and encoder; it raises Unavailable while no model is there. ``renew`` sets
    damaged vectors aside; ``forget`` removes what was written after a collection had been dropped. ``sparse`` are the
    learned-sparse arms, which are filled after the dense ones.
    """

    def __init__(
        self,
        store: Store,
        arm: Callable[[Collection], tuple[DenseArm, Encoder]],
        exclusive: Callable[[], AbstractContextManager[None]],
        renew: Callable[[Collection], None],
        forget: Callable[[Collection], None],
        gate: QueryGate,
        sparse: SparseArms,
    ) -> None:
        self._store, self._arm, self._exclusive, self._gate = store, arm, exclusive, gate
        self._forget = forget
        self._stop, self._wake = threading.Event(), threading.Event()
        self._dense = _Arm("vectors", arm, self._fill_in, renew)
        self._weighing = Weighing(store, sparse, gate, self._stop)
        self._sparse = _Arm("sparse vectors", sparse.of, self._weighing.fill, sparse.discard)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._doubted: set[str] = set()  # collections whose vectors must be compared with the store

    def wake(self) -> None:
        """Look for missing vectors now, starting the thread if it is not there."""
        with self._lock:
            self._wake.set()
            if self._stop.is_set():
                return
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="carrel-encode", daemon=True)
                self._thread.start()

    def weigh_again(self, collection: str) -> None:
        """Look at a collection's sparse vectors at the next look, even if they seem whole."""
        self._weighing.doubted.add(collection)

    def look_again(self, collection: str) -> None:
        """Compare the vectors with the store at the next look: some are missing."""
        self._doubted.add(collection)

    def close(self) -> None:
        """Stop after the batch in hand."""
        self._stop.set()
        self._wake.set()
        with self._lock:  # a thread is made and started under it, so there is none half made
            thread = self._thread
        if thread is not None:
            thread.join(timeout=_CLOSING)

    def _run(self) -> None:
        # The thread stays for the life of the library: one that came and went could miss a wake() between the two.
        while not self._stop.is_set():
            self._wake.clear()
            again = False
            try:
                waiting = [str(name) for (name,) in self._store.rows(_WAITING)]
            except CarrelError as error:
                _log.info("encoding waits: %s", error)
                waiting = []
            for collection in [*waiting, *(self._doubted - set(waiting))]:
                again |= self._try(collection, self.encode)
            for collection in self._light():
                again |= self._try(collection, self.weigh)
            self._wake.wait(_RETRY_SECONDS if again else _POLL_SECONDS)

    def _light(self) -> list[str]:
        try:
            return self._weighing.waiting()
        except CarrelError as error:
            _log.info("weighing waits: %s", error)
            return []

    def _try(self, collection: str, fill: Callable[[str], int]) -> bool:
        """Fill an arm of one collection; True when it should be looked at again because another process is at it."""
        try:
            fill(collection)
        except Unavailable as error:
            return error.retry_after is not None
        except NotFound:  # dropped meanwhile
            self._doubted.discard(collection)
        except Unsupported as error:  # needs another package, which every search says
            _log.info("the vectors of %s wait: %s", collection, error)
        except BadRequest as error:  # of a model that fails on everything
            self._tell(f"no vectors are made for '{collection}': {error}")
        except CarrelError as error:
            _log.info("the vectors of %s wait: %s", collection, error)
        except Exception:  # noqa: BLE001 - the thread must live on for the other collections
            _log.exception("encoding of %s stopped", collection)
        return False

    def _tell(self, words: str) -> None:
        with contextlib.suppress(CarrelError):
            if words not in self._store.problems():
                self._store.note_problem(words)

    def encode(self, name: str) -> int:
        """Fill in missing vectors until none is missing or the library closes; returns how many were written.

        Raises Unavailable without an encoder, or (with ``retry_after``) while another process encodes, and NotFound
        when there is no such collection, or no longer.
        """
        return self._filled(name, self._dense)

    def weigh(self, name: str) -> int:
        """The same for the sparse vectors of a collection that has a learned-sparse arm; raises likewise."""
        return self._filled(name, self._sparse)

    def _filled(self, name: str, arm: _Arm) -> int:
        there = catalogue.collection(self._store, name)
        arm.ready(there)  # no lock is taken where there is no encoder
        with catalogue.not_dropped(self._store, there):
            try:
                return self._fill(there, arm)
            except DamagedVectors as error:
                _log.warning("the %s of %s are damaged: %s", arm.vectors, name, error.__cause__ or error)
                with self._exclusive():
                    arm.renew(catalogue.same(self._store, there))
                self._store.note_problem(f"the {arm.vectors} of '{name}' were damaged and have been made again")
                return self._fill(there, arm)

    def _fill(self, there: Collection, arm: _Arm) -> int:
        with self._exclusive():
            collection = catalogue.same(self._store, there)
            try:
                with catalogue.not_dropped(self._store, there):
                    return arm.fill(collection)
            except NotFound:
                self._forget(there)
                raise

    def _fill_in(self, collection: Collection) -> int:
        written, name = 0, collection.name
        arm, encoder = self._arm(collection)  # again: who held the lock may have been another encoder's process
        if name in self._doubted or arm.lacks(collection.vectors, collection.batch):
            self._compare(collection, arm)
            self._doubted.discard(name)
        while not self._stop.is_set():
            done = self._batch(collection, arm, encoder)
            if done < 0:
                break
            written += done
        if written:
            arm.tidy()
        self._drop_garbage(collection, arm)
        return written

    def _batch(self, collection: Collection, arm: DenseArm, encoder: Encoder) -> int:
        """Give the next passages their vectors; how many had to be encoded, -1 when no passage was left."""
        import numpy as np

        rows = self._store.rows(_NEXT, (collection.number, BATCH))
        if not rows:
            return -1
        wanted = {int(row[1]): row for row in rows}
        digests = np.fromiter(wanted, np.int64, len(wanted))
        missing = [int(digest) for digest in digests[~arm.has(digests)]]
        failing: list[Sequence[Any]] = []
        if missing:
            spoken = said(self._store, [wanted[digest] for digest in missing])
            missing = list(spoken)
            encoded = self._encoded(encoder, list(spoken.values()))
            if encoded is None:
                return 0
            good, vectors = encoded
            arm.write(np.array(missing, np.int64)[good], vectors)
            bad = {digest for digest, has in zip(missing, good, strict=True) if not has}
            failing = [row for row in rows if row[1] in bad]
        made_by = (encoder.name, encoder.fingerprint)
        there = [int(row[0]) for row, has in zip(rows, arm.has(_digests(rows)), strict=True) if has]
        if there:
            self._mark(collection, made_by, there, arm)
        if failing:
            set_aside(self._store, collection, failing)
        return len(missing) if there or failing else -1

    def _encoded(self, encoder: Encoder, spoken: Sequence[str]) -> tuple[NDArray[np.bool_], NDArray[np.float32]] | None:
        """Which texts the encoder takes, and their vectors; None when the library closes meanwhile."""
        import numpy as np

        def encode(texts: list[str]) -> NDArray[np.float32]:
            return sound(encoder.encode(texts), len(texts), encoder.dimension)

        vectors, good = np.empty((len(spoken), encoder.dimension), np.float32), np.zeros(len(spoken), np.bool_)
        done = 0
        for places in slices(spoken, self._gate, self._stop):
            for part, made in taken(encode, [spoken[place] for place in places]):
                there = [places[each] for each in part]
                vectors[there], good[there] = made, True
            done += len(places)
        return (good, vectors[good]) if done == len(spoken) else None

    def _mark(
        self, collection: Collection, made_by: tuple[str, str], passage_ids: Sequence[int], arm: DenseArm
    ) -> None:
        vectors, batch = arm.count(), arm.batch()
        # Only passages that still want one: a document that has left meanwhile has none counted.
        with self._store.change():
            marked = self._store.run(
                "UPDATE passages SET encoded=1 WHERE encoded=0 AND passage_id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(passage_ids)),),
            ).rowcount
            self._store.run(
                "UPDATE collections SET encoder=?, fingerprint=?, encoded=encoded+? WHERE collection_no=?",
                (*made_by, marked, collection.number),
            )
            catalogue.note_vectors(self._store, collection, vectors, batch)

    def adopt(self, collection: Collection, arm: DenseArm) -> None:
        """Mark the passages whose vectors are in the arm already. Needs the encoding lock."""
        import numpy as np

        rows = self._store.rows(
            "SELECT passage_id, digest FROM passages WHERE collection_no=? AND encoded=0", (collection.number,)
        )
        if not rows:
            return
        there = arm.has(np.fromiter((row[1] for row in rows), np.int64, len(rows)))
        found = [int(row[0]) for row, has in zip(rows, there, strict=True) if has]
        self._mark(collection, (collection.encoder, collection.fingerprint), found, arm)

    def lost(self, collection: Collection, arm: DenseArm) -> list[int]:
        """Ids of the passages that are marked as encoded and have no vector."""
        import numpy as np

        rows = self._store.rows(
            "SELECT passage_id, digest FROM passages WHERE collection_no=? AND encoded=1", (collection.number,)
        )
        if not rows:
            return []
        there = arm.has(np.fromiter((row[1] for row in rows), np.int64, len(rows)))
        return [int(row[0]) for row, found in zip(rows, there, strict=True) if not found]

    def _compare(self, collection: Collection, arm: DenseArm) -> None:
        """The vectors may have been removed or restored behind the store's back: find which are to be made again."""
        lost = self.lost(collection, arm)
        if lost:
            _log.warning("%d vectors of %s are gone; making them again", len(lost), collection.name)
        with self._store.change():
            gone = self._store.run(
                "UPDATE passages SET encoded=0 WHERE encoded=1 AND passage_id IN (SELECT value FROM json_each(?))",
                (json.dumps(lost),),
            ).rowcount
            self._store.run("UPDATE collections SET encoded=encoded-? WHERE collection_no=?", (gone, collection.number))
            catalogue.note_vectors(self._store, collection, arm.count(), arm.batch())

    def _drop_garbage(self, there: Collection, arm: DenseArm) -> None:
        """Drop vectors of which no passage is left, now or in a kept snapshot: at once after a text was erased, else
        when there are many of them."""
        import numpy as np

        collection = catalogue.same(self._store, there)
        if not collection.vectors_erased and arm.count() <= _GARBAGE * collection.passages + BATCH:
            return
        rows = self._store.rows("SELECT DISTINCT digest FROM passages WHERE collection_no=?", (collection.number,))
        superfluous = np.setdiff1d(arm.digests(), np.fromiter((row[0] for row in rows), np.int64, len(rows)))
        if not collection.vectors_erased and len(superfluous) * 5 < arm.count():
            return
        # Lowered first: a reader that counts in between must not believe that vectors were lost.
        with self._store.change():
            self._store.run(
                "UPDATE collections SET vectors_erased=vectors_erased-? WHERE collection_no=?",
                (collection.vectors_erased, collection.number),
            )
            catalogue.note_vectors(self._store, collection, collection.vectors - len(superfluous), 0)
        if len(superfluous):
            arm.discard(superfluous)
        with self._store.change():
            catalogue.same(self._store, there)  # nothing is noted of what was dropped meanwhile
            catalogue.note_vectors(self._store, collection, arm.count(), arm.batch())
