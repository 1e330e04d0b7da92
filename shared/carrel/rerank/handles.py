"""Handles: a whole work order in one word, so that any server, also one started since, can finish it.

A handle is a name, not a key: it holds nothing but references, which whoever has them may read anyway. Its checksum
tells a handle that was not copied in full.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from carrel.errors import BadRequest
from carrel.records import EvidenceRef

__all__ = ["WorkOrder", "open_handle", "seal"]

_FORM = 1
_SUM = 6  # bytes: an accident passes once in 10 ** 14
_LONGEST = 8_000  # characters
_MOST = 200  # candidates


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """What the host was asked to put in order: the candidates in the first stage's order, and the blocks' shape."""

    collection: str
    generation: int
    block: int
    rounds: int
    refs: tuple[EvidenceRef, ...]


def seal(order: WorkOrder) -> str:
    """The handle of a work order: about 20 characters per document among its candidates, and 6 per candidate."""
    documents = list(dict.fromkeys(ref.doc_id for ref in order.refs))
    name = order.collection.encode()
    head = [_FORM, order.generation, order.block, order.rounds, len(name)]
    body = b"".join(map(_packed, head)) + name
    body += _packed(len(documents)) + b"".join(base64.b32decode(doc_id.upper()) for doc_id in documents)
    body += _packed(len(order.refs))
    for ref in order.refs:
        start, end = ref.start or 0, ref.end or 0  # (0, 0): the whole document
        body += b"".join(map(_packed, (documents.index(ref.doc_id), start, end - start)))
    return "rank_" + base64.urlsafe_b64encode(_digest(body) + body).decode().rstrip("=")


def open_handle(handle: str) -> WorkOrder:
    """The work order of a handle. Raises BadRequest for anything that `seal` did not make."""
    word = handle.strip().strip("`\"'<>")
    try:
        if not word.startswith("rank_") or len(word) > _LONGEST:
            raise ValueError
        coded = word.removeprefix("rank_")
        raw = base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True)
        if raw[:_SUM] != _digest(raw[_SUM:]):
            raise ValueError
        return _read(raw[_SUM:])
    except (binascii.Error, ValueError, IndexError):
        raise BadRequest("that is not a whole handle; copy it exactly from the work order, or search again") from None


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(b"carrel work order" + body).digest()[:_SUM]


def _packed(number: int) -> bytes:
    """A natural number in groups of seven bits, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _read(body: bytes) -> WorkOrder:
    place = 0

    def number() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = body[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value
            if shift > 63:
                raise ValueError

    def take(count: int) -> bytes:
        nonlocal place
        taken = body[place : place + count]
        if len(taken) != count:
            raise ValueError
        place += count
        return taken

    form, generation, block, rounds = (number() for _ in range(4))
    collection = take(number()).decode()
    documents = [base64.b32encode(take(10)).decode().lower() for _ in _few(number())]
    refs = tuple(_ref(documents[number()], number(), number()) for _ in _few(number()))
    if form != _FORM or place != len(body) or not (3 <= block <= _MOST and 1 <= rounds <= 3):
        raise ValueError
    return WorkOrder(collection, generation, block, rounds, refs)


def _few(count: int) -> Iterable[int]:
    if count > _MOST:
        raise ValueError
    return range(count)


def _ref(doc_id: str, start: int, length: int) -> EvidenceRef:
    return EvidenceRef(doc_id, start, start + length) if length else EvidenceRef(doc_id)
