"""I have sent a request: what came back, in our own words, whether it was an answer or a failure."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import anyio

from carrel.errors import BadRequest, CarrelError, NotFound, RateLimited, Refused, TimedOut, Unavailable, Unresolved
from carrel.records import Page, PageOrigin
from carrel.web.bodies import BodyReader

if TYPE_CHECKING:
    import httpx2

__all__ = [
    "REDIRECTS",
    "Answer",
    "TransientError",
    "body_cap",
    "content_type",
    "failure",
    "network_words",
    "read_answer",
    "retry_after",
]

MAX_PAGE = 5_000_000
MAX_PDF = 30_000_000
REDIRECT_BODY = 16_384
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# the only words of a failed connection that are repeated; the transport speaks no others
UNRESOLVED = "the name could not be resolved"
CONNECT_WORDS = frozenset({UNRESOLVED, "no secure connection", "no connection"})
_REFUSALS = {
    401: "shows this page only after a login",
    402: "shows this page only for payment",
    403: "forbids this page to programs like this one, or without a login",
    407: "can be reached only through a proxy that asks for a login",
    451: "may not show this page for legal reasons",
}
_CRUMBS, _CRUMB = 20_000, 64  # that many chunks of less than so many bytes on average are sent to tire us, not to tell
_INLINE = 0.01  # seconds of unpacking on the event loop before the rest of a part goes to a thread


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. ``at`` is when it began to come; ``origin`` tells whether anybody was asked for it."""

    status: int
    headers: Mapping[str, str]
    at: datetime
    body: bytes = b""
    truncated: bool = False
    origin: PageOrigin = "network"


class TransientError(Exception):
    """A failure that another try may mend; ``told`` is what the caller hears when it does not."""

    def __init__(self, told: CarrelError) -> None:
        super().__init__()
        self.told = told


@contextmanager
def network_words(host: str) -> Iterator[None]:
    """Turn the HTTP library's failures into ours. Its texts are dropped: they may quote the other side."""
    import httpx2

    try:
        yield
    except httpx2.TimeoutException:
        raise TransientError(TimedOut(f"{host} did not answer in time; try again later")) from None
    except httpx2.ConnectError as error:
        why = str(error) if str(error) in CONNECT_WORDS else "no connection"
        kind = Unresolved if why == UNRESOLVED else Unavailable
        raise kind(f"could not reach {host} ({why}); check the network and the name") from None
    except (httpx2.TransportError, httpx2.StreamError):
        raise TransientError(Unavailable(f"{host} broke the connection off; try again later")) from None
    except httpx2.InvalidURL:
        raise BadRequest("that URL is malformed; check it") from None


async def read_answer(response: httpx2.Response, max_bytes: int | None, *, at: datetime) -> Answer:
    """Collect the body, bounded. A body that breaks off comes back ``truncated``; one that never began raises."""
    import httpx2

    headers = {name.lower(): value for name, value in response.headers.items()}
    cap = body_cap(response.status_code, headers, max_bytes)
    reader = BodyReader(headers.get("content-encoding", ""), max_bytes=cap)
    turn, parts, size = time.perf_counter(), 0, 0
    try:
        # the raw stream, not the library's decoded one: see `carrel.web.bodies`
        async for part in response.stream:  # type: ignore[union-attr]
            await _unpack(reader, part)
            parts, size = parts + 1, size + len(part)
            if reader.full:
                break
            if parts > _CRUMBS and size < parts * _CRUMB:
                reader.cut()
                break
            if time.perf_counter() - turn > _INLINE:  # tiny chunks that wait in a buffer: others get a turn too
                await anyio.lowlevel.checkpoint()
                turn = time.perf_counter()
    except (httpx2.ReadError, httpx2.RemoteProtocolError):
        if not reader.body:
            raise
        reader.cut()
    return Answer(response.status_code, headers, at, reader.body, reader.truncated)


async def _unpack(reader: BodyReader, part: bytes) -> None:
    begun = time.perf_counter()
    steps = reader.steps(part)
    for _ in steps:
        if time.perf_counter() - begun > _INLINE:
            await anyio.to_thread.run_sync(_exhaust, steps)


def _exhaust(steps: Iterator[None]) -> None:
    for _ in steps:
        pass


def body_cap(status: int, headers: Mapping[str, str], max_bytes: int | None) -> int:
    if status in REDIRECTS and "location" in headers:
        return REDIRECT_BODY
    if max_bytes is not None:
        return max_bytes
    return MAX_PDF if content_type(headers.get("content-type", ""))[0] == "application/pdf" else MAX_PAGE


def content_type(header: str) -> tuple[str, str]:
    """Media type and charset of a Content-Type header, lower-case; empty where absent or malformed."""
    first, *parameters = header.split(";")
    media_type = first.strip().lower()
    charset = ""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and not charset:
            charset = value.strip().strip("\"'").lower()
    valid = re.fullmatch(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", media_type)
    return media_type if valid else "", charset if re.fullmatch(r"[a-z0-9_.:+-]{1,40}", charset) else ""


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds of a Retry-After header: a number or an HTTP date (RFC 9110 section 10.2.3); None when absent or odd."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def failure(page: Page, host: str, now: datetime) -> CarrelError:
    """What to tell of a page that is no success."""
    status = page.status
    if status in (404, 410):
        return NotFound(f"{host} has no page at that address (HTTP {status})")
    if status == 429:
        after = retry_after(page.headers, now)
        wait = f" in {after:.0f} seconds" if after else " later"
        return RateLimited(f"{host} asks for fewer requests (HTTP 429); try again{wait}", retry_after=after)
    if status in _REFUSALS:
        return Refused(f"{host} {_REFUSALS[status]} (HTTP {status})")
    after = retry_after(page.headers, now)
    if status >= 500:
        return Unavailable(f"{host} has a fault of its own (HTTP {status}), so nothing is known", retry_after=after)
    return Unavailable(f"{host} did not take the request (HTTP {status}), so nothing is known", retry_after=after)
