"""``carrel search`` and ``rank``: what is in the library on something, in the best order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from carrel_client.errors import EXIT_FAILED, EXIT_USAGE, ClientError
from carrel_client.screen import clean
from carrel_client.session import Run, common
from carrel_client.wording import in_commands

__all__ = ["rank", "search"]


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="QUERY...")
@click.option("-k", default=8, show_default=True, type=click.IntRange(1, 50), help="How many passages.")
@click.option("--collection", default="default", show_default=True, help="Collection to search.")
@click.option("--mode", type=click.Choice(["hybrid", "lexical", "dense"]), default="hybrid", show_default=True)
@click.option("--rerank", default="", metavar="NAME", help="Put the first in order: late, cross, host or your own.")
@click.option("--author", default="", help="Only documents with all these words among their authors' names.")
@click.option("--after", default="", metavar="DATE", help="Only documents of this date or later: 2024, 2024-05 …")
@click.option("--before", default="", metavar="DATE", help="Only documents from before this date.")
@click.option("--tag", "tags", multiple=True, help="Only documents with one of these tags; repeatable.")
@click.option(
    "--as-of",
    default=0,
    type=click.IntRange(0),
    metavar="SNAPSHOT",
    help="Ask an earlier state again.",
)
@common
def search(run: Run, words: tuple[str, ...], k: int, collection: str, mode: str, **options: Any) -> int:
    """Search the library. Exit code 1 when nothing is found."""
    run.need_library()
    arguments: dict[str, Any] = {"queries": [" ".join(words)], "k": k, "mode": mode, "collection": collection}
    arguments |= {name: list(value) if name == "tags" else value for name, value in options.items() if value}
    reply = run.go(lambda desk: desk.call("search_library", **arguments))
    run.screen.data(dict(reply.data))
    hits = reply.data.get("hits", [])
    for rank, hit in enumerate(hits, 1):
        run.screen.show(_hit(rank, hit))
    if work := reply.data.get("work_order"):
        run.screen.show(*_asked(work))
    for note in reply.data.get("notes") or []:
        run.screen.warn(in_commands(str(note)))
    if not hits:
        narrowed = ", fewer conditions" if any(map(options.get, ("author", "after", "before", "tags"))) else ""
        run.screen.warn(f"nothing found; try other words{narrowed}, or add documents with: carrel add PATH")
    return 0 if hits else EXIT_FAILED


def _hit(rank: int, hit: Mapping[str, Any]) -> Group:
    """A hit without its score, which says nothing beside that of another search."""
    head = Text.assemble((f"{rank:>2}  ", "dim"), (clean(hit.get("title") or hit.get("source") or "untitled"), "bold"))
    if section := hit.get("section"):
        head.append(f"  {clean(section)}", style="dim")
    facts = (f"p. {hit['page']}" if hit.get("page") else "", clean(hit.get("date") or ""))
    if said := ", ".join(filter(None, facts)):
        head.append(f"  ({said})", style="dim")
    place = Text.assemble((clean(hit.get("ref", "")), "cyan"), (f"  {clean(hit.get('source', ''))}", "dim"))
    snippet = Text(" ".join(clean(hit.get("snippet", "")).split()))
    lines = [Padding(place, (0, 0, 0, 4), expand=False)]
    return Group(head, *lines, *([Padding(snippet, (0, 0, 1, 4), expand=False)] if snippet else []))


def _asked(work: Mapping[str, Any]) -> list[str]:
    """A work order as a person reads it: the blocks to put in order, and the command that takes the answer."""
    blocks = [",".join(str(number) for number in block) for block in work["blocks"]]
    return [
        "You are the reranker: write each block's numbers in order, the best answer first.",
        *(f"  block {place}: {numbers}" for place, numbers in enumerate(blocks, 1)),
        f"Then run: carrel rank {work['handle']} {' '.join(blocks)}",
    ]


@click.command()
@click.argument("handle")
@click.argument("blocks", nargs=-1, required=True, metavar="BLOCK...")
@common
def rank(run: Run, handle: str, blocks: tuple[str, ...]) -> int:
    """Answer a work order of: carrel search --rerank host. A BLOCK is its numbers, best first: 3,1,2."""
    run.need_library()
    order = [[name for name in re.split(r"[,;\s]+", block) if name] for block in blocks]
    if not any(order):
        raise ClientError("give each block as its numbers, the best first: 3,1,2", exit_code=EXIT_USAGE)
    reply = run.go(lambda desk: desk.call("submit_ranking", handle=handle, order=order))
    run.screen.data(dict(reply.data))
    for place, hit in enumerate(reply.data["hits"], 1):
        run.screen.show(_hit(place, hit))
    said = reply.data["disagreement"]
    if twice := said["pairs_twice"]:
        run.screen.say(f"{said['contradicted']} of {twice} pairs in several blocks contradict each other")
    for note in reply.data.get("notes") or []:
        run.screen.warn(in_commands(str(note)))
    return 0
