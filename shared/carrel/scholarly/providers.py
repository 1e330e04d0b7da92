"""The seam to a service that answers about works, and the words it answers in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from carrel.errors import CarrelError, RateLimited, TimedOut
from carrel.records import Work
from carrel.scholarly.identifiers import Identifier

__all__ = ["HELPERS", "Lookup", "Provider", "Query", "Record", "Shelf", "SourceState", "SourceStatus", "failed"]

# Asked lest something is missed, never to decide: their failure leaves an answer as good as it was.
HELPERS = ("datacite", "semanticscholar", "local", "europepmc", "unpaywall", "retraction-watch")

SourceState = Literal["ok", "empty", "unavailable", "rate_limited", "timeout", "skipped"]


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """What one provider did for one call. Only ``ok`` and ``empty`` are answers; ``detail`` says why it is not one.

    ``ms`` is how long it took, ``retry_after`` seconds where the provider said so.
    """

    provider: str
    state: SourceState
    detail: str = ""
    ms: int = 0
    retry_after: float | None = None

    @property
    def answered(self) -> bool:
        """True when the provider was asked and told what it knows."""
        return self.state in ("ok", "empty")


@dataclass(frozen=True, slots=True)
class Record:
    """One provider's record of a work. ``related`` names other forms of it: its preprint, its published version."""

    provider: str
    work: Work
    related: frozenset[Identifier] = frozenset()


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a provider knows of the identifiers it was asked for.

    An identifier in neither ``found`` nor ``absent`` could not be looked up. ``absent`` means only that this provider
    has no record; whether that settles the question is `Provider.settles`.
    """

    status: SourceStatus
    found: Mapping[Identifier, Record] = field(default_factory=dict)
    absent: frozenset[Identifier] = frozenset()


@dataclass(frozen=True, slots=True)
class Query:
    """What to find. With ``title`` the search is for one work by its title; else ``text`` is a topic.

    ``types`` are Carrel's words (article, preprint, conference-paper …); ``page`` counts from 1.
    """

    text: str
    title: str = ""
    author: str = ""
    venue: str = ""
    year_from: int = 0
    year_to: int = 0
    types: tuple[str, ...] = ()
    open_access: bool = False
    limit: int = 10
    page: int = 1


@dataclass(frozen=True, slots=True)
class Shelf:
    """Records best first, as the provider ranks them. ``total`` is its own count where it gives one."""

    status: SourceStatus
    records: tuple[Record, ...] = ()
    total: int | None = None


class Provider(Protocol):
    """A service that answers about works. ``ends`` is the moment on the scholar's clock at which the answer is due.

    Both verbs return what could be had and say in ``status`` what could not; they raise nothing for a failing service.
    """

    @property
    def name(self) -> str:
        """The word users see: lower case, one word."""
        ...

    def reads(self, identifier: Identifier) -> bool:
        """Can this provider be asked for that identifier?"""
        ...

    def settles(self, identifier: Identifier) -> bool:
        """Does "no record" here mean that no such work exists?"""
        ...

    async def get(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        """Look each identifier up."""
        ...

    async def find(self, query: Query, ends: float) -> Shelf:
        """Search."""
        ...


def failed(provider: str, error: CarrelError, ms: int = 0) -> SourceStatus:
    """The status that an error amounts to."""
    state: SourceState = "unavailable"
    if isinstance(error, RateLimited):
        state = "rate_limited"
    elif isinstance(error, TimedOut):
        state = "timeout"
    return SourceStatus(provider, state, str(error), ms, getattr(error, "retry_after", None))
