"""The desk: the four servers as processes (or running URLs), and one way to call their tools.

Nothing here knows the engine. A server is ``python -m carrel_<name>`` on stdio, spoken to with the MCP client; it
starts when first called and all stop together.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from carrel_client.errors import ClientError, ToolFailed

if TYPE_CHECKING:
    from mcp import Client
    from mcp.shared.dispatcher import ProgressFnT

__all__ = ["SERVERS", "Desk", "Progress", "Reply", "Setup", "Tools", "server_environment"]

SERVERS: Mapping[str, tuple[str, ...]] = {
    "search": (
        *("search_library", "submit_ranking", "read_document"),
        *("add_documents", "remove_documents", "library_status"),
    ),
    "web": ("read_page", "read_pages", "search_web", "crawl_site"),
    "scholar": ("find_papers", "get_papers"),
    "citations": ("check_quote", "verify_claims", "submit_judgements", "find_evidence", "audit_report", "save_audit"),
}
_HOME = {tool: server for server, tools in SERVERS.items() for tool in tools}
_PASSED = ("CARREL_", "XDG_", "PYTHON", "LC_", "OMP_")
_PASSED_EXACTLY = ("LANG", "TMPDIR", "VIRTUAL_ENV", "LOCALAPPDATA", "APPDATA", "HF_HOME", "HF_HUB_CACHE")
_PATIENCE = 120.0  # seconds for one call; adding documents gets the longer one
_LONG_PATIENCE = 1800.0

Progress = Callable[[float, float | None, str], None]


@dataclass(frozen=True, slots=True)
class Setup:
    """Where the servers find things.

    ``data`` empty means the servers' own default folder. ``roots`` are the folders whose files may be read. ``urls``
    maps a server's short name to a running Streamable HTTP endpoint, used in place of a process.
    """

    data: str = ""
    roots: tuple[Path, ...] = ()
    encoder: str = ""
    urls: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    verbose: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What a tool answered: ``data`` for record tools (empty for text tools) and ``text`` as the model would see it."""

    data: Mapping[str, Any]
    text: str


class Tools(Protocol):
    """Something that can call a tool by name and read a resource: the desk, or a pretend one in a test."""

    async def call(self, tool: str, /, *, progress: Progress | None = None, **arguments: Any) -> Reply: ...

    async def read(self, server: str, uri: str) -> str: ...


def server_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of the environment that a server needs; nothing else of the user's is handed on."""
    return {key: value for key, value in environment.items() if key.startswith(_PASSED) or key in _PASSED_EXACTLY}


def server_arguments(name: str, setup: Setup) -> list[str]:
    """The command-line arguments that start server ``name`` on stdio."""
    arguments = ["-P", "-m", f"carrel_{name}"]  # -P: no module is taken from the folder one happens to be in
    if setup.data:
        arguments += ["--data", setup.data]
    if setup.encoder:
        arguments += ["--encoder", setup.encoder]
    for root in setup.roots:
        arguments += ["--root", str(root)]
    return arguments


