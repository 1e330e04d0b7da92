"""I have a document of one of these formats: read it where it can do no harm, and say why when it cannot be read."""

from __future__ import annotations

from carrel.documents.draft import BARRED, BROKEN, ENCRYPTED, NO_TEXT, Draft, Unreadable
from carrel.documents.formats.registry import Format, reader_of
from carrel.documents.sandbox import Limits, ask_child
from carrel.errors import BadRequest, Refused, Unsupported

__all__ = ["IN_PROCESS", "read_format"]

IN_PROCESS = 128 * 1024
"""Bytes up to which a text format is read here: so little can cost no reader more than a moment. Starting a process
costs some 90 ms, which small files by the thousand should not pay."""


def read_format(found: Format, data: bytes, suffix: str, *, limits: Limits | None = None) -> Draft | None:
    """Read a document; None when it is text, and not of that format after all.

    Raises BadRequest (broken, protected), Unsupported (no text in it), Refused (over the limits) and Unavailable (the
    process that reads could not be started).
    """
    limits = limits or Limits(chars=found.max_chars, memory=found.memory, output=max(4 * found.max_chars, 1 << 27))
    try:
        if found.contained or len(data) > IN_PROCESS:
            return _told(ask_child(found.reader, data, limits, suffix if suffix.isascii() else ""))
        return reader_of(found.reader)(data, suffix, limits.chars)
    except Unreadable as error:
        if found.text and error.problem in (BROKEN, NO_TEXT):
            return None
        raise _error(found.words, error.problem) from error


def _told(data: dict[str, object]) -> Draft:
    try:
        return Draft.from_data(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable(BROKEN) from error


def _error(words: str, problem: str) -> BadRequest | Refused:
    if problem == ENCRYPTED:
        return BadRequest(f"the {words} is protected with a password or against copying; give a copy that is not")
    if problem == BROKEN:
        return BadRequest(f"the {words} is broken or cut off; download or export it again")
    if problem == BARRED:
        return Unsupported(
            f"only the record of the {words} is given, not its text, as where a publisher bars it; read another copy"
        )
    if problem == NO_TEXT:
        return Unsupported(f"the {words} has no text, perhaps only pictures; give a version with text in it")
    return Refused(f"reading the {words} takes more time or memory than is allowed; give a smaller one or its parts")
