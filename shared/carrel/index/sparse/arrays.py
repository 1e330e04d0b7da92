"""What a search of the learned-sparse arm reads: memory-mapped arrays, shared by all processes.

``head.json`` names one immutable *base*, laid out term by term (which rows have the term, with what weight), and how
much of its *tail* is valid: plain files that grow by each batch written since, laid out row by row. It is replaced
whole and last, so a reader meets one state or the next. The files are ``base-NUMBER.PART.bin`` and
``tail-NUMBER.PART.bin``.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carrel.index.dense.arrays import flush_folder, read_head
from carrel.index.dense.sums import checksum
from carrel.index.lexical import Mark

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from carrel.models import SparseVectors

__all__ = ["BASE", "Head", "State", "all_digests", "append_tail", "head_in", "load", "rows_of"]

BASE = {"digests": "<i8", "terms": "<i4", "offsets": "<i8", "rows": "<i4", "weights": "<f2"}
_TAIL = {"digests": "<i8", "lengths": "<i4", "terms": "<i4", "weights": "<f2"}
_LONGEST_HEAD = 4096
_READ_AT_ONCE = 64_000_000  # bytes of a part that every process reads before it believes them
_NOTHING = Mark(0, 0)


@dataclass(frozen=True, slots=True)
class Head:
    """``rows`` of the base have ``terms`` different terms and ``postings`` weights, by the model ``fingerprint``.

    ``mark`` is the commit up to which it was last looked what is missing: then ``lacking`` passages had no vector.
    At ``covered`` none lacked one. Texts erased up to the ``erased``-th erasure are gone. ``sums`` are checksums.
    """

    number: int
    fingerprint: str
    rows: int = 0
    terms: int = 0
    postings: int = 0
    tail: int = 0
    tail_postings: int = 0
    mark: Mark = _NOTHING
    lacking: int = 0
    covered: Mark = _NOTHING
    erased: int = 0
    sums: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """One state of the arm. Row r is the base's below ``head.rows``, else the tail's row r - ``head.rows``.

    The base's ``digests`` ascend. Term ``terms[i]`` has the weights ``offsets[i]:offsets[i + 1]``, in ascending
    ``rows``. Row i of the tail has those at ``tail_offsets[i]:tail_offsets[i + 1]``, in ascending ``tail_terms``.
    """

    raw: bytes
    head: Head
    digests: NDArray[np.int64]
    terms: NDArray[np.int32]
    offsets: NDArray[np.int64]
    rows: NDArray[np.int32]
    weights: NDArray[np.float16]
    tail_digests: NDArray[np.int64]
    tail_offsets: NDArray[np.int64]
    tail_terms: NDArray[np.int32]
    tail_weights: NDArray[np.float16]
    tail_order: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Digests with a vector."""
        return self.head.rows + self.head.tail


