"""Which pipeline to use: one that is better on questions it was not chosen by, and worse on no kind of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from carrel.evaluation.comparing import Table

__all__ = ["Choice", "chosen"]


@dataclass(frozen=True, slots=True)
class Choice:
    """``name`` is what to use; ``reason`` says in a sentence why, also when that is the default."""

    name: str
    reason: str


def chosen(picking: Table, proving: Table, default: str, barred: Collection[str] = ()) -> Choice:
    """The pipeline with the best mean in ``picking``, if ``proving`` bears it out; otherwise the default.

    The gate: on the questions of ``proving``, which had no part in picking it, it is significantly better than the
    default (p < .05), and on no kind of question is its mean lower. ``barred`` ones are not chosen: the questions
    favour them.
    """
    first = picking.measures[0]
    order: Sequence[str] = sorted(
        (row.name for row in picking.rows if row.name not in barred),
        key=lambda name: (-round(picking.row(name).means[first], 9), name != default, name),
    )
    best = order[0]
    if best == default:
        return Choice(default, "no other pipeline is better on the half that picks")
    pair = next((each for each in proving.comparisons if {each.one, each.other} == {best, default}), None)
    gain = proving.row(best).means[first] - proving.row(default).means[first]
    if pair is None or gain <= 0 or not pair.difference.significant:
        return Choice(default, f"{best} was ahead on the half that picks; on the other half that is not significant")
    mine, usual = proving.row(best).by_kind, proving.row(default).by_kind
    worse = [kind for kind in usual if mine[kind] < usual[kind] - 1e-9]
    if worse:
        return Choice(default, f"{best} is better on the whole but worse on questions of kind: {', '.join(worse)}")
    return Choice(best, f"{gain:+.4f} {first} on the half that had no part in picking it, worse on no kind")
