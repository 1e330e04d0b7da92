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
from carrel_client.demo import COLLECTION, QUESTIONS, Outcome, Steps, collection_of, demonstrate
from carrel_client.distributions import Shipped, shipped_documents
from carrel_client.errors import EXIT_FAILED, EXIT_USAGE, ClientError
from carrel_client.hosts import claude_code_lines, desktop_json
from carrel_client.model import encoders, model_command
from carrel_client.naming import near
from carrel_client.screen import Screen, clean
from carrel_client.session import Run, common, root_of
from carrel_client.tamper import Planted

__all__ = ["demo"]

_MARKS = {
    "found": ("✓", "bold green"),
    "not vouched for": ("~", "bold yellow"),
    "missed": ("✗", "bold red"),
}
_NAMES = {"quote": "the altered quotation", "claim": "the planted claim", "reference": "the made-up reference"}
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

    Uses the documentation shipped inside the installed Python distributions, or your own with --docs. Exit code 0 when
    the audit let none of the planted faults pass as sound.
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
    asked = questions or QUESTIONS
    screen.show(_opening(documents, len(asked), own=bool(docs)))
    _check_model(run)

    with screen.live() as live:
        place = run.places(*documents.roots)
        steps = Steps(told=lambda *step: screen.show(_step(*step)), progress=live, place=place)
        collection = collection_of(documents.files) if docs else COLLECTION
        outcome = run.go(
            lambda desk: demonstrate(desk, documents, asked, folder, steps, collection=collection),
            roots=(folder, *documents.roots),
        )
    _show_outcome(screen, outcome)
    _show_hosts(screen, run.setup.data, [str(root) for root in documents.roots] if docs else [])
    screen.show("", Text(f"Done in {time.perf_counter() - began:.0f} s.", style="bold"))
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


def _opening(documents: Shipped, questions: int, *, own: bool) -> Panel:
    count = len(documents.files)
    what = "your own documents" if own else f"{count} documents that came with the installed Python packages"
    asked = "your question" if questions == 1 else f"{questions} questions"
    words = Text.assemble(
        ("Carrel", "bold"),
        f" reads {what}, answers {asked} with a citation for every sentence, and audits its own answer. Then it puts "
        "three faults into the answer and audits that.",
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


def _show_outcome(screen: Screen, outcome: Outcome) -> None:
    screen.show("", _first_lines(outcome), "")
    for planted, finding in zip(outcome.planted, outcome.caught, strict=True):
        screen.show(_fault(planted, finding))
    for sentence in _verdict(outcome):
        screen.show(Text(sentence, style="bold green" if outcome.convincing else "bold red"))
    screen.show("")
    here = Path.cwd()
    for name, what in (
        ("report.html", "the answer and its audit: click a sentence to see its evidence"),
        ("tampered.html", "the same with the three faults: see what lights up"),
        ("report.md", "the answer as plain text"),
    ):
        screen.show(Text.assemble((f"  {near(outcome.files[name], here)}", "cyan"), f"  {what}"))


def _show_hosts(screen: Screen, data: str, roots: Sequence[str]) -> None:
    screen.show("", Text("Use this library from your assistant", style="bold"))
    screen.show("Claude Desktop, Cursor and most others: put this into the configuration file.", "")
    screen.show(desktop_json(data=data, roots=roots), "", "Claude Code: run these.", "")
    screen.show(*claude_code_lines(data=data, roots=roots), "")
    more = "" if roots else "Add --root FOLDER to let it read and add your own files. "
    screen.show(f"{more}Leave out --data to use your own library instead of the one made here.")


def _verdict(outcome: Outcome) -> list[str]:
    """What came of the faults, in sentences: what was found, what was left open and why, what slipped through."""
    pairs = list(zip(outcome.planted, outcome.caught, strict=True))
    if not pairs:
        return ["Nothing was planted, for there was no good evidence to quote: ask something the documents answer."]
    if all(finding.found for _, finding in pairs):
        return [f"All {len(pairs)} were found."]
    said = [f"Found: {sum(finding.found for _, finding in pairs)} of {len(pairs)}."]
    for planted, finding in pairs:
        if finding.state == "not vouched for":
            said.append(f"Not vouched for: {_NAMES[planted.kind]}. {_why_open(planted)}")
        elif finding.state == "missed":
            said.append(f"Missed: {_NAMES[planted.kind]}.")
    if all(planted.kind != "quote" for planted, _ in pairs):
        said.append("No quotation was altered, for none has a number or a word to turn round.")
    return said


def _why_open(planted: Planted) -> str:
    if planted.kind == "reference":
        return "The literature could not be asked from here, so the audit does not say that it does not exist."
    return "The audit does not call it supported, and leaves it to your judgement."


def _first_lines(outcome: Outcome) -> Group:
    """The question and the sentences that open each answer, as a taste."""
    parts: list[Text | Padding] = []
    for brief in outcome.briefs:
        parts.append(Text(clean(brief.question), style="bold"))
        for line in brief.answer or brief.lines[:1]:
            said = Text.assemble("“", clean(line.sentence.text), "” ", (f"[{line.number}]", "cyan"))
            parts.append(Padding(said, (0, 0, 0, 4)))
        if not brief.lines:
            titles = dict.fromkeys(clean(found.title) for found in brief.near)
            words = (
                f"no sentence answers it; nearest: {', '.join(titles)}"
                if titles
                else "no good evidence in these documents"
            )
            parts.append(Padding(Text(words, style="yellow"), (0, 0, 0, 4)))
    return Group(*parts)


def _fault(planted: Planted, finding: Finding) -> Group:
    mark, style = _MARKS[finding.state]
    change = f": {clean(planted.change)}" if planted.change else ""
    head = Text.assemble((f"  {mark} ", style), (_WHAT[planted.kind], "bold"), change)
    said = Padding(Text(clean(planted.text), style="dim"), (0, 0, 0, 6))
    state = "" if finding.found else f"{finding.state}: "
    verdict = Padding(Text.assemble(("the audit: ", "dim"), (state, style), clean(finding.verdict)), (0, 0, 1, 6))
    return Group(head, said, verdict)


def _as_data(outcome: Outcome) -> dict[str, object]:
    return {
        "convincing": outcome.convincing,
        "questions": [{"question": brief.question, "strength": brief.strength} for brief in outcome.briefs],
        "library": asdict(outcome.added),
        "planted": [
            {**asdict(planted), "found": finding.found, "state": finding.state, "verdict": finding.verdict}
            for planted, finding in zip(outcome.planted, outcome.caught, strict=True)
        ],
        "files": {name: str(path) for name, path in outcome.files.items()},
    }
