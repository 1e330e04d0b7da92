"""Lines to put into a host's configuration, with absolute paths: desktop hosts start with a bare PATH."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from carrel_client.desk import SERVERS

__all__ = ["claude_code_lines", "desktop_json", "server_command"]

_READERS = ("search", "citations")  # the servers that read files


def server_command(name: str, *, executable: str = sys.executable) -> list[str]:
    """How a host starts server ``name``: the console script beside this Python, else ``python -m``."""
    folder = Path(executable).parent
    for script in (folder / f"carrel-{name}", folder / f"carrel-{name}.exe"):
        if script.exists():
            return [str(script)]
    return [executable, "-m", f"carrel_{name}"]


def _full(name: str, data: str, roots: Sequence[str]) -> list[str]:
    command = server_command(name) + (["--data", data] if data else [])
    readable = roots if name in _READERS else ()
    return command + [part for root in readable for part in ("--root", root)]


def desktop_json(*, data: str = "", roots: Sequence[str] = ()) -> str:
    """The ``mcpServers`` block that Claude Desktop, Cursor and most hosts read."""
    servers = {}
    for name in SERVERS:
        command, *arguments = _full(name, data, roots)
        servers[f"carrel-{name}"] = {"command": command, "args": arguments}
    return json.dumps({"mcpServers": servers}, indent=2)


def claude_code_lines(*, data: str = "", roots: Sequence[str] = ()) -> list[str]:
    """One ``claude mcp add`` command per server."""
    return [f"claude mcp add carrel-{name} -- {shlex.join(_full(name, data, roots))}" for name in SERVERS]
