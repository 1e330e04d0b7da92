"""Token vectors in eight bits a number: a quarter of the room, for a ten-thousandth of a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Coded", "coded", "packed", "unpacked"]

_GREATEST = 127


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Token vectors (tokens, dimension): each row is its codes times its scale."""

    codes: NDArray[np.int8]
    scales: NDArray[np.float32]

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.codes.nbytes + self.scales.nbytes


def coded(vectors: NDArray[np.floating]) -> Coded:
    """Round each row to 255 steps between its greatest number and the opposite, with the scale that fits it best in
    least squares. Raises ValueError for what is no number."""
    import numpy as np

    exact = vectors.astype(np.float32)
    if not np.isfinite(exact).all():
        raise ValueError("the model gave something that is no number")
    greatest = np.abs(exact).max(axis=1, initial=0.0)
    steps = np.rint(exact / np.where(greatest > 0.0, greatest / _GREATEST, 1.0)[:, None])
    scales = np.vecdot(exact, steps) / np.maximum(np.vecdot(steps, steps), 1.0)
    return Coded(steps.astype(np.int8), scales.astype(np.float32))


def packed(vectors: Coded) -> bytes:
    """The dimension, the scales and the codes, lowest byte first."""
    dimension = int(vectors.codes.shape[1])
    return b"".join((dimension.to_bytes(4, "little"), vectors.scales.astype("<f4").tobytes(), vectors.codes.tobytes()))


def unpacked(content: bytes) -> Coded:
    """What `packed` packed. Raises ValueError for anything else."""
    import numpy as np

    dimension = int.from_bytes(content[:4], "little")
    tokens, rest = divmod(len(content) - 4, dimension + 4)
    if not dimension or rest:
        raise ValueError("these are no token vectors")
    scales = np.frombuffer(content, "<f4", tokens, 4)
    codes = np.frombuffer(content, np.int8, tokens * dimension, 4 + 4 * tokens)
    return Coded(codes.reshape(tokens, dimension), scales)
