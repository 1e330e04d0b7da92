"""``carrel add``, ``read``, ``remove``: the library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from carrel_client.adding import Added, Choice, add_and_wait
from carrel_client.desk import Desk
from carrel_client.envelope import unwrap
from carrel_client.errors import EXIT_FAILED, EXIT_USAGE, ClientError
from carrel_client.screen import facts, table
from carrel_client.session import Run, common, root_of
from carrel_client.wording import in_commands

__all__ = ["add", "read", "remove"]


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
