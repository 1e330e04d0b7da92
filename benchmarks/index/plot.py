"""The picture: latency, memory, build time and disk over the size of the collection."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.index.systems import SYSTEMS

__all__ = ["draw"]

# Okabe and Ito's colours, which colour-blind readers can tell apart; each system keeps its own in every panel.
_COLOURS = {"engine": "#0072B2", "lancedb": "#D55E00", "sqlite": "#009E73", "numpy": "#777777"}
_Value = Callable[[dict[str, Any]], float]


def draw(figures: dict[str, Any], path: Path) -> None:
    """Write the picture as PNG. Needs matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(2, 2, figsize=(11, 7.6), layout="constrained")
    _panel(panels[0][0], figures, "hybrid search, milliseconds (line: p50, dots: p99)", _p50, to=_p99)
    _panel(panels[0][1], figures, "memory while serving, MB", lambda row: row["serve"]["memory"]["rss_mb"])
    _panel(panels[1][0], figures, "time to build, seconds (prepared vectors)", _built)
    _panel(panels[1][1], figures, "on disk, MB", lambda row: row["build"]["disk_mb"])
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    pyplot.close(figure)


def _panel(axes: Any, figures: dict[str, Any], title: str, value: _Value, to: _Value | None = None) -> None:
    from matplotlib.ticker import LogLocator

    for name, colour in _COLOURS.items():
        rows = {int(size): row["systems"].get(name, {}) for size, row in figures["sizes"].items()}
        points = [(size, row) for size, row in sorted(rows.items()) if _complete(row, value)]
        if not points:
            continue
        sizes = [size for size, _ in points]
        style = "--" if name == "numpy" else "-"
        axes.plot(sizes, [value(row) for _, row in points], style, marker="o", color=colour, label=SYSTEMS[name])
        if to is not None:
            low, high = [value(row) for _, row in points], [to(row) for _, row in points]
            axes.plot(sizes, high, ":", marker="_", color=colour, linewidth=1)
            axes.vlines(sizes, low, high, color=colour, linewidth=1, alpha=0.4)
    axes.set(xscale="log", yscale="log", title=title, xlabel="passages")
    axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.7)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(lambda number, _: f"{number:,.10g}")
    axes.yaxis.set_minor_formatter(lambda number, _: "")
    axes.xaxis.set_major_formatter(lambda number, _: f"{number:,.0f}")
    axes.spines[["top", "right"]].set_visible(False)


def _complete(row: dict[str, Any], value: _Value) -> bool:
    try:
        value(row)
    except KeyError:
        return False
    return True


def _built(row: dict[str, Any]) -> float:
    seconds = float(row["build"]["total_s"])
    if seconds < 0.01:  # brute force builds nothing
        raise KeyError
    return seconds


def _p50(row: dict[str, Any]) -> float:
    return float(_searching(row)["p50_ms"])


def _p99(row: dict[str, Any]) -> float:
    return float(_searching(row)["p99_ms"])


def _searching(row: dict[str, Any]) -> dict[str, Any]:
    serve: dict[str, Any] = row["serve"]
    found: dict[str, Any] = serve["hybrid"] if "hybrid" in serve else serve["dense"]
    return found
