"""What rounding the default encoder to 8 bits costs a ranking: the same sets with the same weights in float32.

    python -m benchmarks.retrieval.rounding --source MODEL_FOLDER [--set cranfield --set codebase-chunks] [--data DIR]

MODEL_FOLDER holds the original model.safetensors and config.json. Encoding in float32 takes three times as long;
what was encoded is kept in --cache.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.results import DATA, need

from carrel.evaluation import (
    DEFAULT,
    Run,
    compared,
    pipeline,
    read_corpus,
    read_questions,
    run_pipeline,
    shelf_of,
)
from carrel.evaluation.report import as_markdown
from carrel.models import DEFAULT_NAME, Encoder, load_encoder
from carrel.models.bert import Weights, read_shape
from carrel.models.graph import build_graph
from carrel.models.manifest import read_manifest, read_verified
from carrel.models.onnx_encoder import OnnxEncoder
from carrel.models.safetensors import read_safetensors
from carrel.settings import Settings


def main() -> None:
    """Print one table per set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--set", action="append", dest="sets", default=[])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, required=True)
    options = parser.parse_args()
    models = Settings.from_environment(os.environ).models
    encoders: dict[str, Callable[[], Encoder]] = {
        "int8": lambda: load_encoder(DEFAULT_NAME, models),
        "float32": lambda: _float32(need(options.source), models / DEFAULT_NAME),
    }
    for name in options.sets or ["cranfield", "codebase-chunks", "scifact"]:
        print(_measured(need(options.data / "retrieval" / name), encoders, options.cache), flush=True)


def _measured(folder: Path, encoders: dict[str, Callable[[], Encoder]], cache: Path) -> str:
    questions, corpus = read_questions(folder, "test"), read_corpus(folder / "corpus.jsonl")
    runs: list[Run] = []
    for label, encoder in encoders.items():
        with shelf_of(corpus, cache, encoder, progress=_tell) as shelf:
            for each in (pipeline("dense"), DEFAULT):
                run = run_pipeline(shelf, questions, each, clock=time.perf_counter)
                runs.append(replace(run, name=f"{each.name} {label}"))
    pairs = [("dense int8", "dense float32"), ("default int8", "default float32")]
    return as_markdown(compared(questions, runs, pairs), {})


def _tell(done: int, total: int, what: str) -> None:
    sys.stderr.write(f"\r{what} {done} of {total}   ")


def _float32(source: Path, installed: Path) -> Encoder:
    """The encoder on a graph of the same weights without any rounding, under a name of its own."""
    shape = read_shape(json.loads((source / "config.json").read_text(encoding="utf-8")))
    graph = build_graph(Weights(read_safetensors(source / "model.safetensors"), shape))
    manifest = read_manifest(installed)
    _, tokenizer = read_verified(installed, manifest)
    named = replace(manifest, name=f"{manifest.name}-float32", fingerprint=f"float32-{manifest.fingerprint}")
    return OnnxEncoder(named, graph, tokenizer, threads=os.cpu_count() or 1)


if __name__ == "__main__":
    main()
