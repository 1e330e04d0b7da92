"""Hits that say different things: copies go into the hit they copy, and what resembles better hits comes later.

Nothing is lost: what is pushed down comes later in the same listing, and a copy is named by its hit.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from carrel.index import View
from carrel.records import EvidenceRef
from carrel.retrieve.copies import collapsed
from carrel.retrieve.nouns import Diversity
from carrel.retrieve.pooling import Pool

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Arranged", "diverse", "origin"]

_REARRANGED = 200  # first places that MMR and origins look at; what is below keeps its order
_GOOD = 0.5  # share of the best score from which another origin's passage is worth a place further up
_SAME_ORIGIN = 0.5  # resemblance of passages from one origin, whatever they say


@dataclass(frozen=True, slots=True)
class Arranged:
    """Passages in order, and the references of the copies that some of them stand for."""

    order: Sequence[int]
    copies: Mapping[int, tuple[EvidenceRef, ...]] = field(default_factory=dict)


def diverse(view: View, pool: Pool, order: Sequence[int], diversity: Diversity, need: int) -> Arranged:
    """``order`` without copies, rearranged as ``diversity`` asks; right for the first ``need`` passages at least.

    The same order comes out for every ``need``, as far as it goes, so that pages of one listing fit together.
    """
    copies: dict[int, list[int]] = {}
    rearranges = diversity.relevance < 1.0 or diversity.per_document or diversity.per_origin
    if not diversity.duplicates:
        order, copies = collapsed(view, order, len(order) if rearranges else need)
    if diversity.relevance < 1.0:
        # What draws documents or origins in turn looks further than the page that is asked for.
        turns = diversity.per_document or diversity.per_origin
        order = _novel_first(view, pool, order, diversity.relevance, _REARRANGED if turns else min(need, _REARRANGED))
    if diversity.per_origin:
        order = _origins_in_turn(view, pool, order, diversity.per_origin)
    if diversity.per_document:
        order = _in_turn(order, lambda key: view.rows[key].doc_no, diversity.per_document)
    return Arranged(order, _named(view, copies) if copies else {})


def origin(source: str) -> str:
    """Where a source comes from: the host of an address, the folder of a file; else the source itself."""
    with contextlib.suppress(ValueError):  # an address with a broken host is a folder like any other
        if "://" in source and (host := urlsplit(source).hostname):
            return host.removeprefix("www.")
    folder = max(source.rfind("/"), source.rfind("\\"))
    return source[:folder] if folder >= 0 else source


def _named(view: View, copies: Mapping[int, Sequence[int]]) -> dict[int, tuple[EvidenceRef, ...]]:
    spans = view.spans([key for found in copies.values() for key in found])
    return {
        kept: tuple(EvidenceRef(*spans[key][:3]) for key in sorted(found, key=spans.__getitem__))
        for kept, found in copies.items()
    }


def _in_turn(order: Sequence[int], what: Callable[[int], Hashable], most: int) -> list[int]:
    """The first ``most`` of each kind, then the next ``most`` of each, and so on; each turn in the order it had."""
    seen: Counter[Hashable] = Counter()
    turns: list[tuple[int, int]] = []
    for key in order:
        kind = what(key)
        turns.append((seen[kind] // most, key))
        seen[kind] += 1
    return [key for _, key in sorted(turns, key=lambda pair: pair[0])]


def _origins_in_turn(view: View, pool: Pool, order: Sequence[int], most: int) -> list[int]:
    """No origin has more than ``most`` places ahead of good passages of others; weak ones stay behind."""
    ahead = list(order[:_REARRANGED])
    origins = _origins(view, ahead)
    enough = _GOOD * max((pool.fused[key] for key in ahead), default=0.0)
    good = [key for key in ahead if pool.fused[key] >= enough]
    first = set(good)
    turned = _in_turn(good, origins.__getitem__, most)
    return [*turned, *(key for key in order if key not in first)]


def _origins(view: View, keys: Sequence[int]) -> dict[int, str]:
    return {key: origin(row.source) for key, row in view.hydrate(keys).items()}


def _novel_first(view: View, pool: Pool, order: Sequence[int], relevance: float, need: int) -> list[int]:
    """MMR: next is whatever has the most relevance and the least resemblance to what was taken, in these shares.

    The first ``need`` places are settled; relevance is the place's score between the pool's least and best.
    """
    import numpy as np

    ahead = list(order[:_REARRANGED])
    if len(ahead) < 2:
        return list(order)
    worth = relevance * _worth(pool, ahead)
    alike = _resemblance(view, ahead)
    taken: list[int] = []
    nearest = np.zeros(len(ahead))
    open_ = np.ones(len(ahead), bool)
    while len(taken) < min(need, len(ahead)):
        value = np.where(open_, np.round(worth - (1.0 - relevance) * nearest, 9), -np.inf)
        place = int(np.argmax(value))  # the first of equal ones
        taken.append(place)
        open_[place] = False
        nearest = np.maximum(nearest, alike[place])
    rest = [ahead[place] for place in np.flatnonzero(open_).tolist()]
    return [*(ahead[place] for place in taken), *rest, *order[_REARRANGED:]]


def _worth(pool: Pool, keys: Sequence[int]) -> NDArray[np.float64]:
    """Scores from 1 to 0; by place where a later stage than the scores has ordered the passages."""
    import numpy as np

    scores = np.array([pool.fused[key] for key in keys])
    if (np.diff(scores) > 1e-9).any() or scores[0] <= scores[-1]:
        scores = np.arange(len(keys), 0, -1, dtype=np.float64)
    return np.asarray((scores - scores[-1]) / (scores[0] - scores[-1]))


def _resemblance(view: View, keys: Sequence[int]) -> NDArray[np.float64]:
    """How alike each two passages are, 0..1: by their vectors, where one has none by their words; and by origin."""
    import numpy as np

    from carrel.index import terms

    rows = view.hydrate(keys)
    there, vectors = view.vectors(keys)
    if len(there) == len(keys):
        exact = vectors.astype(np.float64)
        alike = np.clip(exact @ exact.T, 0.0, 1.0)
    else:
        words = [frozenset(terms(rows[key].passage.text)) for key in keys]
        sizes = np.sqrt(np.array([max(len(each), 1) for each in words], np.float64))
        shared = np.array([[len(one & other) for other in words] for one in words], np.float64)
        alike = shared / np.outer(sizes, sizes)
    places = np.unique([origin(rows[key].source) for key in keys], return_inverse=True)[1]
    same: NDArray[np.bool_] = places[:, None] == places[None, :]
    return np.where(same, np.maximum(alike, _SAME_ORIGIN), alike)
