"""I have answers of the web: write them as a WARC 1.1 file that other tools read, and read such files back.

One gzip member per record (ISO 28500:2017, annex D). Only what a replay needs is understood: ``response``, ``request``
and, for requests that had no answer, ``metadata`` with a ``fetch-failure`` field. Files come from strangers too, so
every size is bounded.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import BinaryIO

from carrel.errors import BadRequest

__all__ = ["FAILURE", "WarcRecord", "http_answer", "http_block", "pack_record", "read_record", "scan"]

FAILURE = "fetch-failure"
MAX_BLOCK = 80_000_000  # of one record's decoded bytes: twice the largest body that is read, and its head
_MAX_HEAD = 65_536
_PIECE = 65_536
_FIELD = re.compile(r"([!-9;-~]+):[ \t]*(.*)")
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]{0,100}\r\n")
_VERSION = re.compile(rb"WARC/1\.[01]\r?\n")


@dataclass(frozen=True, slots=True)
class WarcRecord:
    """One record where it lies: ``length`` bytes of the file from ``offset`` on. ``fields`` has lower-case names."""

    offset: int
    length: int
    fields: Mapping[str, str]
    block: bytes

    @property
    def kind(self) -> str:
        """The WARC-Type."""
        return self.fields.get("warc-type", "")

    @property
    def url(self) -> str:
        """The WARC-Target-URI; WARC 1.0 writers put angle brackets around it."""
        return self.fields.get("warc-target-uri", "").strip("<>")

    @property
    def at(self) -> datetime:
        """The WARC-Date, in UTC."""
        try:
            moment = datetime.fromisoformat(self.fields.get("warc-date", ""))
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            return datetime.fromtimestamp(0, UTC)


def pack_record(kind: str, at: datetime, block: bytes, fields: Mapping[str, str]) -> tuple[str, bytes]:
    """One record as a gzip member of its own, and its id."""
    record_id = f"<urn:uuid:{uuid.uuid4()}>"
    head = {
        "WARC-Type": kind,
        "WARC-Record-ID": record_id,
        "WARC-Date": at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        **fields,
        "WARC-Block-Digest": _digest(block),
        "Content-Length": str(len(block)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    packer = zlib.compressobj(wbits=31)
    data = b"".join((b"WARC/1.1\r\n", lines.encode(), b"\r\n", block, b"\r\n\r\n"))
    return record_id, packer.compress(data) + packer.flush()


def http_block(status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> tuple[bytes, str]:
    """An HTTP answer as it is kept, and the digest of its body.

    Chunks were joined on the way, so Transfer-Encoding is kept under the name that archives use for it.
    """
    lines = [f"HTTP/1.1 {status} {_PHRASES.get(status, '')}".encode()]
    for name, value in headers:
        orig = b"X-Archive-Orig-" if name.lower() == b"transfer-encoding" else b""
        lines.append(orig + _one_line(name) + b": " + _one_line(value))
    return b"\r\n".join([*lines, b"", body]), _digest(body)


def http_answer(block: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of a kept HTTP answer; chunks of the wire are joined. Raises BadRequest."""
    head, mark, body = block.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    match = re.match(rb"HTTP/\d(?:\.\d)? (\d{3})(?: |$)", first)
    if match is None or not mark:
        raise BadRequest("the recording holds an answer that is no HTTP")
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if colon and re.fullmatch(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            headers.append((name, value.strip()))
    if any(name.lower() == b"transfer-encoding" and b"chunked" in value.lower() for name, value in headers):
        body = _joined(body)
    return int(match[1]), [(_original(name), value) for name, value in headers], body


def read_record(file: BinaryIO, offset: int, length: int) -> WarcRecord:
    """The record at a place that an index names. Raises BadRequest when none is there."""
    file.seek(offset)
    data = file.read(min(length, MAX_BLOCK))
    if data[:2] == b"\x1f\x8b":
        try:
            data = zlib.decompressobj(31).decompress(data, MAX_BLOCK)
        except zlib.error:
            raise BadRequest("the recording is damaged") from None
    fields, begin = _head(data)
    size = _size(fields)
    if begin + size > len(data):
        raise BadRequest("the recording is damaged")
    return WarcRecord(offset, length, fields, data[begin : begin + size])


def scan(file: BinaryIO, start: int = 0) -> Iterator[WarcRecord]:
    """Every record from ``start`` on, gzipped or not, up to the end or the first damage; blocks hold their first 64 KB.

    A file cut off in its last record, by a process that was killed, gives the records before it.
    """
    file.seek(start)
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(start)
    walk = _scan_packed if packed else _scan_plain
    yield from walk(file, start)


def _scan_packed(file: BinaryIO, start: int) -> Iterator[WarcRecord]:
    offset, data = start, b""
    while True:
        engine, kept, used = zlib.decompressobj(31), bytearray(), 0
        while not engine.eof:
            data = data or file.read(_PIECE)
            try:
                piece = engine.decompress(data, _PIECE)
            except zlib.error:
                return
            if not data and not piece and not engine.eof:
                return
            kept += piece[: max(0, 2 * _MAX_HEAD - len(kept))]
            left = engine.unused_data if engine.eof else engine.unconsumed_tail
            used += len(data) - len(left)
            data = left
        try:
            fields, begin = _head(bytes(kept))
            size = _size(fields)
        except BadRequest:
            return
        yield WarcRecord(offset, used, fields, bytes(kept[begin : begin + min(size, _MAX_HEAD)]))
        offset += used


def _scan_plain(file: BinaryIO, start: int) -> Iterator[WarcRecord]:
    offset = start
    while True:
        file.seek(offset)
        data = file.read(2 * _MAX_HEAD)
        try:
            fields, begin = _head(data)
            size = _size(fields)
        except BadRequest:
            return
        length = begin + size + 4
        file.seek(offset + length - 4)
        if file.read(4) != b"\r\n\r\n":
            return
        yield WarcRecord(offset, length, fields, data[begin : begin + min(size, _MAX_HEAD)])
        offset += length


def _head(data: bytes) -> tuple[dict[str, str], int]:
    """The named fields of a record and where its block begins."""
    end = data.find(b"\r\n\r\n", 0, _MAX_HEAD)
    if _VERSION.match(data) is None or end < 0:
        raise BadRequest("that is not a WARC file")
    fields: dict[str, str] = {}
    for line in data[:end].decode("utf-8", "replace").split("\r\n")[1:]:
        match = _FIELD.fullmatch(line)
        if match is not None:
            fields.setdefault(match[1].lower(), match[2].strip())
    return fields, end + 4


def _size(fields: Mapping[str, str]) -> int:
    text = fields.get("content-length", "")
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise BadRequest("the recording is damaged")
    return int(text)


def _joined(body: bytes) -> bytes:
    """The body of chunks (RFC 9112 section 7.1), up to the first that is none; a body without chunks as it is."""
    parts, place = [], 0
    while match := _CHUNK.match(body, place):
        size = int(match[1], 16)
        parts.append(body[match.end() : match.end() + size])
        place = match.end() + size + 2
        if size == 0:
            break
    return b"".join(parts) if parts else body


def _original(name: bytes) -> bytes:
    return b"Transfer-Encoding" if name.lower() == b"x-archive-orig-transfer-encoding" else name


def _one_line(text: bytes) -> bytes:
    return text.replace(b"\r", b" ").replace(b"\n", b" ")


def _digest(data: bytes) -> str:
    return f"sha1:{base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()}"
