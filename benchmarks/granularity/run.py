"""Would the best sentence and the whole document, as evidence beside the passage, rank documents better?

    python -m benchmarks.granularity.run --cache DIR [--set scifact --set cranfield] [--data DIR]

The default pipeline's first 20 passages of each question are scored again: (1 - a - b) of what the pipeline says, a of
the best cosine of a sentence, b of the cosine of the mean over the document's passages, each scaled to 0..1 over the
question's passages. A set's weights are those that are best on average over the other sets, so that no set is judged by
weights chosen on it; ``best`` are those chosen on the set itself, which no honest default can reach.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from benchmarks.results import DATA, need, write

from carrel.documents import sentences
from carrel.evaluation import (
    DEFAULT,
    Questions,
    Run,
    Shelf,
    as_run,
    compared,
    read_corpus,
    read_questions,
    run_pipeline,
    shelf_of,
)
from carrel.evaluation.report import as_markdown
from carrel.models import DEFAULT_NAME, Encoder, load_encoder
from carrel.records import Hit
from carrel.retrieve import search
from carrel.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Columns = NDArray[np.float64]

DEPTH = 20
SHARES = (0.0, 0.1, 0.2, 0.3, 0.5)
WEIGHTS = [(a, b) for a, b in product(SHARES, SHARES) if a + b < 1]
Weights = tuple[float, float]
Evidence = Mapping[
    str, tuple[list[str], "Columns"]
]  # topic -> documents and (passages, 3): passage, sentence, document


def main() -> None:
    """Print a table for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="append", dest="sets", default=[])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, required=True)
    options = parser.parse_args()
    models = Settings.from_environment(os.environ).models
    encoder = load_encoder(DEFAULT_NAME, models)
    asked: dict[str, Questions] = {}
    found: dict[str, Evidence] = {}
    usual: dict[str, Run] = {}
    for name in options.sets or ["scifact", "cranfield"]:
        folder = need(options.data / "retrieval" / name)
        asked[name] = read_questions(folder, "test")
        with shelf_of(read_corpus(folder / "corpus.jsonl"), options.cache, lambda: encoder, progress=_tell) as shelf:
            usual[name] = run_pipeline(shelf, asked[name], DEFAULT, clock=time.perf_counter)
            found[name] = _evidence(shelf, asked[name], encoder)
    scores = {name: {each: _ndcg(asked[name], found[name], each) for each in WEIGHTS} for name in asked}
    figures: dict[str, Any] = {}
    for name in asked:
        others = [other for other in asked if other != name] or [name]
        chosen = max(WEIGHTS, key=lambda each: mean(scores[other][each] for other in others))
        best = max(WEIGHTS, key=lambda each: scores[name][each])
        runs = [usual[name], *(_ranked(found[name], each, label) for each, label in _labelled(chosen, best))]
        print(as_markdown(compared(asked[name], runs, [(run.name, runs[0].name) for run in runs[1:]]), {}), flush=True)
        figures[name] = {
            "passage": scores[name][0.0, 0.0],
            "chosen": {"weights": chosen, "on": others, "ndcg": scores[name][chosen]},
            "best": {"weights": best, "ndcg": scores[name][best]},
            "sentence_alone_at_most": max(scores[name][a, 0.0] for a in SHARES),
            "document_alone_at_most": max(scores[name][0.0, b] for b in SHARES),
        }
    print(f"written to {write('granularity', figures).name}")
    print(json.dumps(figures, indent=1))


def _labelled(chosen: Weights, best: Weights) -> list[tuple[Weights, str]]:
    return [((0.0, 0.0), "passages again"), (chosen, f"chosen {chosen}"), (best, f"best {best}")]


def _tell(done: int, total: int, what: str) -> None:
    sys.stderr.write(f"\r{what} {done} of {total}   ")


def _evidence(shelf: Shelf, questions: Questions, encoder: Encoder) -> Evidence:
    """For each question its passages' documents, and what each of the three says of it."""
    import numpy as np

    collection = shelf.collections["usual"]
    said: dict[str, NDArray[np.float32]] = {}  # passage -> the vectors of its sentences
    whole: dict[str, list[NDArray[np.float32]]] = {}  # document -> the vectors of its passages that were found
    rows: dict[str, list[Hit]] = {}
    for number, (topic, text) in enumerate(questions.topics.items()):
        hits = search(shelf.library, [text], collection=collection, k=DEPTH, granularity="passage").hits
        rows[topic] = list(hits)
        for hit in hits:
            if str(hit.passage.ref) not in said:
                passage = hit.passage.text
                spans = sentences(passage) or ((0, len(passage)),)
                vectors = encoder.encode([passage[start:end] for start, end in spans] + [f"{hit.title}\n{passage}"])
                said[str(hit.passage.ref)] = vectors[:-1]
                whole.setdefault(hit.passage.doc_id, []).append(vectors[-1])
        _tell(number + 1, len(questions.topics), f"{questions.name}: sentences")
    means = {document: _unit(np.mean(vectors, axis=0)) for document, vectors in whole.items()}
    found = {}
    for topic, text in questions.topics.items():
        query = encoder.encode_queries([text])[0]
        columns = np.array(
            [
                (hit.score, float((said[str(hit.passage.ref)] @ query).max()), float(means[hit.passage.doc_id] @ query))
                for hit in rows[topic]
            ]
        ).reshape(-1, 3)
        found[topic] = ([shelf.name(hit, "document") for hit in rows[topic]], _scaled(columns))
    return found


def _unit(vector: Any) -> Any:
    import numpy as np

    return vector / np.linalg.norm(vector)


def _scaled(columns: Columns) -> Columns:
    if not len(columns):
        return columns
    low, high = columns.min(axis=0), columns.max(axis=0)
    scaled: Columns = (columns - low) / (high - low + 1e-12)
    return scaled


def _ranked(evidence: Evidence, weights: Weights, name: str) -> Run:
    import numpy as np

    a, b = weights
    ranked = {}
    for topic, (documents, columns) in evidence.items():
        score = columns @ np.array([1 - a - b, a, b])
        ranked[topic] = [documents[place] for place in np.argsort(-score, kind="stable")]
    return as_run(name, ranked)


def _ndcg(questions: Questions, evidence: Evidence, weights: Weights) -> float:
    table = compared(questions, [_ranked(evidence, weights, "one")], [])
    return round(mean(table.rows[0].values[table.measures[0]].values()), 4)


if __name__ == "__main__":
    main()
