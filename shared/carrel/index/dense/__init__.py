"""The dense arm: vectors named by what they encode, searched exactly while they are few and by lists when many."""

from carrel.index.dense.arm import LISTS_FROM, DenseArm, DenseFacts
from carrel.index.dense.keeper import DamagedVectors

__all__ = ["LISTS_FROM", "DamagedVectors", "DenseArm", "DenseFacts"]
