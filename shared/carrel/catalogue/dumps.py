"""Dumps of the literature, record by record: OpenAlex, arXiv, Crossref and CSL JSON, BibTeX; gzipped or not."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from carrel.errors import BadRequest, CarrelError, NotFound, Refused
from carrel.records import Access, Author, Work, WorkStatus
from carrel.scholarly import parse_identifier
from carrel.scholarly.crossref import csl_work
from carrel.scholarly.export import read_bibtex
from carrel.scholarly.markup import plain_abstract, plain_line
from carrel.scholarly.names import parse_authors
from carrel.scholarly.openalex import openalex_record
from carrel.scholarly.shapes import Json, iso_date, items, table, tables, text

__all__ = ["Entry", "read_dump"]

Entry = tuple[int, Work | str]
"""The place of a record in the file, from 1, and the work, or what is wrong with the record."""

_LINE = 16 << 20  # bytes; the longest record of OpenAlex, with its thousands of authors, has under 8 MB
_WHOLE = 512 << 20  # bytes of a file that has to be read at once
_BROKEN = "the file breaks off or is damaged here; get it again for the rest"
_ODD = (TypeError, ValueError, KeyError, AttributeError, IndexError, RecursionError, CarrelError)


def read_dump(path: Path, skip: int = 0) -> Iterator[Entry]:
    """The records after the first ``skip``. What is broken is told in its place, and a file that breaks off at its end.

    Raises NotFound, Refused (not readable) or BadRequest (no dump that can be read).
    """
    try:
        with _opened(path) as file:
            try:
                start = _start(file)
            except (EOFError, gzip.BadGzipFile, zlib.error):
                yield 1, _BROKEN
                return
            yield from _lines(start, file, skip) if _is_lines(start) else _whole(start, file, skip)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except (PermissionError, IsADirectoryError) as error:
        raise Refused(f"{path} cannot be read: {error.strerror}; name the files themselves") from None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        magic = file.read(2)
        file.seek(0)
        if magic != b"\x1f\x8b":
            yield file
            return
        with gzip.open(file) as unpacked:
            yield unpacked  # type: ignore[misc]  # read like any other


def _start(file: IO[bytes]) -> bytes:
    """The first line that is not blank."""
    for _ in range(1_000):
        line = file.readline(_LINE)
        if not line or line.strip(b"\xef\xbb\xbf \t\r\n"):
            return line.lstrip(b"\xef\xbb\xbf")
    return b""


def _is_lines(start: bytes) -> bool:
    """Whether the first line is a record of its own, or a broken one, and not the beginning of a larger value."""
    plain = start.strip()
    if not plain.startswith(b"{") or len(plain) < 3:
        return False
    if re.match(rb'\{\s*"(?:items|message|status)"\s*:', plain):
        return False
    return plain.endswith(b"}") or not plain.endswith((b",", b"[", b"{"))


def _lines(start: bytes, file: IO[bytes], skip: int) -> Iterator[Entry]:
    number, line = 0, start
    while line:
        number += 1
        too_long = len(line) >= _LINE and not line.endswith(b"\n")
        if number > skip and line.strip():
            yield number, f"a line of more than {_LINE >> 20} MB" if too_long else _from_line(line)
        try:
            if too_long:
                _pass(file)
            line = file.readline(_LINE)
        except (EOFError, OSError, zlib.error):
            yield number + 1, _BROKEN
            return


def _pass(file: IO[bytes]) -> None:
    """Go to the end of the line."""
    while (part := file.readline(_LINE)) and not part.endswith(b"\n"):
        pass


def _from_line(line: bytes) -> Work | str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return "no JSON, or not all of it"
    return _record(value)


def _whole(start: bytes, file: IO[bytes], skip: int) -> Iterator[Entry]:
    broken = ""
    try:
        rest = file.read(_WHOLE + 1)
    except (EOFError, OSError, zlib.error):
        rest, broken = b"", _BROKEN
    if len(rest) > _WHOLE:
        raise BadRequest(f"a file that is not one record a line may have {_WHOLE >> 20} MB; split it")
    content = (start + rest).decode("utf-8", "replace")
    records = _broken(broken) if broken else _values(content)
    for number, record in enumerate(records, start=1):
        if number > skip:
            yield number, record


def _broken(why: str) -> Iterator[Work | str]:
    yield why


def _values(content: str) -> Iterator[Work | str]:
    if re.search(r"^[ \t]*@[ \t]*\w+[ \t]*[{(]", content, re.M) and not content.lstrip().startswith(("[", "{")):
        for entry in read_bibtex(content):
            yield _checked(entry) if isinstance(entry, Work) else entry
        return
    if not content.lstrip().startswith(("[", "{")):
        raise BadRequest("that is no dump that can be read: JSON of OpenAlex, arXiv, Crossref or CSL, or BibTeX")
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        yield f"no JSON, or not all of it: {error}"[:200]
        return
    held = value if isinstance(value, list) else _held(table(value))
    for each in [value] if held is None else held:
        yield _record(each)


def _held(value: Json) -> list[object] | None:
    """The list of Crossref's files and answers, and of OpenAlex's answers."""
    for holder in (value, table(value.get("message"))):
        for name in ("items", "results"):
            if isinstance(holder.get(name), list):
                return list(items(holder[name]))
    return None


def _record(value: object) -> Work | str:
    if not isinstance(value, dict):
        return "no record: a JSON object is wanted"
    try:
        work = _work(value)
    except _ODD:
        return "a record in an unknown form"
    return _checked(work) if work is not None else "a record of no kind that is known here"


def _checked(work: Work) -> Work | str:
    return work if work.title else "a record without a title"


def _work(value: Json) -> Work | None:
    if re.search(r"openalex\.org/W\d+$", text(value.get("id"))):
        return openalex_record(value).work
    if "authors_parsed" in value or ("submitter" in value and "categories" in value):
        return _arxiv(value)
    if "DOI" in value or "title" in value:
        return _csl(value)
    return None


def _arxiv(value: Json) -> Work:
    """A line of arXiv's own metadata file."""
    number = parse_identifier(f"arxiv:{text(value.get('id'))}").value
    versions = tables(value.get("versions"))
    date = _rfc_date(text(versions[0].get("created"))) if versions else iso_date(text(value.get("update_date")))
    identifiers = {"arxiv": number}
    if doi := text(value.get("doi")).split():
        with contextlib.suppress(BadRequest):
            identifiers |= {"doi": found.value} if (found := parse_identifier(doi[0])).scheme == "doi" else {}
    withdrawn = re.search(r"\bwithdrawn\b", text(value.get("comments")), re.I)
    pdf = Access(f"https://arxiv.org/pdf/{number}", "application/pdf", "submittedVersion", text(value.get("license")))
    return Work(
        title=plain_line(text(value.get("title"))),
        authors=_arxiv_authors(value),
        year=int(date[:4]) if date else None,
        date=date,
        venue="arXiv",
        publisher="arXiv",
        type="preprint",
        abstract=plain_abstract(text(value.get("abstract"))),
        identifiers=identifiers,
        status=WorkStatus("withdrawn", reason="its arXiv comment says so", provider="arxiv") if withdrawn else None,
        access=(pdf,),
        url=f"https://arxiv.org/abs/{number}",
    )


