"""``carrel collections``: list, create, copy, export, import and make ready what the library keeps."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from carrel_client.errors import EXIT_USAGE, ClientError
from carrel_client.programs import run_program
from carrel_client.screen import counted, table
from carrel_client.session import Run, common
from carrel_client.whereabouts import library_folder

__all__ = ["collections", "index_program"]

_PROGRAM = (sys.executable, "-P", "-m", "carrel.index")
_READER = (sys.executable, "-P", "-m", "carrel.retrieve")


def index_program(run: Run, arguments: Sequence[str], title: str) -> list[dict[str, Any]]:
    """Run one command of the engine's index program on this run's data folder."""
    data = ["--data", str(run.setup.data)] if run.setup.data else []
    if run.setup.encoder:
        data += ["--encoder", run.setup.encoder]
    with run.screen.progress(title) as report:
        return run_program([*arguments, *data], run.setup.environment, report, program=_PROGRAM)


@click.group(name="collections")
def collections() -> None:
    """List, create, copy, export and import collections (whether servers run or not)."""


@collections.command(name="list")
@common
def list_all(run: Run) -> int:
    """Every collection, with the snapshots that can still be read."""
    answers = index_program(run, ["list"], "collections")
    run.screen.data(answers)
    run.screen.show(f"The library is at {library_folder(run.setup)}", "")
    if not answers:
        run.screen.show("It has no collection yet; `carrel sync FOLDER` makes one.")
        return 0
    rows = [
        (
            *(one["name"], _language(one), f"{one['documents']:,}"),
            *(f"{one['encoded']:,} of {one['passages']:,}", _encoders(one)),
            f"{one['oldest']}-{one['journalled']}" if one["journalled"] else "none yet",
        )
        for one in answers
    ]
    run.screen.show(
        table(("collection", "language", "documents", "passages with vectors", "encoder", "snapshots"), rows)
    )
    return 0


def _encoders(one: Mapping[str, Any]) -> str:
    """What makes its vectors, and how far the sparse ones are where it has such an arm."""
    sparse = f", {one['sparse']} ({one['sparse_encoded']:,})" if one["sparse"] else ""
    return f"{one['encoder'] or one['model'] or 'none yet'}{sparse}"


def _language(one: Mapping[str, Any]) -> str:
    """The language it was made for, else the one its texts are read in, without the version of the rules for it."""
    language = str(one["language"] or one["analyser"].rpartition("-")[0])
    return "any, no stemming" if language in ("simple", "none") else language


@collections.command()
@click.argument("name")
@click.option("--language", default="", help="Language of its texts: de, french …; none for no stemming.")
@click.option("--model", default="", help="An encoder of its own; --encoder means the same here.")
@click.option(
    "--sparse", default="", help="A learned-sparse model (SPLADE) for an arm of its own; see docs/searching.md."
)
@common
def create(run: Run, name: str, language: str, model: str, sparse: str) -> int:
    """Make an empty collection for a language, an encoder or a learned-sparse model."""
    encoder = run.setup.encoder
    if model and encoder not in ("", model):
        raise ClientError("--model and --encoder name two encoders; a collection has one", exit_code=EXIT_USAGE)
    model = model or encoder
    run.setup = replace(run.setup, encoder="")
    asked = ["--language", language, "--model", model, "--sparse", sparse]
    return _moved(run, ["create", name, *asked], "creating")


@collections.command()
@click.argument("source")
@click.argument("target")
@click.option("--sparse", default="", help="Give the copy this learned-sparse model.")
@common
def copy(run: Run, source: str, target: str, sparse: str) -> int:
    """Copy a collection, vectors included."""
    return _moved(run, ["copy", source, target, "--sparse", sparse], "copying")


@collections.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do it; without, only say what would go.")
@common
def remove(run: Run, name: str, yes: bool) -> int:
    """Remove a collection; its texts stay readable by reference."""
    did = index_program(run, ["remove", name, *(["--yes"] if yes else [])], "removing")[-1]
    run.screen.data(did)
    done = "removed" if yes else "would go; add --yes to do it"
    run.screen.show(f"{name}: {counted(did['documents'], 'document')}, {counted(did['passages'], 'passage')} {done}")
    return 0


@collections.command(name="export")
@click.argument("name")
@click.argument("file", type=click.Path())
@common
def export_one(run: Run, name: str, file: str) -> int:
    """Write a collection to one archive: documents, passages, vectors, manifest, hashes."""
    return _moved(run, ["export", name, file], "exporting")


@collections.command(name="import")
@click.argument("file", type=click.Path())
@click.option("--as", "target", default="", help="Under another name.")
@common
def import_one(run: Run, file: str, target: str) -> int:
    """Make a collection of an archive; everything in it is checked first."""
    return _moved(run, ["import", file, "--as", target], "importing")


@collections.command()
@click.argument("name")
@click.option(
    "--rerank", default="late", show_default=True, metavar="PIPELINE", help="The pipeline to make it ready for."
)
@common
def prepare(run: Run, name: str, rerank: str) -> int:
    """Have late-interaction models read every passage ahead; stop it at will, it goes on where it was."""
    data = ["--data", str(run.setup.data)] if run.setup.data else []
    arguments = ["prepare", name, "--rerank", rerank, *data]
    with run.screen.progress("reading passages") as report:
        did = run_program(arguments, run.setup.environment, report, program=_READER)[-1]
    run.screen.data(did)
    run.screen.show(f"{did['collection']}: {counted(did['passages'], 'passage')}, {did['made']:,} of them read now")
    if did["left"]:
        run.screen.warn(f"there was no room for {did['left']:,}; set CARREL_TOKENS_MB to more and run it again")
    return 0


def _moved(run: Run, arguments: Sequence[str], title: str) -> int:
    did = index_program(run, arguments, title)[-1]
    run.screen.data(did)
    counts = ", ".join(counted(did[f"{noun}s"], noun) for noun in ("document", "passage", "vector"))
    run.screen.show(f"{did['collection']}: {counts}")
    return 0
