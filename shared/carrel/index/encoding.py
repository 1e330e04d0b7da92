"""Vectors in the background: whatever a collection's current documents lack is encoded, in order, until nothing is."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from carrel.errors import CarrelError, Unavailable
from carrel.index.dense import DenseArm
from carrel.index.store import Store
from carrel.models import Encoder

__all__ = ["EncodingWorker", "encoded_text", "pending"]

_log = logging.getLogger(__name__)
_BATCH = 128  # passages encoded between two commits of the dense arm
_CLOSING = 5.0  # seconds; a batch that is not finished by then is encoded again
_RETRY_SECONDS = 2.0  # another process is encoding: look again

_PENDING = """FROM passages p JOIN members m ON m.collection=p.collection AND m.doc_id=p.doc_id AND m.ended IS NULL
WHERE p.collection=? AND p.encoded=0"""
_NEXT = f"SELECT p.passage_id, p.doc_id, p.heading, p.start, p.end {_PENDING} ORDER BY p.passage_id LIMIT ?"


def pending(store: Store, collection: str) -> int:
    """Passages of the collection's current documents that have no vector yet."""
    return int(store.connection().execute(f"SELECT count(*) {_PENDING}", (collection,)).fetchone()[0])


def encoded_text(title: str, heading: Sequence[str], text: str) -> str:
    """What is encoded for a passage: title, heading path, text. The title is not said twice."""
    path = [part for part in heading if part and part != title]
    return "\n".join(part for part in (title, " > ".join(path), text) if part)


class EncodingWorker:
    """One daemon thread per process; ``exclusive`` is a lock over all processes of the data folder, so one encodes.

    ``arm`` gives a collection's dense arm and encoder; it raises Unavailable while no model is there.
    """

    def __init__(
        self,
        store: Store,
        arm: Callable[[str], tuple[DenseArm, Encoder]],
        exclusive: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._store, self._arm, self._exclusive = store, arm, exclusive
        self._stop, self._wake = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._checked: set[str] = set()  # collections whose table was compared with the store in this process

    def wake(self) -> None:
        """Look for missing vectors now, starting the thread if it is not there."""
        with self._lock:
            self._wake.set()
            if self._stop.is_set():
                return
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="carrel-encode", daemon=True)
                self._thread.start()

    def look_again(self, collection: str) -> None:
        """Compare the table with the store at the next look: documents have left, and their vectors with them."""
        self._checked.discard(collection)

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
            for (collection,) in self._store.connection().execute("SELECT name FROM collections").fetchall():
                again |= self._try(collection)
            self._wake.wait(_RETRY_SECONDS if again else None)

    def _try(self, collection: str) -> bool:
        """Encode one collection; True when it should be looked at again because another process is at it."""
        try:
            self.encode(collection)
        except Unavailable as error:
            return error.retry_after is not None
        except CarrelError as error:
            _log.info("the vectors of %s wait: %s", collection, error)
        except Exception:  # noqa: BLE001 - the thread must live on for the other collections
            _log.exception("encoding of %s stopped", collection)
        return False

    def encode(self, collection: str) -> int:
        """Fill in missing vectors until none is missing or the library closes; returns how many were written.

        Raises Unavailable without an encoder, or (with ``retry_after``) while another process encodes.
        """
        if collection in self._checked and not pending(self._store, collection):
            return 0
        (arm, encoder), written = self._arm(collection), 0
        with self._exclusive():
            there = sorted(arm.documents())
            staying = self._store.members(collection, there)
            arm.remove([doc_id for doc_id in there if doc_id not in staying])
            self._believe_the_table(collection, arm)
            self._checked.add(collection)
            while not self._stop.is_set():
                rows = self._store.connection().execute(_NEXT, (collection, _BATCH)).fetchall()
                if not rows:
                    break
                known = {row[0]: row for row in self._store.whole(list({row[1] for row in rows}))}
                rows = [row for row in rows if row[1] in known]  # the rest was erased meanwhile
                texts = [
                    encoded_text(known[doc_id][1], json.loads(heading), known[doc_id][4][start:end])
                    for _, doc_id, heading, start, end in rows
                ]
                keys = [(row[0], row[1]) for row in rows]
                arm.write([row[0] for row in rows], [row[1] for row in rows], encoder.encode(texts))
                self._mark(collection, encoder, keys)
                written += len(rows)
            if written:
                arm.tidy()
        return written

    def _mark(self, collection: str, encoder: Encoder, keys: Sequence[tuple[int, str]]) -> None:
        # Only passages whose document is still a member: one removed meanwhile must be encoded again when it returns.
        with self._store.change() as connection:
            connection.execute(
                "UPDATE collections SET encoder=?, fingerprint=? WHERE name=?",
                (encoder.name, encoder.fingerprint, collection),
            )
            connection.executemany(
                "UPDATE passages SET encoded=1 WHERE passage_id=? AND doc_id=? AND EXISTS(SELECT 1 FROM members m "
                "WHERE m.collection=passages.collection AND m.doc_id=passages.doc_id AND m.ended IS NULL)",
                keys,
            )

    def _believe_the_table(self, collection: str, arm: DenseArm) -> None:
        """The table may have been removed or restored behind the store's back: then encode everything again."""
        marked = (
            self._store.connection()
            .execute("SELECT count(*) FROM passages WHERE collection=? AND encoded=1", (collection,))
            .fetchone()[0]
        )
        if arm.count() < marked:
            _log.warning("the vectors of %s are incomplete; encoding them again", collection)
            with self._store.change() as connection:
                connection.execute("UPDATE passages SET encoded=0 WHERE collection=?", (collection,))
