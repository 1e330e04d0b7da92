"""What every command shares: its options, its screen and its desk of servers."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from carrel_client.desk import SERVERS, Desk, Setup
from carrel_client.errors import EXIT_USAGE, ClientError
from carrel_client.naming import Place, places
from carrel_client.screen import Screen
from carrel_client.whereabouts import lies_here, need_library

if TYPE_CHECKING:
    from mcp import Client

__all__ = ["Run", "Session", "common", "root_of"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Session:
    """What ``main`` read from the outside, handed to the commands as click's context object."""

    environment: Mapping[str, str] = field(default_factory=dict)
    connect: Callable[[str], Client] | None = None  # a seam: tests hand in servers that live in this process


@dataclass(slots=True)
class Run:
    """One command being run."""

    screen: Screen
    setup: Setup
    connect: Callable[[str], Client] | None = None

    def go(self, work: Callable[[Desk], Awaitable[T]], *, roots: tuple[Path, ...] = ()) -> T:
        """Open a desk whose servers may read ``roots``, do the work, close it."""
        setup = replace(self.setup, roots=(*self.setup.roots, *roots))

        async def with_desk() -> T:
            async with Desk(setup, connect=self.connect) as desk:
                return await work(desk)

        return asyncio.run(with_desk())

    @property
    def knows_where(self) -> bool:
        """Whether the library is one on this machine that this command opens itself."""
        return self.connect is None and "search" not in self.setup.urls

    @property
    def lacks_library(self) -> bool:
        """Whether there is surely no library yet."""
        return self.knows_where and not lies_here(self.setup)

    def need_library(self) -> None:
        """Raise ClientError where there is nothing to look into; nothing is made on the way."""
        if self.knows_where:
            need_library(self.setup)

    def places(self, *roots: Path) -> Place:
        """How to name sources for this user, who also knows ``roots``."""
        environment = self.setup.environment
        return places((*self.setup.roots, *roots), environment.get("HOME") or environment.get("USERPROFILE") or "")


def root_of(path: Path) -> Path:
    """The folder a server must be allowed to read to see ``path``."""
    return path if path.is_dir() else path.parent


def _urls(values: tuple[str, ...]) -> dict[str, str]:
    urls = {}
    for value in values:
        name, _, url = value.partition("=")
        if name not in SERVERS or not url.startswith(("http://", "https://")):
            raise ClientError(
                f"--server wants NAME=URL with NAME one of {', '.join(SERVERS)}, such as search=http://127.0.0.1:8101/mcp",
                exit_code=EXIT_USAGE,
            )
        urls[name] = url
    return urls


_OPTIONS = [
    click.option("--data", type=click.Path(file_okay=False), default="", help="Library folder (default: CARREL_DATA)."),
    click.option("--encoder", default="", help="Encoder name, or 'none' for lexical search only."),
    click.option("--server", "servers", multiple=True, metavar="NAME=URL", help="Use a running server instead."),
    click.option("--json", "as_json", is_flag=True, help="One JSON value on stdout, all else on stderr."),
    click.option("--verbose", is_flag=True, help="Show what the servers log."),
]


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the shared options and, as its first argument, the `Run` made from them."""

    @functools.wraps(command)
    def wrapped(*, data: str, encoder: str, servers: tuple[str, ...], as_json: bool, verbose: bool, **rest: Any) -> Any:
        session = click.get_current_context().find_object(Session) or Session()
        setup = Setup(
            data=str(Path(data).expanduser().absolute()) if data else "",
            encoder=encoder,
            urls=_urls(servers),
            environment=session.environment,
            verbose=verbose,
        )
        return command(Run(Screen(as_json=as_json), setup, session.connect), **rest)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
