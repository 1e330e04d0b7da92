"""I have a BibTeX or BibLaTeX file: give me its entries, each a section.

Read as BibTeX does (names of months and ``@string`` abbreviations, ``#`` joins, braces and quotation marks), but past
errors: an entry that is damaged ends where the next one begins. One pass, linear in the file.
"""

from __future__ import annotations

import re

from carrel.documents.draft import NO_TEXT, Composer, Draft, Unreadable, words
from carrel.documents.formats.entries import Entry, about, write_entry
from carrel.documents.formats.latex import plain_latex

__all__ = ["read"]

_ENTRY = re.compile(r"^[ \t]*@[ \t]*([A-Za-z]{1,40})[ \t\n]*([{(])", re.M)
_KEY = re.compile(r"[ \t\n]*([^\s,{}]{0,300})[ \t\n]*,")
_FIELD = re.compile(r"[ \t\n,]*([A-Za-z][\w:.+-]{0,60})[ \t\n]*=[ \t\n]*")
_WORD = re.compile(r"[^\s,#{}\"=]{1,200}")
_BRACE = re.compile(r"(?<!\\)[{}]")
_QUOTE = re.compile(r"(?<!\\)[{}\"]")
_JOIN = re.compile(r"[ \t\n]*#[ \t\n]*")
_MONTHS = {
    name[:3].lower(): name
    for name in words("January February March April May June July August September October November December")
}
_VENUES = ("journal", "journaltitle", "booktitle", "maintitle", "series", "school", "institution", "howpublished")


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read a .bib; raises Unreadable (NO_TEXT for a file without entries). The hint is not used."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    out = Composer(max_chars)
    words = dict(_MONTHS)
    entries: list[Entry] = []
    starts = [*_ENTRY.finditer(text)]
    for place, start in enumerate(starts):
        end = starts[place + 1].start() if place + 1 < len(starts) else len(text)
        kind = start[1].lower()
        if kind == "string":
            words.update(_fields(text, start.end(), end, words))
        elif kind not in ("comment", "preamble"):
            key = _KEY.match(text, start.end(), end)
            fields = _fields(text, key.end() if key else start.end(), end, words)
            if fields:
                entries.append(_entry(kind, key[1] if key else "", fields))
                write_entry(out, entries[-1])
    if not entries:
        raise Unreadable(NO_TEXT)
    return out.draft(**about(entries, "bibtex"))


def _fields(text: str, start: int, end: int, words: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    while match := _FIELD.match(text, start, end):
        value, start = _value(text, match.end(), end, words)
        found.setdefault(match[1].lower(), value)
    return found


def _value(text: str, start: int, end: int, words: dict[str, str]) -> tuple[str, int]:
    """A value (braced, quoted, a word, or several joined by ``#``) and where it ends."""
    parts: list[str] = []
    while start < end:
        if text[start] in '{"':
            stop = _closing(text, start, end)
            parts.append(text[start + 1 : stop])
            start = min(stop + 1, end)
        elif match := _WORD.match(text, start, end):
            parts.append(words.get(match[0].lower(), match[0]))
            start = match.end()
        else:
            break
        join = _JOIN.match(text, start, end)
        if join is None:
            break
        start = join.end()
    return "".join(parts), start


def _closing(text: str, start: int, end: int) -> int:
    """Where a braced or quoted value that opens at ``start`` closes; ``end`` when it does not."""
    quoted = text[start] == '"'
    depth = 0 if quoted else 1
    for match in (_QUOTE if quoted else _BRACE).finditer(text, start + 1, end):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            depth -= 1
            if not quoted and depth == 0:
                return match.start()
        elif depth <= 0:
            return match.start()
    return end


def _entry(kind: str, key: str, fields: dict[str, str]) -> Entry:
    def plain(*names: str) -> str:
        return next((shown for name in names if (shown := plain_latex(fields.get(name, "")))), "")

    title, subtitle = plain("title"), plain("subtitle")
    number = plain("number", "issue")
    return Entry(
        title=f"{title}: {subtitle}" if title and subtitle else title,
        authors=_names(fields.get("author", "")),
        editors=_names(fields.get("editor", "")),
        year=plain("year", "date")[:40],
        venue=plain(*_VENUES),
        volume=plain("volume") + (f" ({number})" if number else ""),
        pages=plain("pages"),
        publisher=plain("publisher", "organization"),
        doi=fields.get("doi", "").strip("{} \n").replace("\\_", "_"),
        url=fields.get("url", "").strip("{} \n").replace("\\_", "_").replace("\\%", "%"),
        kind=kind,
        key=key,
        keywords=plain("keywords"),
        abstract=plain("abstract"),
        notes=plain("note", "annote", "annotation"),
    )


def _names(told: str) -> tuple[str, ...]:
    """``Byron, Ada and {The Team}`` as ("Ada Byron", "The Team")."""
    found = []
    for name in re.split(r"\sand\s", told[:100_000]):
        whole = name.strip().startswith("{") and name.strip().endswith("}")
        parts = [plain_latex(part) for part in ([name] if whole else name.split(","))]
        if len(parts) == 2:
            found.append(f"{parts[1]} {parts[0]}".strip())
        elif len(parts) == 3:  # family, suffix, given
            found.append(f"{parts[2]} {parts[0]}, {parts[1]}".strip(" ,"))
        else:
            found.append(", ".join(parts))
    return tuple(name for name in found if name)
