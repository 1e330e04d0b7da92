"""Does a search know when a collection does not hold what was asked?

    python -m benchmarks.sufficiency.run [--data DIR] [--questions 250] [--small 12] [--fit]

Adds four collections, and a small one cut out of each, to a scratch library with the default encoder, and asks the
questions of each set of its own collections (answerable) and of all others (unanswerable), by the engine's own search.
The shipped thresholds are reported for every pair; and with the set left out of the fit, what a fit without it says of
it: the collection, and the questions. Harder ones, the same questions with the documents that answer them taken out
of what was found, are reported apart. `--fit` prints the coefficients that the engine should have. Ends with status 1
when fewer than 80 % of the unanswerable are called weak or none, or more than 10 % of the answerable.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.results import DATA, need, write
from benchmarks.sufficiency.fitting import calibration, fit, interval
from benchmarks.sufficiency.sets import SETS, QuestionSet, read_set, sample, small
from numpy.typing import NDArray

from carrel.index import Found, Library, View
from carrel.models import DEFAULT_NAME, Encoder, load_encoder
from carrel.retrieve import SUFFICIENT, Features, Weights, features, probability
from carrel.retrieve.pooling import Pool, collect
from carrel.settings import Settings

_SEED = 5
_BASES = ("meaning and words", "words", "meaning")
_GOAL, _ALARMS = 0.8, 0.1


@dataclass(frozen=True)
class Row:
    """One question asked of one collection."""

    asked: str
    of: str
    answerable: bool
    hard: bool
    found: Features


def main() -> None:
    """Measure, print and write benchmarks/results/sufficiency.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--questions", type=int, default=250, help="of each set, at most")
    parser.add_argument("--small", type=int, default=12, help="documents of a small collection")
    parser.add_argument("--fit", action="store_true", help="print coefficients fitted on everything")
    options = parser.parse_args()
    models = Settings.from_environment(os.environ).models
    encoder = load_encoder(DEFAULT_NAME, models)
    rows = measure(need(options.data), encoder, options.questions, options.small)
    if not report(rows, fitted=options.fit):
        sys.exit(f"the goal is {_GOAL:.0%} of the unanswerable at {_ALARMS:.0%} false alarms")


def measure(data: Path, encoder: Encoder, questions: int, small_documents: int) -> list[Row]:
    """Ask everything of everything."""
    sets = [sample(read_set(data, name), questions, _SEED) for name in SETS]
    whole = [read_set(data, each.name) for each in sets]
    sets += [small(each, small_documents, _SEED) for each in whole if len(each.documents) > 2 * small_documents]
    rows = []
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as scratch:
        library = Library(Path(scratch), encoder=lambda: encoder, background=False)
        for number, of in enumerate(sets):
            name = f"set{number}"
            library.add(list(of.documents.values()), name)
            library.encode(name)
            numbers = {document.doc_id: key for key, document in of.documents.items()}
            print(f"{of.name}: {len(of.documents)} documents", flush=True)
            for asked in sets:
                if asked is of or _family(asked.name) != _family(of.name):
                    rows += _asked(library, name, asked, of, numbers)
        library.close()
    return rows


def _asked(library: Library, name: str, asked: QuestionSet, of: QuestionSet, numbers: Mapping[str, str]) -> list[Row]:
    rows = []
    for text, relevant in asked.questions.values():
        with library.view(name) as view:
            pool = collect(view, [text], None, Weights())
            rows.append(Row(asked.name, of.name, asked is of, False, features(view, pool, [text])[0]))
            if asked is of and "," not in of.name and len(of.documents) > 2 * len(SETS):
                without = _without(view, pool, relevant, numbers)
                rows.append(Row(asked.name, of.name, False, True, features(view, without, [text])[0]))
    return rows


def _without(view: View, pool: Pool, relevant: frozenset[str], numbers: Mapping[str, str]) -> Pool:
    """What was found, less the documents that answer."""
    spans = view.spans(list(pool.fused))
    gone = {key for key, span in spans.items() if numbers[span.doc_id] in relevant}
    found: list[tuple[str, Found]] = []
    for arm, hits in pool.found:
        found.append((arm, {key: each for key, each in hits.items() if key not in gone}))
    return replace(pool, fused={key: each for key, each in pool.fused.items() if key not in gone}, found=found)


def _family(name: str) -> str:
    return name.partition(",")[0]


