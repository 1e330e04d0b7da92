"""Do two quantities say the same, or could one be a misreport of the other?"""

from __future__ import annotations

import math

from carrel.citations.quantities.reading import Quantity
from carrel.citations.quantities.tables import UNITS

__all__ = ["agree", "same_dimension"]


def same_dimension(one: Quantity, other: Quantity) -> bool:
    """Whether two quantities measure the same kind of thing, so that one could be a misreport of the other."""
    if one.role != other.role:
        return {one.role, other.role} <= {"percent", "points"}
    if one.unit and other.unit and one.role == "amount":
        return UNITS[one.unit][0] == UNITS[other.unit][0]
    return one.unit == other.unit or not one.unit or not other.unit


def agree(claim: Quantity, source: Quantity) -> bool:
    """Whether the source's quantity bears the claim's, at the precision the claim states.

    Units of one dimension convert; a share may be said as percent or fraction; percent and percentage points differ.
    """
    if {claim.role, source.role} == {"percent", "points"}:
        return False
    if claim.role == "money" and source.role == "money" and claim.unit != source.unit:
        return False
    ours, theirs, step = claim.value, source.value, claim.step
    if claim.unit in UNITS and source.unit in UNITS and claim.role == source.role == "amount":
        (kind, factor), (other, theirs_factor) = UNITS[claim.unit], UNITS[source.unit]
        if kind != other:
            return False
        theirs *= theirs_factor / factor
    elif "percent" in (claim.role, source.role) and claim.role != source.role:
        share, amount = (claim, source) if claim.role == "percent" else (source, claim)
        return (
            amount.role == "amount"
            and not amount.unit
            and amount.value <= 1
            and math.isclose(share.value / 100, amount.value, abs_tol=0.005)
        )
    if math.isclose(ours, theirs, rel_tol=1e-9):
        return True
    if {claim.role, source.role} & {"year", "ordinal"}:
        return claim.unit == "s" and source.role == "year" and ours <= theirs < ours + 10
    return _rounds_to(ours, theirs, step, source.step)


def _rounds_to(ours: float, theirs: float, step: float, source_step: float) -> bool:
    """The claim is the source rounded: coarser, and within half a unit of its last stated digit.

    Final zeros may be exact or rounded; as rounding they excuse a twentieth at most.
    """
    slack = 0.5 * step if step < 100 else min(0.5 * step, 0.05 * abs(theirs))
    return step > source_step * 1.0001 and abs(ours - theirs) <= slack * 1.0001 and ours * theirs >= 0
