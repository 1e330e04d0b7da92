"""Kill writers and readers of one library, again and again, and look for what was lost.

``python -m benchmarks.faults.run --kills 200 [--seconds N] [--seed S] [--out FILE]``
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.faults.checks import Checked, check
from benchmarks.faults.ledger import Reading, ledger_path
from benchmarks.faults.supervisor import Herd, Plan

__all__ = ["KINDS", "Outcome", "storm"]

KINDS = (
    "lost",
    "half_visible",
    "half_batch",
    "half_replaced",
    "torn_batch",
    "revenant",
    "unequal",
    "disagreement",
    "back_in_time",
    "dead_reference",
    "not_erased",
    "wrong_text",
    "wrong_span",
    "status",
    "problems",
    "integrity",
    "reader",
    "writer",
    "reopening",
    "died",
    "hang",
    "harness",
)
"""Everything that can go wrong; each must come out as 0."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    kills: Counter[str]
    begun: Counter[str]
    done: Counter[str]
    acknowledged: Counter[str]
    checked: Checked
    errors: list[tuple[str, str]]
    seconds: float

    def figures(self) -> dict[str, Any]:
        """The outcome as it is kept."""
        kinds = Counter(kind for kind, _ in self.errors)
        return {
            "kills": sum(self.kills.values()),
            "kills by phase": dict(sorted(self.kills.items())),
            "phases begun": dict(sorted(self.begun.items())),
            "commits acknowledged": dict(sorted(self.acknowledged.items())),
            "done": dict(sorted(self.done.items())),
            "checked at the end": dict(sorted(self.checked.items())),
            "errors": {kind: kinds[kind] for kind in sorted({*KINDS, *kinds})},
            "seconds": round(self.seconds, 1),
        }


def storm(plan: Plan, kills: int, seconds: float) -> Outcome:
    """Kill until ``kills`` are done or ``seconds`` are over, then let everybody finish, reopen and check."""
    began = time.monotonic()
    herd = Herd(plan)
    try:
        herd.start()
        herd.listen(1.0)
        for _ in range(kills):
            if time.monotonic() - began > seconds:
                break
            herd.kill_one()
        herd.listen(1.0)
        herd.stop()
    finally:
        herd.close()
    checked, problems = _reopened(plan)
    acknowledged: Counter[str] = Counter()
    for writer in range(plan.writers):
        for move in Reading(ledger_path(plan.ledgers, writer), writer).refresh().done():
            acknowledged[move.verb] += 1
            acknowledged["documents"] += len(move.editions)
    return Outcome(
        herd.kills, herd.begun, herd.done, acknowledged, checked, herd.errors + problems, time.monotonic() - began
    )


def _reopened(plan: Plan) -> tuple[Checked, list[tuple[str, str]]]:
    try:
        return check(plan.data, plan.ledgers, plan.writers)
    except Exception as error:  # noqa: BLE001 - a folder that cannot be checked is the worst outcome, and one to report
        return Checked(), [("reopening", f"{type(error).__name__}: {error}")]


def main() -> None:
    """Run once; ends with status 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=600.0, help="stop killing after so long")
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    parser.add_argument("--keep", type=Path, help="new folder to work in and leave behind")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        plan = Plan(folder.absolute(), options.writers, options.readers, options.seed)
        outcome = storm(plan, options.kills, options.seconds)
    print(json.dumps(outcome.figures(), indent=1))
    told = Counter((kind, words.partition(": ")[2] or words) for kind, words in outcome.errors)
    for (kind, words), times in told.most_common(40):
        print(f"{times} x {kind}: {words}", file=sys.stderr)
    if options.out:
        _write(options.out, outcome.figures())
    if outcome.errors:
        sys.exit(1)


def _write(path: Path, figures: dict[str, Any]) -> None:
    versions = {name: metadata.version(name) for name in ("carrel", "tantivy", "lancedb")}
    versions["sqlite"] = __import__("sqlite3").sqlite_version
    machine = {"cores": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version()}
    path.write_text(json.dumps({"figures": figures, "machine": machine, "versions": versions}, indent=1) + "\n")


if __name__ == "__main__":
    main()
