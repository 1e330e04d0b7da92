"""I have a recording: let requests go through it, writing or reading. Import this module late, as `transport`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime

import anyio
import httpx2

from carrel.errors import Refused
from carrel.web.recording import Asked, Recorder, Recording
from carrel.web.urls import ADDRESS_REFUSED
from carrel.web.warc import FAILURE, WarcRecord, http_answer

__all__ = ["RecordingTransport", "ReplayTransport"]

_REFUSED, _DEADLINE = "refused", "deadline"
# how a failure is written down, and what it was: the first that fits
_FAILURES: tuple[tuple[str, type[Exception], str], ...] = (
    ("timeout", httpx2.TimeoutException, ""),
    ("name", httpx2.ConnectError, "the name could not be resolved"),
    ("tls", httpx2.ConnectError, "no secure connection"),
    ("connect", httpx2.ConnectError, ""),
    ("broken", httpx2.TransportError, ""),
)


class RecordingTransport(httpx2.AsyncBaseTransport):
    """Passes everything on to ``inner`` and has ``recorder`` write down what came, failures too."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, recorder: Recorder, *, now: Callable[[], datetime]) -> None:
        self._inner = inner
        self._recorder = recorder
        self._now = now

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        note = _Note(self._recorder, request, self._now)
        try:
            response = await self._inner.handle_async_request(request)
        except Exception as error:
            await note.failure(error)
            raise
        at = self._now()
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Tee(response, note, at),
            extensions={**response.extensions, "carrel_at": at},
        )


class _Note:
    """What is written down of one request. Writing is short and blocks, so it is done in a thread, and always ends."""

    def __init__(self, recorder: Recorder, request: httpx2.Request, now: Callable[[], datetime]) -> None:
        self._recorder = recorder
        self._asked = Asked.of(request)
        self._now = now

    async def failure(self, error: Exception) -> None:
        kind = _kind(error)
        if kind:
            await _finish(lambda: self._recorder.failure(self._asked, self._now(), kind))

    async def answer(self, response: httpx2.Response, at: datetime, body: bytes, cut: str) -> None:
        await _finish(
            lambda: self._recorder.answer(self._asked, at, response.status_code, response.headers.raw, body, cut=cut)
        )


class _Tee(httpx2.AsyncByteStream):
    def __init__(self, response: httpx2.Response, note: _Note, at: datetime) -> None:
        self._response = response
        self._note = note
        self._at = at
        self._parts: list[bytes] = []
        self._cut = "length"
        self._gone: Exception | None = None
        self._cancelled = False
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._response.stream:  # type: ignore[union-attr]
                self._parts.append(part)
                yield part
            self._cut = ""
        except Exception as error:
            self._cut, self._gone = "disconnect", error
            raise
        except anyio.get_cancelled_exc_class():
            self._cancelled = True
            raise

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            await self._response.stream.aclose()  # type: ignore[union-attr]
        finally:
            body = b"".join(self._parts)
            if self._gone is not None and not body:
                await self._note.failure(self._gone)
            elif not self._cancelled:  # whose deadline passed notes that itself
                await self._note.answer(self._response, self._at, body, self._cut)


class ReplayTransport(httpx2.AsyncBaseTransport):
    """Answers from a recording, and nothing else. Raises NotRecorded for what is not in it."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        record = await anyio.to_thread.run_sync(self._recording.find, Asked.of(request))
        if record.kind != "response":
            _fail(record)
        status, headers, body = http_answer(record.block)
        return httpx2.Response(
            status,
            headers=headers,
            stream=_Played(body, broken=record.fields.get("warc-truncated") == "disconnect"),
            extensions={"carrel_at": record.at, "carrel_origin": "recording"},
        )


class _Played(httpx2.AsyncByteStream):
    def __init__(self, body: bytes, *, broken: bool) -> None:
        self._body = body
        self._broken = broken

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), 65_536):
            yield self._body[start : start + 65_536]
        if self._broken:
            raise httpx2.ReadError("the connection broke here when it was recorded")


async def _finish(write: Callable[[], None]) -> None:
    with anyio.CancelScope(shield=True):
        await anyio.to_thread.run_sync(write)


def _kind(error: Exception) -> str:
    """How a failure is written down; empty for one that is not the network's."""
    if isinstance(error, Refused):
        return _REFUSED
    return next((name for name, kind, words in _FAILURES if isinstance(error, kind) and words in str(error)), "")


def _fail(record: WarcRecord) -> None:
    kind = record.block.decode("ascii", "replace").partition(":")[2].strip()
    if kind == _REFUSED:
        raise Refused(ADDRESS_REFUSED)
    if kind == _DEADLINE:
        raise TimeoutError
    for name, error, words in _FAILURES:
        if name == kind:
            raise (httpx2.ReadTimeout if name == "timeout" else error)(words or "no connection")
    raise httpx2.ReadError(FAILURE)
