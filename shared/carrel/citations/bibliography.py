"""The reference list of a report: where it is, and what each of its lines points at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from carrel.citations.lexicon import words_of
from carrel.citations.marks import same_url

__all__ = ["Reference", "ReferenceKind", "find_list", "implied", "read_entries", "with_identity"]

ReferenceKind = Literal["evidence", "url", "identifier", "text"]
_TITLES = words_of(
    """
    references reference sources source bibliography citations literature endnotes footnotes notes literatur
    quellen quellenverzeichnis literaturverzeichnis références bibliographie bibliografía referencias fuentes
    参考文献 参考资料
    """
) | frozenset(
    (
        "works cited",
        "sources cited",
        "cited works",
        "reference list",
        "literature cited",
        "references cited",
        "cited sources",
        "source list",
        "sources and references",
        "references and sources",
        "list of references",
        "further reading",
    )
)
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_DEFINITION = re.compile(r"^ {0,3}\[(\^?[\w.:-]{1,40})\]:[ \t]*(.*)$")
_ENTRY = re.compile(
    r"^[ \t]{0,6}(?:[-*+•][ \t]+)?(?:\[\^?(\d{1,3}|\w[\w-]{0,20})\][:.]?[ \t]+|\((\d{1,3})\)[ \t]+|\*{0,2}(\d{1,3})[.):]\*{0,2}[ \t]+|【(\d{1,3})】[ \t]*)(.*)$"  # noqa: E501
)
_BULLET = re.compile(r"^[ \t]{0,6}[-*+•][ \t]+(.*)$")
_TRAILING = re.compile(r"^[ \t]{0,3}\[\d{1,3}\][ \t]+\S")
_EVIDENCE = re.compile(r"(?<![\w-])([a-z2-7]{16}:\d{1,12}-\d{1,12})(?![\w-])|`([a-z2-7]{16})`")
_URL = re.compile(r"https?://[^\s<>\"'`\[\]{}|\\^]+", re.I)
_LABELLED = re.compile(r"\[([^\[\]\n]{2,300})\]\(")
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»\n]{6,300})[\"”“»]")
_PLACEHOLDER = re.compile(
    r"https?://(?:www\.)?(?:example\.(?:com|org|net)|(?:your|some)?(?:domain|site|url|link)\.(?:com|org)|localhost|\.{2,}|…|link\b|url\b)"
    r"|\[(?:insert|todo|tbd|url|link|citation needed|source needed)[^\]]{0,60}\](?!\()|\bciting? needed\b|10\.(?:xxxx|1234)/",  # noqa: E501
    re.I,
)
_MAX_ENTRY = 4_000


@dataclass(frozen=True, slots=True)
class Reference:
    """One source a report names. ``listed``: it has a line in the reference list, not only a mark in the text.

    ``kind`` says how to get at it: ``evidence`` (``ref``: doc_id or doc_id:start-end), ``url``, ``identifier``
    (``identifier`` is "scheme:value") or ``text`` (a bibliographic description). ``[start, end)`` is its line.
    """

    key: str
    text: str
    start: int
    end: int
    kind: ReferenceKind = "text"
    title: str = ""
    ref: str = ""
    url: str = ""
    identifier: str = ""
    listed: bool = True
    placeholder: bool = False

    @property
    def identity(self) -> str:
        """Equal for two references to the same source (and span)."""
        return (
            self.ref or self.identifier or (same_url(self.url) if self.url else " ".join(self.text.casefold().split()))
        )


def find_list(text: str, lines: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Line ranges ``[first, last)`` of the reference list: sections so headed, else the numbered lines at the end."""
    ranges: list[tuple[int, int]] = []
    open_at, open_level = -1, 0
    for number, (level, title) in _headings(text, lines):
        if open_at >= 0 and level <= open_level:
            ranges.append((open_at, number))
            open_at = -1
        if open_at < 0 and _names_list(title):
            open_at, open_level = number, level
    if open_at >= 0:
        ranges.append((open_at, len(lines)))
    return ranges or _trailing(text, lines)


def _headings(text: str, lines: Sequence[tuple[int, int]]) -> Iterator[tuple[int, tuple[int, str]]]:
    fenced = False
    for number, (start, end) in enumerate(lines):
        line = text[start:end]
        if line.lstrip()[:3] in ("```", "~~~"):
            fenced = not fenced
        if fenced or len(line) > 300:
            continue
        if match := _HEADING.match(line):
            yield number, (len(match[1]), match[2])
        elif number + 1 < len(lines) and line.strip() and _UNDERLINE.match(text[slice(*lines[number + 1])]):
            yield number, (1 if "=" in text[slice(*lines[number + 1])] else 2, line)
        elif _names_list(line) and re.match(r"\s*(?:\*\*|__)|.*:\s*\**$", line):
            yield number, (7, line)


