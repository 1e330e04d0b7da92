"""I have a page to read: does its site's robots.txt let us (RFC 9309)?

4xx means that there are no rules; a 5xx, a 429 or no answer means that nothing is known, and then the page is not asked
for. An answer is kept for at most a day (section 2.4), a failure for a minute.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import anyio

from carrel.errors import Refused, Unavailable
from carrel.records import Page
from carrel.web.urls import WebUrl

__all__ = ["MAX_ROBOTS", "Robots"]

MAX_ROBOTS = 500 * 1024  # RFC 9309 section 2.5: parse at least 500 KiB
KEEP_RULES = 24 * 3600.0
KEEP_FAILURE = 60.0
MAX_SITES = 500
MAX_DELAY = 10.0
_INLINE = 16_384  # rules longer than this are parsed in a thread, off the event loop
_OTHER = re.compile(
    r"^[^\S\n]*(?!user|allow|dis|dias|sitemap|site-map|crawl|request|visit|host)[^\s:#][^\n:#]*:[^\n]*$", re.I | re.M
)

Fetch = Callable[[str], Awaitable[Page]]


@dataclass(frozen=True, slots=True)
class _Rules:
    parsed: Any  # a Protego parser; None where everything is allowed
    failure: str
    until: float


class Robots:
    """Asks and remembers. ``fetch`` gets one robots.txt as a Page; ``clock`` is monotonic, in seconds."""

    def __init__(self, agent: str, *, clock: Callable[[], float]) -> None:
        self._agent = agent
        self._clock = clock
        self._sites: OrderedDict[str, _Rules] = OrderedDict()

    async def obey(self, url: WebUrl, fetch: Fetch) -> float:
        """Return quietly when the page may be read: the crawl delay in seconds, 0 where none is asked.

        Raises Refused when the rules disallow the page, Unavailable when they could not be read, and what ``fetch``
        raises: the network's own words say more than ours.
        """
        rules = await self._rules(url, fetch)
        if rules.failure:
            raise Unavailable(f"robots.txt of {url.host} {rules.failure}, so the page was not requested; try later")
        if rules.parsed is None:
            return 0.0
        if not rules.parsed.can_fetch(url.text, self._agent):
            raise Refused(f"robots.txt of {url.host} disallows this page")
        return min(float(rules.parsed.crawl_delay(self._agent) or 0.0), MAX_DELAY)

    async def _rules(self, url: WebUrl, fetch: Fetch) -> _Rules:
        known = self._sites.get(url.origin)
        if known is None or known.until <= self._clock():
            known = await self._ask(url, fetch)
            self._sites[url.origin] = known
            if len(self._sites) > MAX_SITES:
                self._sites.popitem(last=False)
        self._sites.move_to_end(url.origin)
        return known

    async def _ask(self, url: WebUrl, fetch: Fetch) -> _Rules:
        now = self._clock()
        page = await fetch(f"{url.origin}/robots.txt")
        if page.status >= 500 or page.status == 429:
            return _Rules(None, f"could not be read (HTTP {page.status})", now + KEEP_FAILURE)
        if page.status >= 300:
            return _Rules(None, "", now + KEEP_RULES)
        return _Rules(await _parse(page.body), "", now + KEEP_RULES)


async def _parse(body: bytes) -> Any:
    # a byte-order mark would hide the first group; lone CR ends a line too (RFC 9309 section 2.2)
    text = body.decode("utf-8", "replace").lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return _read(text) if len(text) <= _INLINE else await anyio.to_thread.run_sync(_read, text)


def _read(text: str) -> Any:
    """Lines that are no rule of ours must not come between a group's names (section 2.2.4), so they are taken out."""
    from protego import Protego

    return Protego.parse(_OTHER.sub("", text))
