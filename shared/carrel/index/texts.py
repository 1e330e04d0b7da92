"""Texts as the store keeps them: in checksummed blocks, so that a passage of a long document is read without the rest,
and a text that the disk has altered is never quoted."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence

from carrel.errors import IncompatibleIndex
from carrel.index.lexical.analysis import NAMES, terms

__all__ = [
    "author_terms",
    "block_range",
    "blocks",
    "day",
    "digest",
    "digest_of_span",
    "encoded_text",
    "joined",
    "page_list",
]

_BLOCK = 32_768  # code points
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?!\d)")
_MOST_BLOCKS = 4_096  # of a document: far more than the largest text that is parsed


def blocks(doc_no: int, text: str) -> Iterator[tuple[int, int, bytes]]:
    """Rows ``(block_no, crc, content)`` of a document's text."""
    for number, start in enumerate(range(0, len(text), _BLOCK)):
        if number >= _MOST_BLOCKS:
            raise ValueError("a text this long is refused when it is parsed")
        content = text[start : start + _BLOCK].encode("utf-8", "surrogatepass")
        yield doc_no * _MOST_BLOCKS + number, zlib.crc32(content), content


def block_range(doc_no: int, start: int, end: int | None) -> tuple[int, int]:
    """First and last ``block_no`` of the span ``[start, end)``; ``end`` None is the document's end."""
    last = _MOST_BLOCKS - 1 if end is None else max(end - 1, start) // _BLOCK
    return doc_no * _MOST_BLOCKS + start // _BLOCK, doc_no * _MOST_BLOCKS + last


def joined(rows: Iterable[tuple[int, int, bytes]], start: int = 0, end: int | None = None) -> str:
    """The span ``[start, end)`` of the text that these blocks, in order, begin at or before ``start``.

    Raises IncompatibleIndex when a block is not what was written.
    """
    found = []
    for _, crc, content in rows:
        if not isinstance(content, bytes) or zlib.crc32(content) != crc:
            raise IncompatibleIndex(
                "the stored text of that document is damaged on the disk; run `carrel doctor --repair`, then add its "
                "source again"
            )
        found.append(content.decode("utf-8", "surrogatepass"))
    base = start - start % _BLOCK
    return "".join(found)[start - base : None if end is None else end - base]


def encoded_text(title: str, heading: Sequence[str], text: str) -> str:
    """What is encoded for a passage: title, heading path, text. The title is not said twice."""
    path = [part for part in heading if part and part != title]
    return "\n".join(part for part in (title, " > ".join(path), text) if part)


def digest(title: str, heading: Sequence[str], text: str) -> int:
    """Names what is encoded for a passage, and so its vector: 64 bits of SHA-256, signed."""
    return named(encoded_text(title, heading, text))


def named(said: str) -> int:
    """`digest` of what is encoded."""
    return int.from_bytes(hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()[:8], "big", signed=True)


def digest_of_span(title: str, heading: str, text: str) -> int:
    """`digest` for SQL, where the heading path is JSON."""
    return digest(title, json.loads(heading), text)


def author_terms(authors: Sequence[str]) -> str:
    """The authors' names as analysed words, each between spaces, for filtering by author."""
    words = [word for author in authors for word in terms(author, NAMES)]
    return f" {' '.join(words)} " if words else ""


def day(date: str) -> int:
    """An ISO date or prefix of one as yyyymmdd, zeros for what it does not say; 0 when it is none."""
    found = _DATE.match(date.strip())
    return int("".join(part or "00" for part in found.groups())) if found else 0


def page_list(page_starts: Sequence[int]) -> str:
    """The offsets at which pages begin, as JSON; empty for a document without pages."""
    return json.dumps(list(page_starts), separators=(",", ":")) if page_starts else ""
