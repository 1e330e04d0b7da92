"""Asking one search service for JSON: which answers are answers, and what the others mean."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from carrel.errors import BadRequest, RateLimited, Refused, Unavailable
from carrel.records import Page
from carrel.web.getter import Getter
from carrel.websearch.nouns import BadKey

__all__ = ["Line", "rows", "said"]

_MAX_BYTES = 3_000_000
_QUOTA = frozenset({402, 432, 433})  # Exa; Tavily's plan and pay-as-you-go limits
_BAD_KEY = re.compile(r"API_KEY_INVALID|SUBSCRIPTION_TOKEN_INVALID|INVALID_API_KEY", re.I)  # sent with 400 or 422


@dataclass(frozen=True, slots=True)
class Line:
    """The way to one service. ``denied`` is what 401 and 403 mean there; ``per_second`` the pace it allows."""

    service: str
    base: str
    web: Getter
    denied: str
    per_second: float = 5.0
    headers: Mapping[str, str] = field(default_factory=dict)

    async def get(self, path: str, params: Mapping[str, str | int], deadline: float) -> Mapping[str, Any]:
        """The JSON object that a GET answers with. Raises BadKey, RateLimited, TimedOut, Unavailable."""
        try:
            page = await self.web.get(
                self.base + path,
                params=params,
                headers=self.headers,
                max_bytes=_MAX_BYTES,
                deadline=deadline,
                robots=False,
                accept="application/json",
                per_second=self.per_second,
            )
        except (BadRequest, Refused):
            raise self._wrong_address() from None
        return self._read(page)

    async def post(self, path: str, content: Mapping[str, object], deadline: float) -> Mapping[str, Any]:
        """The JSON object that a POST of JSON answers with; raises what `get` raises."""
        try:
            page = await self.web.post(
                self.base + path,
                json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"),
                headers={**self.headers, "Content-Type": "application/json"},
                max_bytes=_MAX_BYTES,
                deadline=deadline,
                accept="application/json",
                per_second=self.per_second,
            )
        except (BadRequest, Refused):
            raise self._wrong_address() from None
        return self._read(page)

    def _wrong_address(self) -> Unavailable:
        return Unavailable(f"its address cannot be asked; check CARREL_URL_{self.service.upper()}")

    def _read(self, page: Page) -> Mapping[str, Any]:
        if page.status != 200:
            raise self._failure(page)
        if page.truncated:
            raise Unavailable("its answer came cut off; try again later")
        try:
            data = json.loads(page.body)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise Unavailable(f"it answered with something other than JSON; check CARREL_URL_{self.service.upper()}")
        return data

    def _failure(self, page: Page) -> Exception:
        status, asked = page.status, page.headers.get("retry-after", "").strip()
        if status in (401, 403) or (
            status in (400, 422) and _BAD_KEY.search(page.body[:20_000].decode("utf-8", "replace"))
        ):
            return BadKey(f"{self.denied} (HTTP {status})")
        if status in _QUOTA:
            return RateLimited(f"the quota of its plan is used up (HTTP {status})")
        if status == 429:
            wait = float(asked) if re.fullmatch(r"\d{1,7}", asked) else None
            when = "later" if wait is None else f"in {wait:.0f} seconds"
            return RateLimited(f"it asks for fewer requests (HTTP 429); try again {when}", retry_after=wait)
        if status in (400, 422):
            return Unavailable(f"it did not understand the query (HTTP {status}); put it in other words")
        if 300 <= status < 500:
            return Unavailable(f"it has no search there (HTTP {status}); check CARREL_URL_{self.service.upper()}")
        return Unavailable(f"it answered with an error (HTTP {status}); try again later")


def rows(data: Mapping[str, Any], *path: str) -> Iterator[Mapping[str, Any]]:
    """The objects of the list at ``path``; none where the path ends early, as services leave empty parts out.

    Raises Unavailable where something else than a list is there.
    """
    found: Any = data
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if found is not None and not isinstance(found, list):
        raise Unavailable("its answer has another shape than documented; it may be another service")
    return (row for row in found or () if isinstance(row, dict))


def said(row: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that is a text."""
    return next((value for name in names if isinstance(value := row.get(name), str) and value.strip()), "")
