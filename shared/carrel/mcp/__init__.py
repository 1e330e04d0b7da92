"""I have an engine: serve it. The only room, with the doors, that knows of MCP.

`CarrelServer` is the official SDK's `MCPServer` with every trap settled once: closed schemas, one-sentence errors
with a kind, compact replies within a budget, bounded worker threads, guarded transports. `run` is a whole ``main()``.
"""

from __future__ import annotations

import gc

# The SDK builds a thousand classes while it is imported, and nothing among them is garbage. Collecting meanwhile costs
# a fifth of the time from a server's start to its first tool list, and looking through them at every later collection
# a third: so collect nothing now, and set aside what is there when it is done.
_collecting = gc.isenabled()
gc.disable()
try:
    from mcp.server.mcpserver import Context

    from carrel.mcp.cursors import next_cursor, read_cursor
    from carrel.mcp.envelope import clean_text, untrusted
    from carrel.mcp.main import run
    from carrel.mcp.progress import ProgressCallback, progress
    from carrel.mcp.replies import fit, size
    from carrel.mcp.server import CarrelServer
finally:
    if _collecting:
        gc.enable()
gc.freeze()

__all__ = [
    "CarrelServer",
    "Context",
    "ProgressCallback",
    "clean_text",
    "fit",
    "next_cursor",
    "progress",
    "read_cursor",
    "run",
    "size",
    "untrusted",
]
