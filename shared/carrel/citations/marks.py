"""Where a report points at its sources: the marks, in nine syntaxes, with offsets and the keys they name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from carrel.citations.lexicon import words_of

__all__ = ["CitationKind", "CitationMark", "find_marks", "mask_code", "same_url", "superscript_number"]

CitationKind = Literal[
    "number", "footnote", "superscript", "bracket", "author_year", "link", "url", "reference", "source"
]
_MAX_RANGE = 40
_MAX_NUMBER = 999

_NUMBERS = re.compile(r"\[(\d{1,3}(?:\s?(?:[,;]|[-–—])\s?\d{1,3}){0,30})\](?!\()")
_FOOTNOTE = re.compile(r"\[\^([\w-]{1,40})\]")
_SUP = re.compile(
    r"<sup>\s*\[?(\d{1,3}(?:\s?[,;–-]\s?\d{1,3}){0,30})\]?\s*</sup>|\^\[?(\d{1,3}(?:,\s?\d{1,3}){0,30})\]?\^", re.I
)
_UNICODE_SUP = re.compile(
    r"(?:(?<=[^\W\d_]{4})|(?<=[.,;:!?)\]\"”’]))[⁰¹²³⁴-⁹]{1,3}+(?:[,’˒ ]?[⁰¹²³⁴-⁹]{1,3}+){0,8}+(?![⁰-⁹\w])"
)
_LENTICULAR = re.compile(r"【(\d{1,3})(?:[:†][^【】\n]{0,60})?】")
_SOURCE = re.compile(
    r"[\[(](?:source|ref(?:erence)?|citation)s?\.?\s?#?(\d{1,3}(?:\s?[,;]\s?#?\d{1,3}){0,10})[\])]", re.I
)
_LINK = re.compile(
    r"(?<!!)\[([^\[\]\n]{1,400})\]\(\s*<?((?:https?://|doi:|mailto:|/|#)[^()\s<>]*(?:\([^()\s<>]*\)[^()\s<>]*)*)>?(?:\s+\"[^\"\n]{0,300}\")?\s*\)"
)
_FULL_REFERENCE = re.compile(r"(?<!!)\[([^\[\]\n]{1,300})\]\[([^\[\]\n]{1,60})\]")
_URL = re.compile(r"<?\b(https?://[^\s<>\"'`\[\]{}|\\^]+)>?", re.I)
_EVIDENCE = re.compile(r"`?(?<![\w-])([a-z2-7]{16}:\d{1,12}-\d{1,12})(?![\w-])`?")
_NAME = r"[A-ZÀ-Þ][\w'’-]{1,40}"
_AND = rf"(?:,? (?:and|&) {_NAME}|,? et al\.?|(?:, {_NAME}){{1,4}},? (?:and|&) {_NAME})?"
_YEAR = r"(?:1[6-9]|20)\d\d[a-z]?"
_PARENTHESIS = re.compile(
    rf"\((?:[a-z][a-z.,]{{1,8}} ){{0,2}}({_NAME}{_AND},? {_YEAR}(?:[;,] (?:{_NAME}{_AND},? )?{_YEAR}){{0,10}})(?:, p{{1,2}}\. ?[\d–-]{{1,12}})?\)"  # noqa: E501
)
_PAIR = re.compile(rf"({_NAME}){_AND},? ({_YEAR})")
_NARRATIVE = re.compile(rf"({_NAME})(?:,? (?:and|&) {_NAME}| et al\.?)? \(({_YEAR})\)")
_NOT_A_NAME = words_of(
    """
    January February March April May June July August September October November December Monday Tuesday
    Wednesday Thursday Friday Saturday Sunday Spring Summer Autumn Fall Winter Since In Until Before After From
    By Early Late Mid Version Figure Table Section Chapter Appendix Python
    """
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_CODE = re.compile(r"(`{1,4})(?!`)([^`\n]{1,2000})(?<!`)\1(?!`)")
_EVIDENCE_ONLY = re.compile(r"[a-z2-7]{16}(?::\d+-\d+)?")


@dataclass(frozen=True, slots=True)
class CitationMark:
    """One mark at ``[start, end)`` of the report. ``keys``: what it names, one per source, in order.

    A key is a number or footnote label, ``url:…``, ``ref:…`` (an evidence reference) or ``Name|year``. ``label`` is
    the text of a link that is part of the sentence, else empty.
    """

    kind: CitationKind
    start: int
    end: int
    keys: tuple[str, ...]
    label: str = ""


def mask_code(text: str) -> str:
    """``text`` with code spans blanked, so that an index in code is no citation; evidence references stay."""

    def blank(match: re.Match[str]) -> str:
        keep = _EVIDENCE_ONLY.fullmatch(match.group(2).strip())
        return match.group() if keep else re.sub(r"[^\n]", " ", match.group())

    return _CODE.sub(blank, text)


def find_marks(text: str, keys: Collection[str]) -> list[CitationMark]:
    """All marks of ``text`` (code already masked), in order, none overlapping.

    ``keys`` are those of the reference list: where a notation has other uses ([0, 1], m², "(May, 2020)") only a listed
    key makes it a citation.
    """
    found: list[CitationMark] = []
    taken: list[tuple[int, int]] = []
    for mark in _candidates(text, keys):
        if not any(mark.start < end and start < mark.end for start, end in taken[-400:]):
            found.append(mark)
            taken.append((mark.start, mark.end))
    return sorted(found, key=lambda mark: mark.start)


def same_url(url: str) -> str:
    """The identity of a URL: no scheme, ``www.``, fragment (a text directive is no other page) or last slash."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url.strip()
    host = parts.netloc.lower().removeprefix("www.")
    query = "&".join(p for p in parts.query.split("&") if not p.lower().startswith("utm_"))
    return urlunsplit(("", host, parts.path.rstrip("/"), query, "")).removeprefix("//")


