"""Eight bits for each component of a vector: a quarter of the bytes to read, at three times the speed.

Codes only choose which rows are worth scoring exactly. How far a product of codes may lie from the true one is known,
so that every row that might be among the best is kept: the ranking is that of exact products (but for a row with a
component far greater than all of a thousand others have, which codes cut off).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ROUNDING", "Scanner", "coded", "scale_for", "scanner"]

ROUNDING = 4e-6
"""How far two float32 products of the same unit vectors may lie apart."""

_STEPS = 127
_DOUBT = 2.5  # six standard deviations of the difference of two rows' errors, each a sum of even roundings
_PLAIN = {"serial", "v128relaxed"}  # what every processor can do: slower than float32


def scale_for(sample: NDArray[np.float32]) -> float:
    """Steps in a component of 1.0, so that the largest component of ``sample`` still has a code of its own."""
    import numpy as np

    return _STEPS / (float(np.abs(sample).max(initial=0)) or 1.0)


def coded(vectors: NDArray[np.float32], scale: float) -> NDArray[np.int8]:
    """The nearest codes; components larger than any of the sample's get the largest code."""
    import numpy as np

    steps = vectors * np.float32(scale)
    np.rint(steps, out=steps)
    return np.clip(steps, -_STEPS, _STEPS, out=steps).astype(np.int8)


@dataclass(frozen=True, slots=True)
class Scanner:
    """How one query is compared with stretches of ``rows``: their products times ``factor`` are cosines.

    Two rows whose cosines so found lie further apart than ``doubt`` truly stand in that order, once in 10^9 excepted.
    """

    rows: NDArray[Any]
    query: NDArray[Any]
    factor: float
    doubt: float
    product: Callable[..., object]

    def scores(self, begins: list[int], ends: list[int]) -> NDArray[np.float32]:
        """The cosines of all rows of these stretches, one after the other."""
        import numpy as np

        products = np.empty(sum(ends) - sum(begins), np.float64 if self.rows.itemsize == 1 else np.float32)
        at = 0
        for begin, end in zip(begins, ends, strict=True):
            if begin < end:  # the library refuses what is empty
                self.product(self.query, self.rows[begin:end], out=products[at : at + end - begin])
            at += end - begin
        scores: NDArray[np.float32] = np.multiply(products, self.factor, dtype=np.float32, casting="same_kind")
        return scores


def scanner(codes: NDArray[np.int8], scale: float, vectors: NDArray[np.float32], query: NDArray[np.float32]) -> Scanner:
    """Compare ``query`` by ``codes`` made with ``scale``, or by ``vectors`` where this machine is not quick at that."""
    product = _quick_product()
    if product is None:
        import numpy as np

        return Scanner(vectors, query, 1.0, ROUNDING, lambda one, rows, out: np.vecdot(rows, one, out=out))
    fine = scale_for(query)
    doubt = _DOUBT * math.hypot(1 / scale, 1 / fine)
    return Scanner(codes, coded(query, fine), 1 / (scale * fine), doubt + ROUNDING, product)


@cache
def _quick_product() -> Callable[..., object] | None:
    """Products of one row of int8 with many, in exact integers; None without the library or a processor for it."""
    try:
        import numkong
    except ImportError:
        return None
    able = {name for name, there in numkong.get_capabilities().items() if there}
    return numkong.dot if able - _PLAIN else None
