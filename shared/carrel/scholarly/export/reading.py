"""BibTeX read back: entries with nested braces, quoted values, macros and joined strings; what is broken is named."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from carrel.errors import BadRequest
from carrel.records import Author, Work
from carrel.scholarly.export.bibtex import MONTHS
from carrel.scholarly.identifiers import Identifier, parse_identifier
from carrel.scholarly.names import parse_author

__all__ = ["Entry", "read_bibtex"]

Entry = Work | str
"""A work, or what is wrong with an entry."""

_MONTHS = {m: f"{n:02d}" for n, m in enumerate(MONTHS, start=1)}
_TYPES = {
    "article": "article",
    "inproceedings": "conference-paper",
    "conference": "conference-paper",
    "proceedings": "book",
    "incollection": "chapter",
    "inbook": "chapter",
    "book": "book",
    "booklet": "book",
    "phdthesis": "thesis",
    "mastersthesis": "thesis",
    "thesis": "thesis",
    "techreport": "report",
    "report": "report",
    "unpublished": "preprint",
    "dataset": "dataset",
    "software": "software",
}
_START = re.compile(r"@\s*([A-Za-z]+)\s*([{(])")
_NAME = re.compile(r"\s*([^\s=,{}\"#%'()]+)\s*=\s*")
_BARE = re.compile(r"[^\s,#{}\"()]+")
_ACCENTS = dict(zip("`'^\"~=.uvHcdkbr", map(chr, (
    0x300, 0x301, 0x302, 0x308, 0x303, 0x304, 0x307, 0x306, 0x30C, 0x30B, 0x327, 0x323, 0x328, 0x331, 0x30A
)), strict=True))  # fmt: skip
_ACCENT = re.compile(r"\{?\\(?:([`'^\"~=.])\s*|([uvHcdkbr])(?:\s+|(?=\{)))(?:\{\\?([A-Za-z])\}|\\?([A-Za-z]))\}?")
_LETTERS = {
    "ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å",
    "AA": "Å", "i": "ı", "j": "ȷ", "textbraceleft": "\ue000", "textbraceright": "\ue001", "textbackslash": "\ue002",
    "textasciitilde": "\ue003", "textasciicircum": "^", "textendash": "–", "textemdash": "—",
}  # fmt: skip
_COMMAND = re.compile(r"\{?\\(" + "|".join(sorted(_LETTERS, key=len, reverse=True)) + r")(?:\{\}|(?![A-Za-z])\s*)\}?")
_MARKUP = re.compile(r"\\(?:emph|textit|textbf|textsc|textrm|text|mathrm|mathbf|url|href)\s*(?=\{)")


def read_bibtex(text: str) -> Iterator[Entry]:
    """The entries in order. One that breaks off or has no title is a sentence about it; the rest is read."""
    macros: dict[str, str] = dict(_MONTHS)
    at = 0
    while (start := _START.search(text, at)) is not None:
        kind, at = start[1].lower(), start.end()
        if kind in ("comment", "preamble"):
            continue
        key, after = ("", at) if kind == "string" else _key(text, at)
        try:
            fields, at = _fields(text, after, macros)
        except _Broken as broken:
            yield f"entry {key[:60] or '@' + kind!s} (character {start.start()}): {broken}"
            following = _START.search(text, after)
            at = following.start() if following else len(text)
            continue
        if kind == "string":
            macros |= fields
        else:
            yield _work(kind, key, fields)


class _Broken(ValueError):
    """An entry that is not well formed."""


def _key(text: str, at: int) -> tuple[str, int]:
    found = re.compile(r"\s*([^,\s{}]*)\s*,?").match(text, at)
    assert found is not None
    return found[1], found.end()


def _fields(text: str, at: int, macros: Mapping[str, str]) -> tuple[dict[str, str], int]:
    fields: dict[str, str] = {}
    while True:
        while at < len(text) and (text[at].isspace() or text[at] == ","):
            at += 1
        if at >= len(text):
            raise _Broken("it is not closed")
        if text[at] in "})":
            return fields, at + 1
        named = _NAME.match(text, at)
        if named is None:
            raise _Broken("a field has no name or no value")
        value, at = _value(text, named.end(), macros)
        fields.setdefault(named[1].lower(), value)


def _value(text: str, at: int, macros: Mapping[str, str]) -> tuple[str, int]:
    """One value, or several joined with ``#``."""
    parts = []
    while True:
        if at >= len(text):
            raise _Broken("it is not closed")
        if text[at] == "{":
            end = _closing(text, at + 1)
            parts.append(text[at + 1 : end - 1])
        elif text[at] == '"':
            end = _quoted(text, at + 1)
            parts.append(text[at + 1 : end - 1])
        elif bare := _BARE.match(text, at):
            end = bare.end()
            parts.append(macros.get(bare[0].lower(), bare[0]))
        else:
            raise _Broken("a field has no value")
        joined = re.compile(r"\s*#\s*").match(text, end)
        if joined is None:
            return "".join(parts), end
        at = joined.end()


# An entry that begins on a line of its own ends what was not closed before it: it is read, and nothing is read twice.
_NEXT = r"^@\s*[A-Za-z]+\s*[{(]"
_BRACE = re.compile(rf"[{{}}]|{_NEXT}", re.M)
_BRACE_OR_QUOTE = re.compile(rf'[{{}}"]|{_NEXT}', re.M)


