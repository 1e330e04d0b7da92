"""The written forms of each scheme, checked to the last digit. Each reader gives None for anything else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

__all__ = [
    "ACL",
    "ARXIV_NEW",
    "ARXIV_OLD",
    "DOI",
    "Identifier",
    "acl",
    "bare_arxiv",
    "bare_bibcode",
    "bare_doi",
    "bare_isbn",
    "bare_issn",
    "bare_openalex",
    "bare_orcid",
    "bare_pmcid",
    "corpus",
    "handle",
    "hdl",
    "isbn",
    "issn",
    "openreview",
    "pmcid",
    "pmid",
    "s2",
    "trim_doi",
]


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """A canonical ``value`` in a ``scheme``. ``version`` is digits, for the schemes that have versions (arXiv)."""

    scheme: str
    value: str
    version: str = ""

    def __str__(self) -> str:
        """``scheme:value``, with ``v2`` where a version was given; ``parse_identifier`` reads it back."""
        return f"{self.scheme}:{self.value}" + (f"v{self.version}" if self.version else "")


DOI = r"10\.\d{4,9}(?:\.\d{1,9})*/"
ARXIV_NEW = r"(?P<new>\d{2}(?:0[1-9]|1[0-2])\.\d{4,5})"
ARXIV_OLD = r"(?P<archive>[a-z]+(?:-[a-z]+)?)(?:\.[a-z]{2}(?:-[a-z]{2})?)?/(?P<number>\d{2}(?:0[1-9]|1[0-2])\d{3})"
_ARXIV = re.compile(rf"(?:{ARXIV_NEW}|{ARXIV_OLD})(?:v(?P<version>[1-9]\d{{0,2}}))?", re.I)
# The archives that ever used the old form (arxiv.org/help/arxiv_identifier): otherwise "and/0301001" would pass.
_WORDS_ARCHIVES = (
    "acc-phys adap-org alg-geom ao-sci astro-ph atom-ph bayes-an chao-dyn chem-ph cmp-lg comp-gas cond-mat cs "
    "dg-ga funct-an gr-qc hep-ex hep-lat hep-ph hep-th math math-ph mtrl-th nlin nucl-ex nucl-th patt-sol "
    "physics plasm-ph q-alg q-bio quant-ph solv-int supr-con"
)
_ARCHIVES = frozenset(_WORDS_ARCHIVES.split())
ACL = r"(?:[A-Z]\d{2}-\d{4,5}|\d{4}\.[a-z0-9_]+-[a-z0-9_]+\.\d{1,4})"
_BIBCODE = re.compile(r"[12]\d{3}[A-Za-z][A-Za-z0-9&.]{4}[A-Za-z0-9.]{4}[A-Za-z0-9.][0-9.]{4}[A-Za-z.]")
_ORCID = re.compile(r"(\d{4})[-\s]?(\d{4})[-\s]?(\d{4})[-\s]?(\d{3}[\dXx])")


def bare_doi(text: str) -> Identifier | None:
    """A DOI, or the arXiv number that arXiv's DOIs carry; None for anything else."""
    plain = unquote(text) if re.search(r"%[0-9a-f]{2}", text, re.I) else text
    match = re.fullmatch(rf"({DOI})\s*(\S(?:.*\S)?)", plain.strip(), re.S)
    if match is None or re.search(r"\s", match[2]) or any(ord(c) < 32 for c in plain):
        return None
    suffix = trim_doi(match[2])
    if not re.search(r"\w", suffix):
        return None
    value = (match[1] + suffix).lower()
    if arxiv := re.fullmatch(r"10\.48550/arxiv\.(.+)", value):
        return bare_arxiv(arxiv[1])
    return Identifier("doi", value)


def trim_doi(suffix: str) -> str:
    """Drop the punctuation a sentence, a list or markup leaves at the end; brackets the DOI opened stay."""
    while suffix:
        last = suffix[-1]
        if (
            last in ".,;:!?'\"`*_\u201d\u2019\u00bb\u3002\uff0c\u3001|\\"
            or (last in ")]}>" and suffix.count(last) > suffix.count("([{<"[")]}>".index(last)]))
            or last in "([{<"
            or last == "/"
        ):
            suffix = suffix[:-1]
        else:
            break
    return suffix


def bare_arxiv(text: str) -> Identifier | None:
    """An arXiv number, old or new, with or without version and ``[cs.CL]``."""
    plain = re.sub(r"\s*\[[\w.-]+\]$", "", text.strip())  # arXiv:1706.03762v5 [cs.CL]
    plain = re.sub(r"^(?:hep-th|math|cs|physics)/(?=\d{4}\.\d{4,5})", "", plain, flags=re.I)
    match = _ARXIV.fullmatch(plain)
    if match is None:
        return None
    version = match["version"] or ""
    if match["new"]:
        return Identifier("arxiv", match["new"], version) if _possible_arxiv(match["new"]) else None
    archive = match["archive"].lower()
    return Identifier("arxiv", f"{archive}/{match['number']}", version) if archive in _ARCHIVES else None


