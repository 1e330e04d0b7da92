"""How well is the content of a page found, and at what cost? Carrel beside four extractors, on the same pages.

    python -m benchmarks.extraction.run [DATA] [--part held] [--passes 3] [--only carrel,trafilatura] [--worst 10]

DATA holds ``truth.jsonl`` (id, page_type, domain, html, main_content) and the gzipped pages; by default
``extraction/wcxb-dev`` of the test data. ``--part held`` is the fifth of the domains that `fit` leaves out. Every
system gets the same decoded text; its words are scored as a bag (F1, mean over pages), Markdown without its link
targets; its time is the thread's CPU time, best of the passes. ``above trafilatura`` is the mean difference by page
with its 95 % interval: paired bootstrap over domains. ``--weights FILE`` takes the trees of another `fit`.

Writes ``benchmarks/results/extraction.json`` and ``.png``. The peers need ``pip install ".[peers]"`` (pip 23.3 or
newer); one that is not installed is said to be so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.extraction.measure import Outcome, figures, measure
from benchmarks.extraction.pages import PARTS, Sample, load
from benchmarks.extraction.plot import draw
from benchmarks.extraction.report import table
from benchmarks.extraction.systems import SYSTEMS, Extractor
from benchmarks.results import DATA, ROOT, need, write

from carrel.documents.html import model


def main() -> None:
    """Measure, print the tables, and write figures and picture."""
    options = _options()
    if options.weights:
        model.WEIGHTS = need(options.weights)
    pages = load(need(options.data), options.part)
    if not pages:
        sys.exit(f"there are no pages of that part in {options.data}")
    loaded, not_run = _loaded(options.only)
    outcomes = measure(pages, loaded, options.passes)
    found = {"set": options.data.name, "part": options.part, "passes": options.passes, **figures(pages, outcomes)}
    found["not_run"] = not_run
    print(table(found))
    for name in outcomes if options.worst else ():
        _print_worst(SYSTEMS[name].name, pages, outcomes[name], options.worst)
    _write(found, options.out)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=DATA / "extraction" / "wcxb-dev")
    parser.add_argument("--part", choices=PARTS, default="held")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--only", default="", help=f"some of {', '.join(SYSTEMS)}; nothing is written then")
    parser.add_argument("--weights", type=Path, help="trees to use in place of the engine's; nothing is written then")
    parser.add_argument("--worst", type=int, default=0, help="list this many of each system's worst pages")
    parser.add_argument("--out", default="extraction", help="name of the files in benchmarks/results; empty: none")
    options = parser.parse_args()
    if options.only or options.weights:
        options.out = ""
    options.only = options.only.split(",") if options.only else list(SYSTEMS)
    if unknown := set(options.only) - set(SYSTEMS):
        parser.error(f"no such system: {', '.join(sorted(unknown))}; there are {', '.join(SYSTEMS)}")
    if options.passes < 1:
        parser.error("--passes must be at least 1")
    return options


def _loaded(names: Sequence[str]) -> tuple[dict[str, Extractor], dict[str, str]]:
    """The systems that can run, and why the others cannot."""
    ready: dict[str, Extractor] = {}
    missing: dict[str, str] = {}
    for name in names:
        try:
            ready[name] = SYSTEMS[name].load()
        except ImportError as error:
            missing[name] = f"not run, {error.name or error} is not installed"
    return ready, missing


def _print_worst(name: str, pages: Sequence[Sample], outcome: Outcome, count: int) -> None:
    print(f"\nworst of {name}")
    for (precision, recall, f1), page in sorted(zip(outcome.scores, pages, strict=True), key=lambda pair: pair[0][2])[
        :count
    ]:
        print(f"    {page.id} {page.kind:14} P {precision:.2f}  R {recall:.2f}  F1 {f1:.2f}")


def _write(found: Mapping[str, Any], out: str) -> None:
    if not out:
        return
    packages = sorted({package for name in found["systems"] for package in SYSTEMS[name].packages})
    print(f"written to {write(out, dict(found), packages).name}")
    try:
        draw(dict(found), ROOT / "benchmarks" / "results" / f"{out}.png")
    except ImportError:
        print('no picture: it needs matplotlib, pip install ".[bench]"')


if __name__ == "__main__":
    main()
