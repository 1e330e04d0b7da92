"""A test collection through the front door: added and searched over MCP, as any host would.

    python -m benchmarks.retrieval.run [--set scifact] [--split test|train] [--data DIR] [--depth 10]

Writes the corpus as Markdown files into a scratch folder, starts carrel-search on stdio with an empty library, calls
`add_documents` once and `search_library` once per topic and mode, and prints nDCG@10 and R@depth. Ends with status 1
when the hybrid's nDCG@10 is below --at-least. `carrel evaluate` measures the same without the protocol, and more.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.results import DATA, need, write
from benchmarks.stdio import Server, add_and_encode

from carrel.evaluation import Corpus, Questions, as_run, mean, measured, read_corpus, read_questions
from carrel.evaluation.beir import rows

MODES = ("lexical", "dense", "hybrid")
_PAGE = 10  # hits a call: what fits a reply without any being left out


def main() -> None:
    """Run one collection and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="scifact")
    parser.add_argument("--split", default="test")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--depth", type=int, default=10, help="how many hits per topic; R is measured there")
    parser.add_argument("--topics", type=int, default=0, help="only so many topics (0: all)")
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--at-least", type=float, default=0.0, help="fail when the hybrid's nDCG@10 is lower")
    options = parser.parse_args()
    folder = need(options.data / "retrieval" / options.set)
    figures = measure(folder, options.split, options.depth, options.topics, options.modes.split(","))
    name = options.set if options.split == "test" else f"{options.set}-{options.split}"
    print(f"\n{name}: {figures['documents']} documents, {figures['topics']} topics")
    print(f"by words after {figures['lexical_s']} s, by meaning after {figures['dense_s']} s")
    print(f"{'mode':8} {'nDCG@10':>8} {'R@' + str(options.depth):>8} {'p50 ms':>8} {'p99 ms':>8}")
    for mode, row in figures["modes"].items():
        print(f"{mode:8} {row['ndcg10']:8.4f} {row['recall']:8.4f} {row['p50_ms']:8.1f} {row['p99_ms']:8.1f}")
    if not options.topics:
        print(f"written to {write(name, figures).name}")
    if figures["modes"].get("hybrid", {"ndcg10": 1.0})["ndcg10"] < options.at_least:
        sys.exit(f"the hybrid's nDCG@10 is below {options.at_least}")


def measure(folder: Path, split: str, depth: int, limit: int, modes: list[str]) -> dict[str, Any]:
    """Add the corpus, search every topic in every mode, and return all figures."""
    questions = read_questions(folder, split)
    topics = dict(list(questions.topics.items())[: limit or None])
    questions = replace(questions, topics=topics, qrels={topic: questions.qrels[topic] for topic in topics})
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as scratch:
        files = Path(scratch) / "corpus"
        names = write_corpus(read_corpus(folder / "corpus.jsonl"), files)
        with Server("search", Path(scratch) / "data", ["--root", str(files)]) as server:
            lexical, dense = add_and_encode(server, [str(files)])
            found = {mode: _mode(server, mode, questions, names, depth) for mode in modes}
    return {
        "documents": len(names),
        "topics": len(topics),
        "depth": depth,
        "lexical_s": round(lexical, 1),
        "dense_s": round(dense, 1),
        "modes": found,
    }


def write_corpus(corpus: Corpus, folder: Path) -> dict[str, str]:
    """Write each document as a Markdown file, its title as the heading; returns document by file name."""
    folder.mkdir()
    names = {}
    for number, (name, title, text) in enumerate(rows(corpus)):
        file = f"{number:06}.md"
        (folder / file).write_text((f"# {title}\n\n" if title else "") + text + "\n", encoding="utf-8")
        names[file] = name
    return names


def _mode(server: Server, mode: str, questions: Questions, names: dict[str, str], depth: int) -> dict[str, float]:
    found, times = {}, []
    for number, (topic, query) in enumerate(questions.topics.items()):
        began = time.perf_counter()
        first = _search(server, mode, query, min(depth, _PAGE), "")
        times.append((time.perf_counter() - began) * 1000)
        found[topic] = [names[Path(hit["source"]).name] for hit in _all(server, mode, query, depth, first)]
        sys.stderr.write(f"\r{mode} {number + 1} of {len(questions.topics)}   ")
    times.sort()
    values = measured(questions.qrels, as_run(mode, found), ("nDCG@10", f"R@{depth}"))
    return {
        "ndcg10": round(mean(values["nDCG@10"]), 4),
        "recall": round(mean(values[f"R@{depth}"]), 4),
        "p50_ms": round(median(times), 2),
        "p99_ms": round(times[int(len(times) * 0.99)], 2),
    }


def _all(server: Server, mode: str, query: str, depth: int, page: dict[str, Any]) -> list[dict[str, Any]]:
    hits = []
    while True:
        hits += page["hits"]
        if len(hits) >= depth or not page.get("next_cursor"):
            return hits[:depth]
        page = _search(server, mode, query, _PAGE, page["next_cursor"])


def _search(server: Server, mode: str, query: str, k: int, cursor: str) -> dict[str, Any]:
    return server.call("search_library", queries=[query], mode=mode, granularity="document", k=k, cursor=cursor)


if __name__ == "__main__":
    main()
