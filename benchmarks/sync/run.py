"""What does it cost to look again? A folder of small files, synced three times; figures of the second and third.

    python -m benchmarks.sync.run [--files 10000] [--runs 5]

The folder lies in 20 subfolders; the index is lexical, for no vectors are made of what has not changed. `touched` is a
look after every file's time was changed and no file's contents: each is read and hashed once, and none is parsed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.results import write

from carrel import ingest
from carrel.index import Library

SETTLED = 2.1  # seconds after which a file's time is trusted


def main() -> None:
    """Measure and print the figures, as JSON and in words."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as scratch:
        figures = measure(Path(scratch).resolve(), options.files, options.runs)
    print(json.dumps(figures))
    print(
        f"{figures['files']:,} unchanged files: {figures['unchanged_s']:.3f} s (worst of {options.runs}: "
        f"{figures['unchanged_worst_s']:.3f} s); touched: {figures['touched_s']:.3f} s; "
        f"first: {figures['first_s']:.1f} s"
    )
    print(f"written to {write('sync', figures).name}")


def measure(scratch: Path, files: int, runs: int) -> dict[str, float | int]:
    """Make the folder, sync it, and time what follows."""
    root = scratch / "notes"
    paths = [root / f"part-{number % 20:02}" / f"note-{number:06}.md" for number in range(files)]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# Note {number}\n\nThe heron of pond {number} stands still, {number % 7} days a week.\n")
    time.sleep(SETTLED)
    library = Library(scratch / "data", background=False)
    try:
        first = _timed(library, root, added=files)
        looks = [_timed(library, root, unchanged=files) for _ in range(runs)]
        for path in paths:
            os.utime(path)
        touched = _timed(library, root, unchanged=files)
    finally:
        library.close()
    return {
        "files": files,
        "first_s": round(first, 2),
        "unchanged_s": round(median(looks), 3),
        "unchanged_worst_s": round(max(looks), 3),
        "touched_s": round(touched, 3),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _timed(library: Library, root: Path, **expected: int) -> float:
    started = time.perf_counter()
    outcome = ingest.add(library, [str(root)], roots=[root], sync=True)
    took = time.perf_counter() - started
    found = {name: getattr(outcome, name) for name in ("added", "unchanged", "removed") if getattr(outcome, name)}
    if found != expected or outcome.skipped:
        sys.exit(f"the sync did {found} where {expected} was expected")
    return took


if __name__ == "__main__":
    main()
