"""I have an answer to a GET: may it be kept, how long may it stand for a new one, and how is it confirmed (RFC 9111)?

The rules of a private cache of GET answers: the store belongs to one user, so ``s-maxage`` and ``private`` do not
bind it. Nothing stale is ever used. Times are Unix seconds; header names are lower-case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

__all__ = ["age", "conditions", "directives", "is_usable", "lifetime", "may_keep", "refreshed", "selects"]

Headers = Mapping[str, str]

HEURISTIC_SHARE = 0.1  # of the time since the last change (section 4.2.2)
LONGEST_HEURISTIC = 24 * 3600.0
_BY_HEURISTIC = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})  # RFC 9110 section 15.1
_EXPLICIT_ONLY = frozenset({302, 307, 400, 403, 500, 502, 503, 504})
# what belongs to one connection, to one body, or to one visitor is not kept or not renewed (sections 3.1 and 3.2)
_NOT_KEPT = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authentication-info", "proxy-connection", "set-cookie"}
    | {"set-cookie2", "te", "transfer-encoding", "upgrade"}
)
_OF_THE_BODY = frozenset({"content-encoding", "content-type", "content-range", "content-length"})
_DIRECTIVE = re.compile(r'([!#$%&\'*+.^_`|~0-9A-Za-z-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^",\s]*)))?')


def directives(headers: Headers) -> dict[str, str]:
    """The Cache-Control directives, lower-case, with their arguments; the first of two counts (section 4.2.1)."""
    found: dict[str, str] = {}
    for match in _DIRECTIVE.finditer(headers.get("cache-control", "")[:4_096]):
        found.setdefault(match[1].lower(), match[2] if match[2] is not None else match[3] or "")
    return found


def may_keep(status: int, headers: Headers) -> bool:
    """Whether an answer may be stored (section 3) and could ever be used: it has a lifetime or can be confirmed."""
    rules = directives(headers)
    if "no-store" in rules or headers.get("vary", "").strip() == "*":
        return False
    explicit = "max-age" in rules or "expires" in headers
    if status not in _BY_HEURISTIC and not (status in _EXPLICIT_ONLY and explicit):
        return False
    return bool(conditions(headers)) or ("no-cache" not in rules and lifetime(status, headers) > 0)


def lifetime(status: int, headers: Headers) -> float:
    """Seconds for which an answer is fresh: what it says, else a tenth of the time since its last change."""
    rules = directives(headers)
    if "max-age" in rules:
        return _seconds(rules["max-age"])
    date = _moment(headers.get("date", ""))
    if "expires" in headers:
        expires = _moment(headers["expires"])
        return 0.0 if expires is None or date is None else max(0.0, expires - date)
    changed = _moment(headers.get("last-modified", ""))
    if status not in _BY_HEURISTIC or changed is None or date is None:
        return 0.0
    return min(max(0.0, date - changed) * HEURISTIC_SHARE, LONGEST_HEURISTIC)


def age(headers: Headers, asked_at: float, came_at: float, now: float) -> float:
    """How old an answer is now, counting what other caches on the way and the way itself cost (section 4.2.3)."""
    date = _moment(headers.get("date", ""))
    apparent = max(0.0, came_at - date) if date is not None else 0.0
    corrected = _seconds(headers.get("age", "")) + max(0.0, came_at - asked_at)
    # an answer of the future came before the clock was set back: it is older than it seems, by nobody knows how much
    return max(apparent, corrected) + abs(now - came_at)


def is_usable(status: int, headers: Headers, old: float, *, max_age: float | None) -> bool:
    """Whether an answer ``old`` seconds old stands for a new one; ``max_age`` is what the asker would accept."""
    if "no-cache" in directives(headers) or (max_age is not None and old > max_age):
        return False
    return old < lifetime(status, headers)


def conditions(headers: Headers) -> dict[str, str]:
    """The request headers that ask whether a kept answer still holds (section 4.3.1); empty where nothing can."""
    asked = {}
    if headers.get("etag"):
        asked["If-None-Match"] = headers["etag"]
    if headers.get("last-modified"):
        asked["If-Modified-Since"] = headers["last-modified"]
    return asked


def refreshed(kept: Headers, confirmed: Headers) -> dict[str, str]:
    """The headers of a kept answer after a 304 confirmed it (section 3.2)."""
    news = {name: value for name, value in confirmed.items() if name not in _NOT_KEPT | _OF_THE_BODY}
    return {**{name: value for name, value in kept.items() if name not in _NOT_KEPT}, **news}


def selects(headers: Headers, kept_for: Headers, asked_with: Headers) -> bool:
    """Whether an answer given to one request may answer another: the headers Vary names agree (section 4.1)."""
    names = [name.strip().lower() for name in headers.get("vary", "").split(",") if name.strip()]
    return all(kept_for.get(name, "").strip() == asked_with.get(name, "").strip() for name in names)


def _seconds(text: str) -> float:
    """A delta-seconds; what is none counts as 0, so that the answer is stale (section 1.2.2)."""
    text = text.strip()
    return float(text[:10]) if text.isascii() and text.isdigit() else 0.0


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
