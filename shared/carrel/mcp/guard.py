"""Who may speak to a server over HTTP: known hosts, known origins, and bearers of the token where there is one."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable

from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["HEALTH", "LOOPBACK", "Guard", "host_of", "is_loopback", "transport_security"]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HEALTH = "/healthz"

_AUTHORITY = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^:/@\s\[\]]+)(?::\d{1,5})?")
_ORIGIN = re.compile(r"https?://(?P<authority>[^/\s]+)")


def is_loopback(host: str) -> bool:
    """Tell whether ``host``, as given to ``--host``, can be reached from this machine only."""
    return host in ("127.0.0.1", "localhost", "::1")


def host_of(authority: str) -> str | None:
    """Return the host of ``host`` or ``host:port`` in lower case; None when it has neither shape."""
    match = _AUTHORITY.fullmatch(authority)
    return None if match is None else match["name"].lower()


class Guard:
    """ASGI middleware: every route answers only requests that name an allowed host, from an allowed origin or none.

    It stops DNS rebinding: a web page the user visits must not reach a server on their machine. With a ``token``,
    every request but the health check must carry it as a bearer token (RFC 6750), compared in constant time.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], token: str = "") -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refusal := self._refusal(Headers(scope=scope), scope["path"])) is not None:
            await refusal(scope, receive, send)
        elif scope["type"] in ("http", "lifespan"):
            await self._app(scope, receive, send)

    def _refusal(self, headers: Headers, path: str) -> Response | None:
        if not self._is_allowed(headers.get("host", "")):
            return PlainTextResponse("this server does not answer to that host name", 421)
        origin = headers.get("origin")
        if origin is not None and not self._is_allowed_origin(origin):
            return PlainTextResponse("this server does not answer pages of that origin", 403)
        if self._token and path != HEALTH and not self._bears_token(headers.get("authorization", "")):
            return PlainTextResponse("a bearer token is required", 401, {"www-authenticate": "Bearer"})
        return None

    def _is_allowed(self, authority: str) -> bool:
        return host_of(authority) in self._hosts

    def _is_allowed_origin(self, origin: str) -> bool:
        match = _ORIGIN.fullmatch(origin)
        return match is not None and self._is_allowed(match["authority"])

    def _bears_token(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        return hmac.compare_digest(token.strip().encode(), self._token) and scheme.lower() == "bearer"


def transport_security(hosts: Iterable[str]) -> TransportSecuritySettings:
    """Tell the SDK the same allow-list; without it, it checks nothing on a host other than the loopback."""
    hosts = list(hosts)
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[pattern for host in hosts for pattern in (host, f"{host}:*")],
        allowed_origins=[
            pattern
            for host in hosts
            for scheme in ("http", "https")
            for pattern in (f"{scheme}://{host}", f"{scheme}://{host}:*")
        ],
    )