def report(rows: Sequence[Row], *, fitted: bool = False) -> bool:
    """Print the tables, write the figures; whether the goals are met."""
    figures: dict[str, Any] = {}
    for basis in _BASES:
        print(f"\nby {basis}: share called weak or none, as shipped | by a fit that never saw the set")
        figures[basis] = _table(rows, basis)
    if fitted:
        easy = [row for row in rows if not row.hard]
        for basis in _BASES:
            print(f"{basis}: {tuple(round(each, 2) for each in _fitted(easy, basis))}")
    print(f"written to {write('sufficiency', figures).name}")
    total = figures[_BASES[0]]["left out"]
    return bool(total["unanswerable"][0] >= _GOAL and total["answerable"][0] <= _ALARMS)


def _table(rows: Sequence[Row], basis: str) -> dict[str, Any]:
    figures: dict[str, Any] = {"shipped": {}, "left out": {}, "sets": {}}
    easy = [row for row in rows if not row.hard]
    shipped = [(row, _shipped(row, basis)) for row in rows]
    unseen: list[tuple[Row, float]] = []
    for name in SETS:
        weights = _fitted([row for row in easy if name not in (_family(row.asked), _family(row.of))], basis)
        # A pair of sets is unseen only where neither was: the questions of this set, and those asked of it.
        here = [row for row in rows if name in (_family(row.asked), _family(row.of))]
        mine = [(row, _chance(weights, row, basis)) for row in here]
        unseen += mine
        figures["sets"][name] = {
            "shipped": _shares([pair for pair in shipped if name in (_family(pair[0].asked), _family(pair[0].of))]),
            "left out": _shares(mine),
        }
    figures["shipped"], figures["left out"] = _shares(shipped), _shares(unseen)
    for name, row in (*figures["sets"].items(), ("all", figures)):
        print(f"{name:16} {_line(row['shipped'])} | {_line(row['left out'])}")
    easy_ones = [(chance, row.answerable) for row, chance in shipped if not row.hard]
    figures["calibration"] = calibration([p for p, _ in easy_ones], [y for _, y in easy_ones])
    return figures


def _shares(pairs: Sequence[tuple[Row, float]]) -> dict[str, Any]:
    """Per kind of question: the share below SUFFICIENT, its interval, how many."""
    kinds: dict[str, Callable[[Row], bool]] = {
        "answerable": lambda row: row.answerable,
        "unanswerable": lambda row: not row.answerable and not row.hard,
        "taken out": lambda row: row.hard,
    }
    table = {}
    for kind, fits in kinds.items():
        below = [chance < SUFFICIENT for row, chance in pairs if fits(row)]
        low, high = interval(sum(below), len(below))
        table[kind] = [round(sum(below) / max(len(below), 1), 3), round(low, 3), round(high, 3), len(below)]
    return table


def _line(table: Mapping[str, Sequence[float]]) -> str:
    return "  ".join(f"{kind} {row[0]:.3f} ({row[1]:.3f}-{row[2]:.3f})" for kind, row in table.items())


def _shipped(row: Row, basis: str) -> float:
    return probability(_seen(row.found, basis), DEFAULT_NAME)[0] or 0.0


def _seen(found: Features, basis: str) -> Features:
    return Features(found.cosine if "meaning" in basis else None, found.words if "words" in basis else None)


def _columns(rows: Sequence[Row], basis: str) -> NDArray[np.float64]:
    seen = [_seen(row.found, basis) for row in rows]
    columns = []
    if "meaning" in basis:
        columns.append([each.cosine or 0.0 for each in seen])
    if "words" in basis:
        columns.append([each.words or 0.0 for each in seen])
    return np.array(columns, np.float64).T


def _chance(weights: Sequence[float], row: Row, basis: str) -> float:
    value = float(_columns([row], basis)[0] @ np.array(weights[:-1])) + weights[-1]
    return float(1.0 / (1.0 + np.exp(-value)))


def _fitted(rows: Sequence[Row], basis: str) -> tuple[float, ...]:
    """Answerable and unanswerable weigh the same, and so do the pairs of sets of either kind."""
    pairs: dict[tuple[str, str], int] = {}
    for row in rows:
        pairs[row.asked, row.of] = pairs.get((row.asked, row.of), 0) + 1
    own = sum(asked == of for asked, of in pairs)
    share = {pair: 1.0 / own if pair[0] == pair[1] else 1.0 / (len(pairs) - own) for pair in pairs}
    weights = np.array([share[row.asked, row.of] / pairs[row.asked, row.of] for row in rows])
    return fit(_columns(rows, basis), np.array([row.answerable for row in rows]), weights)


if __name__ == "__main__":
    main()
