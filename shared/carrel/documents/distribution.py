"""I have a Python distribution's METADATA or PKG-INFO: give me its description as a readable document.

The format is RFC 822 headers, then the description (Core metadata specifications, packaging.python.org).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from carrel.documents.sections import Heading, lines_of, markdown_headings, underlined_headings

__all__ = ["DistributionText", "read_metadata"]

_FIELD = re.compile(r"([A-Za-z][A-Za-z-]{1,40}):[ \t]?(.*)")
_SHOWN = (
    "Name",
    "Version",
    "Summary",
    "License-Expression",
    "License",
    "Requires-Python",
    "Requires-Dist",
    "Project-URL",
)


@dataclass(frozen=True, slots=True)
class DistributionText:
    """A distribution as text: a "Metadata" section of ``- Field: value`` lines, then its description."""

    text: str
    title: str
    headings: tuple[Heading, ...]
    authors: tuple[str, ...]
    facts: Mapping[str, str]


def read_metadata(text: str) -> DistributionText:
    """Read clean METADATA text; a description in a ``Description`` field (format 1.x) counts as the body."""
    fields, body = _fields(text)
    body = (body.strip("\n") if body.strip() else _unfolded(_first(fields, "description"))).strip()
    head = _metadata_section(fields)
    whole = f"{head}\n{body}\n" if body else head
    start = len(head) + 1 if body else len(head)
    markdown = "markdown" in _first(fields, "description-content-type").lower() or body.startswith("#")
    headings = markdown_headings(whole, start) if markdown else underlined_headings(whole, start)
    author, version = _first(fields, "author"), _first(fields, "version")
    return DistributionText(
        text=whole,
        title=" — ".join(filter(None, (_first(fields, "name"), _summary(fields)))),
        headings=(Heading("Metadata", 1, 0), *headings),
        authors=(author,) if author else (),
        facts={"version": version} if version else {},
    )


def _fields(text: str) -> tuple[dict[str, list[str]], str]:
    """Header fields by lower-case name (continuation lines joined with line ends), and what follows the blank line."""
    found: list[tuple[str, list[str]]] = []
    body = ""
    for offset, line in lines_of(text):
        if not line:
            body = text[offset + len(line) + 1 :]
            break
        if line[0] in " \t" and found:
            found[-1][1].append(line)
        elif match := _FIELD.match(line):
            found.append((match[1].lower(), [match[2]]))
    fields: dict[str, list[str]] = {}
    for name, lines in found:
        fields.setdefault(name, []).append("\n".join(lines).strip())
    return fields, body


def _first(fields: Mapping[str, list[str]], name: str) -> str:
    value = fields.get(name, [""])[0]
    return "" if value == "UNKNOWN" else value


def _summary(fields: Mapping[str, list[str]]) -> str:
    return " ".join(_first(fields, "summary").split())


def _metadata_section(fields: Mapping[str, list[str]]) -> str:
    lines = ["# Metadata", ""]
    for name in _SHOWN:
        for value in fields.get(name.lower(), []):
            first = value.strip().split("\n", 1)[0].strip()  # a whole licence text may sit in one field
            if first and first != "UNKNOWN":
                lines.append(f"- {name}: {first}")
    return "\n".join(lines) + "\n"


def _unfolded(description: str) -> str:
    """A description kept in a header: continuation lines are indented by 8 spaces, or by ``|`` after 7."""
    return re.sub(r"\n(?: {7}\|| {8})", "\n", description)
