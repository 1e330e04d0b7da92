"""``carrel research``: a cited brief with its own audit."""

from __future__ import annotations

from pathlib import Path

import click

from carrel_client.audits import Audit, audit_rows
from carrel_client.desk import Desk
from carrel_client.errors import EXIT_FAILED
from carrel_client.research import Study, investigate
from carrel_client.screen import facts
from carrel_client.session import Run, common

__all__ = ["research"]


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="QUESTION...")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("research"), show_default=True)
@click.option("--collection", default="default", show_default=True, help="Collection to draw on.")
@click.option("--web", "urls", multiple=True, metavar="URL", help="Read this page first; repeatable.")
@click.option("--papers", is_flag=True, help="Also look in the literature.")
@common
def research(run: Run, words: tuple[str, ...], out: Path, collection: str, urls: tuple[str, ...], papers: bool) -> int:
    """Answer a question from the library with a brief in which every sentence is cited, and audit it.

    Nothing is written by a language model: sentences are chosen, quoted and checked. Writes report.md and report.html.
    Exit code 1 when there is no evidence.
    """
    question = " ".join(words)
    if not urls and not papers:
        run.need_library()
    out.mkdir(parents=True, exist_ok=True)
    folder = out.absolute()

    with run.screen.progress("research") as report:

        async def work(desk: Desk) -> tuple[Study, Audit]:
            return await investigate(
                desk, question, folder, report, collection=collection, urls=urls, with_papers=papers, place=run.places()
            )

        study, audited = run.go(work, roots=(folder,))
    run.screen.data(
        {
            "question": question,
            "queries": study.queries,
            "strength": study.brief.strength,
            "nearest": [found.ref for found in study.brief.near],
            "report": str(folder / "report.md"),
            "html": str(folder / "report.html"),
            "audit": dict(audited.data),
        }
    )
    rows = audit_rows(audited) if study.brief.lines else []
    run.screen.show(study.markdown)
    run.screen.show(facts([*rows, ("report", folder / "report.md"), ("page", folder / "report.html")]))
    return 0 if study.brief.lines else EXIT_FAILED
