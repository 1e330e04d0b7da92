"""A command line whose servers live in this process: the true ones, over a temporary library, without a model.

The internet is pretended: nothing answers, unless a test says what does.
"""

from __future__ import annotations

import importlib
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client

from carrel.scholarly import Scholar
from carrel.settings import Settings
from carrel.web import WebClient
from carrel_client.cli import Session, run_command

NOTES = {
    "harbour.md": "# Harbour SDK\n\nThe Harbour SDK is a Python library for building ferry servers.\n\n"
    "## Transports\n\nThe Harbour SDK supports three transports: rope, wire and radio. "
    "The radio transport reaches servers that are 40 miles away. The wire transport is the fastest of them, but a "
    "storm can cut it. The rope transport needs no power at all and carries one message in each minute.\n\n"
    "## Installing\n\nInstall the package and then name the harbour in its settings file. Every ferry registers with "
    "the harbour when it starts, and the harbour forgets a ferry that was silent for a whole day.\n",
    "cats.md": "# Cats\n\nCats sleep for fourteen hours of every single day.\n",
}

Internet = Callable[[httpx2.Request], httpx2.Response]


def nothing_answers(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("no network", request=request)


class PretendTime:
    """Politeness costs no time: whoever sleeps finds the clock moved on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def internet() -> list[Internet]:
    """What answers for the internet: the last one put in."""
    return [nothing_answers]


class Ran:
    """One finished command: its exit code, stdout and stderr."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def carrel(tmp_path: Path, internet: list[Internet], capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run ``carrel …`` against in-process servers that may read ``tmp_path``."""

    def connect(name: str) -> Client:
        settings = Settings(data=tmp_path / "library", models=tmp_path / "models", roots=(tmp_path,), encoder="none")
        time = PretendTime()
        client = WebClient(transport=httpx2.MockTransport(internet[-1]), retries=0, clock=time.clock, sleep=time.sleep)
        scholar = Scholar(client, clock=time.clock, sleep=time.sleep)
        seams: dict[str, dict[str, Any]] = {
            "web": {"client": client},
            "scholar": {"scholar": scholar},
            "citations": {"client": client, "scholar": scholar},
        }
        server = importlib.import_module(f"carrel_{name}.server").create_server(settings, **seams.get(name, {}))
        return Client(server)

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = run_command(arguments, Session(connect=connect))
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
