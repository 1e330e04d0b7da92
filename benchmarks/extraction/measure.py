"""Every system on every page: scores, and the processor's time of the thread."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Any

from benchmarks.extraction.pages import Sample
from benchmarks.extraction.scores import difference, f1
from benchmarks.extraction.systems import RIVAL, Extractor

__all__ = ["Outcome", "figures", "measure"]

MIDDLING = range(80_000, 120_001)  # bytes of a page of the size that is asked about most


@dataclass(slots=True)
class Outcome:
    """What one system did, a row for each page; ``ms`` is the best of all passes."""

    scores: list[tuple[float, float, float]] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)
    raised: int = 0


def measure(pages: Sequence[Sample], systems: Mapping[str, Extractor], passes: int) -> dict[str, Outcome]:
    """Go over the pages ``passes`` times; all systems take a page one after the other, so that whatever else the
    machine does meets them alike."""
    outcomes = {name: Outcome(ms=[float("inf")] * len(pages)) for name in systems}
    for turn in range(passes):
        sys.stderr.write(f"pass {turn + 1} of {passes} over {len(pages)} pages\n")
        for place, page in enumerate(pages):
            for name, run in systems.items():
                outcome = outcomes[name]
                begun = time.thread_time()
                try:
                    text = run(page.html)
                except Exception:  # noqa: BLE001 - a peer that cannot read a page has no text of it
                    text, outcome.raised = "", outcome.raised + (turn == 0)
                outcome.ms[place] = min(outcome.ms[place], (time.thread_time() - begun) * 1000)
                if turn == 0:
                    outcome.scores.append(f1(text, page.truth))
    return outcomes


def figures(pages: Sequence[Sample], outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    """A row for each system, by kind of page too, with how far it is from `RIVAL` where that was measured."""
    kinds: dict[str, list[int]] = defaultdict(list)
    for place, page in enumerate(pages):
        kinds[page.kind].append(place)
    rival = outcomes.get(RIVAL)
    return {
        "pages": len(pages),
        "domains": len({page.domain for page in pages}),
        "kinds": {kind: len(places) for kind, places in sorted(kinds.items())},
        "systems": {name: _row(pages, outcome, rival, kinds) for name, outcome in outcomes.items()},
    }


def _row(
    pages: Sequence[Sample], outcome: Outcome, rival: Outcome | None, kinds: Mapping[str, Sequence[int]]
) -> dict[str, Any]:
    every = range(len(pages))
    middling = [ms for ms, page in zip(outcome.ms, pages, strict=True) if page.size in MIDDLING]
    ordered = sorted(outcome.ms)
    row = {
        **{
            name: round(mean(score[at] for score in outcome.scores), 4)
            for at, name in enumerate(("precision", "recall", "f1"))
        },
        "by_kind": {
            kind: round(mean(outcome.scores[place][2] for place in places), 4) for kind, places in sorted(kinds.items())
        },
        "raised": outcome.raised,
        "cpu_ms": {
            "mean": round(mean(ordered), 2),
            "p50": round(median(ordered), 2),
            "p95": round(ordered[len(ordered) * 95 // 100], 2),
            "max": round(ordered[-1], 2),
            "p50_80_120_kb": round(median(middling), 2) if middling else None,
        },
    }
    if rival is not None and rival is not outcome:
        row[f"above_{RIVAL}"] = _apart(pages, outcome, rival, every)
        row[f"above_{RIVAL}_by_kind"] = {
            kind: _apart(pages, outcome, rival, places) for kind, places in sorted(kinds.items())
        }
    return row


def _apart(pages: Sequence[Sample], mine: Outcome, theirs: Outcome, places: Sequence[int]) -> dict[str, float]:
    found = difference(
        [mine.scores[place][2] for place in places],
        [theirs.scores[place][2] for place in places],
        [pages[place].domain for place in places],
    )
    return {name: round(value, 4) for name, value in zip(("mean", "low", "high"), found, strict=True)}
