"""BibTeX, as BibTeX and biber both read it (Patashnik 1988; tamethebeast): UTF-8, LaTeX's own characters escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping

from carrel.records import Author, Work
from carrel.scholarly.export.pieces import date_parts, page_range, particles, standing_note

__all__ = ["MONTHS", "bibtex_entry"]

_ENTRY: Mapping[str, tuple[str, str]] = {  # entry type, and the field its venue goes into
    "article": ("article", "journal"),
    "conference-paper": ("inproceedings", "booktitle"),
    "chapter": ("incollection", "booktitle"),
    "book": ("book", "series"),
    "thesis": ("phdthesis", ""),
    "report": ("techreport", ""),
}
_HOUSE = {"phdthesis": "school", "techreport": "institution", "misc": "howpublished"}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LATEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_"}
    # A brace counts for BibTeX even behind a backslash, so braces of a text must not be braces in the file.
    | {
        "{": r"{\textbraceleft}",
        "}": r"{\textbraceright}",
        "\\": r"{\textbackslash}",
        "~": r"{\textasciitilde}",
        "^": r"{\textasciicircum}",
    }
)
_VERBATIM = str.maketrans({"{": "%7B", "}": "%7D", "\\": "%5C", " ": "%20", "\n": "", "\r": ""})


def bibtex_entry(work: Work, key: str) -> str:
    """One entry."""
    kind, venue_field = _ENTRY.get(work.type, ("misc", ""))
    if kind == "article" and not work.venue:
        kind, venue_field = "misc", ""
    parts = date_parts(work)
    fields = [
        ("author", " and ".join(map(_name, work.authors))),
        ("title", _title(work)),
        *_where(work, kind, venue_field),
        ("year", str(parts[0]) if parts else ""),
        ("month", MONTHS[parts[1] - 1] if len(parts) > 1 and 1 <= parts[1] <= 12 else ""),
        ("volume", _text(work.volume)),
        ("number", _text(work.issue)),
        ("pages", _pages(work.pages)),
        ("doi", work.identifiers.get("doi", "").translate(_VERBATIM)),
        *_eprint(work),
        ("pmid", work.identifiers.get("pmid", "")),
        ("url", work.url.translate(_VERBATIM)),
        ("note", _text(standing_note(work))),
    ]
    lines = (f"  {name} = {value if name == 'month' else '{' + value + '}'}" for name, value in fields if value)
    return f"@{kind}{{{key},\n" + ",\n".join(lines) + "\n}"


def _text(plain: str) -> str:
    return " ".join(plain.split()).translate(_LATEX)


def _where(work: Work, kind: str, venue_field: str) -> list[tuple[str, str]]:
    """Where it appeared. A preprint on arXiv says so by its eprint fields."""
    if kind in ("misc", "phdthesis", "techreport"):
        on_arxiv = kind == "misc" and "arxiv" in work.identifiers
        return [(_HOUSE[kind], "" if on_arxiv else _text(work.venue or work.publisher))]
    publisher = "" if kind == "article" else _text(work.publisher)
    return [(venue_field, _text(work.venue)), ("publisher", publisher)]


def _eprint(work: Work) -> list[tuple[str, str]]:
    number = work.identifiers.get("arxiv", "")
    return [("eprint", number.translate(_VERBATIM)), ("archiveprefix", "arXiv" if number else "")]


def _pages(pages: str) -> str:
    first, last = page_range(pages)
    return f"{_text(first)}--{_text(last)}" if last else _text(first)


def _name(author: Author) -> str:
    """``von Last, First``; a group, and whatever BibTeX would take apart wrongly, in braces."""
    family, given = _text(author.family), _text(author.given)
    if not given:
        return f"{{{family}}}"
    _, last = particles(family)
    odd = "," in family or re.search(r"\band\b", family, re.I) or re.search(r"\s[a-z]", last)
    if odd:
        family = f"{{{family}}}"
    if "," in given or re.search(r"\band\b", given, re.I):
        given = f"{{{given}}}"
    return f"{family}, {given}"


def _title(work: Work) -> str:
    """The title with braces around what must keep its capitals when a style prints titles in small letters.

    In a title in sentence case every capital is meant; in Title Case only those inside a word are (DNA, mRNA). Other
    languages than English have rules of their own, so there the whole title is kept.
    """
    title = " ".join(work.title.split())
    if work.language and not work.language.lower().startswith("en"):
        return f"{{{_text(title)}}}"
    words = title.split(" ")
    if not any(c.islower() for c in title):  # all in capitals: none of them is meant
        return _text(title)
    headline = _in_title_case(words)
    kept = []
    for place, word in enumerate(words):
        first = place == 0 or words[place - 1].endswith((":", "?", "!", ".", "—", "–"))
        kept.append(_kept(word, whole=not headline and not first))
    return " ".join(kept)


def _in_title_case(words: list[str]) -> bool:
    """Whether most longer words after the first begin with a capital."""
    longer = [letters for word in words[1:] if len(letters := re.sub(r"\W|\d", "", word)) > 3]
    return bool(longer) and sum(word[0].isupper() for word in longer) > len(longer) / 2


def _kept(word: str, *, whole: bool) -> str:
    """Brace the parts of a word with a capital behind their first letter, or, if ``whole``, with any."""
    parts = re.split(r"(\W+)", word)
    return "".join(f"{{{_text(part)}}}" if _meant(part, whole=whole) else part.translate(_LATEX) for part in parts)


def _meant(part: str, *, whole: bool) -> bool:
    letters = [c for c in part if c.isalpha()]
    return any(c.isupper() for c in letters[1:]) or (whole and bool(letters) and letters[0].isupper())
