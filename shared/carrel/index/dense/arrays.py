"""What a search reads: memory-mapped arrays beside the table. Processes share their pages and need no LanceDB.

``head.json`` names one immutable *base*, laid out list by list, and how many rows of its *tail* are valid: a plain file
that grows by each batch written since. It is replaced whole and last, so a reader meets one state or the next. The
base's files are ``base-NUMBER.PART.npy``, the tail's ``tail-NUMBER.PART.bin``. Lists are scanned by codes of 8 bits
(`carrel.index.dense.codes`) and the best of their rows scored by the vectors.
"""

from __future__ import annotations

import json
import math
import os
import zlib
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carrel.index.dense.sums import checksum

if TYPE_CHECKING:
    import numpy as np
    from _typeshed import DataclassInstance
    from numpy.typing import NDArray

__all__ = [
    "HEAD",
    "SMALL_PARTS",
    "Head",
    "State",
    "append_tail",
    "flush_folder",
    "load",
    "newest_number",
    "read_head",
    "remove",
    "remove_old",
    "rows_of",
    "write_head",
]

HEAD = "head.json"
_LONGEST_HEAD = 4096
_FRACTIONS = ("recall", "reach", "scale", "width")
_EVERY = 4.0  # a width that leaves no list out
_READ_AT_ONCE = 64_000_000  # bytes of a large part that every process reads before it believes them
SMALL_PARTS = {"digests": "<i8", "sorted": "<i8", "order": "<i4", "offsets": "<i8", "centroids": "<f4"}
_LARGE_PARTS = {"vectors": "<f4", "codes": "|i1"}


@dataclass(frozen=True, slots=True)
class Head:
    """``batch`` is the newest one that base and tail cover; ``version`` the table's when they did.

    ``trained`` is the number of rows when lists were last made (or found useless); ``sums`` are checksums of the parts,
    ``probes``, ``recall``, ``reach`` and ``width`` as in `carrel.index.dense.lists.Reading`, ``scale`` that of the
    codes.
    """

    number: int
    dimension: int
    rows: int
    tail: int = 0
    batch: int = 0
    version: int = 0
    lists: int = 0
    probes: int = 0
    recall: float = 1.0
    reach: float = 0.0
    width: float = _EVERY
    scale: float = 1.0
    trained: int = 0
    sums: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """One state of the arm. Row r is the base's below ``head.rows``, else the tail's row r - ``head.rows``.

    ``offsets`` (lists + 1) bounds the rows of each list, ``centroids`` (lists, dimension) belongs to them and ``codes``
    (rows, dimension) to the rows; all are empty when all is searched exactly. ``order`` gives the row of each of the
    ``sorted`` digests. The base's files were found in ``folder``.
    """

    folder: Path
    raw: bytes
    head: Head
    digests: NDArray[np.int64]
    vectors: NDArray[np.float32]
    sorted: NDArray[np.int64]
    order: NDArray[np.int32]
    offsets: NDArray[np.int64]
    centroids: NDArray[np.float32]
    codes: NDArray[np.int8]
    tail_digests: NDArray[np.int64]
    tail_vectors: NDArray[np.float32]
    tail_order: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Digests with a vector."""
        return self.head.rows + self.head.tail


def rows_of(state: State, digests: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row of each digest, -1 where there is none."""
    import numpy as np

    rows = np.full(len(digests), -1, np.int64)
    for known, order, start in (
        (state.tail_digests[state.tail_order], state.tail_order, state.head.rows),
        (state.sorted, state.order, 0),
    ):
        if len(known) and len(digests):
            places = np.searchsorted(known, digests)
            places[places == len(known)] = 0
            there = known[places] == digests
            rows[there] = order[places[there]] + start
    return rows


# ---------------------------------------------------------------------------------------------------------------------


def read_head(folder: Path) -> bytes:
    """The bytes of the head, none when there is none, or something else has its place."""
    try:
        return (folder / HEAD).read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return b""


def write_head(folder: Path, head: DataclassInstance) -> None:
    """Put ``head`` in force; what it names must be on the disk by now. Raises OSError."""
    draft = folder / f"{HEAD}.{os.getpid()}.tmp"
    with draft.open("wb") as file:
        file.write(json.dumps(asdict(head)).encode())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / HEAD)


