"""Pages with their true content, and which of them nothing is fitted on."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from carrel.documents.media import decode

__all__ = ["PARTS", "Sample", "held", "load"]

PARTS = ("held", "fitted", "all")


@dataclass(frozen=True, slots=True)
class Sample:
    """A page as every system gets it, decoded; ``size`` is what was sent, in bytes."""

    id: str
    kind: str
    domain: str
    size: int
    html: str
    truth: str


def load(data: Path, part: str = "all") -> list[Sample]:
    """The pages of a folder with ``truth.jsonl`` (id, page_type, domain, html, main_content), in the order of a hash of
    their domain, so that a site's pages stand together."""
    rows = [json.loads(line) for line in (data / "truth.jsonl").read_text("utf-8").split("\n") if line]
    rows = [row for row in rows if part == "all" or held(row["domain"]) == (part == "held")]
    rows.sort(key=lambda row: hashlib.sha256(f"1{row['domain']}".encode()).digest())
    return [_sample(data, row) for row in rows]


def held(domain: str) -> bool:
    """Whether a domain is of the fifth that the trees are not fitted on."""
    return int(hashlib.sha256(domain.encode()).hexdigest(), 16) % 5 == 0


def _sample(data: Path, row: dict[str, str]) -> Sample:
    raw = gzip.decompress((data / row["html"]).read_bytes())
    html = decode(raw, html=True)[0]
    return Sample(row["id"], row["page_type"], row["domain"], len(raw), html, row["main_content"] or "")
