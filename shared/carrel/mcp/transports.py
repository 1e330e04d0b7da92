"""Serve a `CarrelServer` over stdio, streamable HTTP or SSE, and end well."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Literal

import anyio
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from carrel.errors import Unavailable
from carrel.mcp.guard import HEALTH, Guard, transport_security
from carrel.mcp.server import CarrelServer

__all__ = ["PATHS", "http_app", "serve_http", "serve_stdio"]

logger = logging.getLogger(__name__)

PATHS = {"http": "/mcp", "sse": "/sse"}
PATIENCE = 1.0  # seconds that running work gets at the end; hosts kill two seconds after they close stdin
MAX_BODY = 16 * 1024 * 1024  # bytes of one request: a long report to audit fits, a flood does not
SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def serve_stdio(server: CarrelServer) -> None:
    """Serve one client over stdin and stdout until stdin closes; a signal ends the whole process.

    The SDK moves the wire to descriptors of its own, so whatever else writes to stdout reaches stderr instead.
    """

    async def stop() -> None:
        await _close(server)
        logging.shutdown()
        os._exit(0)  # a thread waits for a line from stdin, and nothing can wake it

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_on_signal, stop)
        server.serving()
        try:
            await server.run_stdio_async()
        finally:
            await _close(server)
        tasks.cancel_scope.cancel()


async def serve_http(
    server: CarrelServer, transport: Literal["http", "sse"], *, host: str, port: int, hosts: Iterable[str], token: str
) -> None:
    """Serve over HTTP until a signal says stop. ``port`` 0 takes a free one; the address is logged.

    Raises Unavailable when the address cannot be bound.
    """
    listener = _listen(host, port)
    app = http_app(server, transport, host=host, hosts=hosts, token=token)
    # Open event streams would hold the end up for ever, hence the time-out.
    config = uvicorn.Config(
        app, log_config=None, access_log=False, ws="none", server_header=False, timeout_graceful_shutdown=1
    )
    web = _Web(config)

    async def stop() -> None:
        web.should_exit = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_on_signal, stop)
        server.serving()
        address = f"[{host}]" if ":" in host else host
        logger.info("%s: http://%s:%d%s", server.name, address, listener.getsockname()[1], PATHS[transport])
        try:
            await web.serve(sockets=[listener])
        finally:
            await _close(server)
        tasks.cancel_scope.cancel()


class _Web(uvicorn.Server):
    """uvicorn without its signal handling, which would end the process by the signal and so with a failure."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def http_app(
    server: CarrelServer, transport: Literal["http", "sse"], *, host: str, hosts: Iterable[str], token: str = ""
) -> ASGIApp:
    """Return the whole ASGI application: the transport, ``GET /healthz``, and the guard before both."""
    hosts = list(hosts)
    security = transport_security(hosts)
    server.custom_route(HEALTH, methods=["GET"])(_health)
    if transport == "sse":
        app = server.sse_app(transport_security=security, host=host, max_request_body_size=MAX_BODY)
    else:
        app = server.streamable_http_app(transport_security=security, host=host, max_request_body_size=MAX_BODY)
    return Guard(app, hosts=hosts, token=token)


async def _health(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket on which clients may connect from now on; they wait until the server answers."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as failure:
        raise Unavailable(f"cannot listen on {host} port {port}; choose another --port or --host") from failure


async def _on_signal(stop: Callable[[], Awaitable[None]]) -> None:
    if sys.platform == "win32":  # no signal handlers on that event loop; the console's own way of ending works
        return
    with anyio.open_signal_receiver(*SIGNALS) as signals:
        async for _ in signals:
            await stop()


async def _close(server: CarrelServer) -> None:
    """Close within a few seconds whatever happens: a host that is kept waiting kills."""
    with anyio.move_on_after(PATIENCE + 2, shield=True):
        try:
            await server.aclose(patience=PATIENCE)
        except Exception:
            logger.exception("closing failed")
