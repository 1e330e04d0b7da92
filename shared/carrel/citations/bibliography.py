"""The reference list of a report: where it is, and what each of its lines points at."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from carrel.citations.lexicon import words_of
from carrel.citations.marks import same_url
from carrel.citations.paths import find_paths

__all__ = ["Reference", "ReferenceKind", "find_list", "implied", "read_entries", "with_identity"]

ReferenceKind = Literal["evidence", "url", "identifier", "path", "text"]
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
    (``identifier`` is "scheme:value"), ``path`` (``paths``: what may name a document of the library, likeliest first)
    or ``text`` (a bibliographic description). ``[start, end)`` is its line.
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
    paths: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """Equal for two references to the same source (and span)."""
        return (
            self.ref
            or self.identifier
            or (same_url(self.url) if self.url else "")
            or (self.paths[0] if self.paths else " ".join(self.text.casefold().split()))
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
    kept = [part for section in ranges for part in _without_prose(text, lines, section)]
    return kept or _trailing(text, lines)


def _without_prose(text: str, lines: Sequence[tuple[int, int]], section: tuple[int, int]) -> list[tuple[int, int]]:
    """The parts of a section that are no prose: a statement under "Notes", or after the list, is still a statement."""
    first, last = section
    parts: list[tuple[int, int]] = []
    begin, listed, prose, after_blank = first, False, False, True
    for number in range(first + 1, last):
        line = text[slice(*lines[number])]
        if not line.strip():
            after_blank = True
            continue
        numbered = _ENTRY.match(line) or _DEFINITION.match(line)
        if after_blank or numbered:
            was, prose = prose, not numbered and _is_prose(line, listed)
            if prose and not was:
                parts.append((begin, number))
            elif was and not prose:
                begin = number
        elif not prose and _BULLET.match(line) and _is_prose(line, listed):
            parts.append((begin, number))
            prose = True
        listed = listed or bool(numbered or _BULLET.match(line))
        after_blank = False
    if not prose:
        parts.append((begin, last))
    holds = [any(text[slice(*lines[n])].strip() for n in range(max(a, first + 1), b)) for a, b in parts]
    if not any(holds):  # a section that holds nothing but prose is no list
        return [] if len(parts) > 1 or prose else [section]
    return [part for part, held in zip(parts, holds, strict=True) if held or part[0] == first]


def _is_prose(line: str, listed: bool) -> bool:
    """Whether a line says something instead of naming a source: it cites inside, or is a sentence after the list."""
    if _POINTS_AT.search(line) or line.startswith(("    ", "\t")) or _HEADING.match(line):
        return False
    if any(len(line[: mark.start()].split()) >= 4 for mark in itertools.islice(_MARK.finditer(line), 8)):
        return True
    return listed and len(line.split()) >= 5 and bool(_ENDS.search(line)) and not _YEAR.search(line[:250])


_POINTS_AT = re.compile(r"https?://|\bdoi\b|\b10\.\d{4}|\barxiv\b|(?<![\w-])[a-z2-7]{16}(?::\d|`)", re.I)
_MARK = re.compile(r"\[\^?\d{1,3}(?:[,;–-] ?\d{1,3}){0,9}\]|【\d{1,3}")
_ENDS = re.compile(r"[.!?。][*_\"”’)]{0,3}[ \t]*$")
_YEAR = re.compile(r"\b(?:1[6-9]|20)\d\d[a-z]?(?:[).,:;]|$)")
_SURNAME = r"(?:(?:van|von|de|der|den|du|la|le|da|di|ten) ){0,3}[A-ZÀ-Þ][\w'’-]{1,30}"
_AUTHOR_FIRST = re.compile(
    rf"{_SURNAME}(?:, (?:[A-ZÀ-Þ]\.|[A-ZÀ-Þ][a-zà-þ]+)| [A-Z]{{1,3}}[,.]| (?:and|&|et al)|,? \(?(?:1[6-9]|20)\d\d)"
)
_COMPLETE = re.compile(r"[.)\]/]$|https?://\S+$")


def _begins_entry(last: Reference, line: str) -> bool:
    """Whether a line in a list without numbers and blank lines begins the next entry: authors, then a year."""
    return bool(
        not last.key
        and _COMPLETE.search(last.text[-300:])
        and _YEAR.search(last.text)
        and _AUTHOR_FIRST.match(line)
        and _YEAR.search(line[:250])
    )


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
    elif found and (line.startswith((" ", "\t")) or not (after_blank or _begins_entry(found[-1], line))):
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
    paths = () if evidence else find_paths(text)
    kind: ReferenceKind = (
        "evidence" if evidence else "identifier" if identifier else "url" if url else "path" if paths else "text"
    )
    return replace(
        entry, kind=kind, title=_title(text), ref=(evidence[1] or evidence[2]) if evidence else "", url=url,
        identifier=identifier, placeholder=bool(_PLACEHOLDER.search(text)),
        paths=paths,
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
