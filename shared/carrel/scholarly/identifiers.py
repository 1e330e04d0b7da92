"""Which thing does this string name? One scheme and one canonical form per identifier.

Canonical forms: ``doi`` lower case; ``arxiv`` without prefix, the version apart; ``pmid`` digits; ``pmcid`` PMC and
digits; ``openalex`` W and digits; ``s2`` 40 hex digits; ``corpusid`` digits; ``isbn`` 13 digits; ``issn`` and ``orcid``
hyphenated, check digit verified; ``acl``, ``openreview``, ``handle`` and ``bibcode`` as printed.

A string that could be several things (a bare number, a bare 40-digit hash) is refused with the way to say it; nothing
is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from carrel.errors import BadRequest
from carrel.scholarly.links import from_url
from carrel.scholarly.mentions import Mention, find_identifiers
from carrel.scholarly.schemes import (
    Identifier,
    acl,
    bare_arxiv,
    bare_bibcode,
    bare_doi,
    bare_isbn,
    bare_issn,
    bare_openalex,
    bare_orcid,
    bare_pmcid,
    corpus,
    hdl,
    isbn,
    issn,
    openreview,
    pmcid,
    pmid,
    s2,
)

__all__ = ["AmbiguousIdentifier", "Identifier", "Mention", "find_identifiers", "parse_identifier"]

_LONGEST = 2_000  # a DOI may be any length; nothing seen in the wild passes 300


class AmbiguousIdentifier(BadRequest):
    """The text could name several kinds of thing; the message says how to write each."""


_SAY = (
    "use a DOI, an arXiv id, pmid:…, PMC…, an OpenAlex W…, s2:…, CorpusId:…, isbn:…, issn:…, orcid:… or a link to one"
)


def parse_identifier(text: str) -> Identifier:
    """Read one identifier in any usual spelling: bare, prefixed, escaped, or as a link.

    Raises AmbiguousIdentifier for a bare number or hash, BadRequest for anything that is not an identifier.
    """
    plain = _tidy(text)
    if not plain:
        raise BadRequest(f"the identifier is empty; {_SAY}")
    if len(plain) > _LONGEST:
        raise BadRequest(f"that is too long for an identifier; {_SAY}")
    for read in _READERS:
        found = read(plain)
        if found is not None:
            return found
    raise BadRequest(f"that is not an identifier of a publication; {_SAY}")


def _tidy(text: str) -> str:
    plain = unescape(text) if "&" in text else text
    plain = plain.replace("\u200b", "").replace("\u00ad", "").replace("\ufeff", "").replace("\u2026", "...")
    plain = re.sub(r"[\u2010-\u2012\u2212]", "-", plain).strip()
    for opening, closing in (("<", ">"), ("[", "]"), ("(", ")"), ('"', '"'), ("`", "`"), ("{", "}")):
        if plain.startswith(opening) and plain.endswith(closing) and len(plain) > 1:
            plain = plain[1:-1].strip()
    return plain


_PREFIX = re.compile(r"(?:urn:(?=\w+:))?([a-z][a-z0-9_ ]{1,11}?)(?:\s*[:=]\s*|\s+(?=10\.\d))(.+)", re.I | re.S)


def _from_prefix(text: str) -> Identifier | None:
    match = _PREFIX.fullmatch(text)
    if match is None:
        return None
    name, rest = match[1].lower().replace(" ", ""), match[2].strip()
    read = _PREFIXES.get(name)
    if read is None:
        return None
    found = from_url(rest) or read(rest)
    if found is None:
        raise BadRequest(f"that is not a well-formed {'DOI' if name == 'doi' else name} identifier; {_SAY}")
    return found


def _ambiguous(text: str) -> Identifier | None:
    if re.fullmatch(r"\d{1,12}", text):
        raise AmbiguousIdentifier("a bare number could be several things; write pmid:…, PMC…, CorpusId:… or isbn:…")
    if re.fullmatch(r"[0-9a-f]{40}", text, re.I):
        raise AmbiguousIdentifier(
            "a bare 40-digit hash could be anything; write s2:… if it names a Semantic Scholar paper"
        )
    return None


_PREFIXES: dict[str, Callable[[str], Identifier | None]] = {
    "doi": bare_doi,
    "arxiv": bare_arxiv,
    "pmid": pmid,
    "pubmed": pmid,
    "pmc": pmcid,
    "pmcid": pmcid,
    "openalex": bare_openalex,
    "s2": s2,
    "s2paperid": s2,
    "corpusid": corpus,
    "isbn": isbn,
    "isbn10": isbn,
    "isbn13": isbn,
    "issn": issn,
    "eissn": issn,
    "orcid": bare_orcid,
    "hdl": hdl,
    "handle": hdl,
    "ads": bare_bibcode,
    "bibcode": bare_bibcode,
    "acl": acl,
    "openreview": openreview,
}

_READERS: tuple[Callable[[str], Identifier | None], ...] = (
    from_url,
    _from_prefix,
    bare_doi,
    bare_arxiv,
    bare_pmcid,
    bare_openalex,
    bare_orcid,
    bare_isbn,
    bare_issn,
    bare_bibcode,
    _ambiguous,
)