def rows_of(state: State, digests: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row of each digest, -1 where there is none."""
    import numpy as np

    rows = np.full(len(digests), -1, np.int64)
    late = state.tail_digests[state.tail_order]
    for known, order in ((state.digests, None), (late, state.tail_order + state.head.rows)):
        if len(known) and len(digests):
            places = np.searchsorted(known, digests)
            places[places == len(known)] = 0
            there = known[places] == digests
            rows[there] = places[there] if order is None else order[places[there]]
    return rows


def all_digests(state: State) -> NDArray[np.int64]:
    """The digest of each row."""
    import numpy as np

    return np.concatenate([state.digests, state.tail_digests])


def head_in(folder: Path) -> Head | None:
    """The head in force in a folder; None when there is none that can be read."""
    try:
        return _parse(read_head(folder))
    except (OSError, ValueError):
        return None


def load(folder: Path, raw: bytes, before: State | None = None) -> State:
    """Map what the head ``raw`` names; what ``before`` has of it was looked at then, and is not read again.

    Parts of a large base are not read here: `verify` does it. Raises OSError or ValueError when files are missing or
    damaged.
    """
    import numpy as np

    head = _parse(raw)
    if not head.rows and (head.terms or head.postings):
        raise ValueError("weights of no rows")
    known = before.head if before is not None and _same_base(before.head, head) else None
    sizes = {"digests": head.rows, "terms": head.terms, "offsets": head.terms + 1}
    base = {
        part: _mapped(folder / f"base-{head.number}.{part}.bin", kind, sizes.get(part, head.postings), head.rows)
        for part, kind in BASE.items()
    }
    for part, array in base.items() if known is None and head.rows else ():
        if array.nbytes <= _READ_AT_ONCE and checksum(array) != head.sums.get(part, 0):
            raise ValueError(f"the part {part} is damaged")
    tail = {
        part: _mapped(folder / f"tail-{head.number}.{part}.bin", kind, size, size)
        for (part, kind), size in zip(_TAIL.items(), _tail_sizes(head), strict=True)
    }
    done = _tail_sizes(known) if known and known.tail <= head.tail else (0, 0, 0, 0)
    for (part, array), start in zip(tail.items(), done, strict=True):
        begun = known.sums.get(f"tail_{part}", 0) if known and start else 0
        if checksum(array[start:], begun) != head.sums.get(f"tail_{part}", 0):
            raise ValueError("the tail is damaged")
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(tail["lengths"], dtype=np.int64)])
    if offsets[-1] != head.tail_postings:
        raise ValueError("the tail does not fit the head")
    order = np.argsort(tail["digests"], kind="stable")
    return State(raw, head, **base, **_named(tail), tail_offsets=offsets, tail_order=order)


def _same_base(one: Head, other: Head) -> bool:
    """Numbers begin anew where an arm is made anew."""
    sums = ([head.sums.get(part, 0) for part in BASE] for head in (one, other))
    return one.number == other.number and next(sums) == next(sums)


def _named(tail: dict[str, Any]) -> dict[str, Any]:
    return {f"tail_{part}": tail[part] for part in ("digests", "terms", "weights")}


def _tail_sizes(head: Head) -> tuple[int, int, int, int]:
    return head.tail, head.tail, head.tail_postings, head.tail_postings


def _parse(raw: bytes) -> Head:
    try:
        values = json.loads(raw[:_LONGEST_HEAD])
        if not isinstance(values, dict) or set(values) != {part.name for part in fields(Head)}:
            raise ValueError("not a head")
        values |= {name: Mark(*values[name]) for name in ("mark", "covered")}
    except (RecursionError, TypeError) as error:
        raise ValueError("not a head") from error
    counts = [value for name, value in values.items() if name not in ("fingerprint", "mark", "covered", "sums")]
    if not isinstance(values["fingerprint"], str) or not isinstance(values["sums"], dict):
        raise ValueError("not a head")
    if not all(type(each) is int and 0 <= each < 2**63 for each in (*counts, *values["mark"], *values["covered"])):
        raise ValueError("not a head")
    return Head(**values)


def _mapped(path: Path, kind: str, size: int, needed: int) -> Any:
    """The first ``size`` items of a file; nothing can be mapped of one without any, nor is there one where none are
    ``needed``."""
    import numpy as np

    return np.asarray(np.memmap(path, kind, "r", shape=(size,))) if size and needed else np.zeros(size, kind)


def append_tail(folder: Path, head: Head, digests: NDArray[np.int64], vectors: SparseVectors) -> Head:
    """Write rows behind the valid ones of the tail and bring them to the disk; the head that must be put in force for
    them."""
    import numpy as np

    sums = dict(head.sums)
    arrays = (digests, np.diff(vectors.offsets), vectors.terms, vectors.weights)
    for (part, kind), array, done in zip(_TAIL.items(), arrays, _tail_sizes(head), strict=True):
        written = np.ascontiguousarray(array, kind)
        sums[f"tail_{part}"] = checksum(written, sums.get(f"tail_{part}", 0))
        handle = os.open(folder / f"tail-{head.number}.{part}.bin", os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+b") as file:
            file.seek(done * written.itemsize)  # over what a killed process may have left
            file.write(written.data)
            file.flush()
            os.fsync(file.fileno())
    flush_folder(folder)
    postings = head.tail_postings + len(vectors.terms)
    return replace(head, tail=head.tail + len(digests), tail_postings=postings, sums=sums)