def _closing(text: str, at: int) -> int:
    """The place after the brace that closes the one before ``at``; BibTeX counts escaped braces too."""
    depth = 1
    for brace in _BRACE.finditer(text, at):
        if brace[0][0] == "@":
            break
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.end()
    raise _Broken("a brace is not closed")


def _quoted(text: str, at: int) -> int:
    depth = 0
    for found in _BRACE_OR_QUOTE.finditer(text, at):
        if found[0] == '"':
            if not depth:
                return found.end()
        elif found[0][0] == "@":
            break
        else:
            depth += 1 if found[0] == "{" else -1
    raise _Broken("a quotation mark is not closed")


def _work(kind: str, key: str, fields: Mapping[str, str]) -> Entry:
    plain = {name: _plain(value) for name, value in fields.items()}
    if not plain.get("title"):
        return f"entry {key[:60] or '@' + kind}: it has no title"
    identifiers = _identifiers(fields)
    date = _date(plain)
    on_arxiv = "arxiv" in identifiers and "journal" not in plain and "booktitle" not in plain
    return Work(
        title=plain["title"],
        authors=tuple(map(_author, _names(fields.get("author") or fields.get("editor", "")))),
        year=int(date[:4]) if date else None,
        date=date,
        venue=plain.get("journal") or plain.get("journaltitle") or plain.get("booktitle") or plain.get("series", ""),
        publisher=plain.get("publisher") or plain.get("school") or plain.get("institution", ""),
        type="preprint" if on_arxiv and kind in ("misc", "article", "online") else _TYPES.get(kind, "other"),
        volume=plain.get("volume", ""),
        issue=plain.get("number") or plain.get("issue", ""),
        pages=re.sub(r"\s*(?:-{1,3}|–)\s*", "-", plain.get("pages", "")),
        abstract=plain.get("abstract", ""),
        language=plain.get("langid", ""),
        identifiers=identifiers,
        url=fields.get("url", "").strip(),
        found_by=("bibtex",),
    )


def _plain(value: str) -> str:
    """LaTeX made plain: accents, special letters, escapes; protecting braces and markup go."""
    text = _ACCENT.sub(_accented, value)
    text = _COMMAND.sub(lambda found: _LETTERS[found[1]], text)
    text = re.sub(r"\\([&%$#_])", r"\1", _MARKUP.sub("", text))
    text = text.replace("---", "—").replace("\\ ", " ").replace("{", "").replace("}", "").replace("~", " ")
    text = text.translate({0xE000: "{", 0xE001: "}", 0xE002: "\\", 0xE003: "~"})
    return " ".join(unicodedata.normalize("NFC", text).split())


def _accented(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", (found[3] or found[4]) + _ACCENTS[found[1] or found[2]])


def _names(value: str) -> list[str]:
    """Split at each "and" outside braces."""
    names, depth, start = [], 0, 0
    for found in re.finditer(r"[{}]|(?<=\s)and(?=\s)", value, re.I):
        if found[0] == "{":
            depth += 1
        elif found[0] == "}":
            depth -= 1
        elif not depth:
            names.append(value[start : found.start()])
            start = found.end()
    return [name for part in [*names, value[start:]] if (name := part.strip()) and name.lower() != "others"][:5_000]


def _author(name: str) -> Author:
    if name.startswith("{") and name.endswith("}") and _closes_last(name):
        return Author(_plain(name))
    depth, commas = 0, []
    for place, c in enumerate(name):
        depth += (c == "{") - (c == "}")
        if c == "," and not depth:
            commas.append(place)
    if not commas:
        return parse_author(_plain(name))
    return Author(_plain(name[: commas[0]]), _plain(name[commas[-1] + 1 :]))


def _closes_last(name: str) -> bool:
    try:
        return _closing(name, 1) == len(name)
    except _Broken:
        return False


def _identifiers(fields: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    eprint = fields.get("eprint", "").strip()
    named = [fields.get("doi", ""), fields.get("url", "")]
    if fields.get("archiveprefix", fields.get("eprinttype", "arxiv")).strip().lower() == "arxiv":
        named.append(f"arxiv:{eprint}" if eprint else "")
    named += [f"{scheme}:{fields[scheme]}" for scheme in ("pmid", "pmcid", "isbn") if fields.get(scheme, "").strip()]
    for name in named:
        identifier = _identifier(name.replace("\\_", "_").replace("{", "").replace("}", "").strip())
        if identifier is not None:
            found.setdefault(identifier.scheme, identifier.value)
    return found


def _identifier(name: str) -> Identifier | None:
    try:
        return parse_identifier(name)
    except BadRequest:
        return None


def _date(plain: Mapping[str, str]) -> str:
    found = re.search(r"\b(1[4-9]|20)\d\d\b", plain.get("year", "") or plain.get("date", ""))
    if found is None:
        return ""
    if whole := re.match(r"\d{4}-\d\d(?:-\d\d)?", plain.get("date", "")):
        return whole[0]
    month = plain.get("month", "").lower()
    number = _MONTHS.get(month[:3], "") or (f"{int(month):02d}" if re.fullmatch(r"0?[1-9]|1[0-2]", month) else "")
    return f"{found[0]}-{number}" if number else found[0]
