"""Do the passages returned hold the very characters that answer? Carrel's passages beside fixed windows.

    python -m benchmarks.chunking.run [--data DIR] [--k 5] [--at-least .90]

For each splitter a fresh library takes in the five long documents of chunking-eval, and every question is asked of all
of them together with the default pipeline. Measured over characters, as Smith and Troynikov (2024) do: recall is the
share of the answering excerpts that the hits hold, precision the share of the hits that answers, IoU their overlap over
their union (what two hits both hold counts twice). Means over questions; ``tuned`` are the questions at even places,
which the limits of Carrel's splitter were chosen on, ``rest`` the others. Ends with status 1 when Carrel's recall over
all questions is below --at-least.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import Any
from unittest import mock

from benchmarks.results import DATA, need, write

from carrel.documents import parse, split
from carrel.index import Library
from carrel.models import DEFAULT_NAME, Encoder, load_encoder
from carrel.records import Document, Passage
from carrel.retrieve import search
from carrel.settings import Settings

Span = tuple[int, int]
Splitter = Callable[[Document], tuple[Passage, ...]]

_COLUMNS = ("recall", "precision", "iou", "recall_tuned", "recall_rest", "passages", "chars", "p50_ms")


def main() -> None:
    """Measure every splitter and print one row each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--k", type=int, default=5, help="hits per question")
    parser.add_argument("--at-least", type=float, default=0.0, help="fail when Carrel's recall is lower")
    options = parser.parse_args()
    folder = need(options.data / "retrieval" / "chunking-eval")
    models = Settings.from_environment(os.environ).models
    encoder = load_encoder(DEFAULT_NAME, models)
    corpora = {path.stem: _document(path) for path in sorted(need(folder / "corpora").glob("*.md"))}
    questions = [json.loads(line) for line in need(folder / "questions.jsonl").open(encoding="utf-8")]
    print(f"{len(questions)} questions, {options.k} hits each\n{'splitter':22}" + "".join(f"{c:>14}" for c in _COLUMNS))
    figures: dict[str, Any] = {"questions": len(questions), "k": options.k, "splitters": {}}
    for name, splitter in _splitters(models).items():
        row = measure(corpora, questions, splitter, encoder, options.k)
        figures["splitters"][name] = row
        print(f"{name:22}" + "".join(f"{row[column]:>14}" for column in _COLUMNS), flush=True)
    print(f"written to {write('chunking', figures).name}")
    if figures["splitters"]["carrel"]["recall"] < options.at_least:
        sys.exit(f"recall is below {options.at_least}")


def _document(path: Path) -> Document:
    raw = path.read_bytes()
    document = parse(raw, source=path.name, media_type="text/markdown")
    if document.text != raw.decode("utf-8"):
        sys.exit(f"{path.name} was altered by parsing, so the offsets of its excerpts mean nothing")
    return document


def measure(
    corpora: dict[str, Document], questions: Sequence[dict[str, Any]], splitter: Splitter, encoder: Encoder, k: int
) -> dict[str, Any]:
    """Index the documents, ask every question, and return the row of figures."""
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as scratch:
        library = Library(Path(scratch), encoder=lambda: encoder, background=False)
        try:
            with mock.patch("carrel.index.library.split", splitter):  # the same library, cut otherwise
                made = library.add(list(corpora.values())).passages
            library.encode("default")
            answers = [_asked(library, question["question"], k) for question in questions]
        finally:
            library.close()
    scores = [_scored(corpora, question, hits) for question, (hits, _) in zip(questions, answers, strict=True)]
    lengths = [len(passage.text) for document in corpora.values() for passage in splitter(document)]
    return {
        **{name: round(mean(each[at] for each in scores), 4) for at, name in enumerate(("recall", "precision", "iou"))},
        "recall_tuned": round(mean(each[0] for each in scores[::2]), 4),
        "recall_rest": round(mean(each[0] for each in scores[1::2]), 4),
        "by_corpus": {
            name: round(mean(s[0] for s, q in zip(scores, questions, strict=True) if q["corpus"] == name), 4)
            for name in corpora
        },
        "passages": made,
        "chars": round(mean(lengths)),
        "p50_ms": round(median(ms for _, ms in answers), 2),
    }


def _asked(library: Library, question: str, k: int) -> tuple[list[Passage], float]:
    began = time.perf_counter()
    hits = search(library, [question], k=k).hits
    return [hit.passage for hit in hits], (time.perf_counter() - began) * 1000


def _scored(corpora: dict[str, Document], question: dict[str, Any], hits: Sequence[Passage]) -> tuple[float, ...]:
    """Recall, precision and IoU of one question's hits."""
    wanted = _merged((each["start_index"], each["end_index"]) for each in question["references"])
    home = corpora[question["corpus"]].doc_id
    got = _merged((hit.start, hit.end) for hit in hits if hit.doc_id == home)
    both = sum(max(0, min(a[1], b[1]) - max(a[0], b[0])) for a in wanted for b in got)
    asked, returned = sum(end - start for start, end in wanted), sum(hit.end - hit.start for hit in hits)
    return both / asked, both / max(returned, 1), both / (asked + returned - both)


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


# -- splitters -------------------------------------------------------------------------------------------------------


def _splitters(models: Path) -> dict[str, Splitter]:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(next((models / DEFAULT_NAME).glob("tokenizer-*.json"))))
    tokenizer.no_truncation()

    def tokens(document: Document) -> tuple[Passage, ...]:
        starts = [start for start, _ in tokenizer.encode(document.text, add_special_tokens=False).offsets[::400]]
        return _cut(document, [0, *starts[1:], len(document.text)])

    def characters(document: Document) -> tuple[Passage, ...]:
        return _cut(document, [*range(0, len(document.text), 1200), len(document.text)])

    return {"carrel": split, "1,200 characters": characters, "400 tokens": tokens}


def _cut(document: Document, bounds: Sequence[int]) -> tuple[Passage, ...]:
    def passages() -> Iterator[Passage]:
        for start, end in pairwise(bounds):
            if document.text[start:end].strip():
                yield Passage(document.doc_id, start, end, document.text[start:end], ())

    return tuple(passages())


if __name__ == "__main__":
    main()
