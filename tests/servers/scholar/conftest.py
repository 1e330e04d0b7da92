from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from mcp import Client

from carrel.records import Document
from carrel.scholarly import Retractions
from carrel.settings import Settings
from carrel_scholar.server import create_server


def _pretend() -> ModuleType:
    """The pretend services that the engine's tests use."""
    path = Path(__file__).parents[2] / "shared" / "scholarly" / "conftest.py"
    spec = importlib.util.spec_from_file_location("pretend_scholarly_services", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PRETEND = _pretend()


class Shelf:
    """Keeps documents in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, Document] = {}
        self.error: Exception | None = None

    def keep(self, document: Document) -> None:
        if self.error is not None:
            raise self.error
        self.kept[document.doc_id] = document


@pytest.fixture
def internet() -> Any:
    return PRETEND.Internet(PRETEND.Time())


@pytest.fixture
def shapes() -> dict[str, Callable[..., Any]]:
    return {
        "crossref": PRETEND.crossref_work,
        "openalex": PRETEND.openalex_work,
        "arxiv": PRETEND.arxiv_entry,
        "semanticscholar": PRETEND.semanticscholar_paper,
        "datacite": PRETEND.datacite_entry,
    }


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def make_server(tmp_path: Path, internet: Any, shelf: Shelf) -> Callable[..., Any]:
    def make(**options: Any) -> Any:
        settings = Settings(data=tmp_path / "data", models=tmp_path / "models", **options)
        scholar = PRETEND.new_scholar(internet, internet.time, retractions=Retractions(settings.data))
        return create_server(settings, scholar=scholar, library=shelf)

    return make


class Caller:
    """A client that connects anew for every call: a connection must be closed by the task that opened it."""

    def __init__(self, server: Any) -> None:
        self._server = server

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        async with Client(self._server) as client:
            return await client.call_tool(name, arguments)

    async def list_tools(self) -> Any:
        async with Client(self._server) as client:
            return await client.list_tools()


@pytest.fixture
def client(make_server: Callable[..., Any]) -> Caller:
    return Caller(make_server())
