"""Everything Carrel raises on purpose.

    CarrelError
    ├── BadRequest          the caller can fix it; the message says how
    │   └── Unsupported     understood, but this build or this source cannot do it
    ├── NotFound            asked, and it does not exist
    ├── Unavailable         could not ask: nothing is known; may carry ``retry_after``
    │   ├── RateLimited     told to come back later
    │   ├── TimedOut        the deadline passed first
    │   ├── Unresolved      the host's name has no address, or there is no network
    │   └── NotRecorded     a recording is asked, and holds no answer
    ├── Refused             policy said no: robots, private address, size, folder, read-only
    └── IncompatibleIndex   stored data does not fit this program or this encoder

"No" (`NotFound`) and "no answer" (`Unavailable`) never stand for each other. Messages are one sentence that says
what to do next; they never carry text that came from outside, a stack trace or a secret.
"""

from __future__ import annotations

__all__ = [
    "BadRequest",
    "CarrelError",
    "IncompatibleIndex",
    "NotFound",
    "NotRecorded",
    "RateLimited",
    "Refused",
    "TimedOut",
    "Unavailable",
    "Unresolved",
    "Unsupported",
]


class CarrelError(Exception):
    """The root of the tree. ``kind`` is the word a tool reply carries."""

    kind: str = "invalid"
    retryable: bool = False


class BadRequest(CarrelError):
    """The caller can fix this; the message says how."""

    kind = "invalid"


class Unsupported(BadRequest):
    """The request is well formed, but this source or this installation cannot serve it."""

    kind = "unsupported"


class NotFound(CarrelError):
    """We asked, and it does not exist."""

    kind = "not_found"


class Unavailable(CarrelError):
    """We could not ask, so nothing is known. ``retry_after`` is in seconds, None when not said."""

    kind = "unavailable"
    retryable = True

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(Unavailable):
    """A service told us to come back later."""

    kind = "rate_limited"


class TimedOut(Unavailable):
    """The deadline passed before an answer came."""

    kind = "timeout"


class Unresolved(Unavailable):
    """The host's name could not be resolved: it does not exist, or there is no network to ask in."""


class NotRecorded(Unavailable):
    """Only a recording is asked, and this was never recorded: nothing is known, and asking again changes nothing."""

    retryable = False


class Refused(CarrelError):
    """Policy said no: robots.txt, a private address, a size limit, a folder outside the roots, read-only mode."""

    kind = "refused"


class IncompatibleIndex(CarrelError):
    """Stored data does not fit this program or this encoder; the message names the command that mends it."""

    kind = "unsupported"
