"""A test collection through the front door: added and searched over MCP, as any host would.

    python -m benchmarks.retrieval.run [--set scifact] [--split test|train] [--data DIR] [--depth 10]

Writes the corpus as Markdown files into a scratch folder, starts carrel-search on stdio with an empty library, calls
`add_documents` once and `search_library` once per topic and mode, and prints nDCG@10 and R@depth. Ends with status 1
when the hybrid's nDCG@10 is below --at-least.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.results import DATA, need, write
from benchmarks.retrieval.measures import Qrels, ndcg, recall
from benchmarks.stdio import Server, add_and_encode

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
    qrels = read_qrels(need(folder / "qrels" / f"{split}.tsv"))
    topics = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl") if row["_id"] in qrels}
    topics = dict(list(topics.items())[: limit or None])
    qrels = {topic: qrels[topic] for topic in topics}
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as scratch:
        corpus = Path(scratch) / "corpus"
        names = write_corpus(folder / "corpus.jsonl", corpus)
        with Server("search", Path(scratch) / "data", ["--root", str(corpus)]) as server:
            lexical, dense = add_and_encode(server, [str(corpus)])
            rows = {mode: _mode(server, mode, topics, qrels, names, depth) for mode in modes}
    return {
        "documents": len(names),
        "topics": len(topics),
        "depth": depth,
        "lexical_s": round(lexical, 1),
        "dense_s": round(dense, 1),
        "modes": rows,
    }


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read BEIR's tab-separated qrels: topic, document, grade, under one header line."""
    qrels: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for topic, document, grade in list(csv.reader(file, delimiter="\t"))[1:]:
            qrels.setdefault(topic, {})[document] = int(grade)
    return qrels


def write_corpus(path: Path, folder: Path) -> dict[str, str]:
    """Write each document as a Markdown file, its title as the heading; returns document by file name."""
    folder.mkdir()
    names = {}
    for number, row in enumerate(_rows(need(path))):
        name = f"{number:06}.md"
        title = " ".join(row.get("title", "").split())
        (folder / name).write_text((f"# {title}\n\n" if title else "") + row["text"] + "\n", encoding="utf-8")
        names[name] = row["_id"]
    return names


def _rows(path: Path) -> list[dict[str, Any]]:
    with need(path).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _mode(
    server: Server, mode: str, topics: dict[str, str], qrels: Qrels, names: dict[str, str], depth: int
) -> dict[str, float]:
    run, times = {}, []
    for number, (topic, query) in enumerate(topics.items()):
        began = time.perf_counter()
        first = _search(server, mode, query, min(depth, _PAGE), "")
        times.append((time.perf_counter() - began) * 1000)
        run[topic] = [names[Path(hit["source"]).name] for hit in _all(server, mode, query, depth, first)]
        sys.stderr.write(f"\r{mode} {number + 1} of {len(topics)}   ")
    times.sort()
    return {
        "ndcg10": round(ndcg(qrels, run, 10), 4),
        "recall": round(recall(qrels, run, depth), 4),
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
