"""Ask the library from Python: start one Carrel server, add a folder, search it, read the best passage.

python clients/examples/quickstart.py FOLDER "question"
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from mcp import Client, MCPError, StdioServerParameters


class Failed(Exception):
    """A tool answered with an error."""


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    """Call a tool and return its reply. Raises Failed with the server's own words."""
    result = await client.call_tool(tool, arguments)
    text = "\n".join(block.text for block in result.content if block.type == "text")
    if result.is_error:
        error = json.loads(text) if text.startswith("{") else {"message": text}
        raise Failed(f"{tool}: {error['message']}")
    return result.structured_content or text


async def ask(client: Client, folder: Path, question: str) -> str:
    """Add, search, read; returns what went wrong, nothing if all went well."""
    try:
        await call(client, "add_documents", sources=[str(folder)])
        hits = (await call(client, "search_library", queries=[question], k=5))["hits"]
        for hit in hits:
            print(hit["ref"], "-", hit["title"])
        if not hits:
            return "nothing found; ask in other words"
        print(await call(client, "read_document", ref=hits[0]["ref"]))
    except Failed as error:
        return str(error)
    return ""


async def main(folder: Path, question: str) -> str:
    settings = {name: value for name, value in os.environ.items() if name.startswith("CARREL_")}
    server = StdioServerParameters(
        command=sys.executable, args=["-P", "-m", "carrel_search", "--root", str(folder)], env=settings
    )
    async with Client(server) as client:
        return await ask(client, folder, question)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit('usage: python clients/examples/quickstart.py FOLDER "question"')
    if not Path(sys.argv[1]).is_dir():
        sys.exit(f"{sys.argv[1]} is not a folder; name one that holds documents")
    try:
        sys.exit(asyncio.run(main(Path(sys.argv[1]).absolute(), sys.argv[2])) or 0)
    except (MCPError, OSError, ExceptionGroup):
        sys.exit("the server did not start, or stopped; its last line above says why, and `carrel doctor` looks closer")
