"""What the person sees: results on stdout, everything else on stderr.

With ``--json`` stdout carries one JSON value and nothing else. Text from documents is never read as markup.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from carrel_client.desk import Progress as Report

__all__ = ["Screen", "clean", "counted", "facts", "table"]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: object) -> str:
    """Text that cannot move the cursor, change colours or reverse the line."""
    return _CONTROL.sub("", str(text))


def counted(count: int, noun: str) -> str:
    """A number and its noun: "1 document", "2,000 documents"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


class Screen:
    """Two consoles and one rule: the answer goes to stdout, the talk to stderr."""

    def __init__(self, *, as_json: bool = False, out: IO[str] | None = None, err: IO[str] | None = None) -> None:
        self.as_json = as_json
        self._out_stream = out or sys.stdout
        self.out = _console(self._out_stream)
        self.err = _console(err or sys.stderr)

    def show(self, *parts: RenderableType) -> None:
        """Print for a person; nothing under ``--json``. Strings are literal text."""
        if not self.as_json:
            for part in parts:
                self.out.print(Text(clean(part)) if isinstance(part, str) else part, soft_wrap=isinstance(part, str))

    def data(self, value: object) -> None:
        """Print the machine-readable answer; nothing without ``--json``."""
        if self.as_json:
            self._out_stream.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
            self._out_stream.flush()

    def say(self, text: str, style: str = "dim") -> None:
        """A remark on the way, on stderr."""
        self.err.print(Text(clean(text), style=style), soft_wrap=True)

    def warn(self, text: str) -> None:
        self.say(text, "yellow")

    @contextmanager
    def live(self) -> Iterator[Callable[[str], Report]]:
        """One bar for several pieces of work, one after the other: call it with a title to begin the next."""
        with self._bar() as bar:
            task = bar.add_task("", total=None)

            def begin(title: str) -> Report:
                bar.reset(task, description=clean(title), total=None)
                return _reporter(bar, task, title)

            yield begin

    @contextmanager
    def progress(self, title: str) -> Iterator[Report]:
        """A progress bar on stderr while the block runs; silent when stderr is not a terminal."""
        with self._bar() as bar:
            yield _reporter(bar, bar.add_task(clean(title), total=None), title)

    def _bar(self) -> Progress:
        return Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self.err,
            transient=True,
            disable=not self.err.is_terminal,
        )


def _reporter(bar: Progress, task: TaskID, title: str) -> Report:
    def report(done: float, total: float | None, message: str) -> None:
        label = f"{title}: {message}"[:70] if message else title
        bar.update(task, completed=done, total=total, description=clean(label))

    return report


def _console(stream: IO[str]) -> Console:
    piped = not (hasattr(stream, "isatty") and stream.isatty())
    return Console(file=stream, width=100 if piped else None, highlight=False, markup=False, emoji=False)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str = "") -> Table:
    """A plain table that folds instead of cutting, so that nothing is lost on a narrow terminal."""
    made = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(clean(cell)) for cell in row))
    return made


def facts(pairs: Sequence[tuple[str, object]]) -> Table:
    """Names and values, side by side; empty values are left out."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in pairs:
        if value not in ("", None, [], {}):
            made.add_row(name, Text(clean(value)))
    return made
