"""The library: one data folder, its collections, and the promise that store and arms agree.

A write goes to the store first (one transaction, durable), then the lexical arm catches up from the journal, then a
background thread fills in vectors. A crash in between leaves an arm behind, never wrong: whoever comes next catches up.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from carrel.documents import PARSER_VERSION, SPLITTER_VERSION, split
from carrel.errors import BadRequest, NotFound, Unavailable
from carrel.index import browsing, catalogue, files, kept, members
from carrel.index.admission import admitted
from carrel.index.arms import Arms
from carrel.index.catalogue import Collection
from carrel.index.encoding import EncodingWorker
from carrel.index.files import KnownFile
from carrel.index.gate import QueryGate
from carrel.index.jobs import Jobs
from carrel.index.lexical.analysis import ANALYSER, ANALYSERS
from carrel.index.store import Store
from carrel.index.tokens import TOKEN_ROOM, TokenShelf
from carrel.index.view import Row, View
from carrel.models import Encoder, SparseEncoder
from carrel.records import Document, EvidenceRef

__all__ = ["SNAPSHOTS", "Added", "Library", "Removed", "Span"]

SNAPSHOTS = 20
"""Snapshots of each collection that ``as_of`` can read, the newest included, unless configured otherwise."""

_ENCODE_SECONDS = 60.0
_FEWEST = 8  # a reader may be a few commits behind the writers of other processes


@dataclass(frozen=True, slots=True)
class Span:
    """A resolved reference: ``text == document.text[start:end]``."""

    document: Document
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Added:
    """What an addition did: documents ``added`` anew, ``replaced`` (same source, other text) and ``unchanged``.

    ``generation`` is the first snapshot that shows it, which ``as_of`` can ask for while it is kept. Where others wrote
    at the same moment it may be a later one than the commit's own.
    """

    added: int
    replaced: int
    unchanged: int
    passages: int
    generation: int


@dataclass(frozen=True, slots=True)
class Removed:
    """What a removal did: documents and passages that left the collection, how many texts were erased, and the first
    snapshot that shows it."""

    documents: tuple[str, ...]
    passages: int
    forgotten: int
    generation: int


class Library:
    """All collections of one data folder. Thread-safe; several processes may have it open at the same time.

    ``encoder`` is called when vectors are first needed and raises Unavailable while no model is installed; None means
    lexical-only by choice. ``models`` loads an encoder by name, for collections made with another one; ``sparse`` a
    learned-sparse model, for those that have such an arm.
    ``background=False`` makes no vectors unasked. ``clock`` gives Unix seconds. ``snapshots`` of each collection stay
    readable by `view`. ``token_room`` is how many bytes rerankers' token vectors may take. ``read_only`` opens what is
    there and writes nothing, rebuilds nothing. Opening raises Refused (not writable, or nothing to read) or
    IncompatibleIndex.
    """

    def __init__(
        self,
        data: Path,
        *,
        encoder: Callable[[], Encoder] | None = None,
        models: Callable[[str], Encoder] | None = None,
        sparse: Callable[[str], SparseEncoder] | None = None,
        background: bool = True,
        clock: Callable[[], float] = time.time,
        snapshots: int = SNAPSHOTS,
        token_room: int = TOKEN_ROOM,
        read_only: bool = False,
    ) -> None:
        self.data = data
        self._background = background and not read_only
        self._clock = clock
        self.store = Store(data, clock, create=not read_only)
        self.jobs = Jobs(self.store, clock)
        self.gate = QueryGate(data / "locks")
        self.tokens = TokenShelf(self.store, data, room=token_room, clock=clock, read_only=read_only)
        self.arms = Arms(
            data,
            self.store,
            encoder=encoder,
            models=models,
            sparse=sparse,
            snapshots=max(snapshots, _FEWEST),
            read_only=read_only,
        )
        if not read_only:
            self.arms.sweep()
        self._worker = EncodingWorker(
            self.store,
            self.arms.dense_of,
            lambda: self.arms.exclusive("encode", 0.0),
            self.arms.discard_dense,
            self.arms.forget,
            self.gate,
            self.arms.sparse,
        )

    def close(self) -> None:
        """Stop background work after its batch in hand and close the files."""
        self._worker.close()
        self.arms.close()
        self.tokens.close()
        self.store.close()

    # evidence ---------------------------------------------------------------------------------------------------------

    def document(self, doc_id: str) -> Document:
        """A stored document, indexed or not. Raises NotFound."""
        return kept.document(self.store, doc_id)

    def members_of(self, doc_id: str) -> tuple[str, ...]:
        """Names of the collections that hold the document now."""
        rows = self.store.rows(
            "SELECT c.name FROM documents d CROSS JOIN members m ON m.doc_no=d.doc_no AND m.ended IS NULL "
            "JOIN collections c USING(collection_no) WHERE d.doc_id=? ORDER BY c.name",
            (doc_id,),
        )
        return tuple(str(row[0]) for row in rows)

    def resolve(self, ref: EvidenceRef) -> Span:
        """The text a reference names. Raises NotFound, or BadRequest when the span runs past the document's end."""
        document = self.document(ref.doc_id)
        start, end = ref.start or 0, len(document.text) if ref.end is None else ref.end
        if end > len(document.text):
            raise BadRequest(f"that span ends after the document, which has {len(document.text)} characters")
        return Span(document, start, end, document.text[start:end])

    def keep(self, document: Document) -> None:
        """Store a document as evidence: readable by reference from every server, in no collection. See `admitted`."""
        document = admitted(document)
        with self.store.change():
            kept.put(self.store, document, self._clock())

    def latest(self, source: str) -> tuple[Document, float] | None:
        """The document last kept from ``source`` and its time (Unix seconds), or None."""
        return kept.newest_by_source(self.store, source)

    def versions(self, source: str) -> list[tuple[str, float]]:
        """``(doc_id, time)`` of every text ever kept from ``source``, newest first."""
        return kept.versions(self.store, source)

    # writing ----------------------------------------------------------------------------------------------------------

    def create(self, collection: str, *, language: str = "", model: str = "", sparse: str = "") -> Collection:
        """Make an empty collection for a language (a key of `ANALYSERS`), an encoder (empty: the server's own) and a
        learned-sparse model (empty: no such arm).

        Raises BadRequest for an unknown language, and for a collection that is there already with other ones.
        """
        catalogue.check_name(collection)
        if language and language not in ANALYSERS:
            raise BadRequest(f"unknown language; there are: {', '.join(sorted(ANALYSERS))}")
        analyser = ANALYSERS[language] if language else ANALYSER
        with self.store.change():
            made = catalogue.ensure(
                *(self.store, collection, SPLITTER_VERSION),
                analyser=analyser,
                language=language,
                model=model,
                sparse=sparse,
            )
        if (made.analyser, made.model, made.sparse) != (analyser, model, sparse):
            raise BadRequest(f"collection '{collection}' is there already, made otherwise; choose another name")
        return made

    def add(
        self,
        documents: Sequence[Document],
        collection: str = "default",
        *,
        files: Sequence[KnownFile | None] = (),
        beside: bool = False,
    ) -> Added:
        """Put documents into a collection in one commit, searchable by words when this returns.

        A document whose source is already there with another text takes its place, or stands ``beside`` it; the older
        text stays readable by reference. ``files`` may give, per document, the file it was read from, remembered for
        `known_files`. Vectors follow in the background. Titles and the like are cut to what replies have room for;
        raises BadRequest for a source or a tag that is far too long.
        """
        catalogue.check_name(collection)
        prepared = [(document, split(document)) for document in map(admitted, documents)]
        outcome: Counter[str] = Counter()
        with self.store.write() as generation:
            there = catalogue.ensure(self.store, collection, SPLITTER_VERSION, analyser=ANALYSER)
            for number, (document, passages) in enumerate(prepared):
                doc_no = kept.put(self.store, document, self._clock())
                did = members.join(self.store, generation, there, document, doc_no, passages, beside=beside)
                outcome[did] += 1
                outcome["passages"] += len(passages) if did != "unchanged" else 0
                if files and (file := files[number]) is not None:
                    _remember(self.store, there, doc_no, document.source, file)
        changed = outcome["added"] + outcome["replaced"]
        shown = generation - 1
        if changed:
            shown = self._show(there, generation)
            self.encode_in_background()
        return Added(outcome["added"], outcome["replaced"], outcome["unchanged"], outcome["passages"], shown)

    def _show(self, there: Collection, generation: int) -> int:
        """Make a commit searchable by words; the first snapshot that shows it."""
        try:
            return self.arms.catch_up(there, generation=generation)
        except NotFound:  # dropped since by somebody else, with what was committed
            return generation

    def known_files(self, collection: str, under: str = "") -> dict[str, KnownFile]:
        """``source -> file`` for the collection's current documents that came from files, whose source begins with
        ``under``; a file read by another version of the parser has size -1. An unknown collection has none."""
        if collection not in catalogue.names(self.store):
            return {}
        return files.known_files(self.store, catalogue.collection(self.store, collection).number, PARSER_VERSION, under)

    def touch(self, collection: str, seen: Mapping[str, KnownFile]) -> None:
        """Remember that these files look different but say the same."""
        with self.store.change():
            files.touch(self.store, catalogue.collection(self.store, collection).number, seen, PARSER_VERSION)

    def find(self, collection: str, *, doc_ids: Sequence[str] = (), source: str = "") -> dict[str, int]:
        """``doc_id -> passages`` of current members with these ids or this source; all of them when neither."""
        number = catalogue.collection(self.store, collection).number
        return members.find(self.store, number, doc_ids=doc_ids, source=source)

    def remove(self, collection: str, doc_ids: Sequence[str], *, forget: bool = False, drop: bool = False) -> Removed:
        """Take documents out of a collection in one commit.

        Their text stays readable by reference, so that old reports can still be checked, unless ``forget`` is set and
        no other collection holds it: then it is erased, from kept snapshots too. ``drop`` removes the (then empty)
        collection as well.
        """
        forgotten, left = 0, 0
        with self.store.write() as generation:
            there = catalogue.collection(self.store, collection)
            counts = members.find(self.store, there.number, doc_ids=doc_ids) if doc_ids else {}
            numbers = kept.numbers(self.store, list(counts))
            for doc_id in counts:
                left += bool(members.leave(self.store, generation, there.number, numbers[doc_id]))
                forgotten += kept.erase(self.store, numbers[doc_id], generation) if forget else 0
            # Unless another document has joined: it was acknowledged, so it stays.
            dropped = drop and catalogue.drop_if_empty(self.store, collection, generation)
        shown = generation if left else generation - 1
        if dropped:
            self.arms.drop(there)
        elif left:
            shown = self._show(there, generation)
        if forgotten:
            self._finish_erasing()
        self.encode_in_background()
        return Removed(tuple(counts), sum(counts.values()), forgotten, shown)

    def _finish_erasing(self) -> None:
        """Have every collection that ever held an erased text forget it, and the store's log too."""
        for each in self.collections():
            if each.words_erased:
                with contextlib.suppress(NotFound):  # dropped meanwhile, with its words
                    self.arms.catch_up(each)
        self.tokens.forget()
        self.store.empty_log()

    # reading ----------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def view(
        self, collection: str, *, as_of: int = 0, words: bool = True, meaning: bool = True, sparse: bool = True
    ) -> Iterator[View]:
        """A collection at one snapshot, for one search: its newest, or the one that was the newest at ``as_of``.

        ``words``, ``meaning`` and ``sparse`` say which arms are wanted, the last where the collection has one; a
        missing model is no error, the view's notes tell it (unless ``words`` is False: then Unavailable). Raises
        NotFound for an unknown collection or a snapshot that is no longer kept.
        """
        wanted = {"words": words, "meaning": meaning, "sparse": sparse}
        with self.arms.view(collection, self.gate, as_of=as_of, **wanted) as view:
            if view.vectors_lost:
                self._worker.look_again(collection)
                self.encode_in_background()
            yield view
            if view.sparse_lost:
                self._worker.weigh_again(collection)
                self.encode_in_background()

    def passages(self, collection: str) -> Iterator[list[tuple[int, Row]]]:
        """Every passage of a collection with its digest, a few hundred at a time."""
        return browsing.passages(self.store, self.collection(collection).number)

    def encoder(self) -> Encoder:
        """The server's encoder, loaded at the first call. Raises Unavailable when there is none."""
        return self.arms.encoder()

    def catch_up(self, collection: str) -> None:
        """Bring the lexical arm to the store's generation. Raises Unavailable if another process is at it for long."""
        self.arms.catch_up(self.collection(collection))

    def warm_up(self) -> None:
        """Load what a first search needs: the encoder, the vectors of each collection; resume unfinished encoding."""
        for status in self.collections():
            with contextlib.suppress(NotFound):  # dropped meanwhile
                self.arms.warm(status)
                with self.view(status.name) as view:
                    view.warm_up()
        self.encode_in_background()

    def encode_in_background(self) -> None:
        """Have missing vectors made; nothing happens in lexical-only mode."""
        if self._background and (self.arms.has_encoder or catalogue.weighed(self.store)):
            self._worker.wake()

    def encode(self, collection: str) -> int:
        """Make missing vectors now, sparse ones too where the collection has such an arm; see `EncodingWorker`."""
        sparse = self.collection(collection).sparse
        made = self._worker.encode(collection) if self.arms.has_encoder or not sparse else 0
        return made + (self._worker.weigh(collection) if sparse else 0)

    def missing_vectors(self, collection: str) -> int:
        """Passages that are said to have a vector and have none. Raises Unavailable when the vectors cannot be read."""
        arm, _ = self.arms.dense(collection)
        return len(self._worker.lost(self.collection(collection), arm))

    def mend_vectors(self, collection: str, *, afresh: bool) -> None:
        """Have missing vectors made again; with ``afresh`` (files are damaged) make the arrays again from the table,
        and where that cannot be read have all vectors made again."""
        if afresh:
            with self.arms.exclusive("encode", _ENCODE_SECONDS):
                self._remake_vectors(collection)
        self._worker.look_again(collection)
        self.encode_in_background()

    def sparse_encoded(self, collection: str) -> int:
        """Passages that a collection's learned-sparse arm can find; no model is needed to see it."""
        return self.arms.sparse.encoded(self.collection(collection))

    def renew_sparse(self, collection: str, folders: Sequence[Path]) -> None:
        """Set the sparse vectors in these folders aside and have what is then missing made."""
        with self.arms.exclusive("encode", _ENCODE_SECONDS):
            self.arms.sparse.discard(self.collection(collection), folders)
        self._worker.weigh_again(collection)
        self.encode_in_background()

    def adopt_vectors(self, collection: str) -> None:
        """Mark the passages whose vectors are there already, without an encoder. Raises Unavailable while another
        process encodes."""
        with self.arms.exclusive("encode", _ENCODE_SECONDS):
            there = self.collection(collection)
            self._worker.adopt(there, self.arms.vectors(there, there.fingerprint))

    def _remake_vectors(self, collection: str) -> None:
        there = self.collection(collection)
        arm, _ = self.arms.dense_of(there)
        with contextlib.suppress(Unavailable):
            arm.remake()
            if not arm.verify():
                return
        self.arms.discard_dense(there)

    # status -----------------------------------------------------------------------------------------------------------

    def generation(self, collection: str = "") -> int:
        """The newest commit's number; with a collection, the number of the one that last changed it."""
        return catalogue.collection(self.store, collection).journalled if collection else self.store.generation()

    def coverage(self, collection: str) -> dict[str, float]:
        """Share of the collection's passages that each arm in use can find (0..1)."""
        with self.view(collection) as view:
            return dict(view.coverage)

    def pending(self, collection: str) -> int:
        """Passages of current documents that wait for a vector."""
        return catalogue.collection(self.store, collection).waiting

    def collections(self) -> tuple[Collection, ...]:
        """Every collection, by name."""
        return catalogue.collections(self.store)

    def collection(self, name: str) -> Collection:
        """One collection. Raises NotFound, naming those there are."""
        return catalogue.collection(self.store, name)

    def problems(self) -> list[str]:
        """What went wrong with the data folder since `carrel doctor --repair` last looked, in words."""
        return self.store.problems()


def _remember(store: Store, collection: Collection, doc_no: int, source: str, file: KnownFile) -> None:
    files.remember(store, collection.number, doc_no, source, file, PARSER_VERSION)
