"""Judgements and runs in the forms that trec_eval and BEIR have made common."""

from __future__ import annotations

import math
import re
from pathlib import Path

from carrel.errors import BadRequest
from carrel.evaluation.files import fault, lines
from carrel.evaluation.nouns import Qrels, Run

__all__ = ["read_qrels", "read_run", "written"]

_GRADE = re.compile(r"[+-]?\d{1,6}")
_GAP = re.compile(r"\s")


def read_qrels(path: Path) -> Qrels:
    """Grades by topic and document, from BEIR's three columns between tabs (with a heading or without) or TREC's four
    between spaces. Raises BadRequest naming the line, and for a file without any judgement."""
    qrels: dict[str, dict[str, int]] = {}
    first = True
    for number, line in lines(path):
        topic, document, grade = _judgement(path, number, line)
        if not _GRADE.fullmatch(grade):
            if not first:
                raise fault(path, number, "the grade is not a whole number")
        elif qrels.setdefault(topic, {}).setdefault(document, int(grade)) != int(grade):
            raise fault(path, number, "this document is judged twice for this query, with different grades")
        first = False
    if not qrels:
        raise BadRequest(f"{path.name} holds no judgement; give a file of query, document and grade")
    return qrels


def _judgement(path: Path, number: int, line: str) -> tuple[str, str, str]:
    columns = [part.strip() for part in line.split("\t")] if line.count("\t") == 2 else line.split()
    if len(columns) == 4:
        del columns[1]  # the iteration, which nobody uses
    if len(columns) != 3 or not all(columns):
        raise fault(path, number, "a judgement is: query, document, grade (TREC: query, 0, document, grade)")
    return columns[0], columns[1], columns[2]


def read_run(path: Path) -> Run:
    """A TREC run: query, Q0, document, rank, score, name. As in trec_eval the score decides, not the rank.

    Raises BadRequest naming the line, and for a file without any ranking."""
    found: dict[str, dict[str, float]] = {}
    name = path.stem
    for number, line in lines(path):
        columns = line.split()
        if len(columns) not in (5, 6):
            raise fault(path, number, "a line of a run is: query, Q0, document, rank, score, name")
        name = columns[5] if len(columns) == 6 else name
        score = _score(columns[4])
        if not math.isfinite(score):
            raise fault(path, number, "the score is not a number")
        if columns[2] in found.setdefault(columns[0], {}):
            raise fault(path, number, "this document is ranked twice for this query")
        found[columns[0]][columns[2]] = score
    if not found:
        raise BadRequest(f"{path.name} holds no ranking; give a TREC run")
    rankings = {
        topic: tuple(sorted(scores.items(), key=lambda pair: (pair[1], pair[0]), reverse=True))
        for topic, scores in found.items()
    }
    return Run(name, rankings)


def _score(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def written(run: Run) -> str:
    """A run as TREC writes it. Blanks in names become ``%20``, for columns stand between blanks."""
    name = _gapless(run.name)
    return "".join(
        f"{_gapless(topic)} Q0 {_gapless(document)} {rank} {score:.9g} {name}\n"
        for topic, ranking in run.rankings.items()
        for rank, (document, score) in enumerate(ranking, start=1)
    )


def _gapless(name: str) -> str:
    return _GAP.sub("%20", name) or "-"
