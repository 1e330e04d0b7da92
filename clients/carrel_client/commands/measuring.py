"""``carrel evaluate``: how well do searches find what they should, here and with these documents?"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from carrel_client.errors import EXIT_USAGE, ClientError
from carrel_client.programs import run_program
from carrel_client.session import Run, common

__all__ = ["EXIT_BELOW", "evaluate"]

EXIT_BELOW = 3
"""A measure is below what ``--at-least`` asks for; 1 stays for what could not be measured."""

_PROGRAM = (sys.executable, "-P", "-m", "carrel.evaluation")


@click.command()
@click.argument("sets", nargs=-1, type=click.Path(), metavar="[FOLDER]...")
@click.option("--own", default="", metavar="COLLECTION", help="Make questions of it, and choose a pipeline for it.")
@click.option("--collection", default="", help="Ask it --queries; the documents found are judged by --qrels.")
@click.option("--run", "runs", multiple=True, type=click.Path(), help="Measure a TREC run by --qrels; repeatable.")
@click.option("--queries", default="", type=click.Path(), help="JSON lines, or lines of name, tab, text.")
@click.option("--qrels", default="", type=click.Path(), help="Judgements, in BEIR's columns or TREC's.")
@click.option("--split", default="", help="Which judgements of a set: test (default), train …")
@click.option("--pipeline", "pipelines", multiple=True, help="default, lexical, dense, hybrid:dense=.5,…; repeatable.")
@click.option("--main", default="", help="The pipeline that the others are compared with.")
@click.option("--ablate", is_flag=True, help="Tell what each stage of the default pipeline gains.")
@click.option("--measure", "measures", multiple=True, help="ndcg@10, r@100, rr@10, ap, judged@10 …; repeatable.")
@click.option("--at-least", "bounds", multiple=True, metavar="MEASURE=X", help="Exit with 3 when it is less.")
@click.option("--depth", default=0, help="Hits per question (default: 100).")
@click.option("--questions", default=0, help="At most so many; with --own, of each kind.")
@click.option("--seed", default=0, help="Of everything that is drawn.")
@click.option("--language", default="", help="The language of a test set (default: English).")
@click.option("--out", default="", type=click.Path(), help="Folder for TREC runs, tables and a plot.")
@click.option("--cache", default="", type=click.Path(), help="Folder where indexes of test sets are kept.")
@common
def evaluate(run: Run, sets: Sequence[str], **given: Any) -> int:
    """Measure searches: on test sets in BEIR's layout, on your own collection, or a TREC run.

    \b
    carrel evaluate scifact --at-least ndcg@10=.72
    carrel evaluate scifact --ablate --out figures
    carrel evaluate --own my-notes
    carrel evaluate --run mine.run --run theirs.run --qrels judged.tsv
    """
    if run.setup.urls:
        raise ClientError("evaluate opens the library itself; leave out --server", exit_code=EXIT_USAGE)
    arguments = [*map(_path, sets), *_options(given), *_surroundings(run)]
    with run.screen.progress("evaluating") as report:
        answers = run_program(arguments, run.setup.environment, report, program=_PROGRAM)
    run.screen.data([{key: value for key, value in one.items() if key != "markdown"} for one in answers])
    below = False
    for one in answers:
        run.screen.show(str(one.get("markdown", "")))
        below |= bool(one.get("below"))
        for line in one.get("below") or ():
            run.screen.warn(str(line))
    return EXIT_BELOW if below else 0


_FLAGS = {"runs": "run", "pipelines": "pipeline", "measures": "measure", "bounds": "at-least"}
_PATHS = ("run", "queries", "qrels", "out", "cache")


def _options(given: Mapping[str, Any]) -> Iterator[str]:
    """The options as the engine's program takes them; those that were not given are left out."""
    for key, value in given.items():
        flag = _FLAGS.get(key, key)
        for one in value if isinstance(value, tuple) else (value,):
            if one is True:
                yield f"--{flag}"
            elif one:
                yield f"--{flag}={_path(one) if flag in _PATHS else one}"


def _surroundings(run: Run) -> list[str]:
    data = [f"--data={run.setup.data}"] if run.setup.data else []
    return data + ([f"--encoder={run.setup.encoder}"] if run.setup.encoder else [])


def _path(text: str) -> str:
    """A path that cannot be taken for an option."""
    return str(Path(text).expanduser().absolute())
