"""I have the bytes of an answer as they came over the wire: give me the body, bounded.

Decoding is done here and not by the HTTP library, because all members of a gzip body are wanted, a cut-off body must
be told from a whole one, and both the wire and every decoded layer need a cap (RFC 9110 section 8.4, RFC 1952 2.2).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from carrel.errors import Unavailable

__all__ = ["ACCEPT_ENCODING", "BodyReader", "unpacked"]

ACCEPT_ENCODING = "gzip, deflate"
MAX_CODINGS = 2
MAX_MEMBERS = 1_000  # block-compressed files have one member per 64 KB; thousands of tiny ones are an attack
SLICE = 16_384
PIECE = 262_144
_KNOWN = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}


class _FullError(Exception):
    """The cap was reached; what came so far is kept."""


class _DamagedError(Exception):
    """The compressed stream is broken here; what came so far is kept."""


class _Layer:
    """One content coding. ``feed`` yields decoded pieces of at most ``PIECE`` bytes; ``whole`` tells if it ended."""

    def __init__(self, coding: str, cap: int) -> None:
        self._coding = coding
        self._cap = cap
        self._made = 0
        self._members = 0
        self._first = True
        self._plain = False
        self._engine = zlib.decompressobj(31)
        self.whole = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._first and data:
            self._begin(data)
        if self._plain:
            yield data
            return
        for start in range(0, len(data), SLICE):
            yield from self._slice(data[start : start + SLICE])

    def _begin(self, data: bytes) -> None:
        self._first = False
        if self._coding == "gzip":
            # servers that announce gzip and send none are common enough; the magic number decides
            self._plain = self.whole = data[:1] != b"\x1f"
        else:
            # "deflate" is zlib by the RFC, raw by some servers; the zlib header tells (RFC 1950 section 2.2)
            is_zlib = data[0] & 0x0F == 8 and (len(data) < 2 or (data[0] * 256 + data[1]) % 31 == 0)
            self._engine = zlib.decompressobj(15 if is_zlib else -15)

    def _slice(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._engine.eof:
                if self._coding != "gzip" or data[:1] != b"\x1f":
                    return  # padding after the last member
                self._next_member()
            yield from self._drain(data)
            data = self._engine.unused_data

    def _next_member(self) -> None:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise _FullError
        self._engine = zlib.decompressobj(31)

    def _drain(self, data: bytes) -> Iterator[bytes]:
        while True:
            try:
                piece = self._engine.decompress(data, PIECE)
            except zlib.error:
                raise _DamagedError from None
            self._made += len(piece)
            self.whole = self._engine.eof
            if piece:
                yield piece
            data = self._engine.unconsumed_tail
            if self._made > self._cap:
                raise _FullError
            if not data and len(piece) < PIECE:
                return


class BodyReader:
    """Collects one body. ``add`` it part by part until that says False; ``body`` and ``truncated`` are the outcome.

    ``max_bytes`` bounds the decoded body; the wire and the layer between two codings are bounded by it too.
    Raises Unavailable for a coding that was not asked for or more than two of them.
    """

    def __init__(self, codings: str, *, max_bytes: int) -> None:
        self._max = max_bytes
        self._wire = 0
        self._parts: list[bytes] = []
        self._size = 0
        self._layers = [_Layer(coding, max_bytes * 2) for coding in reversed(_codings(codings))]
        self._cut = False

    def add(self, data: bytes) -> bool:
        """Take the next part; False when no more is wanted."""
        for _ in self.steps(data):
            pass
        return not self.full

    def steps(self, data: bytes) -> Iterator[None]:
        """As `add`, in steps of a millisecond or so, that the caller must go through to the end."""
        self._wire += len(data)
        try:
            for piece in self._through(self._layers, (data,)):
                self._keep(piece)
                yield
        except (_FullError, _DamagedError):
            self._cut = True
        if self._wire > self._max * 2:
            self._cut = True

    @property
    def full(self) -> bool:
        """No more is wanted."""
        return self._cut

    def cut(self) -> None:
        """The connection ended before the body did."""
        self._cut = True

    def _through(self, layers: list[_Layer], pieces: Iterable[bytes]) -> Iterator[bytes]:
        if not layers:
            yield from pieces
            return
        for piece in pieces:
            yield from self._through(layers[1:], layers[0].feed(piece))

    def _keep(self, piece: bytes) -> None:
        room = self._max - self._size
        self._parts.append(piece[:room])
        self._size += min(len(piece), room)
        if len(piece) > room:
            raise _FullError

    @property
    def body(self) -> bytes:
        return b"".join(self._parts)

    @property
    def truncated(self) -> bool:
        return self._cut or (self._wire > 0 and not all(layer.whole for layer in self._layers))


def _codings(header: str) -> list[str]:
    names = [name.strip().lower() for name in header.split(",")]
    names = [name for name in names if name and name != "identity"]
    if len(names) > MAX_CODINGS:
        raise Unavailable("the server packed its answer more than twice, so it was not read")
    if any(name not in _KNOWN for name in names):
        raise Unavailable("the server sent its answer in a compression that was not asked for")
    return [_KNOWN[name] for name in names]


def unpacked(body: bytes, max_bytes: int) -> tuple[bytes, bool]:
    """A body that is itself a gzip file, unpacked as far as ``max_bytes``, and whether that is all of it; any other as
    it is."""
    if body[:2] != b"\x1f\x8b":
        return body, True
    reader = BodyReader("gzip", max_bytes=max_bytes)
    reader.add(body)
    return reader.body, not reader.truncated
