"""The stdio wire, with an answer for every line that can be given one.

The SDK drops a line it cannot parse, and the host then waits for an answer until its own time-out. It happens in
earnest: a host that cuts a text in the middle of an emoji sends half a surrogate pair, which is no valid JSON text.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError, jsonrpc_message_adapter
from pydantic import ValidationError

from carrel.mcp.replies import sendable

__all__ = ["wire"]

Incoming = MemoryObjectReceiveStream[SessionMessage | Exception]


@contextlib.asynccontextmanager
async def wire() -> AsyncIterator[tuple[Incoming, Any]]:
    """Open stdin and stdout as message streams.

    What else writes to stdout reaches stderr meanwhile: the SDK moves the wire to descriptors of its own.
    """
    async with stdio_server() as (lines, outgoing), anyio.create_task_group() as tasks:
        send, receive = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        tasks.start_soon(_mend, lines, send, outgoing)
        yield receive, outgoing
        tasks.cancel_scope.cancel()


async def _mend(lines: Any, send: MemoryObjectSendStream[SessionMessage | Exception], outgoing: Any) -> None:
    async with send:
        async for message in lines:
            read = _mended(message) if isinstance(message, Exception) else message
            # One of the two ends may have closed while this waited.
            with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                if isinstance(read, JSONRPCError):
                    await outgoing.send(SessionMessage(read))
                else:
                    await send.send(read)


def _mended(failure: Exception) -> SessionMessage | JSONRPCError | Exception:
    """Return the message that a line the SDK refused does contain, else the error to answer it with."""
    if not isinstance(failure, ValidationError):
        return failure
    first = failure.errors(include_url=False)[0]
    line = first["input"]
    if first["type"] != "json_invalid" or not isinstance(line, str):
        return _error(INVALID_REQUEST, "that is not a JSON-RPC message", line)
    try:
        text = sendable(json.dumps(json.loads(line), ensure_ascii=False))
        return SessionMessage(jsonrpc_message_adapter.validate_json(text, by_name=False))
    except (ValueError, RecursionError):
        return _error(PARSE_ERROR, "that line is not JSON", None)


def _error(code: int, message: str, request: object) -> JSONRPCError:
    number = request.get("id") if isinstance(request, dict) else None
    known = number if isinstance(number, str | int) and not isinstance(number, bool) else None
    return JSONRPCError(jsonrpc="2.0", id=known, error=ErrorData(code=code, message=message))
