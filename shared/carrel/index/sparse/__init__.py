"""The learned-sparse arm: weighted terms of each text, those it has and those it implies, searched exactly."""

from carrel.index.sparse.arm import SparseArm, SparseReader
from carrel.index.sparse.arrays import Head, head_in
from carrel.index.sparse.search import Matches

__all__ = ["Head", "Matches", "SparseArm", "SparseReader", "head_in"]