def load(folder: Path, raw: bytes, before: State | None = None) -> State:
    """Map what the head ``raw`` names; what ``before`` has of it was looked at then, and is not read again.

    The vectors and codes of a large base are not read here: `carrel.index.dense.verify.sound` does it. Raises OSError
    or ValueError when files are missing or damaged.
    """
    import numpy as np

    head = _parse(raw)
    parts = {name: _load(folder, head, name) for name in (*SMALL_PARTS, *_LARGE_PARTS)}
    for name, kind in SMALL_PARTS.items():
        if parts[name].dtype != np.dtype(kind) or zlib.crc32(parts[name]) != head.sums.get(name):
            raise ValueError(f"the part {name} is damaged")
    for name, kind in _LARGE_PARTS.items():
        rows = head.rows if name == "vectors" or head.lists else 0
        if parts[name].shape != (rows, head.dimension) or parts[name].dtype != np.dtype(kind):
            raise ValueError(f"the {name} do not fit the head")
    if not all(len(parts[name]) == head.rows for name in ("digests", "sorted", "order")):
        raise ValueError("the parts do not fit the head")
    if len(parts["centroids"]) != head.lists or (head.lists and len(parts["offsets"]) != head.lists + 1):
        raise ValueError("the lists do not fit the head")
    tail_digests = _map_tail(folder, head, "digests", "<i8", (head.tail,))
    tail_vectors = _map_tail(folder, head, "vectors", "<f4", (head.tail, head.dimension))
    known = before.head if before is not None and before.head.number == head.number else None
    for name in _LARGE_PARTS if known is None else ():
        if parts[name].nbytes <= _READ_AT_ONCE and checksum(parts[name]) != head.sums.get(name):
            raise ValueError(f"the {name} are damaged")
    for name, tail in (("tail_digests", tail_digests), ("tail_vectors", tail_vectors)):
        done, start = (known.tail, known.sums.get(name, 0)) if known and known.tail <= head.tail else (0, 0)
        if checksum(tail[done:], start) != head.sums.get(name, 0):
            raise ValueError("the tail is damaged")
    order = np.argsort(tail_digests, kind="stable")
    return State(folder, raw, head, **parts, tail_digests=tail_digests, tail_vectors=tail_vectors, tail_order=order)


def _parse(raw: bytes) -> Head:
    try:
        values = json.loads(raw[:_LONGEST_HEAD])
    except RecursionError as error:
        raise ValueError("not a head") from error
    if not isinstance(values, dict) or {"width", *values} != {part.name for part in fields(Head)}:
        raise ValueError("not a head")
    values.setdefault("width", _EVERY)  # heads of an earlier version have none
    numbers = [value for name, value in values.items() if name not in (*_FRACTIONS, "sums")]
    if not all(type(value) is int and 0 <= value < 2**53 for value in numbers) or not isinstance(values["sums"], dict):
        raise ValueError("not a head")
    if not all(type(values[name]) in (int, float) and math.isfinite(values[name]) for name in _FRACTIONS):
        raise ValueError("not a head")
    if values["scale"] <= 0:
        raise ValueError("not a head")
    return Head(**values)


def _load(folder: Path, head: Head, part: str) -> Any:
    import numpy as np

    path = folder / f"base-{head.number}.{part}.npy"
    none = not head.rows or (part == "codes" and not head.lists)  # nothing can be mapped of an array without rows
    try:
        return np.asarray(np.load(path, mmap_mode=None if none or part in ("offsets", "centroids") else "r"))
    except OSError:
        raise
    except Exception as error:  # numpy raises EOFError, SyntaxError, TokenError … for a damaged file
        raise ValueError("not an array") from error


def _map_tail(folder: Path, head: Head, part: str, kind: str, shape: tuple[int, ...]) -> Any:
    import numpy as np

    if not head.tail:
        return np.zeros(shape, kind)
    return np.asarray(np.memmap(folder / f"tail-{head.number}.{part}.bin", kind, "r", shape=shape))


def append_tail(folder: Path, head: Head, digests: NDArray[np.int64], vectors: NDArray[np.float32]) -> Head:
    """Write rows behind the valid ones of the tail and bring them to the disk; the head that `write_head` must put in
    force for them."""
    sums = dict(head.sums)
    for part, array in (("digests", digests.astype("<i8")), ("vectors", vectors.astype("<f4"))):
        sums[f"tail_{part}"] = checksum(array, sums.get(f"tail_{part}", 0))
        width = array.nbytes // len(array)
        handle = os.open(folder / f"tail-{head.number}.{part}.bin", os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+b") as file:
            file.seek(head.tail * width)  # over what a killed process may have left
            file.write(array.data)
            file.flush()
            os.fsync(file.fileno())
    return replace(head, tail=head.tail + len(digests), sums=sums)


def newest_number(folder: Path) -> int:
    """The greatest number that any file of a base or tail bears; 0 without one."""
    return max(_numbered(folder).values(), default=0)


def remove_old(folder: Path, newest: int) -> None:
    """Remove the files of all bases but the newest two; who has older ones mapped keeps them until it lets go."""
    for draft in folder.glob("*.tmp"):  # of a process that was killed: the caller keeps all others out
        draft.unlink(missing_ok=True)
    for path, number in _numbered(folder).items():
        if number < newest - 1:
            path.unlink(missing_ok=True)


def remove(folder: Path, number: int) -> None:
    """Remove the files of one base that was not put in force."""
    for path, other in _numbered(folder).items():
        if other == number:
            path.unlink(missing_ok=True)


def _numbered(folder: Path) -> dict[Path, int]:
    paths = (*folder.glob("base-*"), *folder.glob("tail-*"))
    names = {path: path.name.split(".")[0].partition("-")[2] for path in paths}
    return {path: int(name) for path, name in names.items() if name.isdecimal()}


def flush_folder(folder: Path) -> None:
    """Bring the folder's own entries to the disk, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
