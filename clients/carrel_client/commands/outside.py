"""``carrel fetch`` and ``carrel papers``: the open web and the literature."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.text import Text

from carrel_client.envelope import unwrap
from carrel_client.errors import EXIT_FAILED
from carrel_client.screen import clean
from carrel_client.session import Run, common

__all__ = ["fetch", "papers"]

_IDENTIFIER = re.compile(
    r"^(?:doi:|https?://(?:dx\.)?doi\.org/)?10\.\d{4,9}/\S+$|^(?:arxiv:)?\d{4}\.\d{4,5}(?:v\d+)?$|^arxiv:\S+$"
    r"|^pmid:?\s*\d+$|^pmc\d+$|^(?:openalex:)?w\d{5,}$|^https?://(?:arxiv|openalex)\.org/\S+$"
    r"|^(?:s2|corpusid|acl|openreview):\S+$|^https?://(?:www\.)?semanticscholar\.org/paper/\S+$",
    re.I,
)


@click.command()
@click.argument("url")
@click.option("--keep", is_flag=True, help="Add the page to the library, so that search finds it.")
@click.option("--collection", default="default", show_default=True, help="Where --keep puts it.")
@click.option("--fresh", is_flag=True, help="Ask the site even if the page was read within the hour.")
@click.option("--render", type=click.Choice(["auto", "never", "always"]), help="Whether the page's scripts are run.")
@click.option("--goal", default="", help="Show only the passages, or with --view links the links, that bear on this.")
@click.option("--section", default="", help="A heading, or its number in the outline.")
@click.option("--view", type=click.Choice(["text", "outline", "links", "tables", "metadata"]), default="text")
@click.option("--cursor", default="", help="Where the last reply stopped.")
@common
def fetch(run: Run, url: str, keep: bool, collection: str, **options: str | bool | None) -> int:
    """Read a web page, politely and safely. Every page read can be cited by its reference."""
    arguments: dict[str, Any] = {"url": url} | {name: value for name, value in options.items() if value}
    if keep:
        arguments |= {"keep": True, "collection": collection}
    reply = run.go(lambda desk: desk.call("read_page", **arguments))
    run.screen.data({"url": url, "text": reply.text})
    run.screen.show(unwrap(reply.text))
    return 0


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="QUERY|ID...")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 50))
@click.option("--year-from", default=0, help="Earliest year.")
@click.option("--year-to", default=0, help="Latest year.")
@common
def papers(run: Run, words: tuple[str, ...], limit: int, year_from: int, year_to: int) -> int:
    """Find works by words, or get them by DOI, arXiv id or PMID.

    Exit code 1 when nothing is found or nobody could be asked; the text says which.
    """
    if all(_IDENTIFIER.match(word) for word in words):
        reply = run.go(lambda desk: desk.call("get_papers", ids=list(words), include=["abstract", "access"]))
        run.screen.data(dict(reply.data))
        return _show_answers(run, reply.data)
    arguments: dict[str, Any] = {"query": " ".join(words), "limit": limit}
    arguments |= {name: year for name, year in (("year_from", year_from), ("year_to", year_to)) if year}
    reply = run.go(lambda desk: desk.call("find_papers", **arguments))
    run.screen.data(dict(reply.data))
    found = reply.data.get("papers") or []
    for rank, paper in enumerate(found, 1):
        run.screen.show(_paper(paper, f"{rank:>2}  "))
    _show_sources(run, reply.data.get("sources") or [])
    if not found:
        run.screen.warn("nothing found; try other words")
    return 0 if found else EXIT_FAILED


def _show_answers(run: Run, data: Mapping[str, Any]) -> int:
    papers = data.get("papers") or []
    for paper in papers:
        state = str(paper.get("state", ""))
        if state == "found":
            run.screen.show(_paper(paper, "    "))
        else:
            words = "could not look" if state == "unavailable" else state.replace("_", " ")
            run.screen.show(f"    {paper.get('id', '')}: {paper.get('detail') or words}\n")
        _show_sources(run, paper.get("unanswered") or [])
    for note in data.get("notes") or []:
        run.screen.warn(str(note))
    return 0 if any(paper.get("state") == "found" for paper in papers) else EXIT_FAILED


def _show_sources(run: Run, sources: Sequence[Mapping[str, Any]]) -> None:
    """Name the services that gave no answer: an empty list is no proof of absence."""
    for source in sources:
        if source.get("state") not in ("ok", "empty", "skipped"):
            detail = f" - {source['detail']}" if source.get("detail") else ""
            run.screen.warn(f"{source.get('provider')}: {str(source.get('state')).replace('_', ' ')}{detail}")


def _paper(paper: Mapping[str, Any], lead: str) -> Text:
    text = Text()
    text.append(lead, style="dim")
    text.append(clean(paper.get("title") or "untitled"), style="bold")
    authors = paper.get("authors") or ""
    names = authors if isinstance(authors, str) else "; ".join(map(str, authors[:4]))
    facts = (names, paper.get("year"), paper.get("venue"), paper.get("type"))
    text.append("\n    " + clean(" · ".join(str(fact) for fact in facts if fact)), style="dim")
    text.append(f"\n    {clean(paper.get('id', ''))}", style="cyan")
    if ref := paper.get("abstract_ref"):
        text.append(f"  {clean(ref)}", style="cyan")
    standing = paper.get("standing") or {}
    state = str(paper.get("status") or standing.get("state") or "none_known")
    if state != "none_known":
        text.append(f"\n    {clean(state).replace('_', ' ').upper()}", style="bold red")
    said = unwrap(str(paper.get("abstract") or paper.get("snippet") or ""))
    if said:
        text.append("\n    " + " ".join(clean(said).split()))
    for copy in paper.get("access") or []:
        text.append(f"\n    {clean(copy.get('url', ''))}", style="blue")
    return text.append("\n")
