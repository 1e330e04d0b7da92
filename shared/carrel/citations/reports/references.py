"""What the marks of a report name, and what is wrong with its apparatus."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from carrel.citations.bibliography import Reference, implied
from carrel.citations.marks import CitationMark, same_url
from carrel.citations.reports.nouns import Fault

__all__ = ["find_faults", "resolve_marks"]


def resolve_marks(
    marks: Sequence[CitationMark], listed: Sequence[Reference]
) -> tuple[tuple[Reference, ...], dict[str, str]]:
    """All references, and for each name used in a mark the key of the reference it means."""
    references = {reference.key: reference for reference in listed}
    known = {reference.identity: reference.key for reference in reversed(listed)}
    by_url = {same_url(reference.url): reference.key for reference in reversed(listed) if reference.url}
    names: dict[str, str] = {}
    for mark in marks:
        for name in mark.keys:
            if name in names:
                continue
            if name in references:
                names[name] = name
            elif name.startswith(("url:", "ref:")):
                reference = implied(name, mark.start, mark.end)
                key = by_url.get(same_url(reference.url), "") if reference.url else known.get(reference.identity, "")
                key = key or known.get(reference.identity, "")
                names[name] = key or name
                if not key:
                    references[name] = reference
                    known[reference.identity] = name
            elif "|" in name and (key := _author_year(name, listed)):
                names[name] = key
    return tuple(references.values()), names


def _author_year(name: str, listed: Sequence[Reference]) -> str:
    family, _, year = name.partition("|")
    surname = re.compile(rf"\b{re.escape(family)}\b", re.I)
    for reference in listed:
        head = reference.text[:300]
        if surname.search(head) and year[:4] in reference.text:
            return reference.key
    return ""


def find_faults(
    entries: Sequence[Reference],
    references: Sequence[Reference],
    marks: Sequence[CitationMark],
    names: Mapping[str, str],
) -> Iterator[Fault]:
    """Dangling marks, entries given twice or never cited, and addresses that are placeholders."""
    cited = set(names.values())
    has_list = any(reference.listed for reference in references)
    for mark in marks:
        for name in mark.keys:
            if name not in names and (has_list or mark.kind != "author_year"):
                yield Fault("dangling", name, mark.start, mark.end, "cited, but the reference list has no such entry")
    for key, count in Counter(entry.key for entry in entries).items():
        if count > 1:
            again = [entry for entry in entries if entry.key == key][1]
            yield Fault("duplicate", key, again.start, again.end, "two entries of the reference list have this number")
    first: dict[str, str] = {}
    for reference in references:
        if reference.listed and reference.key not in cited:
            yield Fault(
                "unused", reference.key, reference.start, reference.end, "listed, but nothing in the report cites it"
            )
        if reference.placeholder:
            yield Fault(
                "placeholder",
                reference.key,
                reference.start,
                reference.end,
                "the address is a placeholder, not a source",
            )
        if first.setdefault(reference.identity, reference.key) != reference.key and reference.listed:
            detail = f"the same source as entry {first[reference.identity]}"
            yield Fault("duplicate", reference.key, reference.start, reference.end, detail)
