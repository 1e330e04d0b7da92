"""The candidates of a search: what each arm found for each query, and one score for each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from carrel.fusion import convex
from carrel.index import Filters, Found, View
from carrel.records import ArmScore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DENSE_WEIGHT", "Pool", "best_first", "collect"]

DENSE_WEIGHT = 0.6
"""Share of the dense arm in the convex combination."""
_FEEDBACK = 0.3  # share of what the best passages say in the second look, after Rocchio 1971
_FED = 3  # passages that say it
_LOOKED_AT = 12  # passages among which are as many different ones
_DEPTH = 100  # candidates per arm and query


@dataclass(slots=True)
class Pool:
    """Candidates of all queries: fused scores by passage, and what each arm found for each query."""

    fused: dict[int, float] = field(default_factory=dict)
    found: list[tuple[str, Found]] = field(default_factory=list)

    def arms(self, key: int) -> dict[str, ArmScore]:
        """Per arm, the best rank any query gave a passage, and its score."""
        best: dict[str, ArmScore] = {}
        for name, found in self.found:
            if key in found and (name not in best or found[key][0] < best[name].rank):
                best[name] = ArmScore(*found[key])
        return best


def collect(view: View, queries: Sequence[str], filters: Filters | None) -> Pool:
    """The candidates of all queries, which count equally."""
    pool = Pool()
    filters = filters or None
    started = [view.start_words(query, _DEPTH, filters) for query in queries]  # beside the encoding
    vectors = view.encode(queries)
    for number, query in enumerate(started):
        near = view.near(vectors[number], _DEPTH, filters) if vectors is not None else {}
        words = view.words(query)
        if vectors is None or query is None:
            only, low = (near, None) if query is None else (words, 0.0)
            fused = convex([{key: score for key, (_, score) in only.items()}], [1.0], [low])
        else:
            fused = _fused(view, words, near, vectors[number])
        for key, score in fused.items():
            pool.fused[key] = pool.fused.get(key, 0.0) + score / len(queries)
        pool.found += [("lexical", words), ("dense", near)]
    return pool


def _fused(view: View, words: Found, near: Found, query: NDArray[np.float32]) -> dict[int, float]:
    """The scores of both arms' candidates, each with its true cosine, also those that only the words found.

    They are looked at twice: the second time, what the best of them say is part of the question.
    """
    import numpy as np

    keys, vectors = view.vectors(list(dict.fromkeys((*near, *words))))
    exact = vectors.astype(np.float64)
    lexical = {key: score for key, (_, score) in words.items()}

    def look(asked: NDArray[np.float64]) -> dict[int, float]:
        cosines = dict(zip(keys, np.vecdot(exact, asked).tolist(), strict=True)) if keys else {}
        fused = convex([lexical, cosines], [1.0 - DENSE_WEIGHT, DENSE_WEIGHT], [0.0, None])
        for key in lexical.keys() - cosines.keys():  # no vector yet: its words speak for all of it
            fused[key] /= 1.0 - DENSE_WEIGHT
        return fused

    asked = _unit(query.astype(np.float64))
    fused = look(asked)
    best = _best_vectors(view, keys, fused)
    if not best:
        return fused
    asked = (1.0 - _FEEDBACK) * asked + _FEEDBACK * exact[best].mean(axis=0)
    return look(_unit(asked))


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    return vector / (float(np.linalg.norm(vector)) or 1.0)


def _best_vectors(view: View, keys: Sequence[int], fused: Mapping[int, float]) -> list[int]:
    """Places in ``keys`` of the best passages, one for each different text; ties in an order that texts decide."""
    import numpy as np

    scores = np.round(np.fromiter((fused[key] for key in keys), np.float64, len(keys)), 9)
    least = np.partition(scores, -_LOOKED_AT)[-_LOOKED_AT] if len(keys) > _LOOKED_AT else -np.inf
    ahead = [
        (-float(scores[place]), view.rows[keys[place]].digest, place)
        for place in np.flatnonzero(scores >= least).tolist()
    ]
    first = {digest: place for _, digest, place in sorted(ahead, reverse=True)}
    return sorted(first.values(), key=lambda place: (-scores[place], view.rows[keys[place]].digest))[:_FED]


def best_first(view: View, pool: Pool) -> list[int]:
    """Passages by score, then by reference, which is looked up only where scores are equal."""
    import numpy as np

    keys = list(pool.fused)
    # Rounded, so that the last bits of a sum taken in another order cannot change a ranking.
    scores = np.round(np.fromiter(pool.fused.values(), np.float64, len(keys)), 9)
    places = np.argsort(-scores, kind="stable")
    same = np.diff(scores[places]) == 0
    order = [keys[place] for place in places]
    if not same.any():
        return order
    tied = np.concatenate([same, [False]]) | np.concatenate([[False], same])
    spans = view.spans([key for key, one in zip(order, tied, strict=True) if one])
    by_key = dict(zip(keys, scores.tolist(), strict=True))
    return sorted(order, key=lambda key: (-by_key[key], spans.get(key, ())))
