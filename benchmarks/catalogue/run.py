"""How long do dumps take, and how long does the local catalogue take to answer?

    python -m benchmarks.catalogue.run [--works 10000] [--queries 200]

Invented works in OpenAlex's form, with abstracts of some 120 words over a vocabulary with natural frequencies, are
loaded into a new library by ``python -m carrel.catalogue`` and asked for by words (no model). Without an encoder: the
goals are 100,000 works in 60 s, and a median query of 10 ms.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

import anyio
from benchmarks.results import write

from carrel.catalogue import LocalCatalogue, Names
from carrel.index import Library
from carrel.scholarly import Identifier, Query

_WORDS = 30_000


def main() -> None:
    """Load, ask, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--works", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=200)
    options = parser.parse_args()
    rng = random.Random(1)
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as scratch:
        dump, data = Path(scratch) / "works.jsonl", Path(scratch) / "data"
        _write(dump, rng, options.works)
        command = [sys.executable, "-m", "carrel.catalogue", "load", str(dump), "--data", str(data), "--json"]
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        took = time.perf_counter() - began
        library = Library(data)
        try:
            asked, looked_up = anyio.run(partial(_ask, LocalCatalogue(lambda: library, Names(data)), rng, options))
        finally:
            library.close()
    figures = {
        "works": options.works,
        "load_s": round(took, 1),
        "works_per_s": round(options.works / took),
        "find_p50_ms": round(1_000 * median(asked), 1),
        "find_p95_ms": round(1_000 * sorted(asked)[int(len(asked) * 0.95)], 1),
        "get_p50_ms": round(1_000 * median(looked_up), 1),
    }
    for name, figure in figures.items():
        print(f"{name:14} {figure:>10}")
    print(f"written to {write('catalogue', figures).name}")


async def _ask(
    local: LocalCatalogue, rng: random.Random, options: argparse.Namespace
) -> tuple[Sequence[float], Sequence[float]]:
    asked, looked_up = [], []
    for _ in range(options.queries):
        began = time.perf_counter()
        await local.find(Query(_text(rng, 4)), 0.0)
        asked.append(time.perf_counter() - began)
        began = time.perf_counter()
        await local.get([Identifier("openalex", f"W{rng.randrange(options.works)}")], 0.0)
        looked_up.append(time.perf_counter() - began)
    return asked, looked_up


def _write(path: Path, rng: random.Random, works: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number in range(works):
            file.write(json.dumps(_work(rng, number)) + "\n")


def _work(rng: random.Random, number: int) -> dict[str, object]:
    places: dict[str, list[int]] = {}
    for place, word in enumerate(_text(rng, rng.randint(60, 180)).split()):
        places.setdefault(word, []).append(place)
    year = rng.randint(1980, 2026)
    names = [f"Name{rng.randrange(5_000)} Family{rng.randrange(20_000)}" for _ in range(rng.randint(1, 6))]
    return {
        "id": f"https://openalex.org/W{number}",
        "doi": f"https://doi.org/10.5555/{number}",
        "display_name": _text(rng, rng.randint(5, 14)).capitalize(),
        "authorships": [{"author": {"display_name": name}} for name in names],
        "publication_date": f"{year}-01-01",
        "publication_year": year,
        "type": "article",
        "primary_location": {"source": {"display_name": f"Journal {rng.randrange(2_000)}"}},
        "abstract_inverted_index": places,
        "cited_by_count": rng.randrange(100),
        "is_retracted": False,
    }


def _text(rng: random.Random, words: int) -> str:
    """Words whose frequency falls with their rank, as Zipf has it."""
    return " ".join(_word(int(_WORDS ** rng.random())) for _ in range(words))


def _word(rank: int) -> str:
    """Letters alone, as most words are: one with digits in it is analysed in parts, which takes longer."""
    syllables = []
    while rank:
        rank, at = divmod(rank, 100)
        syllables.append("bcdfghklmnprstvwzjxq"[at % 20] + "aeiou"[at // 20])
    return "".join(syllables)


if __name__ == "__main__":
    main()
