"""``python -m carrel.catalogue load FILE…``: load dumps of the literature into a collection; ``retractions FILE``: the
CSV of Retraction Watch into the data folder.

Exit status 0 when every file was loaded, whatever records in them were bad; 1 when one could not be. With ``--json``
every line on stdout is one JSON object: ``{"progress": …}`` on the way, then one for each file or ``{"error": {…}}``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from carrel.catalogue.loading import Loaded, load
from carrel.catalogue.names import Names
from carrel.errors import CarrelError
from carrel.index import open_library
from carrel.scholarly import LoadedNotices, Retractions
from carrel.settings import Settings

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    arguments = _parser().parse_args(argv)
    settings = Settings.from_environment(os.environ)
    if arguments.data is not None:
        settings = replace(settings, data=arguments.data.expanduser().absolute())
    try:
        if arguments.command == "retractions":
            _tell_notices(
                Retractions(settings.data).load(arguments.file, arguments.as_of, on_progress=_progress(arguments)),
                as_json=arguments.json,
            )
            return 0
        # Without an encoder: the servers make the vectors, in the background, while this goes on.
        library = open_library(replace(settings, encoder="none", read_only=False))
        try:
            for path in arguments.files:
                _tell(load(library, Names(settings.data), path, arguments.collection, on_progress=_progress(arguments)),
                      as_json=arguments.json)  # fmt: skip
        finally:
            library.close()
    except CarrelError as error:
        _fail(error, as_json=arguments.json)
        return 1
    except KeyboardInterrupt:
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m carrel.catalogue", description="Load dumps of the literature.")
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("load", help="load dumps into a collection")
    made.add_argument("files", nargs="+", type=Path, metavar="FILE")
    made.add_argument("--collection", default="literature", metavar="NAME")
    made.add_argument("--data", type=Path, metavar="DIR", help="where the library lives (default: CARREL_DATA)")
    made.add_argument("--encoder", metavar="NAME", help="has no part here: the servers make the vectors")
    made.add_argument("--json", action="store_true", help="write JSON lines")
    notices = commands.add_parser("retractions", help="load the CSV of Retraction Watch in the place of the last one")
    notices.add_argument("file", type=Path, metavar="FILE")
    notices.add_argument("--as-of", default="", metavar="DATE", help="when it was published (default: newest notice)")
    notices.add_argument("--data", type=Path, metavar="DIR", help="where the library lives (default: CARREL_DATA)")
    notices.add_argument("--encoder", metavar="NAME", help="has no part here")
    notices.add_argument("--json", action="store_true", help="write JSON lines")
    return parser


def _progress(arguments: argparse.Namespace) -> Callable[[int], None]:
    def report(done: int) -> None:
        if arguments.json:
            _line({"progress": f"{done:,} records"})
        else:
            sys.stderr.write(f"{done:,} records\n")

    return report


def _tell(did: Loaded, *, as_json: bool) -> None:
    if as_json:
        _line(asdict(did))
        return
    sys.stdout.write(
        f"{did.path}: {did.added:,} works added, {did.replaced:,} replaced, {did.unchanged:,} unchanged, "
        f"{did.bad:,} bad records\n" + "".join(f"  {problem}\n" for problem in did.problems)
    )


def _tell_notices(did: LoadedNotices, *, as_json: bool) -> None:
    if as_json:
        _line(asdict(did))
        return
    sys.stdout.write(
        f"{did.path}: {did.notices:,} notices as of {did.as_of or 'an unknown date'}, {did.left_out:,} rows left out\n"
    )


def _fail(error: CarrelError, *, as_json: bool) -> None:
    if as_json:
        _line({"error": {"kind": error.kind, "message": str(error), "retryable": error.retryable}})
    else:
        sys.stderr.write(f"{error}\n")


def _line(value: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
