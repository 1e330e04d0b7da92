"""I speak to a service: what I need of a web client, so that a test can hand me another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from carrel.records import Page

__all__ = ["Getter"]


class Getter(Protocol):
    """The part of `carrel.web.WebClient` that asks services."""

    async def get(
        self,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        deadline: float = 20.0,
        robots: bool = True,
        accept: str = "*/*",
        per_second: float | None = None,
    ) -> Page:
        """GET; any HTTP status comes back as a page."""
        ...

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        deadline: float = 20.0,
        accept: str = "*/*",
        per_second: float | None = None,
    ) -> Page:
        """POST; any HTTP status comes back as a page."""
        ...
