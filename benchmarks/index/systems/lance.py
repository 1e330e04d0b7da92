"""LanceDB's own hybrid search: its full-text index, its vector index, its reciprocal rank reranker.

Set up as its documentation advises: no vector index for small tables; then IVF_HNSW_SQ, the index for low latency;
from some hundred thousand rows, where building that takes many minutes, IVF_PQ with refinement.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.index.corpus import Made
from benchmarks.index.material import DEPTH, Material, rows_of
from benchmarks.index.measure import Stopwatch
from benchmarks.index.systems.system import Mode

from carrel.models import Encoder

__all__ = ["Lance"]

_FLAT, _GRAPH = 50_000, 300_000  # rows up to which there is no vector index; up to which it is a graph
# What its searches need to find as much as exact ones do: by default they find .71 of the ten nearest here.
_EF = 400  # candidates of the graph: .97 at 100,000 for a millisecond more
_PROBES, _REFINE = 40, 20  # lists, and times as many candidates whose true distances are looked at: for IVF_PQ


class Lance:
    """One table: id, source, text, vector."""

    modes: tuple[Mode, ...] = ("hybrid", "lexical", "dense")

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        os.environ.setdefault("LANCEDB_LOG", "error")  # it warns on stderr otherwise
        import lancedb
        from lancedb.rerankers import RRFReranker

        self._encoder = encoder
        self._database = lancedb.connect(str(folder))
        self._reranker = RRFReranker()
        self._table: Any = None
        self._kind = ""

    def build(self, material: Material) -> dict[str, Any]:
        """Write the rows, then build the indexes."""
        from lancedb.index import HnswSq, IvfPq

        with Stopwatch() as writing:
            for part in material.slices():
                self._write(_table(part.rows, part.sources, part.texts, part.vectors))
        with Stopwatch() as words:
            self._table.create_fts_index("text")
            self._table.create_scalar_index("source")
        kind = _kind(material.passages)
        with Stopwatch() as vectors:
            if kind:
                config = {"IVF_HNSW_SQ": HnswSq, "IVF_PQ": IvfPq}[kind](distance_type="cosine")
                self._table.create_index("vector", config=config)
            self._table.optimize()
        return {
            "write_s": writing.wall,
            "words_s": words.wall,
            "vectors_s": vectors.wall,
            "vectors_cpu_s": vectors.cpu,
            "vector_index": kind or "none",
        }

    def open(self, material: Material) -> None:
        """Open the table."""
        self._table = self._database.open_table("passages")
        self._kind = _kind(material.passages)

    def search(self, query: str, mode: Mode) -> list[dict[str, Any]]:
        """The ten best rows."""
        if mode == "lexical":
            search = self._table.search(query, query_type="fts", fts_columns="text").select(["id", "text", "_score"])
            return list(search.limit(DEPTH).to_list())
        vector = self._encoder.encode_queries([query])[0]
        if mode == "dense":
            search = self._table.search(vector, "vector").select(["id", "text", "_distance"])
        else:
            both = self._table.search(query_type="hybrid", vector_column_name="vector", fts_columns="text")
            search = both.vector(vector).text(query).rerank(self._reranker).select(["id", "text"])
        search = search.distance_type("cosine").limit(DEPTH)
        if self._kind == "IVF_HNSW_SQ":
            search = search.ef(_EF)
        elif self._kind == "IVF_PQ":
            search = search.nprobes(_PROBES).refine_factor(_REFINE)
        return list(search.to_list())

    def rows(self, hits: Sequence[dict[str, Any]]) -> list[int]:
        """Row numbers."""
        return [hit["id"] for hit in hits]

    def texts(self, hits: Sequence[dict[str, Any]]) -> list[str]:
        """Texts."""
        return [hit["text"] for hit in hits]

    def replace(self, documents: Sequence[Made]) -> dict[str, float]:
        """Delete and append; then `optimize`, which brings the new rows into the indexes."""
        rows = [row for made in documents for row in rows_of(made)]
        vectors = self._encoder.encode([row.text for row in rows])
        sources = ", ".join(f"'{made.document.source}'" for made in documents)
        with Stopwatch() as committing:
            self._table.delete(f"source IN ({sources})")
            self._write(_table([-1] * len(rows), [row.source for row in rows], [row.text for row in rows], vectors))
        with Stopwatch() as indexing:
            self._table.optimize()
        return {"commit_s": committing.wall, "index_s": indexing.wall}

    def close(self) -> None:
        """Nothing is held open."""

    def _write(self, rows: Any) -> None:
        if self._table is None:
            self._table = self._database.create_table("passages", rows)
        else:
            self._table.add(rows)


def _kind(passages: int) -> str:
    return "" if passages <= _FLAT else "IVF_HNSW_SQ" if passages <= _GRAPH else "IVF_PQ"


def _table(rows: list[int], sources: list[str], texts: list[str], vectors: Any) -> Any:
    import pyarrow as pa

    return pa.table(
        {
            "id": pa.array(rows, pa.int64()),
            "source": pa.array(sources, pa.string()),
            "text": pa.array(texts, pa.string()),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1]),
        }
    )
