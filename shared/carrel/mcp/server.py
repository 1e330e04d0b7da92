"""`CarrelServer`: the SDK's server with its traps settled."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any, TypeVar

import anyio.to_thread
from mcp.server.caching import CacheHint
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, UnexpectedResourceError
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolResult,
    GetPromptResult,
    InputRequiredResult,
    ToolAnnotations,
)

from carrel.errors import BadRequest, CarrelError, NotFound
from carrel.mcp.arguments import validated
from carrel.mcp.progress import reporting
from carrel.mcp.replies import HARD_LIMIT, UNFORESEEN, error_reply, record_reply, sendable, text_reply
from carrel.mcp.schemas import clean_schema, did_you_mean
from carrel.mcp.stdio import wire
from carrel.mcp.threads import Workers
from carrel.settings import Settings

__all__ = ["CarrelServer"]

logger = logging.getLogger(__name__)

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

WORKERS = 8  # synchronous tools at a time; each may hold an index reader or an encoder batch in memory
NO_RESOURCE = "there is no such resource; use an address that a listing or a reply gave"
LISTING = CacheHint(ttl_ms=3_600_000, scope="private")  # tools, prompts and templates are fixed at start


@dataclass(frozen=True, slots=True)
class _Manner:
    """How a tool's reply is made."""

    text: bool
    max_chars: int
    tail: str


