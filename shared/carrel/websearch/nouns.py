"""The seam to a search engine, and the words it answers in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from carrel.errors import Refused

__all__ = ["BadKey", "Found", "Provider", "ProviderStatus", "Query", "Result", "State"]

State = Literal["ok", "empty", "bad_key", "rate_limited", "timeout", "unavailable"]


class BadKey(Refused):
    """The provider does not accept the configured key."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for. ``site`` is a host whose pages (and its subdomains') are wanted, ``after`` an ISO day from
    which on; both empty for any. ``k``: how many results."""

    text: str
    k: int
    site: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A page as a search engine describes it; ``date`` is an ISO day or empty. ``found_by``: providers, best first."""

    url: str
    title: str
    snippet: str = ""
    date: str = ""
    found_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """What became of the queries to one provider. Only ``ok`` and ``empty`` are answers; ``detail`` says why it is not
    one, or what it left unanswered. ``retry_after`` is in seconds."""

    provider: str
    state: State
    detail: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Results fused over providers and queries, best first, and what each provider did. ``undated``: how many of the
    results have no date although dates were asked for."""

    results: tuple[Result, ...]
    statuses: tuple[ProviderStatus, ...]
    undated: int = 0


class Provider(Protocol):
    """A search engine. ``search`` gives results best first.

    It raises BadKey, RateLimited, TimedOut or Unavailable when it gets no answer.
    """

    @property
    def name(self) -> str: ...

    async def search(self, query: Query, deadline: float) -> Sequence[Result]:
        """Ask; ``deadline`` in seconds."""
        ...
