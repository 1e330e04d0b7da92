"""``carrel add``, ``search``, ``read``, ``remove``: the library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from carrel_client.adding import Added, Choice, add_and_wait
from carrel_client.desk import Desk
from carrel_client.envelope import unwrap
from carrel_client.errors import EXIT_FAILED, EXIT_USAGE, ClientError
from carrel_client.screen import clean, facts, table
from carrel_client.session import Run, common, root_of
from carrel_client.wording import in_commands

__all__ = ["add", "read", "remove", "search"]


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--collection", default="default", show_default=True, help="Collection to add to.")
@click.option("--tag", "tags", multiple=True, help="Tag the documents; repeatable.")
@click.option("--include", multiple=True, metavar="PATTERN", help="Of folders take only these: '*.md'; repeatable.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Of folders leave these out: 'drafts/'; repeatable.")
@common
def add(
    run: Run,
    paths: tuple[str, ...],
    collection: str,
    tags: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
) -> int:
    """Add files and folders to the library.

    Exit code 1 when nothing could be added.
    """
    files, others = _sort_sources(paths)
    roots = tuple(dict.fromkeys(root_of(path) for path in files))
    sources = [str(path) for path in files] + others

    async def work(desk: Desk) -> Added:
        choice = Choice(include, exclude)
        return await add_and_wait(desk, sources, report, collection=collection, tags=tags, choice=choice)

    with run.screen.progress("adding") as report:
        added = run.go(work, roots=roots)
    run.screen.data(asdict(added))
    run.screen.show(facts(added.facts()))
    if added.skipped:
        skipped = [(source, in_commands(reason)) for source, reason in added.skipped]
        run.screen.show("", table(("skipped", "why"), skipped))
    if (more := added.skipped_total - len(added.skipped)) > 0:
        run.screen.show(f"and {more} more")
    return 0 if added.stored else EXIT_FAILED


def _sort_sources(paths: Sequence[str]) -> tuple[list[Path], list[str]]:
    files, others = [], []
    for given in paths:
        if given.startswith(("http://", "https://")):
            others.append(given)
            continue
        path = Path(given).expanduser().absolute()
        if not path.exists():
            raise ClientError(f"{given} does not exist; give a file or a folder", exit_code=EXIT_USAGE)
        files.append(path)
    return files, others


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="QUERY...")
@click.option("-k", default=8, show_default=True, type=click.IntRange(1, 50), help="How many passages.")
@click.option("--collection", default="default", show_default=True, help="Collection to search.")
@click.option("--mode", type=click.Choice(["hybrid", "lexical", "dense"]), default="hybrid", show_default=True)
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
    return Group(head, Padding(place, (0, 0, 0, 4), expand=False), Padding(snippet, (0, 0, 1, 4), expand=False))


@click.command()
@click.argument("ref")
@click.option("--section", default="", help="A heading, or its number in the outline.")
@click.option("--outline", is_flag=True, help="Show the headings instead of the text.")
@click.option("--max-chars", default=12_000, show_default=True, type=click.IntRange(200, 40_000))
@click.option("--cursor", default="", help="Where the last reply stopped.")
@common
def read(run: Run, ref: str, section: str, outline: bool, max_chars: int, cursor: str) -> int:
    """Read a document or a span of it by its reference."""
    run.need_library()
    arguments: dict[str, Any] = {"ref": ref, "max_chars": max_chars}
    if section:
        arguments["section"] = section
    if outline:
        arguments["outline"] = True
    if cursor:
        arguments["cursor"] = cursor
    reply = run.go(lambda desk: desk.call("read_document", **arguments))
    run.screen.data({"ref": ref, "text": reply.text})
    run.screen.show(unwrap(reply.text))
    return 0


@click.command()
@click.argument("target", metavar="REF|SOURCE|FOLDER")
@click.option("--collection", default="default", show_default=True)
@click.option("--yes", is_flag=True, help="Do it; without this the command only counts.")
@common
def remove(run: Run, target: str, collection: str, yes: bool) -> int:
    """Remove a document by its reference, every document of a source, or all below a folder."""
    run.need_library()
    is_ref = len(target.partition(":")[0]) == 16 and "/" not in target
    arguments: dict[str, Any] = {"refs": [target]} if is_ref else {"source": target}
    reply = run.go(lambda desk: desk.call("remove_documents", dry_run=not yes, collection=collection, **arguments))
    count = int(reply.data.get("documents") or 0)
    run.screen.data(dict(reply.data))
    run.screen.show(facts([("collection", collection), ("documents", count), ("passages", reply.data.get("passages"))]))
    if not count:
        run.screen.warn(f"nothing to remove: the collection {collection} holds no document of {target}")
    elif not yes:
        run.screen.say("nothing was removed yet; add --yes to do it")
    return 0 if count else EXIT_FAILED
