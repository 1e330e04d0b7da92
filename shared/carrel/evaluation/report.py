"""A comparison as people read it (Markdown) and as programs do (JSON)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from carrel.evaluation.comparing import Comparison, Row, Table

__all__ = ["as_data", "as_markdown"]


def as_markdown(table: Table, facts: Mapping[str, Any]) -> str:
    """The table, its comparisons, what was left out, and what it was measured on."""
    lines = [f"## {table.questions.name}: {len(table.questions.topics)} questions", ""]
    lines += _grid(("pipeline", *table.measures, "p50 ms", "p95 ms"), [_cells(row, table) for row in table.rows])
    if table.questions.kinds:
        lines += ["", *_kinds(table)]
    if table.comparisons:
        first = table.measures[0]
        lines += ["", *_grid((f"{first}: difference", "", "95 % interval", "p", "better / worse"), _pairs(table))]
    lines += ["", *(f"- {note}" for note in table.questions.notes)]
    lines += [f"- {name}: {value}" for name, value in facts.items() if value not in ("", None)]
    return "\n".join(lines) + "\n"


def _cells(row: Row, table: Table) -> tuple[str, ...]:
    times = (f"{row.p50_ms:.1f}", f"{row.p95_ms:.1f}") if row.p50_ms else ("", "")
    return (row.name, *(f"{row.means[name]:.4f}" for name in table.measures), *times)


def _kinds(table: Table) -> list[str]:
    kinds = list(table.rows[0].by_kind)
    counts = [sum(1 for each in table.questions.kinds.values() if each == kind) for kind in kinds]
    head = (f"{table.measures[0]} by kind", *(f"{kind} ({count})" for kind, count in zip(kinds, counts, strict=True)))
    return _grid(head, [(row.name, *(f"{row.by_kind[kind]:.4f}" for kind in kinds)) for row in table.rows])


def _pairs(table: Table) -> list[tuple[str, ...]]:
    return [_pair(each) for each in table.comparisons]


def _pair(each: Comparison) -> tuple[str, ...]:
    found = each.difference
    return (
        f"{each.one} − {each.other}",
        f"{found.mean:+.4f}",
        f"{found.low:+.4f} to {found.high:+.4f}",
        f"{each.p:.4f}" + (" *" if each.p < 0.05 else ""),
        f"{found.better} / {found.worse}",
    )


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table whose columns line up in plain text too."""
    safe = [[cell.replace("|", "\\|") for cell in row] for row in (head, *rows)]
    widths = [max(3, *(len(row[column]) for row in safe)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        return f"| {first[0]:<{first[1]}} | " + " | ".join(f"{cell:>{width}}" for cell, width in others) + " |"

    rule = f"|{'-' * (widths[0] + 2)}|" + "".join(f"{'-' * (width + 1)}:|" for width in widths[1:])
    return [line(safe[0]), rule, *(line(row) for row in safe[1:])]


def as_data(table: Table, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The same for programs; means are not rounded, and every question's value of the first measure is there."""
    return {
        "set": table.questions.name,
        "questions": len(table.questions.topics),
        "notes": list(table.questions.notes),
        "measures": list(table.measures),
        "pipelines": [
            {
                "name": row.name,
                "means": dict(row.means),
                "by_kind": dict(row.by_kind),
                "p50_ms": round(row.p50_ms, 3),
                "p95_ms": round(row.p95_ms, 3),
                "values": dict(row.values[table.measures[0]]),
            }
            for row in table.rows
        ],
        "comparisons": [
            {"one": each.one, "other": each.other, "p_holm": each.p, **asdict(each.difference)}
            for each in table.comparisons
        ],
        "facts": dict(facts),
    }
