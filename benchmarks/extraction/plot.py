"""The picture: what is found on which kind of page, and what that costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.extraction.systems import SYSTEMS

__all__ = ["draw"]

# Okabe and Ito's colours, which colour-blind readers can tell apart; each system keeps its own in both panels.
_COLOURS = {
    "carrel": "#0072B2",
    "trafilatura": "#D55E00",
    "readability": "#009E73",
    "resiliparse": "#CC79A7",
    "reference": "#E69F00",
    "whole": "#777777",
}


def draw(figures: dict[str, Any], path: Path) -> None:
    """Write the picture as PNG. Needs matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (by_kind, cost) = pyplot.subplots(1, 2, figsize=(12, 4.8), layout="constrained", width_ratios=(3, 2))
    systems = {name: row for name, row in figures["systems"].items() if name in _COLOURS}
    kinds = list(figures["kinds"])
    for name, row in systems.items():
        values = [row["by_kind"][kind] for kind in kinds]
        by_kind.plot(values, range(len(kinds)), "o", color=_COLOURS[name], markersize=8, label=SYSTEMS[name].name)
        cost.plot(row["cpu_ms"]["mean"], row["f1"], "o", color=_COLOURS[name], markersize=10)
    by_kind.set_yticks(range(len(kinds)), [f"{kind} ({count})" for kind, count in figures["kinds"].items()])
    by_kind.invert_yaxis()
    by_kind.set(title=f"word F1 of the main content, {figures['pages']} pages", xlabel="F1")
    cost.set(xscale="log", title="F1 over all pages against cost", xlabel="CPU milliseconds a page, mean", ylabel="F1")
    cost.xaxis.set_major_formatter(lambda number, _: f"{number:g}")
    for axes in (by_kind, cost):
        axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.7)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = by_kind.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    pyplot.close(figure)
