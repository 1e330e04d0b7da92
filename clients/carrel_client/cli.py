"""The command line: its commands, and how they end."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence

import click

from carrel_client.errors import EXIT_FAILED, EXIT_OK, EXIT_USAGE, ClientError
from carrel_client.session import Session
from carrel_client.wording import in_commands

__all__ = ["Session", "cli", "run_command"]

EXIT_STOPPED = 130  # 128 + SIGINT, as shells report it

_HOMES = {
    "demo": "demonstrate",
    "research": "investigate",
    "add": "library",
    "sync": "following",
    "search": "seeking",
    "rank": "seeking",
    "read": "library",
    "remove": "library",
    "fetch": "outside",
    "web-search": "wide",
    "crawl": "wide",
    "papers": "outside",
    "quote": "proof",
    "audit": "proof",
    "cite": "citing",
    "collections": "keeping",
    "catalogue": "literature",
    "retractions": "literature",
    "evaluate": "measuring",
    "doctor": "house",
    "models": "house",
    "hosts": "house",
}


class _Lazy(click.Group):
    """Commands are imported when used, so that ``carrel --help`` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_HOMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _HOMES:
            return None
        home = importlib.import_module(f"carrel_client.commands.{_HOMES[cmd_name]}")
        command = getattr(home, cmd_name.replace("-", "_"))
        return command if isinstance(command, click.Command) else None


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="carrel", prog_name="carrel")
def cli() -> None:
    """Search your library, read the web, look up the literature, verify every citation.

    Every command speaks MCP to the Carrel servers, exactly as an assistant would. Start with: carrel demo
    """


def run_command(arguments: Sequence[str], session: Session) -> int:
    """Run one command line and return its exit code; an expected failure becomes one line on stderr."""
    try:
        code = cli.main(list(arguments), prog_name="carrel", standalone_mode=False, obj=session)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return EXIT_USAGE
    except click.ClickException as error:
        error.show(file=sys.stderr)
        return EXIT_USAGE
    except ClientError as error:
        _tell(error, as_json="--json" in arguments)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped", err=True)
        return EXIT_STOPPED
    except BrokenPipeError:
        # The reader of our output left (``carrel search … | head``): nothing failed. Point stdout elsewhere, or the
        # interpreter complains when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except OSError as error:
        _tell(ClientError(f"{error.strerror or type(error).__name__}: {error.filename or 'a file'}"), as_json=False)
        return EXIT_FAILED
    return code if isinstance(code, int) else EXIT_OK


def _tell(error: ClientError, *, as_json: bool) -> None:
    message = in_commands(error.message)
    if as_json:
        click.echo(json.dumps({"error": {"kind": error.kind, "message": message}}, ensure_ascii=False))
    click.echo(f"carrel: {message}", err=True)
