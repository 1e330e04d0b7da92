"""How long does a host wait? Process start to `tools/list`, and to the first hybrid search, over stdio.

    python -m benchmarks.startup.run [--runs 5]

The search server opens a library of a few documents that a process before it filled. Figures are medians.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.results import ROOT, write
from benchmarks.stdio import Server, add_and_encode

SERVERS = ("search", "web", "citations", "scholar")


def main() -> None:
    """Measure all four servers and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--servers", default=",".join(SERVERS), help="whose tools/list to time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as scratch:
        data = Path(scratch)
        with Server("search", data, ["--root", str(ROOT)]) as server:
            add_and_encode(server, [str(ROOT / "README.md"), str(ROOT / "docs")], quiet=True)
        figures = {f"{name}_tools_list_s": _median(name, data, options.runs) for name in options.servers.split(",")}
        searches = [_first_search(data) for _ in range(options.runs)]
    figures["search_first_hybrid_s"] = round(median(searches), 3)
    for name, seconds in figures.items():
        print(f"{name:28} {seconds:6.3f}")
    print(f"written to {write('startup', figures).name}")


def _median(name: str, data: Path, runs: int) -> float:
    return round(median(_tools_list(name, data) for _ in range(runs)), 3)


def _tools_list(name: str, data: Path) -> float:
    with Server(name, data) as server:
        server.request("tools/list", {})
        return time.perf_counter() - server.started


def _first_search(data: Path) -> float:
    """A host lists the tools and searches at once; both arms must have answered."""
    with Server("search", data) as server:
        server.request("tools/list", {})
        reply = server.call("search_library", queries=["how is a citation checked?"], mode="hybrid")
        took = time.perf_counter() - server.started
    if reply["coverage"].get("dense") != 1.0:
        raise SystemExit("the first search was not hybrid; is the encoder installed? run: carrel models install")
    return took


if __name__ == "__main__":
    main()
