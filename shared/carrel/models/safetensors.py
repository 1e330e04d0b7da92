"""I have a safetensors file: give me its tensors.

The format (huggingface/safetensors README, "Format"): 8 bytes, the header's length as a little-endian unsigned integer;
the header, a JSON object ``name -> {dtype, shape, data_offsets}``; then one buffer that the offsets cut into tensors
without a gap. Nothing in the file is ever executed.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from carrel.errors import BadRequest, Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["read_safetensors"]

# The reference implementation's own limit (safetensors/src/tensor.rs, MAX_HEADER_SIZE).
MAX_HEADER_BYTES = 100_000_000
_FLOATS = {"F32": "<f4", "F16": "<f2", "F64": "<f8"}
_DAMAGED = "that model.safetensors is damaged; fetch the model folder again"


def read_safetensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read every floating-point tensor of ``path`` as float32, by name; integer tensors are left out.

    Raises BadRequest when the file is damaged or cut short, Unsupported for a floating type that is none of
    F32, F16, F64 and BF16.
    """
    import numpy as np

    size = path.stat().st_size
    if size < 8:
        raise BadRequest(_DAMAGED)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
            raise BadRequest(_DAMAGED)
        header = _header(file.read(length))
    body = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + length) if size > 8 + length else np.empty(0, np.uint8)
    spans = _spans(header, len(body))
    read = {name: _tensor(body[start:end], header[name]) for name, (start, end) in spans.items()}
    return {name: tensor for name, tensor in read.items() if tensor is not None}


def _header(raw: bytes) -> dict[str, Any]:
    try:
        header = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadRequest(_DAMAGED) from None
    if not isinstance(header, dict):
        raise BadRequest(_DAMAGED)
    header.pop("__metadata__", None)
    return header


def _spans(header: Mapping[str, Any], size: int) -> dict[str, tuple[int, int]]:
    """Check that the tensors' byte ranges tile the buffer exactly: no overlap, no gap, no byte outside."""
    spans: dict[str, tuple[int, int]] = {}
    for name, entry in header.items():
        if not isinstance(entry, dict) or not _naturals(entry.get("shape")):
            raise BadRequest(_DAMAGED)
        offsets = entry.get("data_offsets")
        if not _naturals(offsets) or len(offsets) != 2:
            raise BadRequest(_DAMAGED)
        spans[name] = (offsets[0], offsets[1])
    at = 0
    for start, end in sorted(spans.values()):
        if start != at or end < start:
            raise BadRequest(_DAMAGED)
        at = end
    if at != size:
        raise BadRequest(_DAMAGED)
    return spans


def _naturals(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(number) is int and number >= 0 for number in value)


def _tensor(raw: NDArray[np.uint8], entry: Mapping[str, Any]) -> NDArray[np.float32] | None:
    import numpy as np

    dtype, shape = str(entry.get("dtype")), tuple(entry["shape"])
    if dtype == "BF16":
        width = 2
    elif dtype in _FLOATS:
        width = np.dtype(_FLOATS[dtype]).itemsize
    elif dtype.startswith(("I", "U", "BOOL")):
        return None
    else:
        raise Unsupported("that model.safetensors holds a number type this build does not read; use the float32 model")
    if math.prod(shape) * width != len(raw):
        raise BadRequest(_DAMAGED)
    if dtype == "BF16":  # the upper half of a float32
        return (raw.view("<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
    return raw.view(_FLOATS[dtype]).astype(np.float32).reshape(shape)
