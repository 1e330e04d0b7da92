"""``carrel demo``: the whole idea on real documents, in a minute."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click
from rich.console import Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from carrel_client.audits import Finding
from carrel_client.demo import QUESTIONS, Outcome, Steps, demonstrate
from carrel_client.distributions import Shipped, shipped_documents
from carrel_client.errors import EXIT_FAILED, EXIT_USAGE, ClientError
from carrel_client.hosts import claude_code_lines, desktop_json
from carrel_client.model import encoders, model_command
from carrel_client.screen import Screen, clean
from carrel_client.session import Run, common, root_of
from carrel_client.tamper import Planted

__all__ = ["demo"]

_WHAT = {
    "quote": "A quotation was altered",
    "claim": "A claim was planted beside a true citation",
    "reference": "A reference was made up",
}


@click.command()
@click.option("--docs", multiple=True, metavar="PATH", help="Your own files or folder; repeatable.")
@click.option("--question", "questions", multiple=True, help="Your own question; repeatable.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("demo"), show_default=True)
@common
def demo(run: Run, docs: tuple[str, ...], questions: tuple[str, ...], out: Path) -> int:
    """Show the whole idea on real documents: add, ask, cite, audit, and catch three planted faults.

    Uses the documentation shipped inside the installed Python distributions, or your own with --docs. Exit code 0 only
    when the audit found everything that was planted.
    """
    began = time.perf_counter()
    if docs and not questions:
        raise ClientError(
            "give a --question for your own documents, such as --question 'What …?'", exit_code=EXIT_USAGE
        )
    documents = _own(docs) if docs else shipped_documents()
    folder = out.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    run.setup = replace(run.setup, data=run.setup.data or str(folder / "library"))
    screen = run.screen
    screen.show(_opening(documents, own=bool(docs)))
    _check_model(run)

    with screen.live() as live:
        steps = Steps(told=lambda *step: screen.show(_step(*step)), progress=live)
        asked = questions or QUESTIONS
        outcome = run.go(
            lambda desk: demonstrate(desk, documents, asked, folder, steps), roots=(folder, *documents.roots)
        )
    _show_outcome(screen, outcome, run.setup.data, time.perf_counter() - began)
    screen.data(_as_data(outcome))
    return 0 if outcome.convincing else EXIT_FAILED


def _own(docs: Sequence[str]) -> Shipped:
    paths = [Path(given).expanduser().absolute() for given in docs]
    missing = [given for given, path in zip(docs, paths, strict=True) if not path.exists()]
    if missing:
        raise ClientError(f"{missing[0]} does not exist; give a file or a folder", exit_code=EXIT_USAGE)
    return Shipped(tuple(paths), tuple(dict.fromkeys(map(root_of, paths))))


def _check_model(run: Run) -> None:
    """Install the model when it is missing; without it the demonstration goes on with search by words only."""
    began = time.perf_counter()
    if run.setup.encoder == "none" or run.setup.environment.get("CARREL_ENCODER") == "none":
        run.screen.show(_step(1, "The model", "switched off: search is by words only", 0.0))
        return
    try:
        found = encoders(model_command("list", run.setup.environment, lambda *_: None))
        if not found:
            with run.screen.progress("getting the model") as report:
                found = encoders(model_command("install", run.setup.environment, report))
        words = ", ".join(f"{one.get('name')}, {one.get('dimension')} dimensions" for one in found)
    except ClientError as error:
        words = f"none, so search is by words only ({error.message})"
    run.screen.show(_step(1, "The model", words, time.perf_counter() - began))


def _opening(documents: Shipped, *, own: bool) -> Panel:
    count = len(documents.files)
    what = "your own documents" if own else f"{count} documents found inside the installed Python packages"
    words = Text.assemble(
        ("Carrel", "bold"),
        f" reads {what}, answers from them with a citation for every sentence, audits that answer, then tampers with "
        "it three times and audits it again.",
    )
    return Panel(words, border_style="cyan", padding=(0, 1))


def _step(number: int, title: str, words: str, seconds: float) -> Table:
    row = Table.grid(padding=(0, 2), expand=True)
    row.add_column(width=2, justify="right", style="bold cyan")
    row.add_column(width=19, style="bold")
    row.add_column(ratio=1)
    row.add_column(justify="right", style="dim", no_wrap=True)
    row.add_row(str(number), title, Text(clean(words)), f"{seconds:.1f} s" if seconds else "")
    return row


def _show_outcome(screen: Screen, outcome: Outcome, data: str, seconds: float) -> None:
    screen.show("", _first_lines(outcome), "")
    for planted, finding in zip(outcome.planted, outcome.caught, strict=True):
        screen.show(_fault(planted, finding))
    screen.show(Text(_verdict(outcome), style="bold green" if outcome.convincing else "bold red"), "")
    for name, what in (
        ("report.html", "the report and its audit: click a sentence to see its evidence"),
        ("tampered.html", "the same after the tampering: see what lights up"),
        ("report.md", "the report alone"),
    ):
        screen.show(Text.assemble((f"  {outcome.files[name]}", "cyan"), f"  {what}"))
    screen.show("", Text("Plug it in", style="bold"))
    screen.show("Claude Desktop, Cursor and most hosts (mcpServers), for the library made here:", "")
    screen.show(desktop_json(data=data), "", "Claude Code:", "", *claude_code_lines(data=data))
    screen.show("", "With --root FOLDER a server may read your files; without --data it uses your own library.")
    screen.show("", Text(f"Done in {seconds:.0f} s.", style="dim"))


def _verdict(outcome: Outcome) -> str:
    if not outcome.convincing:
        return "Not every planted fault was found."
    if all(finding.certain for finding in outcome.caught):
        return "All three were found."
    return (
        "All three were flagged. The literature cannot be reached from here, so the audit says of the made-up "
        "reference that it could not look, and not that it does not exist."
    )


def _first_lines(outcome: Outcome) -> Group:
    """The question and the two sentences that open each answer, as a taste."""
    parts: list[Text | Padding] = []
    for brief in outcome.briefs:
        parts.append(Text(clean(brief.question), style="bold"))
        for line in brief.answer:
            said = Text.assemble("“", clean(line.sentence.text), "” ", (f"[{line.number}]", "cyan"))
            parts.append(Padding(said, (0, 0, 0, 4)))
        if not brief.answer:
            parts.append(Padding(Text("no evidence was found", style="yellow"), (0, 0, 0, 4)))
    return Group(*parts)


def _fault(planted: Planted, finding: Finding) -> Group:
    mark = ("  ✓ ", "bold green") if finding.found else ("  ✗ ", "bold red")
    head = Text.assemble(mark, (_WHAT[planted.kind], "bold"), f": {clean(planted.change)}" if planted.change else "")
    said = Padding(Text(clean(planted.text), style="dim"), (0, 0, 0, 6))
    verdict = Padding(Text.assemble(("the audit says: ", "dim"), clean(finding.verdict)), (0, 0, 1, 6))
    return Group(head, said, verdict)


def _as_data(outcome: Outcome) -> dict[str, object]:
    return {
        "convincing": outcome.convincing,
        "questions": [{"question": brief.question, "strength": brief.strength} for brief in outcome.briefs],
        "library": asdict(outcome.added),
        "planted": [
            {**asdict(planted), "found": finding.found, "verdict": finding.verdict}
            for planted, finding in zip(outcome.planted, outcome.caught, strict=True)
        ],
        "files": {name: str(path) for name, path in outcome.files.items()},
    }
