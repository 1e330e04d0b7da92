"""Checksums of stored arrays, and reading large ones without mapping them: mapped pages count as memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["checksum", "read_blocks"]

_ROWS_SUMMED = 65_536
_ROWS_AT_ONCE = 8192


def checksum(array: NDArray[np.generic], start: int = 0) -> int:
    """CRC-32 of an array's bytes in the order of its rows, going on from ``start``, without a copy of it."""
    for first in range(0, len(array), _ROWS_SUMMED):
        start = zlib.crc32(array[first : first + _ROWS_SUMMED].data, start)
    return start


def read_blocks(path: Path, rows: int, dimension: int) -> Iterator[NDArray[np.float32]]:
    """The float32 vectors stored at the end of a file, some thousand at a time. Raises OSError or, when the file has
    become shorter, ValueError."""
    import numpy as np

    with path.open("rb") as file:
        file.seek(-rows * dimension * 4, 2)
        for start in range(0, rows, _ROWS_AT_ONCE):
            block = np.fromfile(file, "<f4", min(_ROWS_AT_ONCE, rows - start) * dimension)
            yield block.reshape(-1, dimension)
