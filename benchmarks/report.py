"""Write the figures of `benchmarks/results` into the README: ``python -m benchmarks.report``."""

from __future__ import annotations

import json
import re
from typing import Any

from benchmarks.extraction.report import readme_table as extraction_table
from benchmarks.index.report import readme_table as index_table
from benchmarks.results import ROOT

_SETS = {
    "scifact": "scientific claims",
    "cranfield": "aeronautics questions",
    "codebase-chunks": "questions about code",
}
_BLOCK = re.compile(r"<!-- figures -->.*<!-- /figures -->", re.DOTALL)


def main() -> None:
    """Replace the README's block of figures."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    parts = (_retrieval(), index_table(_figures("index")), extraction_table(_figures("extraction")), _others())
    block = "\n\n".join(part for part in parts if part)
    readme.write_text(_BLOCK.sub(f"<!-- figures -->\n{block}\n<!-- /figures -->", text), encoding="utf-8")


def _figures(name: str) -> dict[str, Any]:
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))["figures"] if path.exists() else {}


def _retrieval() -> str:
    rows = []
    for name, about in _SETS.items():
        figures = _figures(name)
        if not figures:
            continue
        modes = figures["modes"]
        cells = [f"{modes[mode]['ndcg10']:.3f}" for mode in ("lexical", "dense")]
        best = modes["hybrid"]
        rows.append(
            f"| {name} ({about}; {figures['documents']:,} documents, {figures['topics']} queries) "
            f"| {' | '.join(cells)} | **{best['ndcg10']:.3f}** | {best['recall']:.3f} | {best['p50_ms']:.0f} ms |"
        )
    if not rows:
        return ""
    depth = _figures("scifact").get("depth", 10)
    head = f"| nDCG@10 through `search_library` over stdio | words | meaning | hybrid | R@{depth} | p50 |"
    return "\n".join([head, "|---|---|---|---|---|---|", *rows])


def _others() -> str:
    start, encoder = _figures("startup"), _figures("encoder")
    rows = []
    if start:
        lists = sorted(value for name, value in start.items() if name.endswith("tools_list_s"))
        rows.append(f"| process start to `tools/list`, the four servers | {lists[0]:.2f}–{lists[-1]:.2f} s |")
        rows.append(f"| process start to the first hybrid answer | {start['search_first_hybrid_s']:.2f} s |")
    for name, row in encoder.items():
        rows.append(f"| {name}: passages of 85 words per second, one thread | {row['passages_per_s']:.0f} |")
        rows.append(f"| {name}: one query | {row['query_ms']:.1f} ms |")
    return "\n".join(["| speed, medians | |", "|---|---|", *rows]) if rows else ""


if __name__ == "__main__":
    main()
