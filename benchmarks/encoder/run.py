"""How fast is the default encoder, how near to float32, and how much faster than sentence-transformers?

    python -m benchmarks.encoder.run [--source MODEL_FOLDER] [--data DIR] [--passages 200] [--threads 1]

Passages are abstracts of the scifact collection. With --source (a folder that holds model.safetensors) the float32
graph of the same weights is the reference; with sentence-transformers installed, it is measured on the same texts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.results import DATA, need, write
from numpy.typing import NDArray

from carrel.models import DEFAULT_NAME
from carrel.models.onnx_encoder import OnnxEncoder
from carrel.settings import Settings

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


def main() -> None:
    """Measure and print one row per runtime."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    folder = need(options.data / "retrieval" / "scifact")
    passages = _texts(folder / "corpus.jsonl", options.passages, words=85)
    queries = _texts(folder / "queries.jsonl", 100, words=85)
    runtimes = _runtimes(options.source, options.threads)
    reference = next(iter(runtimes.values()))(passages)
    figures = {name: _measure(encode, passages, queries, reference) for name, encode in runtimes.items()}
    print(f"{len(passages)} passages of 85 words, {options.threads} thread(s); cosine to the first row")
    columns = ("passages/s", "per CPU s", "query ms", "cosine", "lowest")
    print(f"{'runtime':24}" + "".join(f"{column:>12}" for column in columns))
    for name, row in figures.items():
        print(f"{name:24}" + "".join(f"{value:>12}" for value in row.values()))
    print(f"written to {write('encoder', figures).name}")


def _texts(path: Path, count: int, *, words: int) -> list[str]:
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for _, line in zip(range(count), file, strict=False)]
    return [" ".join(f"{row.get('title', '')} {row['text']}".split()[:words]) for row in rows]


def _runtimes(source: Path | None, threads: int) -> dict[str, Encode]:
    models = Settings.from_environment(os.environ).models
    runtimes: dict[str, Encode] = {}
    sentence = _sentence_transformers(source, threads)
    if sentence is not None:
        runtimes["sentence-transformers"] = sentence
    int8 = OnnxEncoder.load(models / DEFAULT_NAME, threads=threads)
    if source is not None:
        runtimes["ONNX Runtime float32"] = _float32(need(source), models / DEFAULT_NAME, threads)
    runtimes["ONNX Runtime int8"] = int8.encode
    return runtimes


def _float32(source: Path, installed: Path, threads: int) -> Encode:
    """The encoder on a graph of the same weights without any rounding."""
    from carrel.models.bert import Weights, read_shape
    from carrel.models.graph import build_graph
    from carrel.models.manifest import read_manifest, read_verified
    from carrel.models.safetensors import read_safetensors

    shape = read_shape(json.loads((source / "config.json").read_text(encoding="utf-8")))
    graph = build_graph(Weights(read_safetensors(source / "model.safetensors"), shape))
    manifest = read_manifest(installed)
    _, tokenizer = read_verified(installed, manifest)
    return OnnxEncoder(manifest, graph, tokenizer, threads=threads).encode


def _sentence_transformers(source: Path | None, threads: int) -> Encode | None:
    try:
        import torch  # type: ignore[import-not-found, unused-ignore]
        from sentence_transformers import SentenceTransformer
    except ImportError:
        return None
    torch.set_num_threads(threads)
    model = SentenceTransformer(str(source or DEFAULT_NAME), device="cpu")

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return vectors

    return encode


def _measure(encode: Encode, passages: list[str], queries: list[str], reference: NDArray[np.float32]) -> dict[str, Any]:
    cosines = (encode(passages) * reference).sum(axis=1)
    runs = [_seconds(encode, passages) for _ in range(3)]
    return {
        "passages_per_s": round(len(passages) / min(wall for wall, _ in runs), 1),
        "passages_per_cpu_s": round(len(passages) / min(cpu for _, cpu in runs), 1),
        "query_ms": round(statistics.median(_seconds(encode, [query])[0] for query in queries) * 1000, 2),
        "cosine_mean": round(float(cosines.mean()), 4),
        "cosine_min": round(float(cosines.min()), 4),
    }


def _seconds(encode: Encode, texts: list[str]) -> tuple[float, float]:
    """Seconds on the clock and seconds of processor time; the second does not mind other work on the machine."""
    wall, cpu = time.perf_counter(), time.process_time()
    encode(texts)
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
