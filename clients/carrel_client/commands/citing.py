"""``carrel cite``: sources for what a draft says and does not cite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.text import Text

from carrel_client.commands.proof import text_of
from carrel_client.desk import Desk
from carrel_client.errors import EXIT_USAGE, ClientError
from carrel_client.screen import clean, counted
from carrel_client.session import Run, common

__all__ = ["cite"]

_STYLES = {"supported": "green", "contradicted": "bold red"}
_SHOWN = 3  # sources of one sentence


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option("--collection", default="default", show_default=True, help="Where to look.")
@common
def cite(run: Run, file: str, collection: str) -> int:
    """Propose citations from the library for every sentence of a draft that cites nothing.

    Each with its reference and what its source says; a source that says the opposite is shown too.
    """
    text = text_of(file)
    if not text.strip():
        raise ClientError("the draft is empty; give a file that has some text", exit_code=EXIT_USAGE)
    run.need_library()

    async def work(desk: Desk) -> tuple[list[dict[str, Any]], int]:
        audit = (await desk.call("audit_report", text=text)).data
        bare = [problem for problem in audit["problems"] if problem["kind"] == "uncited"]
        proposed = []
        for number, problem in enumerate(bare, 1):
            found = (await desk.call("find_evidence", claim=problem["text"], collection=collection, k=_SHOWN)).data
            proposed.append({"sentence": problem["text"], "found": found["found"]})
            report(number, len(bare), "looking for sources")
        return proposed, int(audit.get("omitted") or 0)

    with run.screen.progress("reading the draft") as report:
        proposed, left = run.go(work)
    run.screen.data({"sentences": proposed, "omitted": left})
    if not proposed and not left:
        run.screen.show("Every sentence that says something cites something.")
    for each in proposed:
        run.screen.show(_sentence(each["sentence"], each["found"]))
    if left:
        run.screen.warn(
            f"an audit lists no more, and {counted(left, 'problem')} of the draft are left, worse ones first; run this "
            "again when some are mended, or on a part of the draft"
        )
    return 0


def _sentence(sentence: str, found: Sequence[Mapping[str, Any]]) -> Text:
    text = Text.assemble((clean(sentence), "bold"), "\n")
    if not found:
        text.append("  nothing in the library bears on it\n", style="dim")
    for each in found:
        best = each["evidence"][0]
        reading = str(each["reading"])
        text.append(f"  {reading.replace('_', ' ')}", style=_STYLES.get(reading, "yellow"))
        text.append(f"  {best['ref']}", style="cyan")
        text.append(f"  {clean(each['title'])}\n")
        text.append(f"    {clean(best['text'])}\n", style="dim")
    return text
