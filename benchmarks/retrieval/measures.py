"""How good is a run? nDCG@k and R@k, as ir_measures defines them.

A run maps topics to documents, best first; qrels map topics to documents to grades. Both measures are means over the
topics of the qrels that have a relevant document; a topic that the run lacks counts as zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

Run = Mapping[str, Sequence[str]]
Qrels = Mapping[str, Mapping[str, int]]


def ndcg(qrels: Qrels, run: Run, k: int) -> float:
    """nDCG@k with gain = grade and discount log2(rank + 1) (Järvelin and Kekäläinen 2002; trec_eval's ndcg_cut)."""
    return _mean(qrels, lambda topic, grades: _dcg([grades.get(d, 0) for d in _top(run, topic, k)]) / _ideal(grades, k))


def recall(qrels: Qrels, run: Run, k: int) -> float:
    """R@k: the share of a topic's relevant documents that are among its first k."""

    def one(topic: str, grades: Mapping[str, int]) -> float:
        relevant = {document for document, grade in grades.items() if grade > 0}
        return len(relevant.intersection(_top(run, topic, k))) / len(relevant)

    return _mean(qrels, one)


def _mean(qrels: Qrels, one: Callable[[str, Mapping[str, int]], float]) -> float:
    topics = [topic for topic, grades in qrels.items() if any(grade > 0 for grade in grades.values())]
    return sum(one(topic, qrels[topic]) for topic in topics) / len(topics)


def _top(run: Run, topic: str, k: int) -> list[str]:
    """The first k documents; one that is repeated counts where it stands first."""
    return list(dict.fromkeys(run.get(topic, ())))[:k]


def _dcg(grades: Sequence[int]) -> float:
    return sum(max(grade, 0) / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1))


def _ideal(grades: Mapping[str, int], k: int) -> float:
    return _dcg(sorted(grades.values(), reverse=True)[:k])
