"""One process of the harness: ``python -m benchmarks.faults.worker writer 2 --data DIR --ledgers DIR …``."""

from __future__ import annotations

import argparse
import faulthandler
import random
import signal
from pathlib import Path

from benchmarks.faults.material import WordEncoder
from benchmarks.faults.pipe import Announcer
from benchmarks.faults.reader import Reader
from benchmarks.faults.writer import Writer

from carrel.index import Library

__all__: list[str] = []


def main() -> None:
    """Work until SIGTERM, or until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("writer", "reader"))
    parser.add_argument("number", type=int)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ledgers", type=Path, required=True)
    parser.add_argument("--writers", type=int, required=True)
    parser.add_argument("--seed", required=True)
    options = parser.parse_args()
    faulthandler.enable()
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    tell, chance = Announcer(1), random.Random(options.seed)
    encoder = WordEncoder()
    with tell.phase("open"):
        # Every other process makes vectors in the background as well, as servers do.
        library = Library(options.data, encoder=lambda: encoder, background=options.number % 2 == 1)
    tell.watch_the_engine()
    worker: Writer | Reader
    if options.kind == "writer":
        worker = Writer(library, options.ledgers, options.number, chance, tell)
    else:
        worker = Reader(library, options.ledgers, options.writers, chance, tell)
    worker.run(lambda: stopping)
    library.close()
    tell.count("stopped")


if __name__ == "__main__":
    main()
