"""Ask the library from Python: start one Carrel server, add a folder, search it, read the best passage.

python clients/examples/quickstart.py FOLDER "question"
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from mcp import Client, StdioServerParameters


async def main(folder: Path, question: str) -> None:
    settings = {name: value for name, value in os.environ.items() if name.startswith("CARREL_")}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "carrel_search", "--root", str(folder)], env=settings
    )
    async with Client(server) as client:
        added = await client.call_tool("add_documents", {"sources": [str(folder)]})
        if added.is_error:
            sys.exit(f"could not add {folder}: {added.structured_content['message']}")
        found = await client.call_tool("search_library", {"queries": [question], "k": 5})
        hits = [] if found.is_error else found.structured_content["hits"]
        for hit in hits:
            print(hit["ref"], "-", hit["title"])
        if hits:
            best = await client.call_tool("read_document", {"ref": hits[0]["ref"]})
            print(*(block.text for block in best.content if block.type == "text"))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit('usage: python clients/examples/quickstart.py FOLDER "question"')
    asyncio.run(main(Path(sys.argv[1]).absolute(), sys.argv[2]))
