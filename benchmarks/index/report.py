"""The table, and what the figures were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.index.systems import SYSTEMS

__all__ = ["machine", "readme_table", "table", "versions"]

_PACKAGES = ("carrel", "tantivy", "lancedb", "onnxruntime", "numpy", "apsw", "sqlite-vec")
_INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
_COLUMNS = (
    ("p50 ms", 8),
    ("p99 ms", 8),
    ("CPU ms", 8),
    ("words", 7),
    ("vectors", 8),
    ("R@10", 7),
    ("on topic", 9),
    ("build s", 9),
    ("peak MB", 8),
    ("serve MB", 9),
    ("of it anon", 11),
    ("disk MB", 9),
    ("commit ms", 10),
)


def table(figures: dict[str, Any]) -> str:
    """Everything, as text."""
    lines = [
        f"hybrid search, top 10 with text, one query at a time; encoder in every time: {figures['query_encoder']}",
        "words, vectors: p50 ms of each alone; R@10: of the vector search against exact; peak MB: while building",
    ]
    for size, row in figures["sizes"].items():
        encoding = row["query_encoding"]
        lines += [
            "",
            f"{int(size):,} passages (encoding a query alone: {encoding['p50_ms']} / {encoding['p99_ms']} ms)",
        ]
        lines.append(f"{'':30}" + "".join(f"{name:>{width}}" for name, width in _COLUMNS))
        for name, found in row["systems"].items():
            cells = [found["not_run"]] if "not_run" in found else list(_cells(found))
            widths = [width for _, width in _COLUMNS] if len(cells) > 1 else [len(cells[0]) + 2]
            lines.append(f"{SYSTEMS[name]:30}" + "".join(f"{cell:>{w}}" for cell, w in zip(cells, widths, strict=True)))
        lines += _engine_lines(row["systems"].get("engine", {}))
    if overhead := figures.get("overhead"):
        lines += ["", f"encoding through the engine takes {overhead['overhead']:+.1%} of the bare encoder's time"]
    return "\n".join(lines)


def _cells(row: dict[str, Any]) -> Iterator[str]:
    build, serve, update = row["build"], row.get("serve", {}), row.get("update", {})
    best = serve.get("hybrid") or serve.get("dense") or {}
    yield from (_number(best.get(key)) for key in ("p50_ms", "p99_ms", "cpu_ms"))
    yield _number(serve.get("lexical", {}).get("p50_ms"))
    yield _number(serve.get("dense", {}).get("p50_ms"))
    yield _number(serve.get("dense", {}).get("recall10"), 3)
    yield _number(best.get("on_topic"), 3)
    yield _number(build["total_s"], 1)
    yield _number(build.get("peak_mb"), 0)
    yield from (_number(serve.get("memory", {}).get(key), 0) for key in ("rss_mb", "anonymous_mb"))
    yield _number(build["disk_mb"], 0)
    yield _number(update["commit_s"] * 1000 if "commit_s" in update else None, 0)


def _engine_lines(row: dict[str, Any]) -> Iterator[str]:
    if "build" in row:
        build = row["build"]
        yield (
            f"Carrel: searchable by words after {build['lexical_ready_s']:.1f} s "
            f"(CPU {build['lexical_ready_cpu_s']:.1f} s), by vectors {build['dense_ready_s']:.1f} s later"
        )


def _number(value: Any, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def readme_table(figures: dict[str, Any]) -> str:
    """The few figures the README shows, as Markdown; empty without figures."""
    if not figures:
        return ""
    sizes = {int(size): row["systems"] for size, row in figures["sizes"].items()}
    names = [name for name in ("engine", "lancedb", "sqlite") if any(name in systems for systems in sizes.values())]
    lines = [
        _line("hybrid search, encoding of the query included, p50 / p99", [SYSTEMS[name] for name in names]),
        "|---" * (len(names) + 1) + "|",
    ]
    for passages, systems in sizes.items():
        encoding = figures["sizes"][str(passages)].get("query_encoding", {}).get("p50_ms")
        of_it = f" ({encoding:.1f} ms of it encoding)" if encoding else ""
        lines.append(_line(f"{passages:,} passages{of_it}", [_latency(systems.get(name, {})) for name in names]))
    most = max(sizes)
    lines.append(_line(f"memory to serve {most:,}", [_memory(sizes[most].get(name, {})) for name in names]))
    return "\n".join(lines)


def _line(head: str, cells: list[str]) -> str:
    return f"| {head} | {' | '.join(cells)} |"


def _latency(row: dict[str, Any]) -> str:
    found = row.get("serve", {}).get("hybrid")
    return f"{found['p50_ms']:.1f} / {found['p99_ms']:.1f} ms" if found else "not run"


def _memory(row: dict[str, Any]) -> str:
    found = row.get("serve", {}).get("memory", {})
    return f"{found['rss_mb']:,} MB" if "rss_mb" in found else "not run"


def machine() -> dict[str, Any]:
    """Processor, cores, day. ``instructions``: those that decide how fast codes of 8 bits are multiplied."""
    model, instructions = platform.processor() or platform.machine(), list[str]()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        facts = dict(line.replace("\t", "").split(":", 1) for line in lines if ":" in line)
        model = facts.get("model name", model).strip()
        instructions = [each for each in facts.get("flags", "").split() if each in _INSTRUCTIONS]
    return {
        "cores": os.cpu_count(),
        "processor": model,
        "instructions": instructions,
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def versions() -> dict[str, str]:
    """Versions of what was compared, where installed."""
    found = {}
    for package in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found
