"""The process that opens one document, run by `carrel.documents.sandbox` as a script and thrown away afterwards.

It reads the document from standard input and writes one JSON object to standard output. It puts limits on itself
first: a hostile file of 2 KB can ask for gigabytes or for hours. Each reader is imported only when it is asked for, so
that it starts quickly.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import Any


def limit(life: int, seconds: int, memory: int, output: int) -> None:
    """Bound life, processor time, address space and output of this process; a platform without them goes without."""
    if hasattr(signal, "alarm"):
        signal.alarm(life)
    try:
        import resource
    except ImportError:
        return
    for kind, bound in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, output),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (bound, bound))


def read(reader: str, hint: str, data: bytes, max_pages: int, max_chars: int) -> dict[str, Any]:
    """Call the reader of that name; a PDF's pages are laid out by the parent, every other format gives a draft."""
    if reader == "pdf":
        from carrel.documents.pdf_pages import read as read_pages

        return read_pages(data, max_pages, max_chars)
    from carrel.documents.draft import Unreadable
    from carrel.documents.formats import reader_of

    try:
        return reader_of(reader)(data, hint, max_chars).as_data()
    except Unreadable as error:
        return {"problem": error.problem}


def main() -> None:
    """Arguments: reader, hint, seconds of life and of processor time, bytes of memory and output, pages, characters."""
    reader, hint = sys.argv[1:3]
    life, seconds, memory, output, max_pages, max_chars = (int(argument) for argument in sys.argv[3:9])
    limit(life, seconds, memory, output)
    sys.path.append(str(Path(__file__).resolve().parents[2]))  # where Carrel lies, should it not be installed
    try:
        found = read(reader, hint, sys.stdin.buffer.read(), max_pages, max_chars)
        answer = json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")
    except (MemoryError, RecursionError):
        answer = b'{"problem": "too_big"}'
    sys.stdout.buffer.write(answer)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
