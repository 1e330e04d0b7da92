"""Several runs of the same questions, side by side: every measure, and whether the differences mean anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from carrel.evaluation.measures import USUAL, mean, measured
from carrel.evaluation.nouns import Questions, Run
from carrel.evaluation.running import percentiles
from carrel.evaluation.significance import Difference, difference, holm

__all__ = ["Comparison", "Row", "Table", "compared"]


@dataclass(frozen=True, slots=True)
class Row:
    """One run: the mean of each measure, over all questions and per kind of question, and milliseconds per question."""

    name: str
    means: Mapping[str, float]
    by_kind: Mapping[str, float]
    p50_ms: float
    p95_ms: float
    values: Mapping[str, Mapping[str, float]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs by the first measure. ``p`` is corrected for the number of comparisons in the table (Holm)."""

    one: str
    other: str
    difference: Difference
    p: float


@dataclass(frozen=True, slots=True)
class Table:
    """Runs of one set of questions. ``by_kind`` of its rows is the first measure's mean, as all comparisons are."""

    questions: Questions
    measures: tuple[str, ...]
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]

    def row(self, name: str) -> Row:
        """The run of that name."""
        return next(row for row in self.rows if row.name == name)


def compared(
    questions: Questions,
    runs: Sequence[Run],
    pairs: Sequence[tuple[str, str]],
    *,
    measures: Sequence[str] = USUAL,
    seed: int = 0,
) -> Table:
    """Measure every run and compare the pairs of them by the first measure. Raises Unsupported without ir_measures."""
    rows = tuple(_row(questions, run, measures) for run in runs)
    values = {row.name: row.values[measures[0]] for row in rows}
    found = [difference(values[one], values[other], seed=seed) for one, other in pairs]
    chances = holm([each.p for each in found])
    made = (Comparison(one, other, each, p) for (one, other), each, p in zip(pairs, found, chances, strict=True))
    return Table(questions, tuple(measures), rows, tuple(made))


def _row(questions: Questions, run: Run, measures: Sequence[str]) -> Row:
    values = measured(questions.qrels, run, measures)
    kinds = sorted(set(questions.kinds.values()))
    first = values[measures[0]]
    by_kind = {
        kind: mean({topic: value for topic, value in first.items() if questions.kinds.get(topic) == kind})
        for kind in kinds
    }
    return Row(run.name, {name: mean(values[name]) for name in measures}, by_kind, *percentiles(run.seconds), values)
