"""The lexical arm: BM25 over title, headings and body in a tantivy index that says which generation it has reached.

The generation is a document of the index itself, so it commits together with what it describes: after a crash the
arm is at some older generation, and catching up repeats only what came later. Repeating is harmless: a document is
deleted before it is added.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from carrel.errors import IncompatibleIndex
from carrel.index.analysis import analyser, terms
from carrel.records import Passage

if TYPE_CHECKING:
    import tantivy

__all__ = ["FIELD_WEIGHTS", "LexicalArm"]

FIELD_WEIGHTS = {"body": 1.0, "title": 0.15, "heading": 0.15}
"""Weights of the fields' BM25 scores, chosen on scifact's train queries (benchmarks/retrieval)."""

_LONGEST_QUERY = 64  # distinct terms; a longer query keeps its rarest
_MOST_COUNTED = 3  # repeats of one term in a query that still add weight
_WRITER_HEAP = 64_000_000  # bytes
_MARKER = "~generation"  # no doc_id contains a tilde


class LexicalArm:
    """One collection's tantivy index. Searching is thread-safe; `apply` needs the collection's lock held."""

    def __init__(self, folder: Path) -> None:
        import tantivy

        self.folder = folder
        self._schema = _schema()
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self._index = tantivy.Index(self._schema, path=str(folder), reuse=True)
        except ValueError as error:
            raise IncompatibleIndex(
                "the lexical index does not fit this program or is damaged; remove the folder 'lexical' inside the "
                "collection's folder and it is rebuilt from the store"
            ) from error
        self._index.register_tokenizer("words", analyser())

    def reload(self) -> None:
        """See what other processes have committed."""
        self._index.reload()

    def generation(self) -> int:
        """The generation this arm has reached; 0 for a new one."""
        import tantivy

        searcher = self._index.searcher()
        found = searcher.search(tantivy.Query.term_query(self._schema, "doc", _MARKER), 1).hits
        if not found:
            return 0
        return int(searcher.fast_field_values("passage", [found[0][1]])[0] or 0)

    def apply(
        self,
        gone: Iterable[str],
        passages: Iterable[tuple[int, Passage, str]],
        generation: int,
        *,
        afresh: bool = False,
    ) -> None:
        """Drop the documents ``gone``, add ``(passage_id, passage, title)`` rows, and commit as ``generation``."""
        import tantivy

        with self._lock:
            writer = self._index.writer(heap_size=_WRITER_HEAP, num_threads=1)
            try:
                if afresh:
                    writer.delete_all_documents()
                for doc_id in (*gone, _MARKER):
                    writer.delete_documents_by_term("doc", doc_id)
                for key, passage, title in passages:
                    fields = {
                        "passage": key,
                        "doc": passage.doc_id,
                        "title": title,
                        "heading": "\n".join(passage.heading),
                        "body": passage.text,
                    }
                    # from_dict with the schema: a keyword document stores signed integers and fails only at commit.
                    writer.add_document(tantivy.Document.from_dict(fields, self._schema))
                writer.add_document(tantivy.Document.from_dict({"passage": generation, "doc": _MARKER}, self._schema))
                writer.commit()
                writer.wait_merging_threads()
            except BaseException:
                writer.rollback()
                raise
            self._index.reload()

    def search(self, query: str, depth: int, among: Collection[str] | None = None) -> list[tuple[int, float]]:
        """The ``depth`` best passages as ``(passage_id, score)``, best first, equal scores by id.

        ``among`` limits the search to these documents. A query without a single indexable term finds nothing.
        """
        import tantivy

        searcher = self._index.searcher()
        parsed = self._query(searcher, terms(query))
        if parsed is None or depth < 1 or (among is not None and not among):
            return []
        if among is not None:
            only = tantivy.Query.const_score_query(
                tantivy.Query.term_set_query(self._schema, "doc", sorted(among)), 0.0
            )
            parsed = tantivy.Query.boolean_query([(tantivy.Occur.Must, parsed), (tantivy.Occur.Must, only)])
        hits = searcher.search(parsed, depth, count=False).hits
        keys = searcher.fast_field_values("passage", [address for _, address in hits])
        return sorted(
            ((int(key), float(score)) for key, (score, _) in zip(keys, hits, strict=True) if key is not None),
            key=lambda pair: (-pair[1], pair[0]),
        )

    def _query(self, searcher: tantivy.Searcher, words: Sequence[str]) -> tantivy.Query | None:
        import tantivy

        counts = Counter(words)
        if len(counts) > _LONGEST_QUERY:
            rarest = sorted(counts, key=lambda word: (searcher.doc_freq("body", word) or 1e12, word))
            counts = Counter({word: counts[word] for word in rarest[:_LONGEST_QUERY]})
        should = [
            (
                tantivy.Occur.Should,
                tantivy.Query.boost_query(
                    tantivy.Query.term_query(self._schema, field, word, index_option="freq"),
                    weight * min(count, _MOST_COUNTED),
                ),
            )
            for word, count in sorted(counts.items())
            for field, weight in FIELD_WEIGHTS.items()
        ]
        return tantivy.Query.boolean_query(should) if should else None


def _schema() -> tantivy.Schema:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("passage", stored=False, indexed=False, fast=True)
    builder.add_text_field("doc", tokenizer_name="raw", index_option="basic")
    for field in FIELD_WEIGHTS:
        builder.add_text_field(field, tokenizer_name="words", index_option="position")
    return builder.build()
