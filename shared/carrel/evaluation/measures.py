"""How good is a run? The measures of ir_measures (MacAvaney, Macdonald and Ounis 2022), topic by topic."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from carrel.errors import BadRequest, Unsupported
from carrel.evaluation.nouns import Qrels, Run

__all__ = ["USUAL", "mean", "measure_name", "measured"]

USUAL = ("nDCG@10", "R@100", "RR@10", "AP", "Judged@10")
"""What is reported unless other measures are asked for; the first decides."""

_NAMES = {name.casefold(): name for name in ("nDCG", "R", "RR", "AP", "Judged", "P", "Success", "Rprec")}
_FORM = re.compile(r"([A-Za-z]+)(?:@([1-9]\d{0,4}))?")
_CUT = {"nDCG", "R", "Judged", "P", "Success"}  # have no meaning here without a cut


def measure_name(text: str) -> str:
    """A measure as ir_measures writes it, whatever the case: ``ndcg@10`` is ``nDCG@10``. Raises BadRequest."""
    found = _FORM.fullmatch(text.strip())
    name = _NAMES.get(found[1].casefold()) if found else None
    if found is None or name is None or (name in _CUT) > bool(found[2]) or (name == "Rprec" and found[2]):
        raise BadRequest(
            "there is no measure of that name; write nDCG@10, R@100, RR@10, AP, Judged@10, P@5 or Success@5"
        )
    return f"{name}@{found[2]}" if found[2] else name


def measured(qrels: Qrels, run: Run, names: Sequence[str] = USUAL) -> dict[str, dict[str, float]]:
    """Measure to topic to value. Every topic of the qrels has one: what the run lacks was not found, so it has 0.

    Raises Unsupported while ir_measures is not installed.
    """
    library = _library()
    asked = {name: library.parse_measure(name) for name in names}
    values = {name: dict.fromkeys(qrels, 0.0) for name in names}
    ranked = {topic: dict(run.rankings[topic]) for topic in qrels if run.rankings.get(topic)}
    grades = {topic: dict(given) for topic, given in qrels.items()}
    back = {measure: name for name, measure in asked.items()}
    for found in library.iter_calc(list(asked.values()), grades, ranked):
        if found.query_id in qrels:
            values[back[found.measure]][found.query_id] = float(found.value)
    return values


def mean(values: Mapping[str, float]) -> float:
    """The mean over topics, summed in their order; 0 for none."""
    return sum(values.values()) / len(values) if values else 0.0


def _library() -> Any:
    try:
        import ir_measures
    except ImportError:
        raise Unsupported(
            'the measures need the extra "evaluate": run `pip install ".[evaluate]"` in Carrel\'s folder'
        ) from None
    return ir_measures
