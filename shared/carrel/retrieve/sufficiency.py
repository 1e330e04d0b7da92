"""Does a collection hold evidence for what was asked? A probability, from how near and how wordy the best match is."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass

from carrel.index import Found, View
from carrel.models import DEFAULT_NAME
from carrel.records import Sufficiency
from carrel.retrieve.pooling import Pool

__all__ = ["SUFFICIENT", "WEAK", "Features", "features", "judged", "note", "probability"]

# Logistic regressions by benchmarks/sufficiency: questions of four collections asked of their own and of all others,
# answerable and unanswerable ones weighing the same. Coefficients of cosine, words, and the constant.
_BOTH = (8.84, 4.81, -4.2)
_WORDS = (10.78, -2.17)
_NEARNESS = (10.67, -3.93)
SUFFICIENT = 0.4
"""Probability from which evidence is called sufficient. By a fit that never saw the collection or the questions, 4 % of
the answerable questions and 91 % of the unanswerable ones lie below."""
WEAK = 0.2
"""Below it, evidence is called none: 1 % of the answerable questions and 73 % of the unanswerable ones."""
_SHOWN = 120  # characters of the queries in a note


@dataclass(frozen=True, slots=True)
class Features:
    """What the best match of one query is like. ``cosine`` of the nearest passage, None without vectors. ``words`` is
    the best BM25 as a share of what a passage could have, None where the query has no term or words were not asked."""

    cosine: float | None
    words: float | None


def features(
    view: View, pool: Pool, queries: Sequence[str], *, words: bool = True, ignored: Set[int] = frozenset()
) -> list[Features]:
    """The features of each query, ``ignored`` passages left out; without ``words`` the lexical arm did not rank."""
    nearest = [_but(found, ignored) for name, found in pool.found if name == "dense"]
    worded = [_but(found, ignored) for name, found in pool.found if name == "lexical"]
    return [
        Features(_best(nearest[at]) if nearest[at] else None, _share(view, query, worded[at]) if words else None)
        for at, query in enumerate(queries)
    ]


def _but(found: Found, ignored: Set[int]) -> Found:
    return {key: each for key, each in found.items() if key not in ignored} if ignored else found


def _best(found: Found) -> float:
    return max((score for _, score in found.values()), default=0.0)


def _share(view: View, query: str, found: Found) -> float | None:
    most = view.most(query)
    return min(_best(found) / most, 1.0) if most else None


def judged(
    view: View,
    pool: Pool,
    queries: Sequence[str],
    *,
    words: bool = True,
    complete: bool = True,
    ignored: Set[int] = frozenset(),
) -> Sufficiency:
    """Of several wordings, what the best of them finds. ``words``: the lexical arm ranked; ``complete``: every arm that
    was asked saw everything; ``ignored`` passages are no evidence.

    What was not looked at is never called none, unless nothing at all was found."""
    encoder = view.encoder.name if view.dense is not None and view.encoder is not None else ""
    chances = []
    for each in features(view, pool, queries, words=words, ignored=ignored):
        chances.append(probability(each, encoder))
        if not complete:  # the best passage may have no vector yet
            chances.append(probability(Features(None, each.words), encoder))
    chance, basis = max(chances, key=lambda pair: -1.0 if pair[0] is None else pair[0])
    if not pool.fused:
        return Sufficiency("none", 0.0, basis)
    if chance is None:
        return Sufficiency("uncalibrated", None, basis)
    chance = round(chance, 3)
    if chance >= SUFFICIENT:
        return Sufficiency("sufficient", chance, basis)
    return Sufficiency("weak" if chance >= WEAK or not complete else "none", chance, basis)


def probability(found: Features, encoder: str) -> tuple[float | None, str]:
    """The probability of an answer, None if there is nothing to tell it by, and what it was judged by.

    Cosines count only where they are of the encoder that the coefficients were fitted with.
    """
    cosine = found.cosine if encoder == DEFAULT_NAME else None
    if cosine is not None and found.words is not None:
        return _logistic(_BOTH, cosine, found.words), "meaning and words"
    if found.words is not None:
        return _logistic(_WORDS, found.words), "words"
    if cosine is not None:
        return _logistic(_NEARNESS, cosine), "meaning"
    return None, "nothing"


def _logistic(weights: Sequence[float], *values: float) -> float:
    *slopes, constant = weights
    return 1.0 / (1.0 + math.exp(-constant - sum(s * value for s, value in zip(slopes, values, strict=True))))


def note(found: Sufficiency, queries: Sequence[str], *, hits: bool, limited: bool) -> str:
    """What a reply says of a ranking without evidence; empty otherwise. ``limited``: not the whole collection was
    asked."""
    if found.level != "none":
        return ""
    asked = " / ".join(" ".join(query.split()) for query in queries)
    asked = asked if len(asked) <= _SHOWN else f"{asked[:_SHOWN]}…"
    where = "within these limits" if limited else "in this collection"
    below = "; what was found is only the nearest" if hits else "; nothing was found"
    return f"no good evidence {where} for: {asked}{below}"
