"""A door's whole ``main()``: arguments, settings, transport, exit status."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import logging
import os
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import NoReturn, get_args

import anyio

from carrel.errors import BadRequest, CarrelError
from carrel.mcp.guard import LOOPBACK, host_of, is_loopback
from carrel.mcp.server import CarrelServer
from carrel.settings import Reality, Settings

__all__ = ["run"]

MIN_TOKEN = 16  # characters: below this a token can be guessed over a network


def run(create_server: Callable[[Settings], CarrelServer], *, prog: str, argv: Sequence[str] | None = None) -> None:
    """Read arguments and ``CARREL_*``, create the server and serve it until it is told to stop.

    Ends with status 0 when stdin closes or a signal stops it, 2 after one sentence on stderr for a wrong option, and
    1 for what could not be started.
    """
    try:
        _serve(create_server, _parser(prog).parse_args(argv))
        code = 0
    except CarrelError as failure:
        sys.stderr.write(f"{prog}: {failure}\n")
        code = 2 if isinstance(failure, BadRequest) else 1
    if argv is None:  # the process is ours: threads that still run must not keep it alive
        _leave(code)
    if code:
        sys.exit(code)


def _serve(create_server: Callable[[Settings], CarrelServer], options: argparse.Namespace) -> None:
    _log_to_stderr(options.log_level)
    server = create_server(_settings(options, os.environ))
    server.restrict(only=options.tools, without=options.without)
    anyio.run(_transport(server, options, os.environ))


def _leave(code: int) -> None:
    """End the process at once if other threads run: a stuck one would keep it alive, a native one may crash its end."""
    if threading.active_count() > 1:
        logging.shutdown()
        sys.stderr.flush()
        os._exit(code)


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=prog, description=f"{prog}: an MCP server of the Carrel suite.", allow_abbrev=False)
    add = parser.add_argument
    add("--transport", choices=("stdio", "http", "sse"), default="stdio", help="how clients connect (stdio)")
    add("--host", default="127.0.0.1", help="address to listen on; others than 127.0.0.1 need CARREL_TOKEN")
    add("--port", type=_port, default=8000, help="port to listen on, 0 for a free one (8000)")
    add("--allow-host", action="append", default=[], metavar="NAME", help="another host name clients may use")
    add("--data", type=Path, metavar="DIR", help="where the library lives")
    add("--root", type=Path, action="append", default=[], metavar="DIR", help="folder whose files may be read")
    add("--encoder", metavar="NAME", help="encoder for dense search, or none")
    add("--read-only", action="store_true", help="leave out every tool that writes")
    add(
        "--reality",
        choices=get_args(Reality),
        help="where pages come from (cached): the web, a fresh copy, a recording",
    )
    add("--record", type=Path, metavar="FILE", help="write whatever the web answers into a WARC file")
    add("--replay", type=Path, metavar="FILE", help="answer only from a WARC file (frozen)")
    add("--tools", type=_names, default=[], metavar="A,B", help="offer only these tools")
    add("--without", type=_names, default=[], metavar="A,B", help="leave these tools out")
    add("--log-level", type=str.upper, choices=("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")
    add("--version", action="version", version=f"{prog} {metadata.version('carrel')}")
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return int(text)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _settings(options: argparse.Namespace, environment: Mapping[str, str]) -> Settings:
    """Let options override the environment; ``--root`` replaces ``CARREL_ROOTS``."""
    settings = Settings.from_environment(environment)
    changes: dict[str, object] = {}
    if options.data is not None:
        changes["data"] = options.data.expanduser().absolute()
    if options.root:
        changes["roots"] = tuple(_folder(root) for root in options.root)
    if options.encoder is not None:
        changes["encoder"] = options.encoder
    if options.read_only:
        changes["read_only"] = True
    if options.reality is not None:
        changes["reality"] = options.reality
    if options.record is not None:
        changes["record"] = _recording(options.record)
    if options.replay is not None:
        changes["replay"] = options.replay.expanduser().absolute()
        changes.setdefault("reality", "frozen")
    return dataclasses.replace(settings, **changes)  # type: ignore[arg-type]


def _folder(path: Path) -> Path:
    folder = path.expanduser().absolute()
    if not folder.is_dir():
        raise BadRequest(f"--root {path} is not a folder; name one that exists")
    return folder


def _recording(path: Path) -> Path:
    file = path.expanduser().absolute()
    if not file.parent.is_dir():
        raise BadRequest(f"--record {path} lies in a folder that does not exist; make it first")
    return file


def _transport(
    server: CarrelServer, options: argparse.Namespace, environment: Mapping[str, str]
) -> Callable[[], Awaitable[None]]:
    # The HTTP stack is loaded when it is wanted.
    from carrel.mcp.transports import serve_http, serve_stdio

    if options.transport == "stdio":
        return functools.partial(serve_stdio, server)
    token = _token(options.host, environment)
    hosts = [*LOOPBACK, *_own_names(options.host), *map(_host_name, options.allow_host)]
    return functools.partial(
        serve_http, server, options.transport, host=options.host, port=options.port, hosts=hosts, token=token
    )


def _token(host: str, environment: Mapping[str, str]) -> str:
    token = environment.get("CARREL_TOKEN", "").strip()
    if not is_loopback(host) and len(token) < MIN_TOKEN:
        raise BadRequest(
            f"--host {host} can be reached from other machines: set CARREL_TOKEN to a secret of at least "
            f"{MIN_TOKEN} characters, which clients then send as a bearer token"
        )
    return token


def _own_names(host: str) -> list[str]:
    if is_loopback(host):
        return []
    bracketed = f"[{host}]" if ":" in host else host
    return [bracketed] if host not in ("0.0.0.0", "::") else [socket.gethostname()]


def _host_name(text: str) -> str:
    if (name := host_of(text)) is None:
        raise BadRequest(f"--allow-host {text} is not a host name; write one like search.example.org")
    return name


def _log_to_stderr(level: str) -> None:
    # Before the SDK does it in its own, wider, way; stdout is the wire.
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("mcp", "httpx2", "sse_starlette", "uvicorn"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(level)))
