"""A file's bytes, and what to remember of it so that it need not be read again."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass

from carrel.documents import MAX_BYTES
from carrel.errors import Refused, Unavailable, Unsupported
from carrel.ingest.walking import Stamp, cannot_read, stamp_of

__all__ = ["Contents", "read_file", "settled"]

_UNSURE = -1  # remembered as the time of a file that may change once more without its time changing
_COARSEST_CLOCK = 2.0  # seconds; FAT's, and no file system has a coarser one
_OPENING = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True, slots=True)
class Contents:
    """A file's bytes and their digest (hexadecimal BLAKE2b of 128 bits), with the stamp it had before it was read."""

    data: bytes
    digest: str
    stamp: Stamp


def read_file(path: str, now: float) -> Contents:
    """Read a file whole. ``now`` is Unix seconds.

    A file changed less than two seconds ago, or in the future, gets a stamp that equals no other: it might change
    again within the same tick of its clock, and would look unchanged. Raises Unavailable (cannot be read), Unsupported
    (not a regular file) or Refused (too large).
    """
    try:
        handle = os.open(path, _OPENING)  # never waits, should a pipe have taken the file's place
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise Unsupported("that is not a regular file")
            if found.st_size > MAX_BYTES:
                raise _too_large(found.st_size)
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise Unavailable("it went away before it could be read") from error
    except OSError as error:
        raise cannot_read(error) from error
    if len(data) > MAX_BYTES:
        raise _too_large(len(data))
    stamp = stamp_of(found)
    return Contents(
        data,
        hashlib.blake2b(data, digest_size=16).hexdigest(),
        stamp if settled(stamp, now) else (stamp[0], _UNSURE),
    )


def settled(stamp: Stamp, now: float) -> bool:
    """Whether a file that changes from ``now`` on (Unix seconds) is sure to get another stamp."""
    return stamp[1] / 1e9 <= now - _COARSEST_CLOCK


def _too_large(size: int) -> Refused:
    return Refused(f"the file has {size // 1_000_000} MB and the limit is {MAX_BYTES // 1_000_000} MB; split it")
