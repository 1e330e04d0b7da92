"""The engine beside its peers: build, query, update, memory and disk, on the same passages with the same vectors.

    python -m benchmarks.index.run [--sizes 10000,100000,1000000] [--only engine,sqlite] [--quick] [--work DIR [--keep]]

Text and vectors are made, so no data is needed (benchmarks/index/corpus.py, prepared.py). Every query is encoded by the
installed default encoder inside the time that is measured, for every system; its vector is then replaced by the
prepared one, because a million passages cannot be encoded in the time of a benchmark. ``--encoder real`` uses the
default encoder throughout (for small sizes). Each phase of each system runs in a process of its own. With ``--keep``
what was built stays in the folder ``--work``, and a later run there asks it without building it again. Writes
``benchmarks/results/index.json`` and ``index.png``; the peers need ``pip install ".[bench]"``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from importlib import util
from pathlib import Path
from typing import Any

from benchmarks.index.corpus import Shape
from benchmarks.index.overhead import measure as measure_overhead
from benchmarks.index.phases import Task, real_encoder
from benchmarks.index.plot import draw
from benchmarks.index.report import machine, table, versions
from benchmarks.index.systems import SYSTEMS

__all__ = ["main", "measure"]

_ROOT = Path(__file__).resolve().parents[2]
_SIZES = "10000,100000,1000000"
_QUICK = 2000
_SMALLEST = 400  # passages, so that there are documents enough to replace
_FEW_TOPICS = Shape(topics=60, fields=6, words=9000)  # so that in a tiny collection, too, each has some passages
_NEEDS = {"sqlite": ("apsw", "sqlite_vec"), "lancedb": ("lancedb",)}
_OUT = _ROOT / "benchmarks" / "results" / "index.json"


def main() -> None:
    """Run what was asked for, print the table, and write figures and picture."""
    options = _options()
    kept = json.loads(options.out.read_text(encoding="utf-8"))["figures"] if options.add and options.out else {}
    if options.work is not None:
        options.work.mkdir(parents=True, exist_ok=True)
    if options.keep:
        figures = measure(options.work, options, kept)
    else:
        with tempfile.TemporaryDirectory(prefix="carrel-index-", dir=options.work) as work:
            figures = measure(Path(work), options, kept)
    print(table(figures))
    if options.out is not None:
        _write(figures, options.out)
    if " failed" in json.dumps(figures):
        sys.exit("not everything ran; see above")


def _write(figures: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"figures": figures, "machine": machine(), "versions": versions()}
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"written to {path.name}")
    try:
        draw(figures, path.with_suffix(".png"))
    except ImportError:
        print('no picture: it needs matplotlib, pip install ".[bench]"')


def measure(work: Path, options: argparse.Namespace, kept: dict[str, Any]) -> dict[str, Any]:
    """Figures of all sizes; ``kept`` are those of an earlier run, which new ones of a size and system replace."""
    encoder = real_encoder()
    figures: dict[str, Any] = {
        "encoder": options.encoder,
        "query_encoder": encoder.name if encoder is not None else "none",
        "sizes": kept.get("sizes", {}),
    }
    if encoder is not None and options.overhead and "engine" in options.only:
        figures["overhead"] = measure_overhead(encoder, options.overhead)
    elif "overhead" in kept:
        figures["overhead"] = kept["overhead"]
    for size in options.sizes:
        folder = work / str(size)
        before = figures["sizes"].get(str(size), {}).get("systems", {})
        found = _size(folder, size, options)
        found["systems"] = {name: each for name, each in {**before, **found["systems"]}.items() if name in SYSTEMS}
        figures["sizes"][str(size)] = found
        if not options.keep:
            shutil.rmtree(folder)
    figures["sizes"] = dict(sorted(figures["sizes"].items(), key=lambda pair: int(pair[0])))
    return figures


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default=_SIZES, help="passages, separated by commas")
    parser.add_argument("--only", default="", help=f"some of {', '.join(SYSTEMS)}")
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK} passages, 100 queries: under a minute")
    parser.add_argument("--encoder", choices=("prepared", "real"), default="prepared")
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--warm", type=int, default=50, help="queries asked before the measured ones")
    parser.add_argument("--seconds", type=float, default=120, help="longest time for the queries of one mode")
    parser.add_argument("--limit", type=float, default=900, help="longest time for one phase of one system, seconds")
    parser.add_argument("--overhead", type=int, default=1200, help="passages to measure the encoding overhead (0: not)")
    parser.add_argument("--work", type=Path, help="where to keep files meanwhile: 13 GB for a million passages")
    parser.add_argument("--keep", action="store_true", help="leave what was built in --work, and use what is there")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/index.json; nothing with --quick")
    parser.add_argument("--add", action="store_true", help="keep figures of other sizes and systems that are in --out")
    options = parser.parse_args()
    options.sizes = [_QUICK] if options.quick else [int(size) for size in options.sizes.split(",") if size.isdecimal()]
    options.only = options.only.split(",") if options.only else list(SYSTEMS)
    if options.quick:
        options.queries, options.overhead = min(options.queries, 100), min(options.overhead, 300)
    elif options.out is None:
        options.out = _OUT
    if unknown := set(options.only) - set(SYSTEMS):
        parser.error(f"no such system: {', '.join(sorted(unknown))}; there are {', '.join(SYSTEMS)}")
    if not options.sizes or min(options.sizes) < _SMALLEST:
        parser.error(f"--sizes takes numbers of passages, at least {_SMALLEST}, separated by commas")
    if options.keep and options.work is None:
        parser.error("--keep needs the folder --work")
    if min(options.queries, options.warm) < 1:
        parser.error("--queries and --warm must be at least 1")
    return options


def _size(folder: Path, size: int, options: argparse.Namespace) -> dict[str, Any]:
    queries = options.queries + options.warm
    material = folder / f"material-{options.encoder}-{queries}"
    shared: Task = {
        "material": str(material),
        "passages": size,
        "queries": queries,
        "warm": options.warm,
        "seconds": options.seconds,
        "encoder": options.encoder,
        "shape": asdict(Shape() if size >= _QUICK else _FEW_TOPICS),
    }
    made = _made(material, lambda: _phase({**shared, "phase": "prepare"}, None))
    query = _phase({**shared, "phase": "queries"}, None)
    if "not_run" in made or "not_run" in query:
        sys.exit("the passages could not be made; see above")
    built = {name: _build(name, folder, shared, options.limit) for name in options.only}
    for phase in ("serve", "update"):
        for name, row in built.items():
            if "not_run" not in row and not (name == "numpy" and phase == "update"):
                found = _phase(_task(shared, phase, name, folder), options.limit)
                row.update(found if "not_run" in found else {phase: found})
    return {"material": made, "query_encoding": query, "systems": built}


def _build(name: str, folder: Path, shared: Task, limit: float) -> dict[str, Any]:
    missing = [module for module in _NEEDS.get(name, ()) if util.find_spec(module) is None]
    if missing:
        return {"not_run": f"{', '.join(missing)} not installed"}
    figures = _made(folder / name, lambda: _phase(_task(shared, "build", name, folder), limit))
    return figures if "not_run" in figures else {"build": figures}


def _made(folder: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The figures of what a folder holds: those that lie beside it from an earlier run, or those of making it now."""
    beside = folder.with_suffix(".json")
    if beside.exists():
        kept: dict[str, Any] = json.loads(beside.read_text(encoding="utf-8"))
        return kept
    shutil.rmtree(folder, ignore_errors=True)  # of a run that did not end
    figures = make()
    if "not_run" not in figures:
        beside.write_text(json.dumps(figures), encoding="utf-8")
    return figures


def _task(shared: Task, phase: str, name: str, folder: Path) -> Task:
    return {**shared, "phase": phase, "system": name, "folder": str(folder / name)}


def _phase(task: Task, limit: float | None) -> dict[str, Any]:
    """Run one phase in a process; one that takes too long is stopped and said to be."""
    label = f"{task['passages']:,} passages: {task['phase']} {task.get('system', '')}".strip()
    sys.stderr.write(f"{label}\n")
    command = [sys.executable, "-m", "benchmarks.index.phases", json.dumps(task)]
    try:
        done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return {"not_run": f"{task['phase']} took longer than {(limit or 0) / 60:.0f} minutes"}
    if done.returncode:
        return {"not_run": f"{task['phase']} failed"}
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


if __name__ == "__main__":
    main()