def _possible_arxiv(number: str) -> bool:
    """New numbers began in April 2007 with four digits and took five from January 2015."""
    month, rest = int(number[:4]), number[5:]
    return month >= 704 and len(rest) == (5 if month >= 1501 else 4)


def pmid(text: str) -> Identifier | None:
    """Digits that may be a PMID."""
    match = re.fullmatch(r"0*([1-9]\d{0,7})", text)
    return Identifier("pmid", match[1]) if match else None


def bare_pmcid(text: str) -> Identifier | None:
    """``PMC`` and digits; a version is dropped."""
    match = re.fullmatch(r"PMC\s?0*([1-9]\d{0,8})(?:\.\d{1,2})?", text, re.I)
    return Identifier("pmcid", f"PMC{match[1]}") if match else None


def pmcid(text: str) -> Identifier | None:
    """The same, or the digits alone."""
    return bare_pmcid(text if text[:3].upper() == "PMC" else f"PMC{text}")


def bare_openalex(text: str) -> Identifier | None:
    """A work of OpenAlex: ``W`` and digits."""
    match = re.fullmatch(r"W([1-9]\d{3,12})", text, re.I)
    return Identifier("openalex", f"W{match[1]}") if match else None


def s2(text: str) -> Identifier | None:
    """Forty hex digits, or a corpus id."""
    return Identifier("s2", text.lower()) if re.fullmatch(r"[0-9a-f]{40}", text, re.I) else corpus(text)


def corpus(text: str) -> Identifier | None:
    """Digits that may be a corpus id."""
    match = re.fullmatch(r"(?:CorpusId:)?0*([1-9]\d{0,11})", text, re.I)
    return Identifier("corpusid", match[1]) if match else None


def isbn(text: str) -> Identifier | None:
    """Ten or thirteen digits with a right check digit."""
    digits = re.sub(r"[-\s]", "", text).upper()
    if re.fullmatch(r"\d{9}[\dX]", digits):
        total = sum((10 - i) * (10 if c == "X" else int(c)) for i, c in enumerate(digits))
        body = "978" + digits[:9]
        return Identifier("isbn", body + _ean_check(body)) if total % 11 == 0 else None
    if re.fullmatch(r"97[89]\d{10}", digits) and digits[12] == _ean_check(digits[:12]):
        return Identifier("isbn", digits)
    return None


def bare_isbn(text: str) -> Identifier | None:
    """Ten bare digits are any number; thirteen that start 978 or 979, or a hyphenated group, are an ISBN."""
    grouped = re.fullmatch(r"(?:97[89][-\s]?)?\d{1,5}[-\s]\d{1,7}[-\s]\s?\d{1,6}[-\s]\s?[\dXx]", text)
    return isbn(text) if grouped or re.fullmatch(r"97[89]\d{10}", text) else None


def _ean_check(twelve: str) -> str:
    return str(-sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(twelve)) % 10)


def issn(text: str) -> Identifier | None:
    """Eight digits with a right check digit."""
    match = re.fullmatch(r"(\d{4})-?(\d{3})([\dXx])", text)
    if match is None:
        return None
    digits = match[1] + match[2]
    check = -sum((8 - i) * int(c) for i, c in enumerate(digits)) % 11
    right = match[3].upper() == ("X" if check == 10 else str(check))
    return Identifier("issn", f"{match[1]}-{match[2]}{match[3].upper()}") if right else None


def bare_issn(text: str) -> Identifier | None:
    """The same, hyphenated."""
    return issn(text) if "-" in text else None


def bare_orcid(text: str) -> Identifier | None:
    """Check digit by ISO 7064 11,2; only the blocks that ISNI reserved for ORCID."""
    match = _ORCID.fullmatch(text)
    if match is None or not re.match(r"0000000[1-3]|00090", "".join(match.groups())):
        return None
    digits, total = "".join(match.groups()).upper(), 0
    for c in digits[:15]:
        total = (total + int(c)) * 2
    check = (12 - total % 11) % 11
    right = digits[15] == ("X" if check == 10 else str(check))
    return Identifier("orcid", "-".join(digits[i : i + 4] for i in (0, 4, 8, 12))) if right else None


def handle(text: str) -> Identifier | None:
    """A handle: ``prefix/suffix``."""
    match = re.fullmatch(r"(\d[\d.]*\d|\d)/(\S+)", text)
    return Identifier("handle", trim_doi(text)) if match and len(text) < 300 else None


def hdl(text: str) -> Identifier | None:
    """A handle, which may be a DOI."""
    return bare_doi(text) or handle(text)


def bare_bibcode(text: str) -> Identifier | None:
    """The nineteen characters of an ADS bibcode."""
    return Identifier("bibcode", text) if _BIBCODE.fullmatch(text) else None


def acl(text: str) -> Identifier | None:
    """An ACL Anthology id."""
    return Identifier("acl", text) if re.fullmatch(ACL, text) else None


def openreview(text: str) -> Identifier | None:
    """An OpenReview forum id."""
    return Identifier("openreview", text) if re.fullmatch(r"[\w-]{8,12}", text) else None
