"""Quantities in a sentence: values with their unit, scale and precision, read the way a careful person would."""

from __future__ import annotations

from carrel.citations.quantities.agreement import agree, same_dimension
from carrel.citations.quantities.reading import Quantity, Role, find_quantities

__all__ = ["Quantity", "Role", "agree", "find_quantities", "same_dimension"]
