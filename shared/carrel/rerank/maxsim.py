"""MaxSim: how well a passage covers each token of a query (Khattab and Zaharia 2020, equation 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from carrel.rerank.codes import Coded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["maxsim"]

# Multiplications of one product: above it OpenBLAS wakes its threads, which for products this small takes longer
# (GEMM_MULTITHREAD_THRESHOLD 4, times 65,536).
_ALONE = 1 << 18


def maxsim(query: NDArray[np.float32], passages: Sequence[Coded]) -> NDArray[np.float64]:
    """The mean over the query's tokens of the greatest cosine with a token of each passage: -1 to 1, ``(passages,)``.

    ``query`` is (tokens, dimension), rows of length one, as those of each passage nearly are. The mean ranks as the
    paper's sum does, and compares across queries. A passage without tokens scores -1.
    """
    import numpy as np

    scores = np.full(len(passages), -1.0)
    if not len(query):
        return scores
    rows = max(1, _ALONE // query.size)
    for place, passage in enumerate(passages):  # one at a time: its sums are the same whatever stands beside it
        if len(passage.codes):
            wide, scales = passage.codes.astype(np.float32), passage.scales[:, None]
            places = range(0, len(wide), rows)
            parts = [((wide[at : at + rows] @ query.T) * scales[at : at + rows]).max(axis=0) for at in places]
            scores[place] = np.max(parts, axis=0).astype(np.float64).mean()
    return scores
