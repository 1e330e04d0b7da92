"""The learned-sparse arm: how fast it is written and searched, and what a model of yours adds to hybrid search.

    python -m benchmarks.sparse.run [--sizes 10000,100000] [--queries 200]
    python -m benchmarks.sparse.run --model MODEL [--set scifact --set cranfield] [--split test] [--weights 0,.2,.3,.4]

Without a model: made vectors as SPLADE gives them (30,522 terms of which some are frequent, about 120 a passage and 40
a query), written in batches as the background does, then searched for the best 100. With one (a hub name or a folder,
on this machine): nDCG@10 and R@100 of each set by words, by vectors, and by all arms with each weight of this one.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from benchmarks.results import DATA, need, write
from numpy.typing import NDArray

from carrel.evaluation import DEFAULT, Shelf, mean, measured, pipeline, read_corpus, read_questions, run_pipeline
from carrel.evaluation.beir import documents
from carrel.index import Library
from carrel.index.lexical import Mark
from carrel.index.sparse import SparseArm
from carrel.models import SparseVectors, load_encoder, load_sparse_encoder
from carrel.settings import Settings

_VOCABULARY = 30_522
_LONG, _SHORT = 120, 40  # terms of a passage, of a query
_SKEW = 0.7  # of term frequencies: the most frequent of them is in every second passage, the median one in 1 of 500
_BATCH = 2_000  # passages written at once
_DEPTH = 100
_MEASURES = ("nDCG@10", "R@100")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--model", default="")
    parser.add_argument("--set", action="append", dest="sets")
    parser.add_argument("--split", default="test")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--weights", default="0,.1,.2,.3,.4,.5")
    options = parser.parse_args()
    if options.model:
        for name in options.sets or ["scifact", "cranfield"]:
            folder = need(options.data / "retrieval" / name)
            _quality(folder, options.split, options.model, [float(each) for each in options.weights.split(",")])
        return
    figures = {size: _speed(int(size), options.queries) for size in options.sizes.split(",")}
    print(f"written to {write('sparse', figures).name}")


def _speed(size: int, queries: int) -> dict[str, float]:
    chance = np.random.default_rng(11)
    digests = np.unique(chance.integers(-(2**62), 2**62, size))
    chance.shuffle(digests)
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as scratch:
        arm = SparseArm(Path(scratch), "made")
        spent = 0.0
        for start in range(0, size, _BATCH):
            part = digests[start : start + _BATCH]
            vectors = _made(chance, len(part), _LONG)
            began = time.perf_counter()
            arm.write(part, vectors, Mark(1, 1), size - start - len(part))
            spent += time.perf_counter() - began
        tail = _searched(arm, queries, None)
        began = time.perf_counter()
        arm.tidy()
        spent += time.perf_counter() - began
        plain = _searched(arm, queries, None)
        limited = _searched(arm, queries, np.sort(digests[::10]))
        began = time.perf_counter()
        opened = SparseArm(Path(scratch), "made").count()
        load = time.perf_counter() - began
        megabytes = sum(path.stat().st_size for path in Path(scratch).glob(f"*-{arm.head().number}.*")) / 1e6
    found = {
        "write_s": round(spent, 2),
        "open_ms": round(load * 1000, 1),
        "p50_ms": plain[0],
        "p95_ms": plain[1],
        "with_tail_p50_ms": tail[0],
        "tenth_allowed_p50_ms": limited[0],
        "megabytes": round(megabytes, 1),
        "bytes_per_passage": round(megabytes * 1e6 / opened),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
    }
    print(f"{size:>9,} passages: " + ", ".join(f"{name} {value}" for name, value in found.items()), flush=True)
    return found


def _made(chance: np.random.Generator, count: int, terms: int) -> SparseVectors:
    """Vectors of about so many terms: more are drawn, with repeats."""
    chances = np.cumsum((np.arange(_VOCABULARY) + 20.0) ** -_SKEW)
    drawn = np.searchsorted(chances / chances[-1], chance.random((count, round(terms * 1.02))))
    keys = np.unique(drawn + np.arange(count)[:, None] * _VOCABULARY)
    offsets = np.searchsorted(keys, np.arange(count + 1) * _VOCABULARY)
    weights = chance.gamma(2.0, 0.4, len(keys)).astype(np.float32) + np.float32(0.01)
    return SparseVectors(offsets, (keys % _VOCABULARY).astype(np.int32), weights)


def _searched(arm: SparseArm, queries: int, allowed: NDArray[np.int64] | None) -> tuple[float, float]:
    """Median and 95th percentile of one query's milliseconds."""
    asked = _made(np.random.default_rng(12), queries, _SHORT)
    spent = []
    for begin, end in zip(asked.offsets[:-1].tolist(), asked.offsets[1:].tolist(), strict=True):
        began = time.perf_counter()
        arm.matches(asked.terms[begin:end], asked.weights[begin:end]).best(_DEPTH, allowed)
        spent.append(1000 * (time.perf_counter() - began))
    return round(median(spent), 2), round(sorted(spent)[int(0.95 * len(spent))], 2)


def _quality(folder: Path, split: str, model: str, weights: Sequence[float]) -> None:
    settings = Settings.from_environment(os.environ)
    corpus, questions = read_corpus(folder / "corpus.jsonl"), read_questions(folder, split)
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as scratch:
        library = Library(
            Path(scratch),
            encoder=partial(load_encoder, settings.encoder, settings.models),
            sparse=lambda name: load_sparse_encoder(name, settings.models),
            background=False,
        )
        library.create("set", sparse=model)
        library.add([document for document in documents(corpus) if document is not None], "set")
        began = time.perf_counter()
        library._worker.weigh("set")
        passages = library.collection("set").passages
        print(f"\n{questions.name}: {passages / (time.perf_counter() - began):.0f} passages a second by {model}")
        library.encode("set")
        shelf = Shelf(library, {"usual": "set"}, lambda hit, _: corpus.names[int(hit.source[4:])])
        for name, one in _pipelines(weights):
            run = run_pipeline(shelf, questions, one, clock=time.perf_counter)
            found: dict[str, Any] = measured(questions.qrels, run, _MEASURES)
            told = "  ".join(f"{measure} {mean(found[measure]):.4f}" for measure in _MEASURES)
            print(f"{name:18} {told}  p50 {1000 * median(run.seconds):.1f} ms", flush=True)
        library.close()


def _pipelines(weights: Sequence[float]) -> Iterator[tuple[str, Any]]:
    yield "words", pipeline("lexical")
    yield "vectors", pipeline("dense")
    for weight in weights:
        yield f"all, sparse {weight:.2f}", replace(DEFAULT, weights=replace(DEFAULT.weights, sparse=weight))


if __name__ == "__main__":
    main()