def _arxiv_authors(value: Json) -> tuple[Author, ...]:
    parsed = [[text(part) for part in items(name)] for name in items(value.get("authors_parsed"))]
    if parsed:
        return tuple(Author(plain_line(n[0]), plain_line(n[1]) if len(n) > 1 else "") for n in parsed if n and n[0])
    return parse_authors(plain_line(text(value.get("authors"))))


def _rfc_date(value: str) -> str:
    """``Mon, 2 Apr 2007 19:18:42 GMT`` as ``2007-04-02``."""
    found = re.search(r"(\d{1,2}) ([A-Z][a-z]{2}) (\d{4})", value)
    months = "JanFebMarAprMayJunJulAugSepOctNovDec"
    at = months.find(found[2]) if found else -1
    return f"{found[3]}-{at // 3 + 1:02d}-{int(found[1]):02d}" if found and at >= 0 and at % 3 == 0 else ""


def _csl(value: Json) -> Work:
    """Crossref's JSON, or CSL-JSON as Zotero writes it, which has further identifiers."""
    work = csl_work(value, "crossref")
    named = dict(work.identifiers)
    for scheme, said in (("pmid", value.get("PMID")), ("pmcid", value.get("PMCID")), ("arxiv", value.get("number"))):
        plain = text(said)
        if plain and (scheme != "arxiv" or plain.lower().startswith("arxiv:")):
            try:
                found = parse_identifier(plain if scheme == "arxiv" else f"{scheme}:{plain}")
            except BadRequest:
                continue
            named.setdefault(found.scheme, found.value)
    kind = "preprint" if text(value.get("genre")).lower() == "preprint" else work.type
    return replace(work, identifiers=named, type=kind, url=work.url or text(value.get("URL")))
