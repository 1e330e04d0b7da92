"""``python -m carrel.index doctor|list|create|copy|remove|export|import``: looking after a data folder.

Exit status 0 when it worked (and nothing is wrong), 1 when it did not, 2 for wrong arguments. With ``--json`` every
line on stdout is one JSON object: ``{"progress": …}`` on the way, then the outcome or ``{"error": {…}}``.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carrel.errors import BadRequest, CarrelError, IncompatibleIndex, NotFound
from carrel.index.archive import Archived, copy_collection, export_collection, import_collection
from carrel.index.lexical.analysis import ANALYSERS
from carrel.index.opening import open_library
from carrel.index.upkeep import Finding, examine, repair
from carrel.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from carrel.index.library import Library

__all__ = ["main"]

_READING = ("doctor", "list", "copy", "remove", "export")  # of no use without a library, so they make none


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        library = _opened(arguments)
        try:
            return _COMMANDS[arguments.command](library, arguments)
        finally:
            library.close()
    except CarrelError as error:
        _fail(error, as_json=arguments.json)
    except KeyboardInterrupt:
        pass
    return 1


def _opened(arguments: argparse.Namespace) -> Library:
    settings = _settings(arguments)
    if arguments.command == "create":
        _check_wanted(arguments)
    if arguments.command in _READING and not (settings.data / "store.sqlite").exists():
        # Opening would make one, and a mistyped folder would look like a library that has lost everything.
        raise NotFound(f"there is no library at {settings.data}; `carrel sync FOLDER` makes one")
    try:
        return open_library(settings)
    except IncompatibleIndex as error:
        if arguments.command != "doctor":
            raise
        raise IncompatibleIndex(
            "the store cannot be opened, and nothing here can mend it: restore store.sqlite from a copy, or move the "
            "data folder away and add the documents again"
        ) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m carrel.index", description="Look after a library.")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.add_argument("--data", type=Path, metavar="DIR", help="where the library lives (default: CARREL_DATA)")
        made.add_argument("--encoder", metavar="NAME", help="encoder for dense search, or none")
        made.add_argument("--json", action="store_true", help="write JSON lines")
        return made

    command("doctor", "read every byte of the library and say what is wrong").add_argument(
        "--repair", action="store_true", help="mend what can be mended"
    )
    command("list", "list the collections")
    made = command("create", "make an empty collection for a language or an encoder")
    made.add_argument("collection")
    made.add_argument("--language", default="", metavar="NAME", help=f"one of {', '.join(sorted(ANALYSERS))}")
    made.add_argument("--model", default="", metavar="NAME", help="its own encoder (default: the server's)")
    made.add_argument("--sparse", default="", metavar="NAME", help="a learned-sparse model for an arm of its own")
    made = command("copy", "copy a collection, vectors included")
    made.add_argument("collection")
    made.add_argument("target")
    made.add_argument("--sparse", default="", metavar="NAME", help="give the copy this learned-sparse model")
    made = command("remove", "remove a collection; texts stay readable by reference")
    made.add_argument("collection")
    made.add_argument("--yes", action="store_true", help="do it; without, only say what would go")
    made = command("export", "write a collection to one archive")
    made.add_argument("collection")
    made.add_argument("file", type=Path)
    made = command("import", "make a collection of an archive")
    made.add_argument("file", type=Path)
    made.add_argument("--as", dest="target", default="", metavar="NAME", help="under another name")
    return parser


def _settings(arguments: argparse.Namespace) -> Settings:
    settings = Settings.from_environment(os.environ)
    if arguments.data is not None:
        settings = replace(settings, data=arguments.data.expanduser().absolute())
    if arguments.encoder is not None:
        settings = replace(settings, encoder=arguments.encoder)
    # Only looking needs no permission to write; and what is made here is encoded by the servers, in the background.
    looks = arguments.command == "list" or (arguments.command == "doctor" and not arguments.repair)
    return replace(settings, read_only=looks)


def _doctor(library: Library, arguments: argparse.Namespace) -> int:
    def say(what: str) -> None:
        if arguments.json:
            _line({"progress": what})
        else:
            sys.stderr.write(f"looking at {what}\n")

    found = repair(library, say) if arguments.repair else examine(library, say)
    if arguments.json:
        _line({"findings": [asdict(each) for each in found]})
    else:
        sys.stdout.write(_told(found, mending=arguments.repair))
    return 0 if all(each.mended for each in found) else 1


def _told(found: Sequence[Finding], *, mending: bool) -> str:
    lines = [f"{'mended' if each.mended else 'wrong'}: {each.words}" for each in found]
    if not found:
        lines.append("everything is as it was written, and store and indexes agree")
    elif not mending:
        lines.append("run `carrel doctor --repair` to mend what can be mended")
    return "\n".join(lines) + "\n"


def _list(library: Library, arguments: argparse.Namespace) -> int:
    for each in library.collections():
        if arguments.json:
            counted = library.sparse_encoded(each.name) if each.sparse else None
            _line({**asdict(each), "oldest": each.oldest, "sparse_encoded": counted})
        else:
            made = (
                f"{each.language or each.analyser.rpartition('-')[0]}, {each.encoder or each.model or 'no vectors yet'}"
            )
            if each.sparse:
                made += f", {each.sparse} for {library.sparse_encoded(each.name)} of them"
            sys.stdout.write(
                f"{each.name}  {each.documents} documents, {each.encoded} of {each.passages} passages with a vector, "
                f"snapshots {each.oldest} to {each.journalled}  ({made})\n"
            )
    return 0


def _create(library: Library, arguments: argparse.Namespace) -> int:
    if arguments.model:
        library.arms.encoder(arguments.model)  # says so if there is no such model here
    if arguments.sparse:
        library.arms.sparse.encoder(arguments.sparse)
    made = library.create(
        arguments.collection, language=arguments.language, model=arguments.model, sparse=arguments.sparse
    )
    return _done(Archived(made.name, 0, 0, 0), arguments)


def _check_wanted(arguments: argparse.Namespace) -> None:
    """Refuse what no collection can be, before a library is made for it."""
    if arguments.model == "none":
        raise BadRequest(
            "a collection cannot be without vectors by itself; start the servers with --encoder none (CARREL_ENCODER), "
            "or search with --mode lexical"
        )
    if arguments.language and arguments.language not in ANALYSERS:
        near = difflib.get_close_matches(arguments.language.casefold(), ANALYSERS, n=1)
        meant = f"did you mean {near[0]}?" if near else "write its English name or its code, as german or de, or none"
        raise BadRequest(f"unknown language; {meant}")


def _copy(library: Library, arguments: argparse.Namespace) -> int:
    if arguments.sparse:
        library.arms.sparse.encoder(arguments.sparse)
    did = copy_collection(library, arguments.collection, arguments.target, sparse=arguments.sparse)
    return _done(did, arguments)


def _export(library: Library, arguments: argparse.Namespace) -> int:
    return _done(export_collection(library, arguments.collection, arguments.file, _progress(arguments)), arguments)


def _import(library: Library, arguments: argparse.Namespace) -> int:
    return _done(import_collection(library, arguments.file, arguments.target, _progress(arguments)), arguments)


def _remove(library: Library, arguments: argparse.Namespace) -> int:
    there = library.collection(arguments.collection)
    if arguments.yes:
        library.remove(there.name, list(library.find(there.name)), drop=True)
    did = {"collection": there.name, "documents": there.documents, "passages": there.passages, "removed": arguments.yes}
    if arguments.json:
        _line(did)
    else:
        done = "removed" if arguments.yes else "would go (their texts stay readable by reference); add --yes to do it:"
        sys.stdout.write(f"{there.name}: {there.documents} documents, {there.passages} passages {done}\n")
    return 0


_COMMANDS: dict[str, Callable[[Library, argparse.Namespace], int]] = {
    "doctor": _doctor,
    "list": _list,
    "create": _create,
    "copy": _copy,
    "remove": _remove,
    "export": _export,
    "import": _import,
}


def _progress(arguments: argparse.Namespace) -> Callable[[int, int], None]:
    """Report each whole percent once."""
    last: list[int] = []

    def report(done: int, total: int) -> None:
        percent = 100 * done // max(total, 1)
        if arguments.json and last != [percent]:
            last[:] = [percent]
            _line({"progress": percent})

    return report


def _done(did: Archived, arguments: argparse.Namespace) -> int:
    if arguments.json:
        _line(asdict(did))
    else:
        sys.stdout.write(
            f"{did.collection}: {did.documents} documents, {did.passages} passages, {did.vectors} vectors\n"
        )
    return 0


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
