"""The host as judge: what the rules leave open goes out as a packet, and a judgement comes back with a quote.

A judgement that claims something of a source must quote it, and the quote is looked for: what the source does not say
cannot decide. The judge's name stays with the verdict, and a failing check that speaks against it is told.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from carrel.citations.quotes import check_quote
from carrel.citations.verify import ClaimVerdict
from carrel.errors import BadRequest, NotFound, Refused
from carrel.records import Document

__all__ = ["Decision", "Judged", "Packet", "Packets", "judged"]

Decision = Literal["supported", "partially_supported", "contradicted", "not_found"]

_HELD = 1_000  # packets: twenty calls of fifty claims
_CHARS = 32_000_000  # of the documents of all packets: a few long books must not fill the memory
_FAITHFUL = ("verbatim", "normalized", "elided")
_LEAST = 3  # words of a quote: two stand in many a text by chance


@dataclass(frozen=True, slots=True)
class Packet:
    """A claim that the rules left open, with the reading that did so and the documents its evidence is from."""

    id: str
    claim: str
    reading: ClaimVerdict

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents of the evidence, each once, the best first."""
        return tuple({window.document.doc_id: window.document for window in self.reading.windows}.values())


class Packets:
    """The packets that wait for a judgement; the oldest go when there are more than a thousand, or their documents are
    long."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Packet] = OrderedDict()

    def give(self, claim: str, reading: ClaimVerdict) -> str:
        """The packet of an open claim: the same for the same claim and evidence."""
        content = "\0".join((claim, *(window.ref for window in reading.windows)))
        name = "pkt_" + hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        self._held[name] = Packet(name, claim, reading)
        self._held.move_to_end(name)
        while len(self._held) > _HELD or (len(self._held) > 1 and self._chars() > _CHARS):
            self._held.popitem(last=False)
        return name

    def _chars(self) -> int:
        """Of all documents, each counted once."""
        lengths = {d.doc_id: len(d.text) for packet in self._held.values() for d in packet.documents}
        return sum(lengths.values())

    def held(self, name: str) -> Packet:
        """A packet by its name. Raises NotFound."""
        found = self._held.get(name)
        if found is None:
            raise NotFound("that packet is not held any more; run verify_claims again")
        return found


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement that counts. ``ref`` is where the quote stands, empty for ``not_found``; ``disputed``: checks that
    speak against the judgement."""

    verdict: Decision
    ref: str = ""
    disputed: tuple[str, ...] = ()


def judged(packet: Packet, verdict: Decision, quote: str = "") -> Judged:
    """Take a judgement of an open claim. Raises BadRequest without a quote where one is needed, and Refused when the
    quote does not stand in a source of the packet."""
    mismatches = tuple(check.detail for check in packet.reading.failing if check.status == "mismatch")
    if verdict == "not_found":
        return Judged(verdict)
    if len(quote.split()) < _LEAST and len(quote.strip()) < 4 * _LEAST:
        raise BadRequest(f"{verdict} needs a quote of the source, of {_LEAST} words or more, that decides it")
    return Judged(verdict, _place(packet, quote), () if verdict == "contradicted" else mismatches)


def _place(packet: Packet, quote: str) -> str:
    for document in packet.documents:
        near = next((w.start, w.end) for w in packet.reading.windows if w.document.doc_id == document.doc_id)
        found = check_quote(quote, document.text, near=near)
        if found.verdict in _FAITHFUL:
            return f"{document.doc_id}:{found.start}-{found.end}"
    raise Refused("that quote does not stand in the source so; quote its words as they are")
