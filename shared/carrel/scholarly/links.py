"""What does this link name? Hosts whose pages stand for works, people or journals."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from carrel.scholarly.schemes import (
    ACL,
    DOI,
    Identifier,
    bare_arxiv,
    bare_bibcode,
    bare_doi,
    bare_openalex,
    bare_orcid,
    bare_pmcid,
    handle,
)

__all__ = ["from_url"]

_NATURE = re.compile(
    r"(?:s4\d{4}-\d{3}-\d{4,5}-[\da-z]|nature\d{4,6}|srep\d{5}|ncomms\d{4,5}|[a-z]{2,12}\.\d{4}\.\d{1,5})"
)


_URL = re.compile(r"(?:https?:)?//(?:www\.)?(?P<host>[\w.-]+)(?::\d+)?(?P<path>/[^?#]*)?(?P<rest>[?#].*)?", re.I | re.S)
_BARE_HOST = re.compile(
    r"(?:(?:dx\.)?doi\.org|(?:export\.)?arxiv\.org|pubmed\.ncbi\.nlm\.nih\.gov|openalex\.org|hdl\.handle\.net|orcid\.org)/",
    re.I,
)


def from_url(text: str) -> Identifier | None:
    """The identifier that a link names, None for a link that names none and for what is no link."""
    match = _URL.fullmatch("//" + text if _BARE_HOST.match(text) else text)
    if match is None:
        return None
    host, path, rest = match["host"].lower(), unquote(match["path"] or "/"), match["rest"] or ""
    for suffix, read in _HOSTS:
        if host == suffix or host.endswith("." + suffix):
            return read(path, rest)
    return _doi_in_path(path + unquote(rest))


def _doi_host(path: str, rest: str) -> Identifier | None:
    del rest
    return bare_doi(path.lstrip("/"))


def _arxiv_host(path: str, rest: str) -> Identifier | None:
    del rest
    match = re.match(r"/(?:abs|pdf|html|format|ps|src|e-print|papers|forum|overview|audio)?/?(.+)", path)
    return bare_arxiv(re.sub(r"(?:\.pdf|\.full)?/?$", "", match[1])) if match else None


def _pubmed_host(path: str, rest: str) -> Identifier | None:
    if pmc := re.search(r"/(PMC\d+)", path, re.I):
        return bare_pmcid(pmc[1])
    match = re.fullmatch(r"/(?:pubmed/)?(\d{1,8})/?", path) or re.search(r"[?&]term=(\d{1,8})$", rest)
    return Identifier("pmid", match[1].lstrip("0")) if match and match[1].strip("0") else None


def _europepmc_host(path: str, rest: str) -> Identifier | None:
    del rest
    if match := re.search(r"/(?:abstract|article)/MED/(\d{1,8})", path, re.I):
        return Identifier("pmid", match[1])
    match = re.search(r"/(PMC\d+)", path, re.I)
    return bare_pmcid(match[1]) if match else None


def _openalex_host(path: str, rest: str) -> Identifier | None:
    match = re.search(r"/(?:works/)?(W\d+)/?$", path, re.I) or re.search(r"[?&#/](W\d+)$", rest, re.I)
    return bare_openalex(match[1]) if match else None


def _s2_host(path: str, rest: str) -> Identifier | None:
    del rest
    if match := re.search(r"/([0-9a-f]{40})/?$", path, re.I):
        return Identifier("s2", match[1].lower())
    match = re.search(r"CorpusI[dD]:(\d+)/?$", path)
    return Identifier("corpusid", match[1]) if match else None


def _orcid_host(path: str, rest: str) -> Identifier | None:
    del rest
    return bare_orcid(path.strip("/"))


def _handle_host(path: str, rest: str) -> Identifier | None:
    del rest
    return bare_doi(path.lstrip("/")) or handle(path.lstrip("/"))


def _acl_host(path: str, rest: str) -> Identifier | None:
    del rest
    match = re.search(rf"/({ACL})(?:\.pdf|\.bib)?/?$", path)
    return Identifier("acl", match[1]) if match else None


def _openreview_host(path: str, rest: str) -> Identifier | None:
    match = re.search(r"[?&]id=([\w-]{6,16})(?:&|$)", rest)
    return Identifier("openreview", match[1]) if match and path.strip("/") in ("forum", "pdf", "attachment") else None


def _nature_host(path: str, rest: str) -> Identifier | None:
    match = re.fullmatch(r"/articles/([\w.-]+?)(?:\.pdf|_\w+\.pdf)?/?", path)
    if match and _NATURE.fullmatch(match[1]):
        return Identifier("doi", "10.1038/" + match[1].lower())
    return _doi_in_path(path + rest)


def _ads_host(path: str, rest: str) -> Identifier | None:
    del rest
    match = re.match(r"/abs/([^/]+)", path)
    return bare_bibcode(match[1]) if match else None


def _doi_in_path(path: str) -> Identifier | None:
    match = re.search(rf"(?<![\d.]){DOI}[^\s?#&]+", path)
    if match is None:
        return None
    value = re.sub(
        r"/(?:full|pdf|epdf|abstract|meta|html|summary|references|download|fulltext\w*)/?$", "", match[0], flags=re.I
    )
    value = re.sub(
        r"(?:\.(?:full|abstract|short|long|pdf|full-text|full\.pdf|figures-only))+/?$", "", value, flags=re.I
    )
    if value.startswith("10.1101/") and "20" in value:
        value = re.sub(r"v\d{1,2}$", "", value)  # bioRxiv and medRxiv links carry a version the DOI does not have
    return bare_doi(value)


_HOSTS: tuple[tuple[str, Callable[[str, str], Identifier | None]], ...] = (
    ("doi.org", _doi_host),
    ("arxiv.org", _arxiv_host),
    ("alphaxiv.org", _arxiv_host),
    ("huggingface.co", _arxiv_host),
    ("ar5iv.labs.arxiv.org", _arxiv_host),
    ("ncbi.nlm.nih.gov", _pubmed_host),
    ("europepmc.org", _europepmc_host),
    ("openalex.org", _openalex_host),
    ("semanticscholar.org", _s2_host),
    ("orcid.org", _orcid_host),
    ("hdl.handle.net", _handle_host),
    ("aclanthology.org", _acl_host),
    ("openreview.net", _openreview_host),
    ("nature.com", _nature_host),
    ("adsabs.harvard.edu", _ads_host),
)