def superscript_number(text: str) -> str:
    """Superscript digits as plain ones."""
    return text.translate(_SUPERSCRIPTS)


def _candidates(text: str, keys: Collection[str]) -> Iterator[CitationMark]:
    """Marks of every notation, the more specific notation first."""
    for match in _LINK.finditer(text):
        yield _link(match)
    for match in _FULL_REFERENCE.finditer(text):
        if match[2] in keys and not match[1].strip("^").isdigit():
            yield CitationMark("link", match.start(), match.end(), (match[2],), match[1])
    for match in _EVIDENCE.finditer(text):
        yield CitationMark("reference", match.start(), match.end(), (f"ref:{match[1]}",))
    for match in _URL.finditer(text):
        url = match[1] if match.group().endswith(">") else _trim_url(match[1])
        end = match.end() if match.group().endswith(">") else match.start(1) + len(url)
        yield CitationMark("url", match.start(), end, (f"url:{url}",))
    yield from _numbered(text, keys)
    yield from _author_year(text, keys)


def _link(match: re.Match[str]) -> CitationMark:
    label, url = match[1], match[2]
    bare = re.fullmatch(r"\^?\d{1,3}|\[?source\]?|link|here|↩", label.strip(), re.I)
    key = () if url.startswith(("#", "mailto:", "/")) and not (bare and url.startswith("#")) else (f"url:{url}",)
    if bare and url.startswith("#"):
        key = (label.strip().lstrip("^"),)
    return CitationMark("link", match.start(), match.end(), key, "" if bare else label)


def _numbered(text: str, keys: Collection[str]) -> Iterator[CitationMark]:
    for match in _FOOTNOTE.finditer(text):
        yield CitationMark("footnote", match.start(), match.end(), (match[1],))
    for match in _LENTICULAR.finditer(text):
        yield CitationMark("bracket", match.start(), match.end(), (match[1],))
    for match in _SUP.finditer(text):
        if numbers := _expand(match[1] or match[2]):
            yield CitationMark("superscript", match.start(), match.end(), numbers)
    for match in _SOURCE.finditer(text):
        yield CitationMark("source", match.start(), match.end(), tuple(re.findall(r"\d+", match[1])))
    for match in _NUMBERS.finditer(text):
        numbers = _expand(match[1])
        code_like = (match.start() > 0 and text[match.start() - 1] in "=_") or "0" in numbers
        if numbers and not (code_like and not set(numbers) <= set(keys)):
            yield CitationMark("number", match.start(), match.end(), numbers)
    for match in _UNICODE_SUP.finditer(text):
        numbers = tuple(re.findall(r"\d+", superscript_number(match.group())))
        if numbers and set(numbers) <= set(keys):
            yield CitationMark("superscript", match.start(), match.end(), numbers)


def _expand(numbers: str) -> tuple[str, ...]:
    """``1, 3-5`` as 1 3 4 5; empty when it is no list of sources (too long a range, or one that runs backwards)."""
    found: list[str] = []
    for part in re.split(r"\s?[,;]\s?", numbers.strip()):
        ends = [int(n) for n in re.findall(r"\d+", part)]
        if not ends or ends[-1] < ends[0] or ends[-1] - ends[0] > _MAX_RANGE or ends[-1] > _MAX_NUMBER or len(ends) > 2:
            return ()
        found.extend(str(n) for n in range(ends[0], ends[-1] + 1))
    return tuple(dict.fromkeys(found))


def _author_year(text: str, keys: Collection[str]) -> Iterator[CitationMark]:
    for match in _PARENTHESIS.finditer(text):
        named = [(m[1], m[2]) for m in _PAIR.finditer(match[1]) if m[1] not in _NOT_A_NAME]
        if named:
            yield CitationMark("author_year", match.start(), match.end(), tuple(f"{n}|{y}" for n, y in named))
    for match in _NARRATIVE.finditer(text):
        if match[1] not in _NOT_A_NAME:
            yield CitationMark("author_year", match.start(), match.end(), (f"{match[1]}|{match[2]}",), match.group())


def _trim_url(url: str) -> str:
    """Punctuation that ends the sentence is not part of the URL; a parenthesis is, when it was opened inside."""
    while url and (url[-1] in ".,;:!?*_~" or (url[-1] == ")" and url.count(")") > url.count("("))):
        url = url[:-1]
    return url
