"""Lines of files that others wrote: each fault is one sentence that names the file and the line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from carrel.errors import BadRequest, NotFound

__all__ = ["fault", "json_lines", "lines", "text_of"]


def fault(path: Path, number: int, what: str) -> BadRequest:
    """The error for a line, counted from 1."""
    return BadRequest(f"{path.name}, line {number}: {what}")


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file that are not blank, with their numbers from 1. Raises NotFound, or BadRequest for a
    file that is not UTF-8 or cannot be read."""
    number = 0
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip("\r\n")
                if line.strip():
                    yield number, line
    except FileNotFoundError:
        raise NotFound(f"there is no file {path.name} where it is looked for; check the path") from None
    except UnicodeDecodeError:
        raise fault(path, number, "this is not UTF-8 text; convert the file") from None
    except OSError:
        raise BadRequest(f"{path.name} cannot be read; check that it is a file and may be read") from None


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON-lines file, with their line numbers."""
    for number, line in lines(path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise fault(path, number, "this is not JSON; each line holds one JSON object") from None
        if not isinstance(row, dict):
            raise fault(path, number, "this is not a JSON object; write it as {...}")
        yield number, row


def text_of(path: Path, number: int, row: dict[str, Any], *keys: str) -> str:
    """The first of these fields that is there, as text. A number counts as text."""
    for key in keys:
        value = row.get(key)
        if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            return str(value).encode("utf-8", "replace").decode("utf-8")
        if value is not None:
            raise fault(path, number, f"'{key}' must be text")
    raise fault(path, number, f"there is no '{keys[0]}'")
