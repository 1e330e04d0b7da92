"""One phase of one system, in a process of its own, so that its memory is that phase's.

``python -m benchmarks.index.phases`` takes its task as one JSON argument and prints its figures as one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.index.corpus import Corpus, Shape
from benchmarks.index.material import DEPTH, Material, make
from benchmarks.index.measure import Stopwatch, disk_mb, memory, percentiles
from benchmarks.index.prepared import PreparedEncoder
from benchmarks.index.systems import Mode, System, open_system
from benchmarks.index.systems.engine import corpus_of

from carrel.errors import Unavailable
from carrel.models import DEFAULT_NAME, Encoder, load_encoder
from carrel.settings import Settings

__all__ = ["PHASES", "Task", "real_encoder"]

Task = dict[str, Any]
_REPLACED = 20  # documents in one update
_UPDATES = 3
_FEWEST = 100  # queries, however slow


def main() -> None:
    """Run the phase that the argument names."""
    task = json.loads(sys.argv[1])
    figures = PHASES[task["phase"]](task)
    print(json.dumps(_rounded(figures)))


def prepare(task: Task) -> dict[str, Any]:
    """Make the material."""
    folder, corpus = Path(task["material"]), Corpus(Shape(**task["shape"]))
    with Stopwatch() as watch:
        make(folder, corpus, task["passages"], task["queries"], _encoder(task, corpus, timed=False))
    return {"seconds": watch.wall, "disk_mb": disk_mb(folder), **memory()}


def build(task: Task) -> dict[str, Any]:
    """Index all passages."""
    material, folder = Material(Path(task["material"])), Path(task["folder"])
    folder.mkdir(parents=True)
    system = _system(task, material, timed=False)
    with Stopwatch() as watch:
        stages = system.build(material)
    system.close()
    return {"total_s": watch.wall, "cpu_s": watch.cpu, **stages, **memory(), "disk_mb": disk_mb(folder)}


def serve(task: Task) -> dict[str, Any]:
    """Open what was built and ask it every query, one at a time."""
    material = Material(Path(task["material"]))
    system = _system(task, material, timed=True)
    began = time.perf_counter()
    system.open(material)
    warm, asked = material.queries[: task["warm"]], range(task["warm"], len(material.queries))
    first = system.modes[0]
    system.search(warm[0], first)
    figures: dict[str, Any] = {"open_s": time.perf_counter() - began}
    for mode in system.modes:
        _ask(system, material, mode, range(len(warm)), seconds=10)
        figures[mode], found = _ask(system, material, mode, asked, task["seconds"])
        if mode == first:
            figures["memory"] = memory()
        figures[mode].update(_quality(material, mode, found))
    system.close()
    return figures


def update(task: Task) -> dict[str, Any]:
    """Replace some documents and look for the new texts, a few times; medians."""
    material = Material(Path(task["material"]))
    system = _system(task, material, timed=True)
    system.open(material)
    _ask(system, material, "hybrid", range(task["warm"]), seconds=10)
    trials = [_replace(system, material, trial) for trial in range(_UPDATES)]
    system.close()
    middle = {name: sorted(trial[name] for trial in trials)[_UPDATES // 2] for name in trials[0]}
    return {**middle, "documents": _REPLACED, "found": min(trial["found"] for trial in trials)}


def encode_queries(task: Task) -> dict[str, Any]:
    """What encoding the query alone takes of every search."""
    material = Material(Path(task["material"]))
    encoder = _encoder(task, corpus_of(material), timed=True)
    times = []
    for query in material.queries:
        with Stopwatch() as watch:
            encoder.encode_queries([query])
        times.append(watch.wall * 1000)
    return percentiles(times[task["warm"] :])


PHASES: dict[str, Callable[[Task], dict[str, Any]]] = {
    "prepare": prepare,
    "build": build,
    "serve": serve,
    "update": update,
    "queries": encode_queries,
}


def real_encoder() -> Encoder | None:
    """The installed default encoder, or None."""
    try:
        return load_encoder(DEFAULT_NAME, Settings.from_environment(os.environ).models)
    except Unavailable:
        return None


def _rounded(figures: Any) -> Any:
    if isinstance(figures, dict):
        return {name: _rounded(value) for name, value in figures.items()}
    return round(figures, 4) if isinstance(figures, float) else figures


def _system(task: Task, material: Material, *, timed: bool) -> System:
    system: System = open_system(task["system"], Path(task["folder"]), _encoder(task, corpus_of(material), timed=timed))
    return system


def _encoder(task: Task, corpus: Corpus, *, timed: bool) -> Encoder:
    if task["encoder"] == "real":
        encoder = real_encoder()
        if encoder is None:
            sys.exit("the default encoder is not installed; run `carrel models install`")
        return encoder
    return PreparedEncoder(corpus, real_encoder() if timed else None)


def _ask(
    system: System, material: Material, mode: Mode, asked: Iterable[int], seconds: float
) -> tuple[dict[str, Any], dict[int, list[int]]]:
    """Ask until the time is up, but at least `_FEWEST` queries; returns figures and the rows found by query."""
    times: list[float] = []
    found, cpu, until = {}, 0.0, time.monotonic() + seconds
    for number in asked:
        if len(times) >= _FEWEST and time.monotonic() > until:
            break
        with Stopwatch() as watch:
            hits = system.search(material.queries[number], mode)
        times.append(watch.wall * 1000)
        cpu += watch.cpu
        if not all(system.texts(hits)):
            sys.exit(f"{mode}: a hit without text")
        found[number] = system.rows(hits)
    return {**percentiles(times), "cpu_ms": 1000 * cpu / len(times), "queries": len(times)}, found


def _quality(material: Material, mode: Mode, found: dict[int, list[int]]) -> dict[str, float]:
    """Share of hits on the query's topic; for vectors alone the share of the true nearest that were found."""
    right = sum(
        int(material.topics[row]) == material.query_topics[number]
        for number, rows in found.items()
        for row in rows
        if row >= 0
    )
    figures = {"on_topic": right / (DEPTH * len(found))}
    if mode == "dense":
        same = sum(len(set(rows) & set(material.truth[number].tolist())) for number, rows in found.items())
        figures["recall10"] = same / (DEPTH * len(found))
    return figures


def _replace(system: System, material: Material, trial: int) -> dict[str, float]:
    versions = corpus_of(material).documents(material.passages, version=1 + trial, first=_REPLACED * trial)
    news = list(islice(versions, _REPLACED))
    took = system.replace(news)
    title = news[0].document.title
    with Stopwatch() as watch:
        hits = system.search(title, "hybrid")
    found = any(title in text for text in system.texts(hits))
    return {**took, "search_s": watch.wall, "found": found}


if __name__ == "__main__":
    main()
