"""The tables: for the terminal and for the README."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.extraction.systems import RIVAL, SYSTEMS

__all__ = ["readme_table", "table"]


def table(figures: dict[str, Any]) -> str:
    """Everything, as text."""
    kinds = figures["kinds"]
    head = f"{'':36}{'F1':>7}{'P':>7}{'R':>7}  {'above ' + RIVAL:26}{'ms mean':>8}{'p50':>7}{'p95':>7}{'100 KB':>8}"
    lines = [f"{figures['pages']} pages of {figures['domains']} domains, part: {figures['part']}", head]
    for name, row in figures["systems"].items():
        ms = row["cpu_ms"]
        times = f"{ms['mean']:8.1f}{ms['p50']:7.1f}{ms['p95']:7.1f}{_number(ms['p50_80_120_kb']):>8}"
        quality = "".join(f"{row[key]:7.3f}" for key in ("f1", "precision", "recall"))
        raised = f"  {row['raised']} pages raised" if row["raised"] else ""
        lines.append(f"{SYSTEMS[name].name:36}{quality}  {_interval(row.get(f'above_{RIVAL}')):26}{times}{raised}")
    lines += ["", f"{'F1 by kind':36}" + "".join(f"{f'{kind} ({count})':>20}" for kind, count in kinds.items())]
    for name, row in figures["systems"].items():
        lines.append(f"{SYSTEMS[name].name:36}" + "".join(f"{row['by_kind'][kind]:20.3f}" for kind in kinds))
        if apart := row.get(f"above_{RIVAL}_by_kind"):
            lines.append(f"{'':36}" + "".join(f"{_interval(apart[kind]):>20}" for kind in kinds))
    return "\n".join([*lines, *(f"{SYSTEMS[name].name}: {why}" for name, why in figures["not_run"].items())])


def _interval(found: dict[str, float] | None) -> str:
    return f"{found['mean']:+.3f} [{found['low']:+.2f},{found['high']:+.2f}]" if found else ""


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def readme_table(figures: dict[str, Any]) -> str:
    """The few figures the README shows, as Markdown; empty without figures."""
    return "\n".join(_readme_lines(figures)) if figures else ""


def _readme_lines(figures: dict[str, Any]) -> Iterator[str]:
    about = f"main content of {figures['pages']} pages of {len(figures['kinds'])} kinds"
    yield f"| {about} | word F1 | against {RIVAL}, 95 % | articles | CPU a page | of 80–120 KB, p50 |"
    yield "|---|---|---|---|---|---|"
    for name, row in figures["systems"].items():
        if name == "whole":
            continue
        apart, ms = row.get(f"above_{RIVAL}"), row["cpu_ms"]
        between = f"{apart['low']:+.3f} to {apart['high']:+.3f}" if apart else ""
        score = f"**{row['f1']:.3f}**" if name == "carrel" else f"{row['f1']:.3f}"
        articles = row["by_kind"].get("article")
        yield (
            f"| {SYSTEMS[name].name} | {score} | {between} | {'-' if articles is None else f'{articles:.3f}'} "
            f"| {ms['mean']:.1f} ms | {_number(ms['p50_80_120_kb'])} ms |"
        )