class Desk:
    """The four servers, each started when first called and kept until the desk closes.

    Every server lives in a task of its own, so that they start and stop side by side.
    """

    def __init__(self, setup: Setup, *, connect: Callable[[str], Client] | None = None) -> None:
        self._setup = setup
        self._connection = connect or self._process_or_url
        self._stop = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._clients: dict[str, asyncio.Future[Client]] = {}
        self._logs: dict[str, IO[str]] = {}

    async def __aenter__(self) -> Desk:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for log in self._logs.values():
            log.close()

    async def start(self, names: Sequence[str] = tuple(SERVERS)) -> None:
        """Start several servers side by side and wait until each answers."""
        await asyncio.gather(*(self.client(name) for name in names))

    async def client(self, name: str) -> Client:
        """The connected MCP client of server ``name``. Raises ClientError when it cannot be started or reached."""
        if name not in self._clients:
            self._clients[name] = asyncio.get_running_loop().create_future()
            self._tasks[name] = asyncio.create_task(self._hold(name), name=f"carrel-{name}")
        return await asyncio.shield(self._clients[name])

    async def _hold(self, name: str) -> None:
        ready = self._clients[name]
        try:
            async with self._connection(name) as client:
                ready.set_result(client)
                await self._stop.wait()
        except Exception as error:  # noqa: BLE001 - whatever ended the connection is told to the one who waits for it
            if not ready.done():
                ready.set_exception(self._explain(name, error))
                ready.exception()  # seen: a start nobody waits for must not warn

    def _process_or_url(self, name: str) -> Client:
        from mcp import Client, StdioServerParameters
        from mcp.client.stdio import stdio_client

        if url := self._setup.urls.get(name):
            return Client(url, read_timeout_seconds=_PATIENCE)
        parameters = StdioServerParameters(
            command=sys.executable,
            args=server_arguments(name, self._setup),
            env=server_environment(self._setup.environment),
        )
        if self._setup.verbose:
            return Client(parameters, read_timeout_seconds=_PATIENCE)
        log = self._logs[name] = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        return Client(stdio_client(parameters, errlog=log), read_timeout_seconds=_PATIENCE)

    def _explain(self, name: str, error: BaseException) -> ClientError:
        if url := self._setup.urls.get(name):
            return ClientError(f"no MCP server answers at {url}; start it with: carrel-{name} --transport http")
        last = self._last_words(name)
        if last:
            return ClientError(f"carrel-{name} did not start: {last}")
        return ClientError(f"carrel-{name} did not start ({type(error).__name__}); run again with --verbose to see why")

    def _last_words(self, name: str) -> str:
        log = self._logs.get(name)
        if log is None:
            return ""
        log.seek(0)
        lines = [line.strip() for line in log.read()[-8000:].splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""

    async def call(self, tool: str, /, *, progress: Progress | None = None, **arguments: Any) -> Reply:
        """Call a tool on the server that has it.

        Raises ToolFailed with the server's own words and kind; ClientError when the server is gone.
        """
        from mcp import MCPError

        name = _HOME[tool]
        client = await self.client(name)
        try:
            result = await client.call_tool(
                tool,
                arguments,
                read_timeout_seconds=_LONG_PATIENCE if tool == "add_documents" else _PATIENCE,
                progress_callback=_async(progress) if progress else None,
            )
        except MCPError as error:
            raise self._gone(name, tool, error) from error
        text = "\n".join(block.text for block in result.content if block.type == "text")
        if result.is_error:
            raise _failure(tool, text)
        data = result.structured_content
        return Reply(data if isinstance(data, dict) else {}, text)

    def _gone(self, name: str, tool: str, error: Exception) -> ClientError:
        last = self._last_words(name)
        tail = f": {last}" if last else f" ({error})"
        return ToolFailed(f"carrel-{name} did not answer {tool}{tail}"[:400], tool=tool, kind="unavailable")

    async def read(self, server: str, uri: str) -> str:
        """The text of a resource. Raises ToolFailed when the server has no such resource."""
        from mcp import MCPError

        client = await self.client(server)
        try:
            result = await client.read_resource(uri)
        except MCPError as error:
            raise ToolFailed(str(error)[:300], tool=uri, kind="not_found") from error
        return "".join(getattr(part, "text", "") for part in result.contents)


def _async(heard: Progress) -> ProgressFnT:
    async def report(progress: float, total: float | None, message: str | None) -> None:
        heard(progress, total, message or "")

    return report


def _failure(tool: str, text: str) -> ToolFailed:
    """Read an error reply: compact JSON with kind and message, else the text itself."""
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if isinstance(data, dict) and isinstance(data.get("message"), str):
        if data.get("kind") == "internal":
            data["message"] += "; run again with --verbose to see it"
        return ToolFailed(
            data["message"], tool=tool, kind=str(data.get("kind", "failed")), retryable=bool(data.get("retryable"))
        )
    return ToolFailed(text.strip()[:400] or f"{tool} failed without saying why", tool=tool, kind="failed")
