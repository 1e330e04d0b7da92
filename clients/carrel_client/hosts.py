"""Lines to put into a host's configuration, with absolute paths: desktop hosts start with a bare PATH."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

from carrel_client.desk import SERVERS

__all__ = ["claude_code_lines", "desktop_json", "server_command"]


def server_command(name: str, *, executable: str = sys.executable) -> list[str]:
    """How a host starts server ``name``: the console script beside this Python, else ``python -m``."""
    folder = Path(executable).parent
    for script in (folder / f"carrel-{name}", folder / f"carrel-{name}.exe"):
        if script.exists():
            return [str(script)]
    return [executable, "-m", f"carrel_{name}"]


def _full(name: str, data: str, root: str) -> list[str]:
    command = server_command(name) + (["--data", data] if data else [])
    return command + (["--root", root] if root and name in ("search", "citations") else [])


def desktop_json(*, data: str = "", root: str = "") -> str:
    """The ``mcpServers`` block that Claude Desktop, Cursor and most hosts read."""
    servers = {}
    for name in SERVERS:
        command, *arguments = _full(name, data, root)
        servers[f"carrel-{name}"] = {"command": command, "args": arguments}
    return json.dumps({"mcpServers": servers}, indent=2)


def claude_code_lines(*, data: str = "", root: str = "") -> list[str]:
    """One ``claude mcp add`` command per server."""
    return [f"claude mcp add carrel-{name} -- {shlex.join(_full(name, data, root))}" for name in SERVERS]
