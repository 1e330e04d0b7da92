"""The candidates of a search: what each arm found for each query, and one score for each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from carrel.fusion import convex, reciprocal_rank_share
from carrel.index import Filters, Found, Matches, View
from carrel.records import ArmScore
from carrel.retrieve.nouns import Signals, Weights
from carrel.retrieve.signals import Given, given, mended_notes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Pool", "best_first", "collect"]

_NO_SIGNALS = Signals()
_EXPANSION = 0.2  # share of the expansions in what the words say
_FED = 3  # passages that say it
_LOOKED_AT = 12  # passages among which are as many different ones


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


def collect(
    view: View, queries: Sequence[str], filters: Filters | None, weights: Weights, signals: Signals = _NO_SIGNALS
) -> Pool:
    """The candidates of all queries, which count equally, and of the signals, which stand beside each of them.

    A word that no passage has is looked for as what may have been meant by it; the view's notes say so.
    """
    filters, depth = filters or None, weights.depth
    mended = [view.mend(query) for query in queries]
    started = [view.start_words(each.asked, depth, filters, each.terms) for each in mended]  # beside the encoding
    vectors = view.encode([each.said for each in mended])
    matches = view.matches([each.said for each in mended])
    view.notes += dict.fromkeys(note for each in mended for note in mended_notes(each))
    known = Given() if signals == _NO_SIGNALS else given(view, signals, depth, filters)
    pool = Pool(found=list(known.arms))
    for number, query in enumerate(started):
        near = view.near(vectors[number], depth, filters) if vectors is not None else {}
        words = None if query is None else view.words(query)
        light = _Light(view, matches[number] if matches else None, depth, filters, weights.sparse)
        pool.found += [("lexical", words or {}), ("dense", near), ("sparse", light.found)]
        if weights.fusion == "rrf":
            ranked = (words or {}, near, light.found, *(found for _, found in known.arms))
            fused = reciprocal_rank_share([{key: rank for key, (rank, _) in found.items()} for found in ranked])
        elif vectors is None:
            fused = light.beside(_by_words(words or {}, known.found("expansion")))
        elif words is None and not known.arms:
            fused = convex([{key: score for key, (_, score) in near.items()}], [1.0])
        else:
            fused = _fused(view, words, near, light, vectors[number], weights, known)
        for key, score in fused.items():
            pool.fused[key] = pool.fused.get(key, 0.0) + score / len(queries)
    return pool


class _Light:
    """What the learned-sparse arm says of one query; nothing without ``matches``. ``share`` is its weight."""

    def __init__(self, view: View, matches: Matches | None, depth: int, filters: Filters | None, share: float) -> None:
        self._view, self._matches, self._share = view, matches, share
        self.found: Found = view.weighed(matches, depth, filters) if matches else {}

    def beside(self, fused: dict[int, float]) -> dict[int, float]:
        """The scores of the other arms with this arm's, which is measured from 0 and true for every candidate; of one
        without a sparse vector yet, the others speak alone."""
        if self._matches is None or not self.found:
            return fused
        keys = list(dict.fromkeys((*fused, *self.found)))
        own = self._view.weights(self._matches, keys)
        top = max(own.values())
        both = {key: (1.0 - self._share) * fused.get(key, 0.0) + self._share * own[key] / top for key in own}
        return {key: both.get(key, fused.get(key, 0.0)) for key in keys}


def _by_words(words: Found, expansion: Found) -> dict[int, float]:
    """The scores of the lexical arm, and of the expansions by less weight."""
    share = _EXPANSION if expansion else 0.0
    scores = [{key: score for key, (_, score) in found.items()} for found in (words, expansion)]
    return convex(scores, [1.0 - share, share], [0.0, 0.0])


def _fused(
    view: View,
    words: Found | None,
    near: Found,
    light: _Light,
    query: NDArray[np.float32],
    weights: Weights,
    known: Given,
) -> dict[int, float]:
    """The scores of all arms' candidates, each with its true cosine, also those that only the words found.

    They are looked at twice: the second time, what the best of them say is part of the question. Beside signals the
    query itself keeps half the weight. ``words`` is None where only the dense arm is wanted.
    """
    import numpy as np

    lexical = {} if words is None else _by_words(words, known.found("expansion"))
    share = 0.0 if words is None else 1.0 - weights.dense
    others = (key for _, found in known.arms for key in found)
    keys, vectors = view.vectors(list(dict.fromkeys((*near, *lexical, *light.found, *others))))
    exact = vectors.astype(np.float64)

    def look(asked: NDArray[np.float64]) -> dict[int, float]:
        cosines = dict(zip(keys, np.vecdot(exact, asked).tolist(), strict=True)) if keys else {}
        fused = convex([lexical, cosines], [share, 1.0 - share], [0.0, None])
        for key in lexical.keys() - cosines.keys():  # no vector yet: its words speak for all of it
            fused[key] /= share or 1.0
        return light.beside(fused)

    own = _unit(query.astype(np.float64))
    led = np.zeros_like(own) if known.direction is None else known.direction
    fused = look(_unit((1.0 - known.share) * own + led))
    feedback = weights.feedback if known.direction is None else min(weights.feedback, 0.5 - known.share)
    best = _best_vectors(view, keys, fused) if words is not None and feedback > 0 else []
    if not best:
        return fused
    return look(_unit((1.0 - known.share - feedback) * own + led + feedback * exact[best].mean(axis=0)))


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
