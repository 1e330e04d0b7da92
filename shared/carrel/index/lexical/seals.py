"""Whether a file is what was written: checksums of tantivy's segment files and of our own small ones.

tantivy ends each segment file with a footer that holds a CRC-32 of the rest, but does not check it by itself.
"""

from __future__ import annotations

import errno
import json
import os
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from carrel.errors import Unavailable
from carrel.index.lexical.nouns import DamagedArm

__all__ = ["SEGMENTS", "Stamp", "checksum", "damage", "inspect", "kind", "seal", "stamp", "trouble", "unseal"]

FORMAT = 2
"""Of the arm's folder and of its schema; another is rebuilt from the store."""

SEGMENTS = "meta.json"
"""tantivy's list of segments; the one file of a snapshot that has no footer."""

Stamp = tuple[int, int]
"""Size and time of change (ns) of a file."""

_FOOTER = struct.Struct("<II")  # length of the JSON before it, magic number
_MAGIC = 1337
_LONGEST_FOOTER = 4096
_BLOCK = 1 << 20
_KINDS = {
    "idx": "postings", "pos": "positions", "term": "dictionary", "store": "row", "fast": "column",
    "fieldnorm": "length", "del": "deletion", "json": "segment list",
}  # fmt: skip
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO)


def damage(what: str) -> DamagedArm:
    """The error for an arm that must be rebuilt; ``what`` completes "the lexical index …"."""
    return DamagedArm(f"the lexical index {what}; rebuild it from the store with `carrel doctor --repair`")


def trouble(error: OSError, name: str) -> DamagedArm | Unavailable:
    """What an error of the system means: the file is gone, or nobody knows."""
    if error.errno in _GONE:
        return damage(f"lacks a {kind(name)} file")
    return Unavailable("the lexical index cannot be read now; check the data folder's permissions and open-file limit")


def kind(file: str) -> str:
    """What a file of the index is, in words."""
    return _KINDS.get(file.rpartition(".")[2], file if file.isalpha() else "data")


def stamp(path: Path) -> Stamp:
    """Size and time of change. Raises DamagedArm when the file is gone, Unavailable when it cannot be looked at."""
    try:
        found = path.stat()
    except OSError as error:
        raise trouble(error, path.name) from error
    return found.st_size, found.st_mtime_ns


def checksum(path: Path) -> int:
    """CRC-32 of a file's content, read in full; -1 when its footer does not agree. Raises DamagedArm, Unavailable."""
    try:
        with path.open("rb") as file:
            left, claimed = _footer(file, path.name)
            file.seek(0)
            crc = 0
            while left > 0 and (block := file.read(min(left, _BLOCK))):
                crc, left = zlib.crc32(block, crc), left - len(block)
    except OSError as error:
        raise trouble(error, path.name) from error
    return crc if claimed in (None, crc) else -1


def inspect(path: Path) -> tuple[int, int]:
    """Size and checksum of a file just written, from its footer, without reading the rest. Raises DamagedArm."""
    with path.open("rb") as file:
        _, claimed = _footer(file, path.name)
        size = file.seek(0, os.SEEK_END)
    return size, checksum(path) if claimed is None else claimed


def seal(fields: Mapping[str, Any]) -> bytes:
    """JSON behind the format's number and its own CRC-32."""
    body = json.dumps(fields, separators=(",", ":")).encode()
    return b"%d %08x " % (FORMAT, zlib.crc32(body)) + body


def unseal(content: bytes, what: str) -> dict[str, Any]:
    """What was sealed. Raises DamagedArm; ``what`` names the file there."""
    form, _, rest = content.partition(b" ")
    crc, _, body = rest.partition(b" ")
    if crc != b"%08x" % zlib.crc32(body):
        raise damage(f"has a damaged {what}")
    if form != b"%d" % FORMAT:
        raise damage("was written by another version of Carrel")
    fields = json.loads(body)
    if not isinstance(fields, dict):
        raise damage(f"has a damaged {what}")
    return fields


def _footer(file: BinaryIO, name: str) -> tuple[int, int | None]:
    """Length of the content before the footer and the CRC-32 claimed there, None for a file without one."""
    size = file.seek(0, os.SEEK_END)
    if name == SEGMENTS:
        return size, None
    try:
        file.seek(max(size - _FOOTER.size, 0))
        length, magic = _FOOTER.unpack(file.read(_FOOTER.size))
        body = size - _FOOTER.size - length
        if magic != _MAGIC or length > _LONGEST_FOOTER or body < 0:
            raise ValueError(magic)
        file.seek(body)
        return body, int(json.loads(file.read(length))["crc"])
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise damage(f"has a {kind(name)} file without its end") from error
