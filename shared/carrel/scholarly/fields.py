"""Fields that several services write in like ways: identifiers, licences, open copies."""

from __future__ import annotations

import re
from collections.abc import Iterable

from carrel.errors import CarrelError
from carrel.records import Access
from carrel.scholarly.identifiers import parse_identifier

__all__ = ["identifiers_of", "licence_of", "open_copy", "orcid_of"]

_KEPT = ("doi", "arxiv", "pmid", "pmcid", "openalex", "s2", "corpusid", "acl")


def identifiers_of(names: Iterable[str]) -> dict[str, str]:
    """Scheme to canonical form of what names a work; the first of each scheme stays, anything else is left out."""
    found: dict[str, str] = {}
    for name in names:
        try:
            identifier = parse_identifier(name)
        except CarrelError:
            continue
        if identifier.scheme in _KEPT:
            found.setdefault(identifier.scheme, identifier.value)
    return found


def licence_of(name: str) -> str:
    """``CCBYNC``, ``CC BY-NC 4.0`` and the like as ``cc-by-nc``, ``cc-by-nc-4.0``; anything else as it is."""
    parts = re.fullmatch(r"cc[ -]?(0|by)(?:[ -]?(nc))?(?:[ -]?(nd|sa))?(?:[ -]?(\d\.\d))?", name.strip(), re.I)
    if parts is None:
        return name.strip()
    return "-".join(["cc", *(part.lower() for part in parts.groups() if part)]).replace("cc-0", "cc0")


def open_copy(url: str, provider: str, *, licence: str = "", version: str = "", media_type: str = "") -> list[Access]:
    """The copy at ``url``, or none where that is no web address. A path that ends in ``.pdf`` is taken for one."""
    if not re.match(r"https?://[^\s/]+", url, re.I) or len(url) > 2_000:
        return []
    pdf = re.search(r"\.pdf(?:$|[?#])|//arxiv\.org/pdf/", url, re.I)
    return [Access(url, media_type or ("application/pdf" if pdf else ""), version, licence_of(licence), provider)]


def orcid_of(value: str) -> str:
    """The ORCID that a field holds, else empty."""
    match = re.search(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", value)
    return match[0] if match else ""
