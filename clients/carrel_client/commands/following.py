"""``carrel sync``: keep a collection equal to folders."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from carrel_client.adding import Added, Choice, DocumentChange, add_and_wait
from carrel_client.desk import Desk
from carrel_client.errors import EXIT_FAILED, EXIT_USAGE, ClientError, ToolFailed
from carrel_client.screen import Screen, counted, facts, table
from carrel_client.session import Run, common

__all__ = ["sync"]

_SIGNS = {"added": "+", "replaced": "~", "moved": ">", "removed": "-"}


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...")
@click.option("--collection", default="default", show_default=True, help="Collection to keep equal to the folders.")
@click.option("--tag", "tags", multiple=True, help="Tag the documents; repeatable.")
@click.option("--include", multiple=True, metavar="PATTERN", help="Take only these, such as '*.md'; repeatable.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave these out, such as 'drafts/'; repeatable.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--watch", is_flag=True, help="Look again and again until Ctrl-C, and print only what changes.")
@click.option(
    "--every", default=5.0, show_default=True, type=click.FloatRange(0.1, 86_400), help="Seconds between looks."
)
@common
def sync(
    run: Run,
    folders: tuple[str, ...],
    collection: str,
    tags: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    dry_run: bool,
    watch: bool,
    every: float,
) -> int:
    """Keep a collection equal to folders: add what is new, replace what changed, follow what moved, drop what is gone.

    Only files that lay in the folders are dropped, and none where a folder cannot be read. Patterns are those of
    .gitignore. Each change is a line: + added, ~ replaced, > moved, - removed. With --watch and --json, each look that
    finds a change is one line of JSON. Exit code 1 when the job did not come to its end.
    """
    if watch and dry_run:
        raise ClientError("--watch and --dry-run do not go together; leave one out", exit_code=EXIT_USAGE)
    places = [Path(given).expanduser().absolute() for given in folders]
    for given, place in zip(folders, places, strict=True):
        if not place.is_dir():
            raise ClientError(
                f"{given} is not a folder; nothing was changed (to add a file: carrel add)", exit_code=EXIT_USAGE
            )
    look = _Look(
        run.screen, [str(place) for place in places], collection, tags, Choice(include, exclude, True, dry_run)
    )
    if watch:
        return run.go(lambda desk: _watch(desk, look, every), roots=tuple(places))
    done = run.go(look.once, roots=tuple(places))
    run.screen.data(asdict(done))
    _show(run.screen, done, dry_run=dry_run)
    return EXIT_FAILED if done.state in ("failed", "interrupted") else 0


class _Look:
    """One look at the folders, as often as wanted."""

    def __init__(
        self, screen: Screen, sources: Sequence[str], collection: str, tags: Sequence[str], choice: Choice
    ) -> None:
        self.screen = screen
        self._sources, self._collection, self._tags, self._choice = sources, collection, tags, choice

    async def once(self, desk: Desk) -> Added:
        with self.screen.progress("syncing") as report:
            return await add_and_wait(
                desk, self._sources, report, collection=self._collection, tags=self._tags, choice=self._choice
            )


async def _watch(desk: Desk, look: _Look, every: float) -> int:
    """Look until interrupted. What stands in the way is told once, and looked for again; at the first look it ends."""
    screen, skipped, trouble, first = look.screen, frozenset[tuple[str, str]](), "", True
    while True:
        try:
            done = await look.once(desk)
        except ToolFailed as error:
            if first:
                raise
            if error.message != trouble:
                screen.warn(error.message)
            trouble = error.message
        else:
            new = [each for each in done.skipped if each not in skipped]
            skipped, trouble = frozenset(done.skipped), ""
            if first or done.changed or new:
                _tell(screen, done, new)
            first = False
        await asyncio.sleep(every)


def _tell(screen: Screen, done: Added, skipped: Sequence[tuple[str, str]]) -> None:
    if screen.as_json:
        click.echo(json.dumps(asdict(done), ensure_ascii=False))
        return
    _show_changes(screen, done)
    for source, reason in skipped:
        screen.warn(f"! {source}: {reason}")


def _show(screen: Screen, done: Added, *, dry_run: bool) -> None:
    _show_changes(screen, done)
    screen.show(facts(done.facts()))
    if done.skipped:
        screen.show("", table(("skipped", "why"), done.skipped))
    if (more := done.skipped_total - len(done.skipped)) > 0:
        screen.show(f"and {more} more")
    if dry_run:
        screen.say(f"nothing was changed: {counted(done.changed, 'change')} to make; leave out --dry-run to do it")


def _show_changes(screen: Screen, done: Added) -> None:
    for change in done.changes:
        screen.show(_line(change))
    if (more := done.changed - len(done.changes)) > 0:
        screen.show(f"and {counted(more, 'more change')}")


def _line(change: DocumentChange) -> str:
    return f"{_SIGNS.get(change.kind, '?')} " + (f"{change.was} -> " if change.was else "") + change.source
