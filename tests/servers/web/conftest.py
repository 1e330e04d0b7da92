"""A server over a pretend web: what tests of goals and crawls share. They bring ``net`` along."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest

from carrel.index import Library
from carrel.settings import Settings
from carrel.web import WebClient
from carrel_web.server import create_server
from kit import Host
from web_kit import Internet


@pytest.fixture
async def serve(settings: Settings, library: Library, net: Internet) -> AsyncIterator[Callable[..., Host]]:
    """Servers on a library, all closed at the end; ``options`` are the web client's."""
    servers = []

    def made(library: Library = library, settings: Settings = settings, **options: Any) -> Host:
        client = WebClient(transport=httpx2.MockTransport(net), burst=100_000, retries=0, **options)
        servers.append(create_server(settings, library=library, client=client))
        return Host(servers[-1])

    yield made
    for server in servers:
        await server.aclose()


@pytest.fixture
def host(serve: Callable[..., Host]) -> Host:
    return serve()
