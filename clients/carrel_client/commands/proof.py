"""``carrel quote`` and ``carrel audit``: the proof desk."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from carrel_client.adding import add_and_wait
from carrel_client.audits import FAULTS, Audit, audit_rows, page_of
from carrel_client.desk import Desk
from carrel_client.errors import EXIT_FAILED, EXIT_USAGE, ClientError
from carrel_client.screen import clean, facts
from carrel_client.session import Run, common
from carrel_client.wording import PROBLEM_WORDS

__all__ = ["audit", "quote", "text_of"]

_STYLES = {"verbatim": "green", "normalized": "green", "elided": "green", "near": "yellow", "altered": "bold red"}
_FAITHFUL = ("verbatim", "normalized", "elided", "near")
_SUFFIX = re.compile(r"\.(?:md|markdown|txt|text|rst|html?|xhtml|pdf|docx?|odt|epub|csv|json|xml|tex|log)$", re.I)
_WORDS_OF_A_NAME = 5  # a longer line that ends in a file's name is a sentence about that file
_OTHER_NAME = re.compile(
    r"https?://|carrel://|`|doi:|10\.\d{4,9}/|arxiv:|pmid:|[a-z-]+(?:\.[A-Z]{2})?/\d{7}|[a-z2-7]{16}(?::|$)", re.I
)
_FAIL_ON = {"never": (), "fault": FAULTS, "any": None}


@click.command()
@click.argument("words", metavar="QUOTE")
@click.argument("source")
@common
def quote(run: Run, words: str, source: str) -> int:
    """Tell whether a quote stands in a source: a reference, a URL, a DOI, a file, or the text itself.

    Exit code 1 when the source does not say it.
    """
    file = _file_of(source)
    if file is None:
        found = run.go(lambda desk: desk.call("check_quote", quote=words, source=source)).data
    else:
        found = _in_file(run, words, file)
    run.screen.data(dict(found))
    verdict = str(found.get("verdict"))
    run.screen.show(Text.assemble((verdict, _STYLES.get(verdict, "bold red")), f"  {clean(found.get('meaning', ''))}"))
    rows = [(name, found.get(name)) for name in ("matched", "ref", "title", "source", "link", "note")]
    run.screen.show(facts([*rows, ("what changed", _edits(found.get("critical_edits") or []))]))
    return 0 if verdict in _FAITHFUL else EXIT_FAILED


def _file_of(source: str) -> Path | None:
    """The file a source names, or None when it names something else. Raises ClientError when there is no such file."""
    path = Path(source).expanduser() if source.startswith("~") else Path(source)
    try:
        if path.is_file():
            return path.absolute()
    except (OSError, ValueError):  # a whole text is too long for a file name
        return None
    if _is_path(source):
        why = "a folder is no source; name a file in it" if path.is_dir() else f"there is no file {source}"
        raise ClientError(why, exit_code=EXIT_USAGE)
    return None


def _is_path(source: str) -> bool:
    """Whether a source is written like a path, and not like a reference, an address, an identifier or a sentence."""
    if "\n" in source or "\r" in source or _OTHER_NAME.match(source):
        return False
    words = len(source.split())
    rooted = source.startswith(("/", "~", "./", "../", "\\")) or re.match(r"[A-Za-z]:\\", source) is not None
    if _SUFFIX.search(source):
        return rooted or words <= _WORDS_OF_A_NAME
    return ("/" in source or "\\" in source) and (rooted or words == 1)


def _in_file(run: Run, words: str, file: Path) -> Mapping[str, Any]:
    """Check a quote in a file: the search server reads it, whatever its type, and its reference is what is checked.

    The collection made for that goes at once; the text stays, so that the reference in the answer opens.
    """
    collection = f"quote-{hashlib.sha256(str(file.resolve()).encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"

    async def work(desk: Desk) -> Mapping[str, Any]:
        await add_and_wait(desk, [str(file)], lambda *_: None, collection=collection)
        held = await desk.call("remove_documents", collection=collection, whole_collection=True, dry_run=False)
        ref = str(held.data["refs"][0])
        return (await desk.call("check_quote", quote=words, source=ref)).data

    quiet = replace(run, setup=replace(run.setup, encoder="none"))  # nothing is searched for, so no vectors are made
    return quiet.go(work, roots=(file.parent,))


def _edits(edits: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(
        f"{edit.get('kind')}: “{edit.get('quote', '')}” where the source has “{edit.get('source', '')}”"
        for edit in edits
    )


def text_of(name: str) -> str:
    """The text of a file, or of standard input for "-". Raises ClientError."""
    if name == "-":
        return sys.stdin.read()
    path = Path(name)
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClientError(
            f"{path} is not text; add it with: carrel add {path}, and name its reference", exit_code=EXIT_USAGE
        ) from error
    except OSError as error:
        raise ClientError(f"{path} cannot be read: {error.strerror}", exit_code=EXIT_USAGE) from error


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Write the audit as a web page.")
@click.option(
    "--fail-on",
    type=click.Choice(list(_FAIL_ON)),
    default="never",
    show_default=True,
    help="Exit with 1 on a fault (altered, contradicted, not found, made up), or on any problem.",
)
@common
def audit(run: Run, file: str, page: Path | None, fail_on: str) -> int:
    """Audit a report: every sentence against its citations, every quotation, every reference."""
    text = text_of(file)
    if not text.strip():
        raise ClientError("the report is empty; give a file that has some text", exit_code=EXIT_USAGE)

    async def work(desk: Desk) -> tuple[Audit, str]:
        made = Audit((await desk.call("audit_report", progress=report, text=text)).data)
        return made, await page_of(desk, made) if page else ""

    with run.screen.progress("auditing") as report:
        made, shown = run.go(work)
    if page:
        page.write_text(shown, encoding="utf-8")
    run.screen.data(dict(made.data))
    run.screen.show(facts(audit_rows(made)), "", *map(_problem, made.problems))
    if omitted := made.data.get("omitted"):
        run.screen.show(f"and {omitted} more problems; --html shows them all")
    if page:
        run.screen.say(f"written: {page}")
    kinds = _FAIL_ON[fail_on]
    failing = [one for one in made.problems if kinds is None or one.get("kind") in kinds]
    return EXIT_FAILED if failing else 0


def _problem(problem: Mapping[str, Any]) -> Text:
    kind = str(problem.get("kind"))
    text = Text()
    text.append(PROBLEM_WORDS.get(kind, kind.replace("_", " ")), style="bold red" if kind in FAULTS else "yellow")
    if problem.get("reference"):
        text.append(f" [{clean(problem['reference'])}]", style="cyan")
    text.append(f"\n  {clean(problem.get('text', ''))}\n")
    text.append(f"  {clean(problem.get('detail', ''))}\n", style="dim")
    return text
