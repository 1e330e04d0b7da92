"""I want to read the same web again: write down what it answers, and answer from that.

A `Recorder` appends to a WARC file, which several processes may share; a `Recording` finds in one. An index (CDXJ)
lies beside the file and is made anew where it is missing, old or another's. What a user keeps secret (keys, the contact
address) is cut out of recorded URLs and never recorded as a header.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from carrel.errors import BadRequest, NotRecorded, Unavailable
from carrel.web.answers import REDIRECTS
from carrel.web.cdxj import Entry, entry_of, read_lines, write_lines
from carrel.web.silencing import blind, forms, silenced
from carrel.web.warc import FAILURE, WarcRecord, http_block, pack_record, read_record, scan

if TYPE_CHECKING:
    import httpx2

__all__ = ["Asked", "Recorder", "Recording"]

_PATIENCE = 20.0  # seconds for another process that writes; one that was halted must not halt us


@dataclass(frozen=True, slots=True)
class Asked:
    """What is told apart of two requests."""

    url: str
    accept: str
    method: str = "GET"
    body: bytes = b""

    @classmethod
    def of(cls, request: httpx2.Request) -> Asked:
        """What a request asks."""
        return cls(str(request.url), request.headers.get("accept", ""), request.method, request.content)

    @property
    def way(self) -> str:
        """How the URL was asked: what it was to give, and for a request with a body also which."""
        if self.method == "GET":
            return self.accept
        return f"{self.method} {hashlib.sha256(self.body).hexdigest()} {self.accept}"


_log = logging.getLogger(__name__)


class Recorder:
    """Appends answers to a WARC file. Calls block, and may come from several threads and processes.

    Raises BadRequest for a file that is there already and is no gzipped WARC, Unavailable where it cannot be written.
    """

    def __init__(self, path: Path, *, secrets: Collection[str] = ()) -> None:
        from filelock import FileLock

        self._path = path
        self._secrets = frozenset(secrets)
        self._lock = FileLock(f"{path}.lock", timeout=_PATIENCE)
        self._wrote = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock:
                _mend(path)
        except OSError:
            raise Unavailable(f"the recording {path.name} cannot be written; check its folder") from None

    def answer(
        self,
        asked: Asked,
        at: datetime,
        status: int,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        *,
        cut: str = "",
    ) -> None:
        """Note an answer; ``body`` as it came over the wire, ``cut`` why it ended early (length, disconnect)."""
        if status in REDIRECTS and any(form in body for form in forms(self._secrets)):
            body = b""  # nobody reads it
        block, digest = http_block(status, silenced(headers, self._secrets), body)
        fields = {"Content-Type": "application/http; msgtype=response", "WARC-Payload-Digest": digest}
        if cut:
            fields["WARC-Truncated"] = cut
        self._append(asked, at, "response", block, fields)

    def failure(self, asked: Asked, at: datetime, kind: str) -> None:
        """Note that there was no answer, and why."""
        block = f"{FAILURE}: {kind}\r\n".encode()
        self._append(asked, at, "metadata", block, {"Content-Type": "application/warc-fields"})

    def close(self) -> None:
        """Write the index, if that can be done: it can be made anew. The recorder may be used again."""
        try:
            with self._lock:
                if self._wrote:
                    _write_index(self._path, _entries(self._path))
                    self._wrote = False
        except OSError as error:
            _log.warning("the index of the recording could not be written: %s", error)

    def _append(self, asked: Asked, at: datetime, kind: str, block: bytes, fields: dict[str, str]) -> None:
        target = {"WARC-Target-URI": blind(asked.url, self._secrets)}
        request_id, request = pack_record(
            "request",
            at,
            _request_block(target["WARC-Target-URI"], asked),
            {**target, "Content-Type": "application/http; msgtype=request"},
        )
        _, answer = pack_record(kind, at, block, {**target, "WARC-Concurrent-To": request_id, **fields})
        try:
            # unbuffered: what a full disk did not take must not be waiting to be written after the cut
            with self._lock, self._path.open("ab", buffering=0) as file:
                before = file.seek(0, os.SEEK_END)
                first = b"" if before else _info(at, self._path.name)
                try:
                    _write(file, first + request + answer)
                except OSError:
                    file.truncate(before)
                    raise
            self._wrote = True
        except OSError:
            raise Unavailable(
                "the recording cannot be written now; is the disk full, or does a halted process hold it?"
            ) from None


class Recording:
    """Finds answers in a WARC file. The answers to one request come in the order in which they were recorded; the last
    one stays. Calls block, and may come from several threads.

    Raises BadRequest when the file is missing or no WARC.
    """

    def __init__(self, path: Path, *, secrets: Collection[str] = ()) -> None:
        self._path = path
        self._secrets = frozenset(secrets)
        self._lock = threading.Lock()
        self._given: dict[tuple[str, str], int] = {}
        self._entries: dict[str, list[Entry]] = {}
        try:
            entries = _entries(path)
        except OSError:
            raise BadRequest(f"the recording {path.name} is not there or cannot be read") from None
        if not entries and path.stat().st_size and _first(path) is None:
            raise BadRequest(f"{path.name} is not a WARC file")
        for entry in entries:
            self._entries.setdefault(entry.url, []).append(entry)
        self._now = entries[0].at if entries else None

    def now(self) -> datetime:
        """When the answer given last was recorded, the first one at the start. Raises NotRecorded when empty."""
        if self._now is None:
            raise NotRecorded("the recording is empty")
        return self._now

    def find(self, asked: Asked) -> WarcRecord:
        """The next answer to a request. Raises NotRecorded, and BadRequest for a damaged file."""
        url, way = blind(asked.url, self._secrets), asked.way
        with self._lock:
            known = self._entries.get(url, [])
            fitting = [entry for entry in known if entry.way == way] or [entry for entry in known if not entry.way]
            if not fitting:
                raise NotRecorded(
                    "this address is not in the recording that is being replayed, so nothing is known of it"
                )
            turn = self._given.get((url, way), 0)
            self._given[url, way] = turn + 1
            entry = fitting[min(turn, len(fitting) - 1)]
            self._now = entry.at
        try:
            with self._path.open("rb") as file:
                return read_record(file, entry.offset, entry.length)
        except OSError:
            raise Unavailable("the recording cannot be read any more") from None


def _write(file: FileIO, data: bytes) -> None:
    """Write all of it: an unbuffered file may take a part."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _entries(path: Path) -> list[Entry]:
    """The index of a recording: what lies beside it, and a scan of what that does not cover."""
    size = path.stat().st_size
    known = _read_index(path)
    end = max((entry.offset + entry.length for entry in known), default=0)
    if end == size:
        return known
    if end > size or (known and _first(path, known[-1].offset) is None):
        known, end = [], 0
    found = list(known)
    ways: dict[str, str] = {}
    waiting: list[tuple[WarcRecord, str]] = []
    with path.open("rb") as file:
        for record in scan(file, end):
            if record.kind == "request":
                ways[record.fields.get("warc-record-id", "")] = _way(record)
                ways[record.fields.get("warc-concurrent-to", "")] = _way(record)
            else:
                waiting.append((_short(record), record.fields.get("warc-record-id", "")))
    for record, name in waiting:
        entry = entry_of(record, ways.get(record.fields.get("warc-concurrent-to", "-"), ways.get(name, "")))
        if entry is not None:
            found.append(entry)
    return found


