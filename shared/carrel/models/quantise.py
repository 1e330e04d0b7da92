"""I have numbers: give me whole numbers of eight bits that mean nearly the same.

Matrices get one scale per output. What flows between them gets one fixed scale per matrix, found by calibration:
scales found on the fly from each batch would make a text's vector depend on the texts it was encoded with. Inputs with
a few large channels are evened out first, and the matrix takes the factors in (Xiao et al. 2023, "SmoothQuant"): cosine
to float32 rises from .995 to .998 on abstracts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Range", "Rounded", "factors", "quantise_matrix", "quantise_rows", "rounding"]

# How far the evening-out goes from weights (0) to inputs (1). On abstracts, code and odd texts .7 to .8
# gave cosines of .996 to .998 to float32, .65 and 1 clearly less.
_BALANCE = 0.8
# Steps per octave on which factors and scales lie: machines differ in the last bits of calibration, not in the step.
_STEPS = 8
# Room beyond what calibration saw.
_MARGIN = 1.05
_TINY = 1e-5


@dataclass(frozen=True, slots=True)
class Range:
    """The least (at most 0) and the greatest (at least 0) value of each channel of a matrix's input in calibration."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rounded:
    """``scale`` and ``zero`` such that ``value = scale * (number - zero)`` for numbers 0..255."""

    scale: np.float32
    zero: np.uint8


def factors(seen: Range, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Per input channel, what to divide the input by and to multiply the matrix's column with; powers of 2^(1/8)."""
    import numpy as np

    inputs = np.maximum(np.maximum(-seen.low, seen.high), _TINY)
    weights = np.maximum(np.abs(matrix).max(axis=0).astype(np.float64), _TINY)
    logarithms = _BALANCE * np.log2(inputs) - (1 - _BALANCE) * np.log2(weights)
    even = logarithms - logarithms.mean()
    stepped: NDArray[np.float64] = np.exp2(np.rint(even * _STEPS) / _STEPS)
    return stepped.astype(np.float32)


def rounding(seen: Range, factor: NDArray[np.float32]) -> Rounded:
    """Find the scale and the zero that hold a whole input, divided by ``factor``, in 0..255."""
    import numpy as np

    low, high = float((seen.low / factor).min()), float((seen.high / factor).max())
    span = max((high - low) * _MARGIN, _TINY)
    scale = np.exp2(np.ceil(np.log2(span / 255) * _STEPS) / _STEPS)
    # The middle of the range goes to the middle of the numbers.
    zero = np.clip(np.rint(127.5 - (low + high) / 2 / scale), 0, 255)
    return Rounded(np.float32(scale), np.uint8(zero))


def quantise_rows(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round each row to -127..127 times a scale of its own; a row of zeros has scale 1."""
    import numpy as np

    return _divide(matrix, np.abs(matrix).max(axis=1) / np.float32(127))


def quantise_matrix(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round a matrix (outputs x inputs), one scale per output, so that no x86 processor overflows.

    Processors without VNNI multiply pairs of neighbours and add them in 16 bits that saturate (VPMADDUBSW): two
    neighbours of one sign may reach 128 together, as 255 x 128 fits. Halving all weights, the usual way, costs twice
    as much precision as this.
    """
    import numpy as np

    rows, columns = matrix.shape
    padded = np.zeros((rows, columns + columns % 2), np.float32)
    padded[:, :columns] = matrix
    pairs = padded.reshape(rows, -1, 2)
    together = np.maximum(np.maximum(pairs, 0).sum(axis=2), np.maximum(-pairs, 0).sum(axis=2)).max(axis=1)
    # Rounding can add a half to each of the two.
    return _divide(matrix, np.maximum(np.abs(matrix).max(axis=1), together) / np.float32(127))


def _divide(matrix: NDArray[np.float32], scales: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    import numpy as np

    scales = np.where(scales > 0, scales, np.float32(1)).astype(np.float32)
    return np.rint(matrix / scales[:, None]).astype(np.int8), scales
