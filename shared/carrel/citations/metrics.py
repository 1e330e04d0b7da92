"""Figures of an audit, in closed form from who cites what and what supports what.

FACT: deep_research_bench (2025). Citation precision and recall: Gao et al. 2023 (ALCE), with support by any one of the
cited sources standing for joint entailment. Accuracy, thoroughness, necessity, uncited sources, unsupported statements:
DeepTRACE (2025). Intervals: Wilson 1927, 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Metrics", "Pair", "Share", "measure", "minimal_cover", "wilson"]

_EXACT_COVER = 25  # sources up to which the smallest covering set is found exactly
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``total``; ``value`` is None when there is nothing to count. ``low``, ``high``: 95 % interval."""

    hits: int
    total: int

    @property
    def value(self) -> float | None:
        return self.hits / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.hits, self.total)


@dataclass(frozen=True, slots=True)
class Pair:
    """One citation: ``statement`` cites ``key``; ``verdict`` is that of the statement against this source alone."""

    statement: int
    key: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Metrics:
    """Shares and counts of one audit.

    ``citation_accuracy``: of the citations that could be decided, those that support (partly counts: FACT as
    published). ``citation_accuracy_strict``: of all citations, those that support fully. ``citation_recall``:
    statements that need a citation and are supported by one. ``citation_precision``: citations of a supported statement
    that are not idle. ``thoroughness``: of all (statement, source) pairs where the source supports, those that are
    cited. ``necessity``: the fewest sources that support all supported statements, of those listed. ``undecided``:
    citations left to a judge.
    """

    citation_accuracy: Share
    citation_accuracy_strict: Share
    citation_recall: Share
    citation_precision: Share
    thoroughness: Share
    necessity: Share
    uncited_statements: Share
    unsupported_statements: Share
    uncited_sources: Share
    quote_fidelity: Share
    references_found: Share
    effective_citations: int
    undecided: int
    unreadable: int


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The Wilson score interval of a share, 95 %; (0, 1) of nothing."""
    if not total:
        return 0.0, 1.0
    share = hits / total
    middle = (share + _Z**2 / (2 * total)) / (1 + _Z**2 / total)
    half = _Z * math.sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2)) / (1 + _Z**2 / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def minimal_cover(sets: Mapping[str, Collection[int]]) -> tuple[str, ...]:
    """The fewest keys whose sets together hold everything that all of them hold; exact up to 25 sets, greedy above."""
    everything = frozenset(item for items in sets.values() for item in items)
    if not everything:
        return ()
    useful = {key: frozenset(items) for key, items in sets.items() if items}
    kept = [
        key
        for key in useful
        if not any(useful[key] < useful[other] or (useful[key] == useful[other] and other < key) for other in useful)
    ]
    greedy = _greedy({key: useful[key] for key in kept}, everything)
    return _exact({key: useful[key] for key in kept}, everything, greedy) if len(kept) <= _EXACT_COVER else greedy


def _greedy(sets: Mapping[str, frozenset[int]], everything: frozenset[int]) -> tuple[str, ...]:
    chosen: list[str] = []
    left = set(everything)
    while left:
        key = max(sorted(sets), key=lambda name: len(sets[name] & left))
        chosen.append(key)
        left -= sets[key]
    return tuple(chosen)


def _exact(sets: Mapping[str, frozenset[int]], everything: frozenset[int], best: tuple[str, ...]) -> tuple[str, ...]:
    """Branch on the item with the fewest sources; bound by the best cover so far."""

    def search(left: frozenset[int], chosen: tuple[str, ...]) -> None:
        nonlocal best
        if not left:
            best = chosen if len(chosen) < len(best) else best
            return
        if len(chosen) + math.ceil(len(left) / max(len(items & left) for items in sets.values())) >= len(best):
            return
        item = min(sorted(left), key=lambda i: sum(i in items for items in sets.values()))
        for key in sorted((k for k in sets if item in sets[k]), key=lambda k: (-len(sets[k] & left), k)):
            search(left - sets[key], (*chosen, key))

    search(everything, ())
    return best


def measure(
    needing: Collection[int],
    cited: Collection[int],
    pairs: Sequence[Pair],
    supports: Collection[tuple[int, str]],
    listed: Collection[str],
    quotes: tuple[int, int],
    references: tuple[int, int],
) -> Metrics:
    """All figures. ``needing``, ``cited``: numbers of statements that need, and that have, a citation.

    ``supports``: (statement, key) where the source supports the statement, cited or not. ``listed``: keys of all
    references.
    ``quotes``, ``references``: (good, checked).
    """
    yes = [pair for pair in pairs if pair.verdict == "supported"]
    partly = [pair for pair in pairs if pair.verdict == "partially_supported"]
    no = [pair for pair in pairs if pair.verdict in ("contradicted", "not_found")]
    supported = {pair.statement for pair in yes}
    used = {pair.key for pair in pairs}
    all_support = set(supports) | {(pair.statement, pair.key) for pair in yes}
    cover = minimal_cover({key: [s for s, k in all_support if k == key] for key in {k for _, k in all_support}})
    backed = {statement for statement, _ in all_support}
    return Metrics(
        citation_accuracy=Share(len(yes) + len(partly), len(yes) + len(partly) + len(no)),
        citation_accuracy_strict=Share(len(yes), len(pairs)),
        citation_recall=Share(len(supported & set(needing)), len(needing)),
        citation_precision=Share(_precise(pairs), len(pairs)),
        thoroughness=Share(len(yes), len(all_support)),
        necessity=Share(len(cover), len(listed)),
        uncited_statements=Share(len(set(needing) - set(cited)), len(needing)),
        unsupported_statements=Share(len(set(needing) - backed), len(needing)),
        uncited_sources=Share(len(set(listed) - used), len(listed)),
        quote_fidelity=Share(*quotes),
        references_found=Share(*references),
        effective_citations=len(yes) + len(partly),
        undecided=sum(pair.verdict == "needs_judgement" for pair in pairs),
        unreadable=sum(pair.verdict == "unverifiable" for pair in pairs),
    )


def _precise(pairs: Sequence[Pair]) -> int:
    """ALCE precision: a citation counts if its statement is supported and it is not idle beside the others."""
    count = 0
    for pair in pairs:
        others = [other for other in pairs if other.statement == pair.statement and other.key != pair.key]
        alone = pair.verdict == "supported"
        count += alone or (
            not any(other.verdict == "supported" for other in others) and pair.verdict == "partially_supported"
        )
    return count
