"""Lines to put into a host's configuration, with absolute paths: desktop hosts start with a bare PATH."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from carrel_client.desk import SERVERS

__all__ = ["claude_code_lines", "desktop_json", "server_command", "vscode_json"]

_READERS = ("search", "citations")  # the servers that read files


def server_command(name: str, *, executable: str = sys.executable) -> list[str]:
    """How a host starts server ``name``: the console script beside this Python, else ``python -P -m``."""
    folder = Path(executable).parent
    for script in (folder / f"carrel-{name}", folder / f"carrel-{name}.exe"):
        if script.exists():
            return [str(script)]
    return [executable, "-P", "-m", f"carrel_{name}"]


def _full(name: str, data: str, roots: Sequence[str]) -> list[str]:
    command = server_command(name) + (["--data", data] if data else [])
    readable = roots if name in _READERS else ()
    return command + [part for root in readable for part in ("--root", root)]


def desktop_json(*, data: str = "", roots: Sequence[str] = ()) -> str:
    """The ``mcpServers`` block that Claude Desktop, Cursor and most hosts read."""
    return json.dumps({"mcpServers": _servers(data, roots)}, indent=2)


def vscode_json(*, data: str = "", roots: Sequence[str] = ()) -> str:
    """The ``servers`` block of ``.vscode/mcp.json``."""
    servers = {name: {"type": "stdio", **each} for name, each in _servers(data, roots).items()}
    return json.dumps({"servers": servers}, indent=2)


def _servers(data: str, roots: Sequence[str]) -> dict[str, dict[str, object]]:
    commands = {f"carrel-{name}": _full(name, data, roots) for name in SERVERS}
    return {name: {"command": command, "args": arguments} for name, (command, *arguments) in commands.items()}


def claude_code_lines(*, data: str = "", roots: Sequence[str] = ()) -> list[str]:
    """One ``claude mcp add`` command per server."""
    return [f"claude mcp add carrel-{name} -- {shlex.join(_full(name, data, roots))}" for name in SERVERS]
