"""What a worker tells its supervisor, line by line on its standard output: where it is, and what went wrong.

``+phase`` and ``-phase`` bracket what it does, ``!kind words`` is an error, ``=name`` counts something.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Announcer"]

# Where the engine is inside a call; a method that is no longer there is simply not announced.
_INSIDE = (("LexicalArm", "apply", "words"), ("DenseArm", "write", "vectors"), ("DenseArm", "tidy", "optimise"))


class Announcer:
    """Writes to the pipe. Lines are short enough to be written whole, from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Bracket a phase."""
        self._say(f"+{name}")
        try:
            yield
        finally:
            self._say(f"-{name}")

    def error(self, kind: str, words: str) -> None:
        """Tell an error."""
        self._say(f"!{kind} {' '.join(words.split())[:400]}")

    def count(self, name: str) -> None:
        """Count one."""
        self._say(f"={name}")

    def watch_the_engine(self) -> None:
        """Announce the writes of the arms from inside, so that a kill can be aimed at them."""
        from carrel.index.dense import arm as dense
        from carrel.index.lexical import arm as lexical

        for module in (lexical, dense):
            for owner, method, phase in _INSIDE:
                if (found := getattr(module, owner, None)) is not None and hasattr(found, method):
                    setattr(found, method, self._announced(phase, getattr(found, method)))

    def _announced(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            with self.phase(phase):
                return function(*arguments, **options)

        return call

    def _say(self, line: str) -> None:
        os.write(self._descriptor, line.encode("utf-8", "replace") + b"\n")
