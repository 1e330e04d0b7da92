"""What the command line of ``carrel evaluate`` takes, checked."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from carrel.errors import BadRequest
from carrel.evaluation.measures import USUAL, measure_name
from carrel.evaluation.pipelines import DEFAULT, Pipeline, candidates, pipeline, usual
from carrel.evaluation.running import DEPTH

__all__ = ["Bound", "Options", "parser", "read_options"]

_BOUND = re.compile(r"([A-Za-z@0-9]+?)\s*=\s*([01]?\.?\d+)")


@dataclass(frozen=True, slots=True)
class Bound:
    """The least mean of a measure that the main pipeline must reach."""

    measure: str
    least: float


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be evaluated, and how. Exactly one of ``sets``, ``own``, ``collection`` and ``runs`` is given."""

    sets: tuple[Path, ...]
    own: str
    collection: str
    runs: tuple[Path, ...]
    queries: Path | None
    qrels: Path | None
    split: str
    pipelines: tuple[Pipeline, ...]
    main: str
    ablate: bool
    measures: tuple[str, ...]
    bounds: tuple[Bound, ...]
    depth: int
    questions: int
    seed: int
    language: str
    out: Path | None
    cache: Path | None


def parser() -> argparse.ArgumentParser:
    """The arguments of ``python -m carrel.evaluation``."""
    made = argparse.ArgumentParser(
        prog="carrel evaluate", description="Measure how well searches find what they should."
    )
    made.add_argument("sets", nargs="*", type=Path, metavar="FOLDER", help="test sets in BEIR's layout")
    made.add_argument(
        "--own", default="", metavar="COLLECTION", help="make questions of a collection; choose a pipeline"
    )
    made.add_argument("--collection", default="", help="ask --queries of this collection, judged by --qrels")
    made.add_argument("--run", action="append", default=[], type=Path, help="measure a TREC run by --qrels")
    made.add_argument("--queries", type=Path, help="queries: JSON lines, or name, tab, text")
    made.add_argument("--qrels", type=Path, help="judgements: BEIR's or TREC's columns")
    made.add_argument("--split", default="test", help="which judgements of a set (default: test)")
    made.add_argument("--pipeline", action="append", default=[], help="default, lexical, dense, hybrid:dense=.5,…")
    made.add_argument("--main", default="", help="the pipeline the others are compared with")
    made.add_argument("--ablate", action="store_true", help="tell what each stage of the default pipeline gains")
    made.add_argument("--measure", action="append", default=[], help=f"default: {', '.join(USUAL)}")
    made.add_argument("--at-least", action="append", default=[], metavar="MEASURE=X", help="exit 3 when it is less")
    made.add_argument("--depth", type=int, default=DEPTH, help=f"hits per question (default: {DEPTH})")
    made.add_argument("--questions", type=int, default=0, help="at most so many (--own: of each kind)")
    made.add_argument("--seed", type=int, default=0, help="of all that is drawn")
    made.add_argument("--language", default="", help="of a test set (default: english)")
    made.add_argument("--out", type=Path, help="folder for runs, tables and the plot")
    made.add_argument("--cache", type=Path, help="folder where indexes of test sets are kept")
    made.add_argument("--data", type=Path, help="library folder (default: CARREL_DATA)")
    made.add_argument("--encoder", help="encoder name, or none")
    made.add_argument("--json", action="store_true", help="write JSON lines")
    return made


def read_options(given: argparse.Namespace) -> Options:
    """The arguments as they are meant. Raises BadRequest for what does not go together."""
    if sum(map(bool, (given.sets, given.own, given.collection, given.run))) != 1:
        raise BadRequest("name test sets, or give one of --own COLLECTION, --collection NAME, --run FILE")
    if given.run and not given.qrels:
        raise BadRequest("--run needs --qrels, the judgements it is measured by")
    if given.collection and not (given.queries and given.qrels):
        raise BadRequest("--collection needs --queries and --qrels; --own makes questions by itself")
    if not 1 <= given.depth <= 1000 or given.questions < 0 or given.seed < 0:
        raise BadRequest("--depth is from 1 to 1000; --questions and --seed are not negative")
    bounds = tuple(_bound(text) for text in given.at_least)
    if bounds and given.ablate:
        raise BadRequest("--ablate compares stages and has no main pipeline; leave out --at-least")
    measures = [measure_name(text) for text in given.measure] or list(USUAL)
    pipelines, main = _pipelines(given.pipeline, given.main, own=bool(given.own), ablate=given.ablate)
    return Options(
        sets=tuple(given.sets),
        own=given.own,
        collection=given.collection,
        runs=tuple(given.run),
        queries=given.queries,
        qrels=given.qrels,
        split=given.split,
        pipelines=pipelines,
        main=main,
        ablate=given.ablate,
        measures=tuple(dict.fromkeys([*measures, *(bound.measure for bound in bounds)])),
        bounds=bounds,
        depth=given.depth,
        questions=given.questions,
        seed=given.seed,
        language=given.language,
        out=given.out,
        cache=given.cache,
    )


def _pipelines(texts: Sequence[str], main: str, *, own: bool, ablate: bool) -> tuple[tuple[Pipeline, ...], str]:
    """The pipelines, each once, and the main one: the one named, else the default, else the last."""
    if ablate and (texts or main):
        raise BadRequest("--ablate has pipelines of its own; leave out --pipeline and --main")
    made = {text.strip(): pipeline(text) for text in texts} or {
        each.name: each for each in (candidates() if own else usual())
    }
    if main:
        made.setdefault(main.strip(), pipeline(main))
        return tuple(made.values()), main.strip()
    return tuple(made.values()), DEFAULT.name if DEFAULT.name in made else list(made)[-1]


def _bound(text: str) -> Bound:
    found = _BOUND.fullmatch(text.strip())
    if found is None or not 0 <= float(found[2]) <= 1:
        raise BadRequest("--at-least is a measure, =, and a number from 0 to 1, as ndcg@10=.72")
    return Bound(measure_name(found[1]), float(found[2]))
