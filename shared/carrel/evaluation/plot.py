"""A comparison as a picture: the first measure of every pipeline, and how far chance could move it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from carrel.errors import Unsupported
from carrel.evaluation.comparing import Table
from carrel.evaluation.significance import difference

__all__ = ["draw"]


def draw(table: Table, path: Path, *, seed: int = 0) -> None:
    """Write a PNG: a bar per pipeline with the 95 % bootstrap interval of its mean. Raises Unsupported without
    matplotlib."""
    figure = _figure(len(table.rows))
    axes = figure.subplots()
    measure = table.measures[0]
    means = [row.means[measure] for row in table.rows]
    spans = [difference(row.values[measure], {}, seed=seed) for row in table.rows]
    errors = [
        [max(0.0, mean - span.low) for mean, span in zip(means, spans, strict=True)],
        [max(0.0, span.high - mean) for mean, span in zip(means, spans, strict=True)],
    ]
    axes.barh([row.name for row in table.rows], means, xerr=errors, color="#4878a8", ecolor="#333333", capsize=3)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"{measure}, with 95 % intervals")
    axes.set_title(f"{table.questions.name}: {len(table.questions.topics)} questions")
    figure.savefig(path, dpi=120, format="png")


def _figure(bars: int) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise Unsupported('there is no plot without matplotlib: run `pip install ".[bench]"`') from None
    figure = Figure(figsize=(8, 1.4 + 0.45 * bars), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
