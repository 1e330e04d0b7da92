"""Which works does this text name? Identifiers mined from prose, tables of references and broken lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

from carrel.scholarly.schemes import (
    ARXIV_NEW,
    ARXIV_OLD,
    DOI,
    Identifier,
    bare_arxiv,
    bare_doi,
    bare_orcid,
    bare_pmcid,
    isbn,
    pmid,
    trim_doi,
)

__all__ = ["Mention", "find_identifiers"]


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """An identifier and the span ``[start, end)`` of the text that names it."""

    start: int
    end: int
    identifier: Identifier


_DOI_IN_TEXT = re.compile(
    rf"(?<![\d.]){DOI}[^\s\"\u201c\u201d|\\^\u00a0]{{1,300}}"
    rf"(?:(?<=-)[ \t]{{0,3}}\r?\n[ \t]{{0,3}}[a-z0-9][^\s\"]{{0,100}})?"  # broken after a hyphen at the end of a line
)
_SPACED_DOI = re.compile(r"\bdoi[:.]?\s{0,3}(10\.\d{4,9}\s{0,2}/\s{0,2}[^\s\"]{1,300})", re.I)
# Words that text extraction glues to the end of a DOI ("…2010.01.001Article").
_GLUED = re.compile(
    r"(?:</|<(?=[a-z]{1,6}[ >])|&[lg]t;|\]\(|https?:|www\.|(?<=[\da-z)])(?:Article|Abstract|Received|Accepted|"
    r"Published|Available|Copyright|Citation|CrossRef|Crossref|Google|PubMed|PMID|PMCID|Medline|Review|"
    r"Research|Open|This|The|Supplement)(?=[A-Z\s:.,;]|$)|"
    r"(?:,|;)(?=10\.\d{4,9}/|doi:|pmid)|\u2028|\u2029)",
)
_ARXIV_IN_TEXT = re.compile(
    rf"(?:\barxiv\s?[:.]\s{{0,2}}|\barxiv\.org/(?:abs|pdf|html)/|\barXiv preprint\s(?:arXiv:)?)"
    rf"(?:{ARXIV_NEW}|{ARXIV_OLD})(?:v(?P<version>[1-9]\d{{0,2}})\b)?",
    re.I,
)
_PMID_IN_TEXT = re.compile(r"\bPMID\s?[:#]?\s{0,2}(\d{4,8})\b|pubmed\.ncbi\.nlm\.nih\.gov/(\d{1,8})\b", re.I)
_PMCID_IN_TEXT = re.compile(r"\bPMC\d{4,9}\b")
_ISBN_IN_TEXT = re.compile(r"\bISBN(?:-1[03])?\s?:?\s{0,2}((?:97[89][-\s]?)?(?:\d[-\s]?){9}[\dXx])\b", re.I)
_ORCID_IN_TEXT = re.compile(r"(?<![\d-])\d{4}-\d{4}-\d{4}-\d{3}[\dXx](?![\d-])")


def find_identifiers(text: str) -> tuple[Mention, ...]:
    """Every DOI, arXiv id, PMID, PMCID, ISBN and ORCID that the text names, in order, overlaps removed.

    Only forms that cannot be mistaken count: an arXiv number, PMID or ISBN needs its label or link before it. Runs in
    time linear in the text.
    """
    found = sorted(_mentions(text), key=lambda m: (m.start, m.start - m.end))
    kept: list[Mention] = []
    for mention in found:
        if not kept or mention.start >= kept[-1].end:
            kept.append(mention)
    return tuple(kept)


def _mentions(text: str) -> Iterator[Mention]:
    for match in _DOI_IN_TEXT.finditer(text):
        yield from _doi_mention(match[0], match.start())
    for match in _SPACED_DOI.finditer(text):
        if re.search(r"\s", match[1]) and "\n" not in match[1]:
            yield from _doi_mention(match[1], match.start(1))
    for match in _ARXIV_IN_TEXT.finditer(text):
        number = match["new"] or f"{match['archive']}/{match['number']}"
        yield from _mention(bare_arxiv(number + (f"v{match['version']}" if match["version"] else "")), match)
    for match in _PMID_IN_TEXT.finditer(text):
        yield from _mention(pmid(match[1] or match[2]), match)
    for match in _PMCID_IN_TEXT.finditer(text):
        yield from _mention(bare_pmcid(match[0]), match)
    for match in _ISBN_IN_TEXT.finditer(text):
        yield from _mention(isbn(match[1]), match)
    for match in _ORCID_IN_TEXT.finditer(text):
        yield from _mention(bare_orcid(match[0]), match)


def _mention(identifier: Identifier | None, match: re.Match[str]) -> Iterator[Mention]:
    if identifier is not None:
        yield Mention(match.start(), match.end(), identifier)


def _doi_mention(raw: str, start: int) -> Iterator[Mention]:
    glued = _GLUED.search(raw, raw.find("/") + 2)
    printed = trim_doi(raw[: glued.start()] if glued else raw)
    value = re.sub(r"\s", "", printed)
    value = re.sub(r"(?:\.(?:full|pdf|abstract)|/(?:full|pdf|abstract|epdf))+$", "", value, flags=re.I)
    identifier = bare_doi(unescape(value))
    if identifier is not None:
        yield Mention(start, start + len(printed), identifier)
