"""Recorded answers and references, as the engine reads them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carrel.scholarly import Record
from carrel.scholarly.crossref import crossref_record
from carrel.scholarly.openalex import openalex_record

__all__ = ["Answers", "crossref_messages", "lines", "openalex_works", "searches"]


def lines(path: Path) -> list[dict[str, Any]]:
    """JSON lines, gzipped or not."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in raw.decode().split("\n") if line.strip()]


def _bodies(data: Path, service: str) -> Iterator[dict[str, Any]]:
    for path in sorted((data / "api-recordings" / service).glob("*.json")):
        response = json.loads(path.read_text())["response"]
        if response["status"] == 200 and response["body"].startswith("{"):
            try:
                yield json.loads(response["body"])
            except ValueError:
                continue


def crossref_messages(data: Path) -> list[dict[str, Any]]:
    """Every recorded Crossref work that has a title and authors."""
    found: list[dict[str, Any]] = []
    for body in _bodies(data, "crossref"):
        message = body.get("message")
        kind = body.get("message-type")
        found += [message] if kind == "work" else message["items"] if kind == "work-list" else []
    return [m for m in found if m.get("title") and m.get("author")]


def openalex_works(data: Path) -> list[dict[str, Any]]:
    """Every recorded OpenAlex work."""
    found = [item for body in _bodies(data, "openalex") for item in body.get("results", [body])]
    kept = [a for a in lines(data / "references" / "recordings.jsonl.gz") if a["service"] == "openalex"]
    found += [item for a in kept for item in (a["response"] if isinstance(a["response"], list) else [a["response"]])]
    return [item for item in found if item and "authorships" in item]


@dataclass(frozen=True, slots=True)
class Answers:
    """What Crossref and OpenAlex gave to one title."""

    crossref: Sequence[Record]
    openalex: Sequence[Record]


def searches(data: Path) -> list[Answers]:
    """The recorded searches that both services answered."""
    readers = {"crossref": crossref_record, "openalex": openalex_record}
    found: dict[str, dict[str, list[Record]]] = {}
    for answer in lines(data / "references" / "recordings.jsonl.gz"):
        if answer["method"] == "search_works" and answer["service"] in readers:
            read = readers[answer["service"]]
            found.setdefault(answer["query"].partition("|")[0], {})[answer["service"]] = [
                record for item in answer["response"] if (record := read(item)).work.title
            ]
    return [Answers(told["crossref"], told["openalex"]) for told in found.values() if len(told) == 2]
