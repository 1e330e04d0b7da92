"""``carrel catalogue`` and ``carrel retractions``: the literature, and what was retracted of it, offline."""

from __future__ import annotations

import sys

import click

from carrel_client.programs import run_program
from carrel_client.screen import counted
from carrel_client.session import Run, common

__all__ = ["catalogue", "retractions"]

_PROGRAM = (sys.executable, "-P", "-m", "carrel.catalogue")


@click.group()
def catalogue() -> None:
    """Keep dumps of the literature in the library, so that papers are found offline."""


@catalogue.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--collection", default="literature", show_default=True, help="The collection they go into.")
@common
def load(run: Run, files: tuple[str, ...], collection: str) -> int:
    """Load OpenAlex, arXiv, Crossref or CSL JSON (Zotero), or BibTeX; .gz as it is.

    Loading a file again changes nothing; stopped half-way, it goes on there. Records that cannot be read are named.
    """
    data = ["--data", str(run.setup.data)] if run.setup.data else []
    arguments = ["load", *files, "--collection", collection, *data]
    with run.screen.progress("loading") as report:
        answers = run_program(arguments, run.setup.environment, report, program=_PROGRAM)
    run.screen.data(answers)
    for did in answers:
        run.screen.show(
            f"{did['path']}: {did['added']:,} works added, {did['replaced']:,} replaced, {did['unchanged']:,} unchanged"
        )
        if did["bad"]:
            run.screen.warn(f"records that could not be read: {did['bad']:,}, the first of them:")
            run.screen.show(*(f"  {problem}" for problem in did["problems"]))
    return 0


@click.group()
def retractions() -> None:
    """Keep the dataset of Retraction Watch in the data folder, so that retracted works are known offline."""


@retractions.command("load")
@click.argument("file", metavar="FILE")
@click.option("--as-of", default="", metavar="DATE", help="The day it was published; default: its newest notice's.")
@common
def load_notices(run: Run, file: str, as_of: str) -> int:
    """Load the CSV that Retraction Watch publishes through Crossref, in the place of the last one."""
    data = ["--data", str(run.setup.data)] if run.setup.data else []
    arguments = ["retractions", file, *(["--as-of", as_of] if as_of else []), *data]
    with run.screen.progress("loading") as report:
        answers = run_program(arguments, run.setup.environment, report, program=_PROGRAM)
    run.screen.data(answers)
    for did in answers:
        run.screen.show(
            f"{did['path']}: {counted(did['notices'], 'notice')} as of {did['as_of'] or 'an unknown date'}, "
            f"{counted(did['left_out'], 'row')} left out"
        )
    return 0
