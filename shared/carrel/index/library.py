"""The library: one data folder, its collections, and the promise that store and arms agree.

A write goes to the store first (one transaction, durable), then the lexical arm catches up from the journal, then a
background thread fills in vectors. A crash in between leaves an arm behind, never wrong: whoever comes next catches up.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import filelock

from carrel.documents import SPLITTER_VERSION, split
from carrel.errors import BadRequest, IncompatibleIndex, NotFound, Unavailable
from carrel.index import members
from carrel.index.analysis import ANALYSER
from carrel.index.dense import DenseArm
from carrel.index.encoding import EncodingWorker, pending
from carrel.index.jobs import Jobs
from carrel.index.lexical import LexicalArm
from carrel.index.store import Row, Store
from carrel.models import Encoder
from carrel.records import Document, EvidenceRef

__all__ = ["Added", "CollectionStatus", "Library", "Removed", "Span"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LOCK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Span:
    """A resolved reference: ``text == document.text[start:end]``."""

    document: Document
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Added:
    """What an addition did: documents ``added`` anew, ``replaced`` (same source, other text) and ``unchanged``."""

    added: int
    replaced: int
    unchanged: int
    passages: int
    generation: int


@dataclass(frozen=True, slots=True)
class Removed:
    """What a removal did: documents and passages that left the collection, and how many texts were erased."""

    documents: tuple[str, ...]
    passages: int
    forgotten: int
    generation: int


@dataclass(frozen=True, slots=True)
class CollectionStatus:
    """``encoded`` of ``passages`` have a vector; ``encoder`` is empty until the first was written."""

    name: str
    documents: int
    passages: int
    encoded: int
    encoder: str
    analyser: str
    splitter: str


class Library:
    """All collections of one data folder. Thread-safe; several processes may have it open at the same time.

    ``encoder`` is called when vectors are first needed and raises Unavailable while no model is installed; None means
    lexical-only by choice. ``background=False`` makes no vectors unasked. ``clock`` gives Unix
    seconds. Opening raises Refused (not writable) or IncompatibleIndex.
    """

    def __init__(
        self,
        data: Path,
        *,
        encoder: Callable[[], Encoder] | None = None,
        background: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.data = data
        self._background = background
        self._clock = clock
        self._load_encoder = encoder
        self._encoder: Encoder | None = None
        self._lock = threading.RLock()
        self._lexical: dict[str, LexicalArm] = {}
        self._dense: dict[str, DenseArm] = {}
        self.store = Store(data)
        self.jobs = Jobs(self.store, clock)
        self._worker = EncodingWorker(self.store, self.dense, lambda: self._exclusive("encode", 0.0))

    def close(self) -> None:
        """Stop background work after its batch in hand and close the files."""
        self._worker.close()
        self.store.close()

    # evidence ---------------------------------------------------------------------------------------------------------

    def document(self, doc_id: str) -> Document:
        """A stored document, indexed or not. Raises NotFound."""
        return self.store.document(doc_id)

    def members_of(self, doc_id: str) -> tuple[str, ...]:
        """Names of the collections that hold the document now."""
        return self.store.collections_of(doc_id)

    def resolve(self, ref: EvidenceRef) -> Span:
        """The text a reference names. Raises NotFound, or BadRequest when the span runs past the document's end."""
        document = self.store.document(ref.doc_id)
        start, end = ref.start or 0, len(document.text) if ref.end is None else ref.end
        if end > len(document.text):
            raise BadRequest(f"that span ends after the document, which has {len(document.text)} characters")
        return Span(document, start, end, document.text[start:end])

    def keep(self, document: Document) -> None:
        """Store a document as evidence: readable by reference from every server, in no collection."""
        with self.store.change() as connection:
            self.store.put_document(connection, document, self._clock())

    def latest(self, source: str) -> tuple[Document, float] | None:
        """The document last kept from ``source`` and its time (Unix seconds), or None."""
        return self.store.newest_by_source(source)

    # writing ----------------------------------------------------------------------------------------------------------

    def add(
        self, documents: Sequence[Document], collection: str = "default", *, stats: Sequence[tuple[int, int]] = ()
    ) -> Added:
        """Put documents into a collection in one commit, searchable by words when this returns.

        A document whose source is already there with another text takes its place; the older text stays readable by
        reference. ``stats`` may give ``(size, mtime_ns)`` per document, remembered for `known_file`. Vectors follow
        in the background.
        """
        check_collection(collection)
        prepared = [(document, split(document)) for document in documents]
        outcome: Counter[str] = Counter()
        with self.store.write() as (connection, generation):
            self.store.ensure_collection(connection, collection, ANALYSER, SPLITTER_VERSION)
            for number, (document, passages) in enumerate(prepared):
                self.store.put_document(connection, document, self._clock())
                did = members.join(connection, generation, collection, document, passages)
                outcome[did] += 1
                outcome["passages"] += len(passages) if did != "unchanged" else 0
                if stats:
                    self.store.remember_file(connection, collection, document, stats[number])
        self.catch_up(collection)
        self.encode_in_background()
        changed = outcome["added"] + outcome["replaced"]
        return Added(
            outcome["added"],
            outcome["replaced"],
            outcome["unchanged"],
            outcome["passages"],
            generation if changed else generation - 1,
        )

    def known_file(self, collection: str, source: str) -> tuple[int, int] | None:
        """``(size, mtime_ns)`` of a file as last added to the collection and still in it, or None."""
        return self.store.known_file(collection, source)

    def find(self, collection: str, *, doc_ids: Sequence[str] = (), source: str = "") -> dict[str, int]:
        """``doc_id -> passages`` of current members with these ids or this source; all of them when neither."""
        self._require(collection)
        return members.find(self.store.connection(), collection, doc_ids=doc_ids, source=source)

    def matching(self, collection: str, filters: members.Filters) -> set[str]:
        """Ids of the collection's current documents that pass the filters."""
        return members.matching(self.store.connection(), collection, filters)

    def remove(self, collection: str, doc_ids: Sequence[str], *, forget: bool = False, drop: bool = False) -> Removed:
        """Take documents out of a collection in one commit.

        Their text stays readable by reference, so that old reports can still be checked, unless ``forget`` is set and
        no other collection holds it: then it is erased. ``drop`` removes the (then empty) collection as well.
        """
        counts = self.find(collection, doc_ids=doc_ids) if doc_ids else {}
        forgotten = 0
        with self.store.write() as (connection, generation):
            for doc_id in counts:
                members.leave(connection, generation, collection, doc_id)
                forgotten += self.store.forget(connection, doc_id) if forget else 0
            if drop:
                # Unless a document joined since the members were counted: it was acknowledged, so it stays.
                connection.execute(
                    "DELETE FROM collections WHERE name=? AND NOT EXISTS(SELECT 1 FROM members WHERE collection=? "
                    "AND ended IS NULL)",
                    (collection, collection),
                )
        self.catch_up(collection)
        return Removed(tuple(counts), sum(counts.values()), forgotten, generation if counts else generation - 1)

    # arms -------------------------------------------------------------------------------------------------------------

    def lexical(self, collection: str) -> LexicalArm:
        """The lexical arm, as fresh as can be without waiting for a writer. Raises NotFound."""
        self._require(collection)
        arm = self._lexical_arm(collection)
        try:
            arm.reload()
            reached = arm.generation()
        except ValueError:  # its files were removed under it, as its own error message advises: begin again
            with self._lock:
                self._lexical.pop(collection, None)
            arm, reached = self._lexical_arm(collection), 0
        if reached != self.store.journalled(collection):
            with contextlib.suppress(Unavailable):
                self.catch_up(collection, wait=0.0)
        return arm

    def dense(self, collection: str) -> tuple[DenseArm, Encoder]:
        """The dense arm and the encoder it takes.

        Raises Unavailable without an encoder, IncompatibleIndex when another encoder made the collection's vectors.
        """
        self._require(collection)
        encoder = self.encoder()
        name, fingerprint = self.store.encoder_of(collection)
        if fingerprint and fingerprint != encoder.fingerprint:
            raise IncompatibleIndex(
                f"collection '{collection}' was encoded with {name} ({fingerprint[:8]}) and this server runs "
                f"{encoder.name} ({encoder.fingerprint[:8]}); start it with the encoder of the collection (--encoder), "
                "search with mode='lexical', or add the documents to a new collection"
            )
        return self._dense_arm(collection), encoder

    def encoder(self) -> Encoder:
        """The encoder, loaded at the first call. Raises Unavailable when there is none."""
        with self._lock:
            if self._encoder is None:
                if self._load_encoder is None:
                    raise Unavailable("vectors are switched off here (encoder 'none')")
                self._encoder = self._load_encoder()
            return self._encoder

    def catch_up(self, collection: str, *, wait: float = _LOCK_SECONDS) -> None:
        """Bring the arms to the store's generation. Raises Unavailable if another process is at it for too long."""
        arm = self._lexical_arm(collection)
        with self._exclusive(f"{collection}.lexical", wait):
            arm.reload()
            target, reached = self.store.journalled(collection), arm.generation()
            if reached == target:
                return
            if (
                ahead := reached > target
            ):  # the store was restored from an older copy: what the arms hold is not its own
                reached = 0
            touched = self.store.touched_since(collection, reached)
            staying = self.store.members(collection, touched)
            present = [doc_id for doc_id in touched if doc_id in staying]
            rows = (row for doc_id in present for row in self.store.passages(collection, doc_id))
            arm.apply(touched, rows, target, afresh=ahead)
        gone = [doc_id for doc_id in touched if doc_id not in staying]
        if gone:
            self._worker.look_again(collection)
            self.encode_in_background()

    def warm_up(self) -> None:
        """Load what a first search needs: the encoder, the vectors of each collection; resume unfinished encoding."""
        for status in self.collections():
            self.lexical(status.name)
            if status.encoded and self._load_encoder is not None:
                arm, encoder = self.dense(status.name)
                arm.save()
                arm.search(encoder.encode_queries(["warm up"])[0], 1)
        self.encode_in_background()

    def encode_in_background(self) -> None:
        """Have missing vectors made; nothing happens in lexical-only mode."""
        if self._load_encoder is not None and self._background:
            self._worker.wake()

    def encode(self, collection: str) -> int:
        """Make missing vectors now; see `EncodingWorker.encode`."""
        return self._worker.encode(collection)

    # status -----------------------------------------------------------------------------------------------------------

    def generation(self) -> int:
        """The newest snapshot's number."""
        return self.store.generation()

    def lookup(self, passage_ids: Sequence[int]) -> dict[int, Row]:
        """What the store knows of these passages; those whose document has left its collection are not there."""
        return self.store.lookup(passage_ids)

    def pending(self, collection: str) -> int:
        """Passages of current documents that have no vector yet."""
        return pending(self.store, collection)

    def collections(self) -> tuple[CollectionStatus, ...]:
        """Every collection, by name."""
        return tuple(CollectionStatus(*row) for row in self.store.collection_rows())

    def coverage(self, collection: str) -> dict[str, float]:
        """Share of the collection's passages that each arm can find (0..1)."""
        total = self.store.count_passages(collection)
        if self._load_encoder is None:
            return {"lexical": 1.0, "dense": 0.0}
        marked = total - self.pending(collection)
        with contextlib.suppress(Unavailable):
            there = self._dense_arm(collection).count()
            if there < marked:  # lost behind the store's back
                self._worker.look_again(collection)
                self.encode_in_background()
                marked = there
        return {"lexical": 1.0, "dense": marked / total if total else 1.0}

    # ------------------------------------------------------------------------------------------------------------------

    def _lexical_arm(self, collection: str) -> LexicalArm:
        with self._lock:
            if collection not in self._lexical:
                self._lexical[collection] = LexicalArm(self._folder(collection) / "lexical")
            return self._lexical[collection]

    def _dense_arm(self, collection: str) -> DenseArm:
        with self._lock:
            if collection not in self._dense:
                self._dense[collection] = DenseArm(self._folder(collection) / "dense")
            return self._dense[collection]

    def _folder(self, collection: str) -> Path:
        return self.data / "collections" / collection

    def _require(self, collection: str) -> None:
        check_collection(collection)
        names = self.store.collection_names()
        if collection not in names:
            known = f"; there are: {', '.join(names[:10])}" if names else "; add documents to make it"
            raise NotFound(f"there is no collection '{collection}'{known}")

    @contextlib.contextmanager
    def _exclusive(self, name: str, wait: float) -> Iterator[None]:
        """A lock over all processes of the data folder; the system frees it when its holder dies."""
        folder = self.data / "locks"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(folder / f"{name}.lock", timeout=wait)
            lock.acquire()
        except OSError as error:
            raise Unavailable("the folder 'locks' in the data folder cannot be used; check its permissions") from error
        except filelock.Timeout:
            raise Unavailable(
                "another process is updating this collection; try again in a moment", retry_after=5
            ) from None
        try:
            yield
        finally:
            lock.release()


def check_collection(name: str) -> None:
    """Raises BadRequest unless ``name`` is a valid collection name."""
    if _NAME.fullmatch(name) is None:
        raise BadRequest("a collection name is lower-case letters, digits, '-' and '_', at most 64, e.g. 'my-notes'")
