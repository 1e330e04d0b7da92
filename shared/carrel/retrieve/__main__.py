"""``python -m carrel.retrieve prepare COLLECTION --rerank NAME``: what ``carrel collections prepare`` runs.

Exit status 0 when it worked, 1 when it did not, 2 for wrong arguments. With ``--json`` every line on stdout is one JSON
object: ``{"progress": 0.3}`` on the way, then the outcome or ``{"error": {…}}``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carrel.errors import CarrelError, NotFound
from carrel.index import open_library
from carrel.rerank import Scorers, pipeline_named, read_pipelines
from carrel.retrieve.preparing import Prepared, prepare
from carrel.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        _show(_prepared(arguments), as_json=arguments.json)
        return 0
    except CarrelError as error:
        if arguments.json:
            _line({"error": {"kind": error.kind, "message": str(error), "retryable": error.retryable}})
        else:
            sys.stderr.write(f"{error}\n")
    except KeyboardInterrupt:
        pass
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m carrel.retrieve", description="Make a collection ready.")
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("prepare", help="have a pipeline's late-interaction models read every passage ahead")
    made.add_argument("collection")
    made.add_argument("--rerank", default="late", metavar="NAME", help="the pipeline (default: late)")
    made.add_argument("--data", type=Path, metavar="DIR", help="where the library lives (default: CARREL_DATA)")
    made.add_argument("--json", action="store_true", help="write JSON lines")
    return parser


def _prepared(arguments: argparse.Namespace) -> Prepared:
    settings = replace(Settings.from_environment(os.environ), encoder="none")
    if arguments.data is not None:
        settings = replace(settings, data=arguments.data.expanduser().absolute())
    if not (settings.data / "store.sqlite").exists():
        raise NotFound(f"there is no library at {settings.data}; `carrel sync FOLDER` makes one")
    pipeline = pipeline_named(arguments.rerank, read_pipelines(settings.pipelines))
    library = open_library(settings)
    try:
        report = _progress(as_json=arguments.json)
        return prepare(library, arguments.collection, pipeline, Scorers(settings.models), report)
    finally:
        library.close()


def _progress(*, as_json: bool) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        share = min(done / max(total, 1), 1.0)
        if as_json:
            _line({"progress": share})
        else:
            sys.stderr.write(f"{done} of {total} passages\n")

    return report


def _show(did: Prepared, *, as_json: bool) -> None:
    if as_json:
        _line(asdict(did))
        return
    sys.stdout.write(f"{did.collection}: {did.passages} passages, {did.made} read now, {did.left} without room\n")


def _line(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
