"""``python -m carrel.evaluation``: what ``carrel evaluate`` runs.

Exit status 0 when it worked, 1 when it did not, 2 for wrong arguments, 3 when a measure is below ``--at-least``. With
``--json`` every line on stdout is one JSON object: ``{"progress": 0.3, "message": …}`` on the way, then one outcome per
set or ``{"error": {…}}``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from carrel.errors import CarrelError, NotFound
from carrel.evaluation.options import parser, read_options
from carrel.evaluation.work import Outcome, Surroundings, work
from carrel.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

__all__ = ["main"]

EXIT_FAILED, EXIT_BELOW = 1, 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return the exit status."""
    arguments = parser().parse_args(argv)
    try:
        options = read_options(arguments)
        around = _surroundings(arguments, options.cache)
        if not options.sets and not options.runs and not (around.settings.data / "store.sqlite").exists():
            raise NotFound("there is no library in that data folder; `carrel sync FOLDER` makes one")
        below = False
        for outcome in work(options, around):
            _show(outcome, as_json=arguments.json)
            below |= bool(outcome.below)
    except CarrelError as error:
        _fail(error, as_json=arguments.json)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_FAILED
    return EXIT_BELOW if below else 0


def _surroundings(arguments: argparse.Namespace, cache: Path | None) -> Surroundings:
    settings = replace(Settings.from_environment(os.environ), read_only=True)
    if arguments.data is not None:
        settings = replace(settings, data=arguments.data.expanduser().absolute())
    if arguments.encoder:
        settings = replace(settings, encoder=arguments.encoder)
    usual = Path(platformdirs.user_cache_dir("carrel", appauthor=False)) / "evaluation"
    progress = _progress(as_json=arguments.json)
    return Surroundings(settings, (cache or usual).expanduser().absolute(), time.perf_counter, progress)


def _progress(*, as_json: bool) -> Callable[[int, int, str], None]:
    """Report each tenth of a piece of work once; with JSON each hundredth."""
    steps = 100 if as_json else 10
    last: list[tuple[str, int]] = []

    def report(done: int, total: int, what: str) -> None:
        step = (what, steps * done // max(total, 1))
        if last == [step]:
            return
        last[:] = [step]
        if as_json:
            _line({"progress": done / max(total, 1), "message": what})
        else:
            sys.stderr.write(f"{what}: {done} of {total}\n")

    return report


def _show(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        _line({**outcome.data, "markdown": outcome.markdown, "below": list(outcome.below)})
        return
    sys.stdout.write(outcome.markdown + "\n")
    sys.stdout.flush()
    for line in outcome.below:
        sys.stderr.write(f"{line}\n")


def _line(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _fail(error: CarrelError, *, as_json: bool) -> None:
    if as_json:
        _line({"error": {"kind": error.kind, "message": str(error), "retryable": error.retryable}})
    else:
        sys.stderr.write(f"{error}\n")


if __name__ == "__main__":
    sys.exit(main())