class CarrelServer(MCPServer[Any]):
    """An MCP server whose tools cannot be called wrongly without being told how to call them rightly.

    ``warm_up`` is run once in a background thread when the server serves, after the first tool list was answered;
    ``close`` once when it stops.
    """

    def __init__(
        self,
        name: str,
        *,
        instructions: str,
        settings: Settings,
        warm_up: Callable[[], None] | None = None,
        close: Callable[[], Awaitable[None] | None] | None = None,
    ) -> None:
        with _logging_left_alone():
            super().__init__(
                name,
                instructions=inspect.cleandoc(instructions),
                version=metadata.version("carrel"),
                cache_hints={"tools/list": LISTING, "prompts/list": LISTING, "resources/templates/list": LISTING},
                subscriptions=False,  # nothing changes while a server runs, so there is nothing to listen for
            )
        self._read_only = settings.read_only
        self._manners: dict[str, _Manner] = {}
        self._withheld: list[str] = []
        self._workers = Workers(WORKERS)
        self._warm_up = warm_up
        self._close = close
        self._warming = threading.Lock()
        self._serving = False

    # Registration

    def tool(  # type: ignore[override]  # fewer ways than the SDK's, each of them safe
        self,
        *,
        title: str = "",
        writes: bool = False,
        open_world: bool = False,
        idempotent: bool = True,
        destructive: bool = False,
        text: bool = False,
        max_chars: int = 12_000,
        tail: str = "",
    ) -> Callable[[FunctionT], FunctionT]:
        """Register a function as a tool under its own name, its docstring as the description.

        A ``writes`` tool is absent from a read-only server. A ``text`` tool returns str and replies in text only;
        any other returns a pydantic model and replies with its compact JSON as structured content and as text.
        ``max_chars`` is the most a reply may cost per channel (see `carrel.mcp.replies.cost`); ``tail`` names the
        list field of the model whose last items are dropped to stay within it (and counted in ``omitted``).
        A synchronous function runs in a worker thread.
        """
        if not 1_000 <= max_chars <= HARD_LIMIT:
            raise ValueError(f"max_chars must be between 1,000 and {HARD_LIMIT:,}; hosts hide longer replies")
        annotations = ToolAnnotations(
            read_only_hint=not writes,
            destructive_hint=destructive,
            idempotent_hint=idempotent,
            open_world_hint=open_world,
        )

        def register(function: FunctionT) -> FunctionT:
            name = function.__name__
            if writes and self._read_only:
                self._withheld.append(name)
                return function
            self.add_tool(
                function,
                title=title or None,
                description=inspect.cleandoc(function.__doc__ or ""),
                annotations=annotations,
                structured_output=False,  # an output schema would cost tokens in every conversation
            )
            tool = self._find(name)
            tool.parameters = clean_schema(tool.parameters)
            self._manners[name] = _Manner(text, max_chars, tail)
            return function

        return register

    def restrict(self, *, only: Iterable[str] = (), without: Iterable[str] = ()) -> None:
        """Serve ``only`` these tools (none named: all), and none of ``without``.

        Raises BadRequest naming the tools there are when one of the names is not among them.
        """
        only, without = list(only), list(without)
        known = list(self._manners)
        for name in (*only, *without):
            if name in self._withheld and name in only:
                raise BadRequest(f"the tool {name} writes, so it cannot be offered by a read-only server")
            if name not in known and name not in self._withheld:
                raise BadRequest(f"there is no tool {name}; the tools are {', '.join(known)}")
        for name in known:
            if (only and name not in only) or name in without:
                self.remove_tool(name)
                del self._manners[name]

    def _find(self, name: str) -> Tool:
        tool = self._tool_manager.get_tool(name)
        if tool is None:
            raise MCPError(code=INVALID_PARAMS, message=f"unknown tool, {did_you_mean(name, list(self._manners))}")
        return tool

    # Calls

    async def list_tools(self) -> list[Any]:
        """List the tools in the order of their registration."""
        self._warm_soon(0.05)  # a moment later, so that warming does not delay this answer
        return await super().list_tools()

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool. Every failure but an unknown tool (MCPError -32602) comes back as an ``isError`` reply."""
        tool = self._find(name)
        context = Context(mcp_server=self) if context is None else context
        try:
            return await self._reply(tool, arguments, context)
        except MCPError:
            raise
        except Exception as failure:
            if (known := _carrel_error(failure)) is not None:
                logger.info("%s: %s: %s", name, known.kind, known)
                return error_reply(known)
            logger.exception("%s failed", name)
            return error_reply(None)

    async def _reply(self, tool: Tool, arguments: dict[str, Any], context: Context[Any, Any]) -> CallToolResult:
        manner = self._manners[tool.name]
        call = functools.partial(tool.fn, **validated(tool, arguments))
        if tool.context_kwarg is not None:
            call = functools.partial(call, **{tool.context_kwarg: context})
        async with reporting(context):
            result = await call() if tool.is_async else await self._workers.call(call)
        if manner.text:
            return text_reply(result, manner.max_chars)
        return record_reply(result, manner.max_chars, manner.tail)

    # Resources and prompts

    async def read_resource(
        self, uri: Any, context: Context[Any, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource; a CarrelError becomes the JSON-RPC error of its kind."""
        try:
            contents = await super().read_resource(uri, context)
        except MCPError:
            raise
        except UnexpectedResourceError as failure:
            if (known := _wrapped_error(failure)) is None:
                raise UnexpectedResourceError(UNFORESEEN) from failure
            raise _protocol_error(known, uri=str(uri)) from failure
        except ResourceNotFoundError as failure:
            raise _protocol_error(NotFound(NO_RESOURCE), uri=str(uri)) from failure
        if isinstance(contents, InputRequiredResult):
            return contents
        return [_sendable_contents(each) for each in contents]

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[Any, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        """Render a prompt; an unknown name or a missing argument is JSON-RPC error -32602."""
        prompt = self._prompt_manager.get_prompt(name)
        if prompt is None:
            names = [each.name for each in self._prompt_manager.list_prompts()]
            raise MCPError(code=INVALID_PARAMS, message=f"unknown prompt, {did_you_mean(name, names)}")
        given = set(arguments or {})
        missing = [each.name for each in prompt.arguments or [] if each.required and each.name not in given]
        if missing:
            raise MCPError(code=INVALID_PARAMS, message=f"missing argument: {', '.join(missing)}")
        try:
            return await super().get_prompt(name, arguments, context)
        except ValueError as failure:  # the SDK's wrapper, which would send the words of any exception
            if (known := _wrapped_error(failure)) is not None:
                raise _protocol_error(known) from failure
            logger.exception("prompt %s failed", name)
            raise MCPError(code=INTERNAL_ERROR, message=UNFORESEEN) from failure

    # Life

    async def run_stdio_async(self) -> None:
        """Serve one client over stdin and stdout until stdin closes."""
        async with wire() as (incoming, outgoing):
            server = self._lowlevel_server
            await server.run(incoming, outgoing, server.create_initialization_options())

    def serving(self) -> None:
        """Say that the server now serves; the warm-up begins soon."""
        self._serving = True
        self._warm_soon(2.0)

    def _warm_soon(self, seconds: float) -> None:
        if self._warm_up is None or not self._serving:
            return
        timer = threading.Timer(seconds, self._warm)
        timer.daemon = True
        timer.start()

    def _warm(self) -> None:
        with self._warming:
            warm_up, self._warm_up = self._warm_up, None
        if warm_up is None:
            return
        try:
            warm_up()
        except Exception as failure:  # noqa: BLE001 - the first call that needs it will say what is missing
            logger.warning("warm-up: %s: %s", type(failure).__name__, failure)

    @property
    def idle(self) -> bool:
        """Whether no synchronous tool runs."""
        return self._workers.wait_until_idle(0)

    async def aclose(self, *, patience: float = 0.0) -> None:
        """Stop: let running work end for ``patience`` seconds, then release what the server holds. Idempotent."""
        self._serving = False
        if patience:
            await anyio.to_thread.run_sync(self._workers.wait_until_idle, patience)
        close, self._close = self._close, None
        if close is not None:
            result = close()
            if inspect.isawaitable(result):
                await result


def _carrel_error(failure: BaseException) -> CarrelError | None:
    """Return the CarrelError that ``failure`` is, or (a task group's way) consists of; None for anything else."""
    if isinstance(failure, BaseExceptionGroup):
        found = [_carrel_error(each) for each in failure.exceptions]
        return found[0] if all(found) else None
    return failure if isinstance(failure, CarrelError) else None


def _wrapped_error(failure: BaseException) -> CarrelError | None:
    """Return the CarrelError inside the wrappers that the SDK puts around what a resource or a prompt raises."""
    while type(failure) in (UnexpectedResourceError, ValueError) and failure.__cause__ is not None:
        failure = failure.__cause__
    return _carrel_error(failure)


@contextlib.contextmanager
def _logging_left_alone() -> Iterator[None]:
    """Keep the SDK from configuring the whole program's logging: it does so only where no handler is."""
    handler = logging.NullHandler()
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def _protocol_error(error: CarrelError, **data: str) -> MCPError:
    """Put ``error`` into JSON-RPC: the caller's fault is -32602 (SEP-2164 for what does not exist), else -32603."""
    code = INVALID_PARAMS if isinstance(error, BadRequest | NotFound) else INTERNAL_ERROR
    return MCPError(
        code=code, message=sendable(str(error)), data={"kind": error.kind, "retryable": error.retryable, **data}
    )


def _sendable_contents(contents: ReadResourceContents) -> ReadResourceContents:
    if isinstance(contents.content, bytes):
        return contents
    return dataclasses.replace(contents, content=sendable(contents.content))
