"""Everything: ``python -m benchmarks [--data DIR]``. Each part can be run alone; see benchmarks/README.md."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.results import DATA, need


def main() -> None:
    """Run the parts one after another, each in a process of its own; ends with status 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the test data")
    data = str(need(parser.parse_args().data))
    parts = (
        ["encoder", "--data", data],
        ["startup"],
        ["index", "--sizes", "10000,100000"],
        ["sync"],
        ["faults", "--kills", "200", "--out", "benchmarks/results/faults.json"],
        ["retrieval", "--data", data, "--set", "scifact", "--depth", "50"],
        ["retrieval", "--data", data, "--set", "cranfield", "--depth", "50"],
        ["retrieval", "--data", data, "--set", "codebase-chunks", "--depth", "50"],
        ["chunking", "--data", data, "--at-least", ".90"],
        ["extraction", str(Path(data) / "extraction" / "wcxb-dev")],
    )
    failed = []
    for name, *options in parts:
        print(f"\n== {name} {' '.join(options)}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}.run", *options]).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
