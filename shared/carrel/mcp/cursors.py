"""Opaque cursors: where a listing goes on, tied to the question it belongs to."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from carrel.errors import BadRequest

__all__ = ["next_cursor", "read_cursor"]


def next_cursor(offset: int, *question: object) -> str:
    """A cursor that continues the listing ``question`` at ``offset``."""
    return base64.urlsafe_b64encode(f"{offset}.{_digest(question)}".encode()).decode().rstrip("=")


def read_cursor(cursor: str, *question: object) -> int:
    """The offset in ``cursor``, 0 for an empty one. Raises BadRequest for one that is not of this question."""
    if not cursor:
        return 0
    try:
        offset, _, digest = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(".")
        if digest == _digest(question) and offset.isdecimal() and len(offset) < 19:
            return int(offset)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise BadRequest("that cursor is not from this question; repeat the call that gave it with only the cursor changed")


def _digest(question: tuple[object, ...]) -> str:
    text = json.dumps(question, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
