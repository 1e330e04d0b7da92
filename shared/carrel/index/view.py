"""A collection at one snapshot: what a search asks the arms and the store, and nothing of another generation."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from carrel.errors import Unavailable
from carrel.index import kept, likeness, lookups, sparse_arms, texts
from carrel.index.catalogue import Collection
from carrel.index.dense import DamagedVectors
from carrel.index.dense.reader import VectorReader
from carrel.index.gate import QueryGate
from carrel.index.holding import Holding
from carrel.index.lexical import LexicalFilter
from carrel.index.lexical.demands import Demands
from carrel.index.lexical.mending import Mending
from carrel.index.lookups import Candidate, Details, Filters, Span
from carrel.index.sparse import Matches, SparseReader
from carrel.index.store import Store
from carrel.index.trials import asked, asked_sparse
from carrel.models import Encoder, SparseEncoder
from carrel.records import Passage, Section

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from carrel.index.lexical.reader import LexicalReader

__all__ = ["Found", "Row", "Searched", "View"]


@dataclass(frozen=True, slots=True)
class Row:
    """A passage with what its document is called. ``page`` is from 1, None for a document without pages."""

    passage: Passage
    title: str
    source: str
    date: str
    page: int | None = None


Found = Mapping[int, tuple[int, float]]
"""What one arm found: ``passage_id -> (rank, score)``, best first; passages with equal text share a rank."""

_Search = Callable[[int, "NDArray[np.int64] | None"], list[tuple[int, float]]]

Searched = tuple[list[tuple[int, float]], list[Candidate]]


@dataclass(slots=True)
class View:
    """One collection at generation ``generation``; made by `Library.view`, for the thread that asked.

    ``lexical``, ``dense`` and ``sparse`` are None when they are not wanted or not there; ``notes`` says why in words.
    ``rows`` holds every passage any arm has found so far. All searches of one view have the same filters and `demand`.
    """

    store: Store
    collection: Collection
    generation: int
    gate: QueryGate
    run: Callable[[Callable[[], Searched]], Future[Searched]]
    digests: Callable[[Filters | None], NDArray[np.int64]]
    lexical: LexicalReader | None = None
    dense: VectorReader | None = None
    encoder: Encoder | None = None
    vectors_lost: bool = False
    sparse: SparseReader | None = None
    sparse_encoder: SparseEncoder | None = None
    sparse_lost: bool = False
    pinned: bool = False  # an earlier snapshot was asked for
    notes: list[str] = field(default_factory=list)
    rows: dict[int, Candidate] = field(default_factory=dict)
    _demands: Demands | None = None
    _demanded: LexicalReader | None = None  # who knows which passages meet the demands, also where it does not rank
    _held: Holding | None = None
    _mended: dict[str, Mending] = field(default_factory=dict)
    _most: dict[str, float] = field(default_factory=dict)
    _texts: dict[int, Row] = field(default_factory=dict)  # what was read, as several stages of a search look at it
    _fetched: tuple[dict[int, int], NDArray[np.float32]] | None = None  # the last vectors, by place
    # digest -> passages; none: no member at this generation has it
    _alive: dict[int, list[int]] = field(default_factory=dict)

    @property
    def coverage(self) -> Mapping[str, float]:
        """Share of the collection's passages that each arm in use can find (0..1)."""
        total, shares = self.collection.passages, {}
        if self.lexical is not None:
            shares["lexical"] = 1.0
        if self.dense is not None and (self.pinned or self.vectors_lost):
            wanted = self.digests(None)
            shares["dense"] = float(self.dense.has(wanted).mean()) if len(wanted) else 1.0
        elif self.dense is not None:
            shares["dense"] = self.collection.encoded / total if total else 1.0
        if self.sparse is not None:
            everything = partial(self.digests, None)
            shares["sparse"] = sparse_arms.share(self.store, self.collection, self.generation, self.sparse, everything)
        return shares

    def encode(self, queries: Sequence[str]) -> NDArray[np.float32] | None:
        """The queries' vectors, ahead of any encoding in the background; None without a dense arm, or where the encoder
        fails on them, which a note says. Raises Unavailable for that where no words are searched."""
        if self.dense is None or self.encoder is None:
            return None
        try:
            with self.gate.query():
                return asked(self.encoder.encode_queries, queries, self.encoder.dimension)
        except Unavailable as error:
            if self.lexical is None:
                raise
            self.dense = self.encoder = None
            self.notes.append(f"lexical only: {error}")
            return None

    def matches(self, queries: Sequence[str]) -> list[Matches] | None:
        """How well everything in the learned-sparse arm matches each query; None without that arm, or where its model
        fails, which a note says."""
        if self.sparse is None or self.sparse_encoder is None:
            return None
        try:
            with self.gate.query():
                made = asked_sparse(self.sparse_encoder.encode_queries, queries)
            places = [slice(*each) for each in pairwise(made.offsets.tolist())]
            return [self.sparse.matches(made.terms[place], made.weights[place]) for place in places]
        except Unavailable as error:
            self.sparse_lost = isinstance(error, DamagedVectors)
            self.sparse = None
            self.notes.append(f"without the learned-sparse arm: {error}")
            return None

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """The vectors that passages of these texts would have; None without a dense arm. Raises Unavailable where the
        encoder fails on them."""
        if self.dense is None or self.encoder is None:
            return None
        with self.gate.query():
            return asked(self.encoder.encode, texts, self.encoder.dimension)

    def like(self, references: Sequence[str]) -> NDArray[np.float32] | None:
        """The vectors of the passages that references name, in this collection, or where they have no vector here,
        encoded now; None without a dense arm. Raises BadRequest for what is no reference, NotFound for an unknown one.
        """
        named = likeness.named_digests(self.store, self.collection.number, references)
        if self.dense is None or self.encoder is None:
            return None
        return likeness.named_vectors(self.store, self.dense, self.encoder, self.gate, named)

    def mend(self, query: str) -> Mending:
        """The query with what may have been meant by words that no passage has; as it is without a lexical arm."""
        if query not in self._mended:
            self._mended[query] = Mending(query, query) if self.lexical is None else self.lexical.mended(query)
        return self._mended[query]

    def demand(self, demands: Demands) -> list[str]:
        """Let all searches of this view find only passages that meet these demands. Returns those that limit nothing.

        Needs the lexical arm; a view without one (of an empty collection) finds nothing anyway.
        """
        if self.lexical is None:
            return []
        self._demands, self._demanded = demands, self.lexical
        return self.lexical.without_words(demands)

    def start_words(
        self, query: str, depth: int, filters: Filters | None, also: Sequence[tuple[str, float]] = ()
    ) -> Future[Searched] | None:
        """Begin a lexical search beside this thread, which may encode meanwhile; None without a lexical arm.

        ``also`` are index terms that count beside the query's, with their weights.
        """
        arm, demands = self.lexical, self._demands
        if arm is None:
            return None
        only = _lexical(filters) if filters else None

        def search() -> Searched:
            hits = arm.search(query, depth, only, also=also, demands=demands)
            return hits, self._candidates([key for key, _ in hits], [])

        return self.run(search)

    def words(self, started: Future[Searched] | None) -> Found:
        """What a lexical search found."""
        if started is None:
            return {}
        hits, rows = started.result()
        self.rows.update((row.passage_id, row) for row in rows)
        if len(rows) < len(hits):  # the other thread saw a later state of the store, with less of this snapshot
            self._look_up([key for key, _ in hits], [])
        there = (pair for pair in hits if pair[0] in self.rows)
        return {key: (rank, score) for rank, (key, score) in enumerate(there, start=1)}

    def near(self, vector: NDArray[np.float32], depth: int, filters: Filters | None) -> Found:
        """The passages nearest to a query vector: those of the best ``depth`` vectors of members at this snapshot."""
        if self.dense is None:
            return {}
        # The arm may hold vectors of documents that have left, or had not yet come: then it must be asked for more.
        spare = self.collection.vectors - self.collection.encoded
        return self._members(partial(self.dense.search, vector), depth, spare, filters)

    def weighed(self, matches: Matches, depth: int, filters: Filters | None) -> Found:
        """The passages that match a query best in the learned-sparse arm: as `near` finds them."""
        return self._members(matches.best, depth, matches.state.count - self.collection.passages, filters)

    def weights(self, matches: Matches, passage_ids: Sequence[int]) -> dict[int, float]:
        """How well those of these passages, found before, that have a sparse vector match a query."""
        import numpy as np

        digests = np.fromiter((self.rows[key].digest for key in passage_ids), np.int64, len(passage_ids))
        there, products = matches.of(digests)
        found = zip(passage_ids, there.tolist(), products.tolist(), strict=True)
        return {key: product for key, has, product in found if has}

    def _members(self, search: _Search, depth: int, spare: int, filters: Filters | None) -> Found:
        allowed = self.digests(filters) if filters else None
        if (holding := self._holding()) is not None:
            allowed = holding.allowed(self.store, allowed)
        ask = depth + max(0, min(spare, depth))
        while True:
            hits = search(ask, allowed)
            unknown = [digest for digest, _ in hits if digest not in self._alive]
            self._look_up([], unknown, filters)
            there = [(digest, score) for digest, score in hits if self._alive[digest]]
            if len(there) >= depth or len(hits) < ask:
                break
            ask *= 4
        return {
            key: (rank, score)
            for rank, (digest, score) in enumerate(there[:depth], start=1)
            for key in self._alive[digest]
        }

    def vectors(self, passage_ids: Sequence[int]) -> tuple[list[int], NDArray[np.float32]]:
        """Those of these passages, found before, that have a vector, and their vectors (n, dimension)."""
        import numpy as np

        if self.dense is None or not passage_ids:
            return [], np.zeros((0, 0), np.float32)
        if self._fetched is not None and self._fetched[0].keys() >= set(passage_ids):
            places, held = self._fetched
            return list(passage_ids), held[[places[key] for key in passage_ids]]
        digests = np.fromiter((self.rows[key].digest for key in passage_ids), np.int64, len(passage_ids))
        there, vectors = self.dense.vectors(digests)
        keys = list(passage_ids)
        if len(there) < len(keys):
            known = set(there.tolist())
            keys = [key for key in keys if self.rows[key].digest in known]
        self._fetched = {key: place for place, key in enumerate(keys)}, vectors
        return keys, vectors

    def most(self, query: str) -> float:
        """The BM25 that no passage can exceed for a query, words that are surely mistyped taken for what was meant; 0
        without a term of it, or a lexical arm."""
        if query not in self._most:
            self._most[query] = 0.0 if self.lexical is None else self.lexical.most(self.mend(query).said)
        return self._most[query]

    def hydrate(self, passage_ids: Sequence[int]) -> dict[int, Row]:
        """The texts of passages that were found, and what their documents are called."""
        new = [key for key in passage_ids if key not in self._texts]
        found = lookups.details(self.store, new) if new else {}
        places = [(self.rows[key].doc_no, each.span.start, each.span.end) for key, each in found.items()]
        texts = kept.spans(self.store, places) if places else []
        self._texts.update((key, _row(each, text)) for (key, each), text in zip(found.items(), texts, strict=True))
        return {key: self._texts[key] for key in passage_ids if key in self._texts}

    def spans(self, passage_ids: Sequence[int]) -> dict[int, Span]:
        """Where passages that were found lie in their documents."""
        return lookups.spans(self.store, passage_ids) if passage_ids else {}

    def sections(self, doc_no: int) -> tuple[Section, ...]:
        """A document's sections."""
        return kept.sections(self.store, doc_no)

    def text(self, doc_no: int, start: int, end: int) -> str:
        """A stretch of a document's text."""
        return kept.span(self.store, doc_no, start, end)

    def warm_up(self) -> None:
        """Search once, so that what every search loads is loaded."""
        if self.collection.encoded:
            vectors = self.encode(["warm up"])
            if vectors is not None:
                self.near(vectors[0], 1, None)
        for matches in self.matches(["warm up"]) or []:
            self.weighed(matches, 1, None)

    def _holding(self) -> Holding | None:
        """Which passages meet the demands; collected when the dense arm first asks, as the lexical one does not."""
        if self._held is None and self._demanded is not None and self._demands is not None:
            self._held = Holding(*self._demanded.holding(self._demands))
        return self._held

    def _look_up(self, passage_ids: Sequence[int], digests: Sequence[int], filters: Filters | None = None) -> None:
        if not passage_ids and not digests:
            return
        found = self._candidates(passage_ids, digests, filters)
        if digests and (holding := self._holding()) is not None:
            found = holding.meeting(found)
        for digest in digests:
            self._alive[digest] = []
        asked = set(digests)
        for each in found:
            self.rows[each.passage_id] = each
            if each.digest in asked:
                self._alive[each.digest].append(each.passage_id)

    def _candidates(
        self, passage_ids: Sequence[int], digests: Sequence[int], filters: Filters | None = None
    ) -> list[Candidate]:
        number, at = self.collection.number, self.generation
        return lookups.candidates(self.store, number, at, passage_ids, digests, filters)


def _row(found: Details, text: str) -> Row:
    span = found.span
    passage = Passage(span.doc_id, span.start, span.end, text, tuple(json.loads(span.heading)))
    page = bisect_right(json.loads(found.page_starts), span.start) if found.page_starts else None
    return Row(passage, found.title, found.source, found.date, page)


def _lexical(filters: Filters) -> LexicalFilter:
    return LexicalFilter(
        source_kinds=filters.source_kinds,
        media_types=filters.media_types,
        tags=filters.tags,
        after=texts.day(filters.after),
        before=texts.day(filters.before),
        author=filters.author,
    )
