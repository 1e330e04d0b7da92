"""``carrel web-search`` and ``carrel crawl``: find pages, and bring whole sites home."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from carrel_client.desk import Desk, Progress
from carrel_client.errors import EXIT_FAILED
from carrel_client.screen import clean, facts, table
from carrel_client.session import Run, common
from carrel_client.wording import in_commands

__all__ = ["crawl", "web_search"]

_PAUSE = 0.5  # seconds between two looks at a job


@click.command(name="web-search")
@click.argument("words", nargs=-1, required=True, metavar="QUERY...")
@click.option("-k", default=10, show_default=True, type=click.IntRange(1, 30), help="How many pages.")
@click.option("--site", default="", help="Only pages of this host.")
@click.option("--after", default="", metavar="DATE", help="Only pages since this date: 2024, 2024-05 …")
@click.option("--provider", default="", help="Ask only this one: searxng, brave, tavily, exa or google.")
@common
def web_search(run: Run, words: tuple[str, ...], k: int, **options: str) -> int:
    """Ask the configured search engines. Exit code 1 when nothing is found or nobody could be asked."""
    arguments: dict[str, Any] = {"queries": [" ".join(words)], "k": k}
    arguments |= {name: value for name, value in options.items() if value}
    reply = run.go(lambda desk: desk.call("search_web", **arguments))
    run.screen.data(dict(reply.data))
    results = reply.data.get("results") or []
    for rank, result in enumerate(results, 1):
        run.screen.show(_result(rank, result))
    for provider in reply.data.get("providers") or []:
        if detail := provider.get("detail"):
            state = str(provider.get("state", "")).replace("_", " ")
            run.screen.warn(f"{clean(provider.get('provider', ''))}: {state} - {clean(detail)}")
    for note in reply.data.get("notes") or []:
        run.screen.warn(clean(note))
    if not results:
        run.screen.warn("nothing found; try other words")
    return 0 if results else EXIT_FAILED


def _result(rank: int, result: Mapping[str, Any]) -> Group:
    head = Text.assemble((f"{rank:>2}  ", "dim"), (clean(result.get("title") or "untitled"), "bold"))
    said = ", ".join(filter(None, (result.get("date"), " ".join(result.get("found_by") or []))))
    head.append(f"  ({clean(said)})", style="dim")
    place = Text(clean(result.get("url", "")), style="cyan")
    snippet = Text(" ".join(clean(result.get("snippet", "")).split()))
    return Group(head, Padding(place, (0, 0, 0, 4), expand=False), Padding(snippet, (0, 0, 1, 4), expand=False))


@click.command()
@click.argument("start", metavar="URL|JOB")
@click.option("--max-pages", default=100, show_default=True, type=click.IntRange(1, 5000))
@click.option("--depth", default=3, show_default=True, type=click.IntRange(0, 20), help="Links away from the start.")
@click.option("--include", multiple=True, metavar="PATH", help="Take these instead of the start's folder: '/docs/*'.")
@click.option("--exclude", multiple=True, metavar="PATH", help="Leave these out; repeatable.")
@click.option("--collection", default="default", show_default=True, help="Where the pages go.")
@click.option("--stop", is_flag=True, help="End the job given in place of a URL.")
@common
def crawl(
    run: Run,
    start: str,
    max_pages: int,
    depth: int,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    collection: str,
    stop: bool,
) -> int:
    """Bring the pages of a site into the library: its host, below the start's folder.

    Stopped by Ctrl-C or a crash, the same command goes on with it. Exit code 1 when no page could be kept.
    """
    asked: dict[str, Any]
    if "://" in start:
        asked = {"start": start, "max_pages": max_pages, "depth": depth, "collection": collection}
        asked |= {"include": list(include), "exclude": list(exclude)}
    else:
        asked = {"job": start}
    if stop:
        asked["stop"] = True

    with run.screen.progress("crawling") as report:
        record = run.go(lambda desk: _follow(desk, asked, report))
    run.screen.data(dict(record))
    kept = sum(int(record.get(name) or 0) for name in ("added", "replaced", "unchanged"))
    shown = ("added", "replaced", "unchanged", "passages", "waiting", "collection", "job", "state", "note")
    run.screen.show(facts([(name, clean(record.get(name) or "")) for name in shown]))
    if skipped := record.get("skipped"):
        rows = [(clean(row["url"]), in_commands(clean(row["reason"]))) for row in skipped]
        run.screen.show("", table(("skipped", "why"), rows))
    if (more := int(record.get("skipped_total") or 0) - len(skipped or [])) > 0:
        run.screen.show(f"and {more} more")
    return 0 if kept else EXIT_FAILED


async def _follow(desk: Desk, asked: Mapping[str, Any], report: Progress) -> Mapping[str, Any]:
    """Begin, and look at the job until it is over."""
    record = (await desk.call("crawl_site", progress=report, **asked)).data
    while record.get("state") in ("running", "encoding"):
        await asyncio.sleep(_PAUSE)
        record = (await desk.call("crawl_site", progress=report, job=str(record["job"]))).data
    return record