def _names_list(title: str) -> bool:
    bare = re.sub(r"^[\d.\s]+|[*_:#]+", "", title).strip().casefold()
    return bare in _TITLES


def _trailing(text: str, lines: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    first = len(lines)
    for number in range(len(lines) - 1, -1, -1):
        line = text[slice(*lines[number])]
        if _TRAILING.match(line):
            first = number
        elif line.strip():
            break
    return [(first, len(lines))] if first < len(lines) else []


def read_entries(text: str, lines: Sequence[tuple[int, int]], ranges: Sequence[tuple[int, int]]) -> list[Reference]:
    """The entries of the reference list, and link or footnote definitions wherever they stand."""
    found: list[Reference] = []
    inside = {number for first, last in ranges for number in range(first, last)}
    for number, (start, end) in enumerate(lines):
        line = text[start:end]
        definition = _DEFINITION.match(line)
        if definition and (
            number in inside or definition[1].startswith("^") or "://" in definition[2] or definition[1].isdigit()
        ):
            found.append(Reference(definition[1].lstrip("^"), definition[2].strip(), start, end))
        elif number in inside and line.strip() and not _HEADING.match(line) and not _names_list(line):
            _read_line(found, line, start, end, after_blank=number == 0 or not text[slice(*lines[number - 1])].strip())
    return [with_identity(entry) for entry in _keyed(found)]


def _read_line(found: list[Reference], line: str, start: int, end: int, *, after_blank: bool) -> None:
    entry, bullet = _ENTRY.match(line), _BULLET.match(line)
    if entry:
        found.append(Reference(next(filter(None, entry.groups()[:4])), entry[5].strip(), start, end))
    elif bullet and not line.startswith((" ", "\t")):
        found.append(Reference("", bullet[1].strip(), start, end))
    elif found and (not after_blank or line.startswith((" ", "\t"))):
        last = found[-1]
        found[-1] = replace(last, text=f"{last.text} {line.strip()}"[:_MAX_ENTRY], end=end)
    elif not set(line.strip()) <= set("-*_= "):
        found.append(Reference("", line.strip(), start, end))


def _keyed(entries: Sequence[Reference]) -> list[Reference]:
    """Number the entries of a list without numbers, so that [2] is its second line."""
    numbered = any(entry.key.isdigit() for entry in entries)
    count, keyed = 0, []
    for entry in entries:
        if not entry.key:
            count += 1
            entry = replace(entry, key=f"entry-{count}" if numbered else str(count))
        keyed.append(entry)
    return keyed


def implied(key: str, start: int, end: int) -> Reference:
    """The reference a mark names by itself: a URL or an evidence reference."""
    scheme, _, rest = key.partition(":")
    return with_identity(Reference(key, f"`{rest}`" if scheme == "ref" else rest, start, end, listed=False))


def with_identity(entry: Reference) -> Reference:
    """``entry`` with what its text points at: an evidence reference first, then an identifier, then a URL."""
    text = entry.text[:_MAX_ENTRY]
    evidence = _EVIDENCE.search(text)
    url = _first_url(text)
    identifier = _identifier(text)
    kind: ReferenceKind = "evidence" if evidence else "identifier" if identifier else "url" if url else "text"
    return replace(
        entry, kind=kind, title=_title(text), ref=(evidence[1] or evidence[2]) if evidence else "", url=url,
        identifier=identifier, placeholder=bool(_PLACEHOLDER.search(text)),
    )  # fmt: skip


def _first_url(text: str) -> str:
    match = _URL.search(text)
    if match is None:
        return ""
    url = match.group()
    while url and (url[-1] in ".,;:!?*_" or (url[-1] == ")" and url.count(")") > url.count("("))):
        url = url[:-1]
    return url


def _identifier(text: str) -> str:
    """The first identifier of a publication in the text as "scheme:value", or nothing."""
    from carrel.scholarly.identifiers import find_identifiers

    for mention in find_identifiers(text):
        if mention.identifier.scheme in ("doi", "arxiv", "pmid", "pmcid"):
            return f"{mention.identifier.scheme}:{mention.identifier.value}"
    return ""


def _title(text: str) -> str:
    """A short name for the source: its link text, the words in quotation marks, else what stands before the URL."""
    if match := _LABELLED.search(text):
        return match[1].strip()
    if match := _QUOTED.search(text):
        return match[1].strip().rstrip(",.")
    bare = _URL.sub("", _EVIDENCE.sub("", text)).replace("`", "")
    bare = re.sub(r"(?<!\w)[*_]+|[*_]+(?!\w)", "", bare)
    first = re.split(r"(?<=[^\WA-Z\d_]{2})[.?!]\s", bare.strip(), maxsplit=1)[0]
    return first.strip(" .,:;–—-()<>")[:300]
