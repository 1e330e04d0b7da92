"""I have the address of a page that is gone: is there a capture of it?

Asks the Internet Archive's availability API (https://archive.org/help/wayback_api.php). An answer is help and nothing
more, so it is waited for briefly, and after a failure not at all for a while: without a network nothing is delayed.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from carrel.errors import CarrelError, Unavailable
from carrel.web.client import WebClient

__all__ = ["Archive", "Capture", "capture_of"]

BASE = "https://archive.org"
PATIENCE = 3.0  # seconds
REST = 120.0  # seconds after a failure
_CAPTURE = re.compile(r"https?://web\.archive\.org/web/(\d{4,14})(?:[a-z]{2}_)?/(.+)", re.S)


@dataclass(frozen=True, slots=True)
class Capture:
    """A copy of a page, made by the archive on ``date`` (ISO 8601); ``url`` gives it as the site sent it."""

    url: str
    date: str


class Archive:
    """Looks captures up through ``client``. ``base`` is where the archive's API lies; ``clock`` monotonic seconds."""

    def __init__(self, client: WebClient, *, base: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._base = (base or BASE).rstrip("/")
        self._clock = clock
        self._rests_until = float("-inf")

    async def closest(self, url: str) -> Capture | None:
        """The latest capture of a page; None when there is none, or when the archive could not be asked in time."""
        if self._clock() < self._rests_until or _CAPTURE.match(url):
            return None
        try:
            page = await self._client.get(
                f"{self._base}/wayback/available",
                params={"url": url},
                robots=False,
                deadline=PATIENCE,
                max_bytes=65_536,
            )
        except Unavailable:
            self._rests_until = self._clock() + REST
            return None
        except CarrelError:
            return None  # an address too long to be asked for, or an archive that policy forbids
        return _capture(url, page.body) if page.status == 200 else None


def capture_of(url: str) -> str:
    """The day on which the archive made the capture that a URL names; empty for any other URL."""
    match = _CAPTURE.match(url)
    return _day(match[1]) if match else ""


def _capture(url: str, body: bytes) -> Capture | None:
    """Only the time is taken from the answer: the address is put together here."""
    try:
        closest = json.loads(body)["archived_snapshots"]["closest"]
        stamp, status = str(closest["timestamp"]), str(closest.get("status", "200"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not re.fullmatch(r"\d{14}", stamp) or not status.startswith("2") or not _day(stamp):
        return None
    return Capture(f"https://web.archive.org/web/{stamp}id_/{url}", _day(stamp))


def _day(stamp: str) -> str:
    """The date of a time stamp, or its year where it says no more; empty for one that is no time."""
    if len(stamp) < 8:
        return stamp[:4]
    try:
        return date(int(stamp[:4]), int(stamp[4:6]), int(stamp[6:8])).isoformat()
    except ValueError:
        return ""
