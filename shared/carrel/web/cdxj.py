"""I have a recording: where in it lies which answer? An index in CDXJ, as web archives use it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from carrel.web.warc import FAILURE, WarcRecord

__all__ = ["Entry", "entry_of", "read_lines", "write_lines"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer, or one failure, of a recording. ``way`` tells how it was asked (`Asked.way`); empty where
    that was not recorded."""

    url: str
    at: datetime
    status: str
    mime: str
    digest: str
    offset: int
    length: int
    way: str = ""


def entry_of(record: WarcRecord, way: str) -> Entry | None:
    """What the index says of a record; None for one that answers nothing."""
    status, mime = "-", ""
    if record.kind == "response" and record.block[:5] == b"HTTP/":
        head = record.block.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        status = head[0].split(" ")[1] if " " in head[0] else "-"
        types = [line.partition(":")[2] for line in head[1:] if line.lower().startswith("content-type:")]
        mime = types[0].partition(";")[0].strip().lower() if types else "unk"
    elif record.kind == "metadata" and record.block.startswith(FAILURE.encode()):
        mime = "application/warc-fields"
    if not mime or not record.url:
        return None
    digest = record.fields.get("warc-payload-digest", "")
    return Entry(record.url, record.at, status, mime, digest, record.offset, record.length, way)


def write_lines(entries: Iterable[Entry], filename: str) -> str:
    """The index as text, sorted by key, time and place."""
    lines = []
    for entry in entries:
        facts = {
            "url": entry.url,
            "mime": entry.mime,
            "status": entry.status,
            "digest": entry.digest,
            "length": str(entry.length),
            "offset": str(entry.offset),
            "filename": filename,
            "time": entry.at.isoformat(),
            "way": entry.way,
        }
        stamp = entry.at.astimezone(UTC).strftime("%Y%m%d%H%M%S")
        lines.append((_key(entry.url), stamp, entry.offset, json.dumps(facts, ensure_ascii=True)))
    return "".join(f"{key} {stamp} {facts}\n" for key, stamp, _, facts in sorted(lines))


def read_lines(text: str) -> list[Entry]:
    """The entries of an index that `write_lines` wrote, in the order of the recording; empty when it is another's."""
    entries = []
    for line in text.splitlines():
        try:
            entries.append(_read(json.loads(line.split(" ", 2)[2])))
        except (ValueError, KeyError, IndexError, TypeError, OverflowError, RecursionError):
            return []
    return sorted(entries, key=lambda entry: entry.offset)


def _read(facts: Mapping[str, str]) -> Entry:
    """One line's entry; ValueError and its kin for one that `write_lines` did not write."""
    texts = [facts[name] for name in ("url", "status", "mime", "digest", "way", "time", "offset", "length")]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    url, status, mime, digest, way = texts[:5]
    at, offset, length = datetime.fromisoformat(facts["time"]), int(facts["offset"]), int(facts["length"])
    if at.tzinfo is None or min(offset, length) < 0:
        raise ValueError
    return Entry(url, at.astimezone(UTC), status, mime, digest, offset, length, way)


def _key(url: str) -> str:
    """The URL with its host reversed (SURT), lower-case, so that a site's pages stand together."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port
    except ValueError:
        return url.replace(" ", "%20")
    backwards = host if ":" in host or host.replace(".", "").isdigit() else ",".join(reversed(host.split(".")))
    usual = port in (None, 80 if parts.scheme == "http" else 443)
    place = f"{backwards}{'' if usual else f':{port}'}){parts.path or '/'}"
    return (f"{place}?{parts.query}" if parts.query else place).lower().replace(" ", "%20")
