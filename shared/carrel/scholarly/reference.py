"""A printed reference taken apart: title, authors, year, identifiers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from carrel.errors import BadRequest
from carrel.records import Author
from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.markup import plain_line
from carrel.scholarly.mentions import find_identifiers
from carrel.scholarly.names import parse_authors

__all__ = ["Citation", "parse_citation"]

_LONGEST = 3_000
_YEAR = re.compile(r"(?<![\d.:/-])(1[5-9]\d\d|20\d\d)[a-z]?(?![\d:]|\.\d)")
_QUOTED = re.compile(r"[\"“„«]([^\"”“»]{8,300}?)[,.]?[\"”“»]")
_BIBTEX = re.compile(r"\b(title|author|year|journal|booktitle)\s*=\s*[{\"](.{2,500}?)[}\"]\s*(?:,|\n|}|$)", re.I | re.S)
_AFTER_YEAR = re.compile(
    r"\((?:1[5-9]\d\d|20\d\d)[a-z]?(?:,[^)]{0,20})?\)\.?[,:]?\s+(.{8,400}?)(?:[.?!](?:\s|$)|$)", re.S
)
# A full stop ends a part of a reference when it follows a word, not an initial or an abbreviation.
_PART = re.compile(r"(?:(?<=[^\W\d_]{3})|(?<=\w\))|(?<=\d\d))[.?!]{1,2}\s+(?=[^\W_]|[\"“])")
_NOT_TITLE = re.compile(r"\b(?:proceedings|journal|arxiv|doi|https?|vol\.|pp\.|university|press)\b|^(?:in|in:)\s", re.I)


# Vancouver: "Family AB, Family CD. Title. Journal. 2019;3(2):1-9."
_VANCOUVER = re.compile(
    r"((?:[^\W\d_][\w'’-]*(?: [^\W\d_][\w'’-]+){0,2} [A-Z]{1,3}(?:, |(?=\.)))+(?:et al)?)\.\s+(.{8,400}?)[.?!](?:\s|$)",
    re.S,
)


# "Family, A. B. and Family, C. Title. Journal, 2019." with initials that end in full stops.
_NAME = r"[^\W\d_][\w'’-]+(?: [^\W\d_][\w'’-]+){0,2}, ?(?:[A-Z]\.[ -]?){1,4}"
_STOPPED = re.compile(
    rf"((?:{_NAME}(?:,? ?(?:and|&) |; |, )?){{1,60}}(?:,? ?et al\.)?)\s*(?=\w)(.{{8,400}}?)[.?!](?:\s|$)", re.S
)


@dataclass(frozen=True, slots=True)
class Citation:
    """What a reference claims. ``text`` is the reference as printed; what could not be told apart is empty."""

    text: str = ""
    title: str = ""
    authors: tuple[Author, ...] = ()
    year: int | None = None
    venue: str = ""
    identifiers: tuple[Identifier, ...] = ()


def parse_citation(text: str) -> Citation:
    """Read a reference in any usual style, or a BibTeX entry.

    Styles differ too much for certainty: the title is empty rather than guessed when no rule fits. Raises BadRequest
    for an empty or overlong text.
    """
    plain = text.strip()
    if not re.search(r"\w", plain):
        raise BadRequest("the citation is empty; give the reference as printed")
    if len(plain) > _LONGEST:
        raise BadRequest(f"that is too long for one reference; give at most {_LONGEST} characters of one work")
    identifiers = tuple(dict.fromkeys(m.identifier for m in find_identifiers(plain)))
    named = tuple(i for i in identifiers if i.scheme in ("doi", "arxiv", "pmid", "pmcid", "openalex"))
    if re.match(r"\s*@\w+\s*\{", plain):
        return _from_bibtex(plain, named)
    line = " ".join(plain_line(_without_identifiers(plain)).split())
    line = re.sub(r"^\s*(?:\[[^\]]{1,12}\]|\(\d{1,3}\)|\d{1,3}\.)\s*", "", line)
    authors, title = _split(line)
    return Citation(
        plain,
        re.sub(r"[\s.,]+\(?(?:1[5-9]|20)\d\d\)?$", "", title).strip(" .,;:"),
        parse_authors(authors),
        _year(line),
        "",
        named,
    )


def _from_bibtex(text: str, identifiers: tuple[Identifier, ...]) -> Citation:
    fields = {
        match[1].lower(): " ".join(match[2].replace("{", "").replace("}", "").split())
        for match in _BIBTEX.finditer(text)
    }
    bare = re.search(r"\byear\s*=\s*[{\"]?(\d{4})", text, re.I)
    return Citation(
        text,
        fields.get("title", ""),
        parse_authors(fields.get("author", "")),
        int(bare[1]) if bare else None,
        fields.get("journal", "") or fields.get("booktitle", ""),
        identifiers,
    )


def _without_identifiers(text: str) -> str:
    text = re.sub(r"(?:https?://|www\.)\S+", " ", text)
    text = re.sub(r"\bdoi:?\s*10\.\S+|\b10\.\d{4,9}/\S+", " ", text, flags=re.I)
    return re.sub(r"\barXiv(?: preprint)?(?: arXiv)?\s*:\s*[\w./-]+(?:\s*\[[\w.-]+\])?", " ", text, flags=re.I)


def _year(line: str) -> int | None:
    """The year in brackets, else the last one that stands alone."""
    bracketed = re.search(r"\((?:[^()]{0,20}\b)?(1[5-9]\d\d|20\d\d)[a-z]?\b[^()]{0,20}\)", line)
    found = [bracketed[1]] if bracketed else _YEAR.findall(line)
    return int(found[-1]) if found else None


def _split(line: str) -> tuple[str, str]:
    """Authors and title of a printed reference, each empty when no rule fits."""
    if (quoted := _QUOTED.search(line)) and quoted[1].count(" ") >= 1:
        return line[: quoted.start()].strip(" ,.:"), quoted[1]
    if after := _AFTER_YEAR.search(line):
        return line[: after.start()].strip(" ,.:"), after[1]
    if listed := _VANCOUVER.match(line) or _STOPPED.match(line):
        return listed[1], listed[2]
    parts = [part.strip() for part in _PART.split(line, maxsplit=6) if part.strip()]
    if len(parts) >= 2 and _like_authors(parts[0]):
        rest = [part for part in parts[1:] if not re.fullmatch(r"\(?\d{4}[a-z]?\)?", part)]
        if rest and len(rest[0]) >= 8 and not _NOT_TITLE.match(rest[0]):
            return parts[0], rest[0]
    if parts and len(parts[0].split()) >= 4 and not _like_authors(parts[0]):
        return "", re.sub(r",?\s*\(?\d{4}\)?$", "", parts[0])
    return "", ""


def _like_authors(part: str) -> bool:
    """Initials, several commas with capitals, or "et al"."""
    words = re.findall(r"[^\W\d_][\w'’.-]*", part)
    capital = sum(word[0].isupper() for word in words)
    if re.search(r"\bet al\b", part):
        return True
    return bool(words) and capital >= 0.7 * len(words) and bool(re.search(r",|\b[A-Z]\.|\b[A-Z]{1,3}$|\sand\s|&", part))
