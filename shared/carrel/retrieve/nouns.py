"""What a search may be given beside its queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Diversity", "Fusion", "Signals", "Weights"]


@dataclass(frozen=True, slots=True)
class Signals:
    """What whoever asks knows beyond the wording; empty means nothing.

    ``hypothetical`` is a passage as the answer might read (HyDE, Gao et al. 2022). ``expansions`` are related words or
    phrases, which count less than the queries. Every hit holds each of ``must`` and none of ``must_not`` (words, or
    phrases of several words). ``like`` are references of passages that were judged relevant (Rocchio 1971).
    """

    hypothetical: str = ""
    expansions: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()
    like: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diversity:
    """How hits may resemble each other; the default only folds copies into the hit they copy.

    Before any document has more than ``per_document`` places, or any origin (host, folder) more than ``per_origin``,
    the others have theirs (0: no limit). ``relevance`` is the share of relevance against novelty, from 1 (the ranking
    as it is) to 0 (MMR, Carbonell and Goldstein 1998). With ``duplicates`` copies are hits of their own.
    """

    per_document: int = 0
    per_origin: int = 0
    relevance: float = 1.0
    duplicates: bool = False


Fusion = Literal["convex", "rrf"]


@dataclass(frozen=True, slots=True)
class Weights:
    """How the first stage weighs what it finds. The defaults were chosen on development data; see benchmarks.

    ``dense`` is the share of the dense arm in the convex combination of words and vectors, ``sparse`` that of the
    learned-sparse arm beside the two (where a collection has one), ``feedback`` the share of what the best passages
    say in the second look (Rocchio 1971; 0: one look), ``depth`` the candidates per arm and query. With ``fusion``
    "rrf" ranks are fused (Cormack, Clarke and Büttcher 2009) and the second look is left out.
    """

    dense: float = 0.6
    sparse: float = 0.3
    feedback: float = 0.3
    depth: int = 100
    fusion: Fusion = "convex"
