"""Are quotes found in text extracted from PDF, and altered ones told apart? One line per extractor.

python benchmarks/quotes/run.py DATA        DATA: folder with cases.jsonl, ground-truth/, extracted/<tool>/
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import time
from collections import Counter
from pathlib import Path

from carrel.citations.quotes import FOUND, check_quote


def main() -> None:
    """Print recall on present quotes and false accepts on altered and absent ones, against two baselines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--show", type=int, default=0, help="print so many misjudged quotes")
    options = parser.parse_args()
    cases = [json.loads(line) for line in (options.data / "cases.jsonl").open(encoding="utf-8")]
    print(
        f"{'extractor':12} {'in':>6} {'folded':>7} {'found':>7} {'absent':>7} {'false accepts':>14} {'p50 ms':>7} {'p95 ms':>7}"  # noqa: E501
    )
    tools = [options.data / "ground-truth", *sorted((options.data / "extracted").iterdir())]
    for tool in tools:
        print(row(tool, cases, options.show))


def row(tool: Path, cases: list[dict[str, object]], show: int) -> str:
    """Judge every case against one extractor's texts."""
    texts = {path.name.split(".txt")[0]: _read(path) for path in tool.iterdir()}
    folded_texts = {name: " ".join(text.split()) for name, text in texts.items()}
    seen: Counter[str] = Counter()
    times = []
    for case in cases:
        doc, quote = str(case["doc"]), str(case["quote"])
        if doc not in texts:
            continue
        began = time.perf_counter()
        verdict = check_quote(quote, texts[doc]).verdict
        times.append((time.perf_counter() - began) * 1000)
        kind = "present" if case["present"] else "not"
        seen[kind] += 1
        seen[f"{kind}-in"] += quote in texts[doc]
        seen[f"{kind}-folded"] += " ".join(quote.split()) in folded_texts[doc]
        seen[f"{kind}-found"] += verdict in FOUND
        seen[f"{kind}-absent"] += verdict == "absent"
        if show and (verdict in FOUND) != case["present"]:
            show -= 1
            print(
                "   ",
                verdict,
                case["kind"],
                repr(quote[:300]),
                [(e.kind, e.quote, e.source) for e in check_quote(quote, texts[doc]).edits][:6],
            )
    n = max(1, seen["present"])
    times.sort()
    return (
        f"{tool.name:12} {seen['present-in'] / n:6.3f} {seen['present-folded'] / n:7.3f} {seen['present-found'] / n:7.3f}"  # noqa: E501
        f" {seen['present-absent'] / n:7.3f} {seen['not-found']:6d} of {seen['not']:4d} {statistics.median(times):7.2f} {times[int(0.95 * len(times))]:7.2f}"  # noqa: E501
    )


def _read(path: Path) -> str:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return data.decode("utf-8")


if __name__ == "__main__":
    main()
