"""What the engine's encoding costs over the bare encoder: the same texts through both, a part by turns.

python -m benchmarks.index.overhead [--passages 1200]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.index.corpus import Corpus
from benchmarks.index.measure import Stopwatch, progress
from benchmarks.index.phases import real_encoder

from carrel.index import Library
from carrel.models import Encoder
from carrel.records import Document, document_id

__all__ = ["measure"]

_PARTS = 6
_SENTENCES = 3  # 48 made words: about as many tokens as 85 English ones


def main() -> None:
    """Print both times and the overhead."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=1200)
    encoder = real_encoder()
    if encoder is None:
        sys.exit("the default encoder is not installed; run `carrel models install`")
    print(measure(encoder, parser.parse_args().passages))


def measure(encoder: Encoder, passages: int) -> dict[str, Any]:
    """Seconds of both over so many passages, and ``overhead``: the share by which the engine's are more."""
    documents = _short_documents()
    bare, engine = Stopwatch(), Stopwatch()
    encoder.encode(["warm up"] * 16)
    with tempfile.TemporaryDirectory(prefix="carrel-overhead-") as folder:
        library = Library(Path(folder), encoder=lambda: encoder, background=False)
        library.add(list(islice(documents, 16)))
        library.encode("default")  # imports, a first table: once in the life of a server
        for part in range(_PARTS):
            progress(f"overhead: part {part + 1} of {_PARTS}")
            some = list(islice(documents, passages // _PARTS))
            library.add(some)
            _both(encoder, library, some, bare, engine, engine_first=part % 2 == 0)
        library.close()
    return {
        "passages": passages // _PARTS * _PARTS,
        "bare_s": round(bare.wall, 2),
        "engine_s": round(engine.wall, 2),
        "overhead": round(engine.wall / bare.wall - 1, 4),
        "cpu_overhead": round(engine.cpu / bare.cpu - 1, 4),
        "passages_per_s": round(passages // _PARTS * _PARTS / engine.wall, 1),
    }


def _both(
    encoder: Encoder, library: Library, some: Sequence[Document], bare: Stopwatch, engine: Stopwatch, engine_first: bool
) -> None:
    texts = [f"{document.title}\n{document.text}" for document in some]
    for which in (engine, bare) if engine_first else (bare, engine):
        with which:
            if which is engine:
                library.encode("default")
            else:
                encoder.encode(texts)


def _short_documents() -> Iterator[Document]:
    """Documents of one short passage each."""
    for made in Corpus().documents(10**9):
        whole = made.document
        body = whole.text[whole.sections[1].start : whole.sections[1].end].split("\n\n")[1]
        text = ".".join(body.split(".")[:_SENTENCES]) + "."
        yield Document(document_id(whole.source, text), whole.source, "text", "text/markdown", whole.title, text)


if __name__ == "__main__":
    main()