def _short(record: WarcRecord) -> WarcRecord:
    """The record without its body: a scan keeps one for every answer of the file."""
    head, mark, _ = record.block.partition(b"\r\n\r\n")
    return WarcRecord(record.offset, record.length, record.fields, head[:4_096] + mark)


def _way(record: WarcRecord) -> str:
    """How a recorded request asked; empty where it does not say what it was to give."""
    head, _, body = record.block.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip().lower() == "accept":
            return Asked(record.url, value.strip(), first.partition(" ")[0], body).way
    return ""


def _index_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.cdxj")


def _read_index(path: Path) -> list[Entry]:
    try:
        return read_lines(_index_path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return []


def _write_index(path: Path, entries: Sequence[Entry]) -> None:
    index = _index_path(path)
    draft = index.with_name(f"{index.name}.{os.getpid()}.tmp")
    draft.write_text(write_lines(entries, path.name), "utf-8")
    draft.replace(index)


def _first(path: Path, offset: int = 0) -> WarcRecord | None:
    with path.open("rb") as file:
        return next(scan(file, offset), None)


def _mend(path: Path) -> None:
    """Make sure that a file can be appended to; what a killed process left at its end moves to a file beside it."""
    size = path.stat().st_size if path.exists() else 0
    if not size:
        return
    end = 0
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        for record in scan(file):
            end = record.offset + record.length
    if not packed or not end:
        raise BadRequest(f"{path.name} exists and is no gzipped WARC file; record into another one")
    if end < size:
        with path.open("r+b") as file:
            file.seek(end)
            path.with_name(f"{path.name}.broken").write_bytes(file.read())
            file.truncate(end)


def _info(at: datetime, filename: str) -> bytes:
    version = metadata.version("carrel")
    block = f"software: carrel/{version}\r\nformat: WARC File Format 1.1\r\n".encode()
    return pack_record("warcinfo", at, block, {"Content-Type": "application/warc-fields", "WARC-Filename": filename})[1]


def _request_block(url: str, asked: Asked) -> bytes:
    parts = urlsplit(url)
    target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    head = f"{asked.method} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: {asked.accept}\r\n\r\n"
    return head.encode() + asked.body
