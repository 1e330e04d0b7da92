"""The fixture server, in memory and as a real process."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from carrel.settings import Settings

# The same examples in every run, and no failure because the machine is busy.
hypothesis.settings.register_profile("carrel", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("carrel")

FIXTURE = Path(__file__).with_name("mcp_fixture_server.py")


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mcp_fixture_server", FIXTURE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mcp_fixture_server"] = module  # annotations are evaluated in the module of this name
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def fixture_server() -> ModuleType:
    return _load()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", models=tmp_path / "models")


class Caller:
    """A client that gives replies in the form tests compare."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(self, name: str, /, **arguments: Any) -> CallToolResult:
        return await self.client.call_tool(name, arguments)

    async def text(self, name: str, /, **arguments: Any) -> str:
        reply = await self.call(name, **arguments)
        assert not reply.is_error, reply
        return text_of(reply)

    async def error(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        reply = await self.call(name, **arguments)
        assert reply.is_error, reply
        body: dict[str, Any] = json.loads(text_of(reply))
        assert reply.structured_content == body
        return body


def text_of(reply: CallToolResult) -> str:
    (content,) = reply.content
    assert isinstance(content, TextContent)
    return content.text


Connect = Callable[..., contextlib.AbstractAsyncContextManager[Caller]]


@pytest.fixture(params=["auto", "legacy"])
def connect(request: pytest.FixtureRequest, fixture_server: ModuleType, settings: Settings) -> Connect:
    """Open an in-memory client of the modern and of the handshake era to a fresh fixture server."""

    @contextlib.asynccontextmanager
    async def open_client(server: Any = None, **seams: Any) -> AsyncIterator[Caller]:
        server = server or fixture_server.create_server(settings, **seams)
        async with Client(server, mode=request.param) as client:
            yield Caller(client)

    return open_client


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


class Process:
    """A fixture server in a process of its own, its stderr read to the end in the background."""

    def __init__(self, arguments: list[str], environment: dict[str, str] | None = None, *, seconds: float = 40) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-W", "error", str(FIXTURE), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
        )
        self.errors: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._alarm = threading.Timer(
            seconds, self.popen.kill
        )  # a server that says nothing fails its test, not the run
        self._alarm.daemon = True
        self._alarm.start()

    def _read(self) -> None:
        assert self.popen.stderr is not None
        for line in self.popen.stderr:
            with self._news:
                self.errors.append(line)
                self._news.notify_all()

    def wait_for(self, words: str) -> str:
        """Wait for the line on stderr that contains ``words``, and return it."""

        def found() -> str:
            return next((line for line in self.errors if words in line), "")

        with self._news:
            self._news.wait_for(found, 20)
            assert found(), "".join(self.errors)
            return found()

    def url(self) -> str:
        """Wait for the line that says where the server listens; it accepts connections from then on."""
        line = self.wait_for("http://")
        return line[line.index("http://") :].strip()

    def send(self, *messages: dict[str, Any] | str) -> None:
        assert self.popen.stdin is not None
        for message in messages:
            self.popen.stdin.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
        self.popen.stdin.flush()

    def receive(self, *numbers: int) -> list[dict[str, Any]]:
        """Read messages until those with these ids have come; every line must be JSON."""
        assert self.popen.stdout is not None
        messages: list[dict[str, Any]] = []
        while not set(numbers) <= {message.get("id") for message in messages}:
            messages.append(json.loads(self.popen.stdout.readline()))
        return messages

    def end(self, seconds: float = 10) -> int:
        code = self.popen.wait(seconds)
        self._reader.join(seconds)
        return code

    def close(self) -> None:
        self._alarm.cancel()
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait(10)
        self._reader.join(10)
        for stream in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    processes: list[Process] = []

    def begin(*arguments: str, environment: dict[str, str] | None = None) -> Process:
        processes.append(Process(list(arguments), environment))
        return processes[-1]

    yield begin
    for process in processes:
        process.close()


@pytest.fixture(scope="session")
def served() -> Iterator[dict[str, Process]]:
    """One HTTP and one SSE server for all tests that change nothing."""
    processes = {name: Process(["--transport", name, "--port", "0"], seconds=600) for name in ("http", "sse")}
    yield processes
    for process in processes.values():
        process.close()
