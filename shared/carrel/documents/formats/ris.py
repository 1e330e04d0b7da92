"""I have a RIS file (or PubMed's own tagged form): give me its entries, each a section."""

from __future__ import annotations

import re
from collections.abc import Iterator

from carrel.documents.draft import NO_TEXT, Composer, Draft, Unreadable
from carrel.documents.formats.entries import Entry, about, write_entry

__all__ = ["read"]

_TAG = re.compile(r"([A-Z][A-Z0-9]{1,3}) {0,3}-(?: (.*))?$")
_AUTHORS = ("AU", "A1", "FAU")
_DOI = re.compile(r"10\.\d{4,9}/\S{1,300}")
_Fields = dict[str, list[str]]


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read a .ris or .nbib; raises Unreadable (NO_TEXT for a file without entries). The hint is not used."""
    out = Composer(max_chars)
    entries: list[Entry] = []
    for fields in _entries(data.decode("utf-8", "replace")):
        entries.append(_entry(fields))
        write_entry(out, entries[-1])
    if not entries:
        raise Unreadable(NO_TEXT)
    return out.draft(**about(entries, "ris"))


def _entries(text: str) -> Iterator[_Fields]:
    """The fields of each entry: one ends at ``ER`` or a blank line before the tag that opened the first."""
    fields: _Fields = {}
    opening = last = ""
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        match = _TAG.match(line.lstrip("\ufeff"))
        if match is None:
            if last and line.strip():
                fields[last][-1] += " " + line.strip()
            continue
        tag, value = match[1], (match[2] or "").strip()
        opening = opening or tag
        if (tag == "ER" or (tag == opening and tag in ("TY", "PMID"))) and _is_entry(fields):
            yield fields
            fields, last = {}, ""
        if tag != "ER":
            fields.setdefault(tag, []).append(value)
            last = tag
    if _is_entry(fields):
        yield fields


def _is_entry(fields: _Fields) -> bool:
    return len(fields) > 1 and bool(fields.keys() & {"TI", "T1", "CT", "BT", "AU", "A1", "FAU", "ID"})


def _entry(fields: _Fields) -> Entry:
    def first(*names: str) -> str:
        return next((fields[name][0] for name in names if fields.get(name, [""])[0]), "")

    authors = next((fields[name] for name in ("FAU", "AU", "A1") if name in fields), [])
    start, end, issue = first("SP"), first("EP"), first("IS", "IP")
    told = (value for name in ("DO", "LID", "AID", "M3") for value in fields.get(name, ()))
    doi = _DOI.search(" ".join(told))
    return Entry(
        title=first("TI", "T1", "CT", "BT"),
        authors=tuple(map(_name, authors)),
        editors=tuple(map(_name, fields.get("ED", fields.get("A2", [])))),
        year=first("PY", "Y1", "DA", "DP").strip("/ ")[:40],
        venue=first("JO", "JF", "T2", "JT", "JA", "J2", "TA", "T3"),
        volume=first("VL", "VI") + (f" ({issue})" if issue else ""),
        pages=f"{start}–{end}" if start and end else start or first("PG"),
        publisher=first("PB"),
        doi=doi[0] if doi else "",
        url=first("UR", "L2", "LK"),
        kind=first("TY", "PT"),
        key=first("ID", "PMID"),
        keywords="; ".join(fields.get("KW", fields.get("OT", []))),
        abstract=first("AB", "N2"),
        notes=" ".join(fields.get("N1", [])),
    )


def _name(told: str) -> str:
    family, _, given = told.partition(",")
    return f"{given.strip()} {family.strip()}".strip()
