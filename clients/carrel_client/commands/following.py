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
from carrel_client.wording import in_commands

__all__ = ["sync"]

_SIGNS = {"added": "+", "replaced": "~", "moved": ">", "removed": "-"}


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...")
@click.option("--collection", default="default", show_default=True, help="Collection to keep equal to the folders.")
@click.option("--tag", "tags", multiple=True, help="Tag the documents; repeatable.")
@click.option("--include", multiple=True, metavar="PATTERN", help="Take only these, such as '*.md'; repeatable.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave these out, such as 'drafts/'; repeatable.")
@click.option("--drop-excluded", is_flag=True, help="Drop documents too that the patterns leave out now.")
@click.option("--drop-most", is_flag=True, help="Go ahead though most of a folder has gone at once.")
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
    drop_excluded: bool,
    drop_most: bool,
    dry_run: bool,
    watch: bool,
    every: float,
) -> int:
    """Keep a collection equal to folders: add what is new, replace what changed, follow what moved, drop what is gone.

    Only files that lay in the folders are dropped, and none where a folder cannot be read, or has lost at least five
    documents that are more than half of its own, as if its disk were missing: then the message says how to go ahead.
    Patterns are those of .gitignore; what they leave out is not looked at, so that a document that came in before stays
    (and is counted) without --drop-excluded. Each change is a line: + added, ~ replaced, > moved, - removed.
    With --watch and --json, each look that finds a change is one line of JSON. Exit code 1 when the job did not come to
    its end.
    """
    if watch and dry_run:
        raise ClientError("--watch and --dry-run do not go together; leave one out", exit_code=EXIT_USAGE)
    places = [Path(given).expanduser().absolute() for given in folders]
    for given, place in zip(folders, places, strict=True):
        if not place.is_dir():
            raise ClientError(
                f"{given} is not a folder; nothing was changed (to add a file: carrel add)", exit_code=EXIT_USAGE
            )
    drop = tuple(name for name, wanted in (("excluded", drop_excluded), ("most", drop_most)) if wanted)
    look = _Look(
        run.screen, [str(place) for place in places], collection, tags, Choice(include, exclude, True, drop, dry_run)
    )
    if watch:
        return run.go(lambda desk: _watch(desk, look, every), roots=tuple(places))
    try:
        done = run.go(look.once, roots=tuple(places))
    except ToolFailed as error:
        raise ClientError(in_commands(error.message, look.sources[0])) from error
    run.screen.data(asdict(done))
    _show(run.screen, done, look.sources, dry_run=dry_run)
    return EXIT_FAILED if done.state in ("failed", "interrupted") else 0


class _Look:
    """One look at the folders, as often as wanted."""

    def __init__(
        self, screen: Screen, sources: Sequence[str], collection: str, tags: Sequence[str], choice: Choice
    ) -> None:
        self.screen = screen
        self.sources = sources
        self._collection, self._tags, self._choice = collection, tags, choice

    async def once(self, desk: Desk) -> Added:
        with self.screen.progress("syncing") as report:
            return await add_and_wait(
                desk, self.sources, report, collection=self._collection, tags=self._tags, choice=self._choice
            )


async def _watch(desk: Desk, look: _Look, every: float) -> int:
    """Look until interrupted. What stands in the way is told once, and looked for again; at the first look it ends."""
    screen, skipped, trouble, first = look.screen, frozenset[tuple[str, str]](), "", True
    if not screen.as_json:
        screen.say(f"watching {', '.join(look.sources)} every {every:g} s; Ctrl-C ends it")
    while True:
        try:
            done = await look.once(desk)
        except ToolFailed as error:
            if first:
                raise
            if error.message != trouble:
                screen.warn(in_commands(error.message, look.sources[0]))
            trouble = error.message
        else:
            new = [each for each in done.skipped if each not in skipped]
            skipped, trouble = frozenset(done.skipped), ""
            if first or done.changed or new:
                _tell(screen, done, new)
            if first and not done.changed and not screen.as_json:
                screen.say(f"up to date: {counted(done.unchanged, 'document')}")
            first = False
        await asyncio.sleep(every)


def _tell(screen: Screen, done: Added, skipped: Sequence[tuple[str, str]]) -> None:
    if screen.as_json:
        click.echo(json.dumps(asdict(done), ensure_ascii=False))
        return
    _show_changes(screen, done)
    for source, reason in skipped:
        screen.warn(f"! {source}: {in_commands(reason, source)}")


def _show(screen: Screen, done: Added, folders: Sequence[str], *, dry_run: bool) -> None:
    _show_changes(screen, done)
    screen.show(facts(done.facts(dry_run=dry_run)))
    about = [(source, reason) for source, reason in done.skipped if source in folders]
    if files := [each for each in done.skipped if each not in about]:
        screen.show("", table(("skipped", "why"), files))
    if (more := done.skipped_total - len(done.skipped)) > 0:
        screen.show(f"and {more} more")
    for source, reason in about:
        screen.warn(f"{source}: {in_commands(reason, source)}")
    if dry_run and done.changed:
        changes = counted(done.changed, "change")
        screen.say(f"nothing was changed yet: {changes} to make, without --dry-run (new files are only read then)")
    elif dry_run:
        screen.say("nothing would change")


def _show_changes(screen: Screen, done: Added) -> None:
    for change in done.changes:
        screen.show(_line(change))
    if (more := done.changed - len(done.changes)) > 0:
        screen.show(f"and {counted(more, 'more change')}")


def _line(change: DocumentChange) -> str:
    return f"{_SIGNS.get(change.kind, '?')} " + (f"{change.was} -> " if change.was else "") + change.source
