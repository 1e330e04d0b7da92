from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mcp import Client
from mcp.server.mcpserver import MCPServer

from carrel_client.desk import Desk, Setup, server_arguments, server_environment
from carrel_client.errors import ClientError, ToolFailed


def test_a_server_is_given_its_settings_and_nothing_else_of_the_users_environment():
    given = {"CARREL_CONTACT": "a@b.c", "AWS_SECRET_ACCESS_KEY": "x", "XDG_CACHE_HOME": "/c", "LANG": "C", "HOME": "/h"}
    assert set(server_environment(given)) == {"CARREL_CONTACT", "XDG_CACHE_HOME", "LANG"}


def test_options_become_the_servers_arguments():
    arguments = server_arguments("search", Setup(data="d", encoder="none", roots=(Path("a"), Path("b"))))
    assert arguments == ["-P", "-m", "carrel_search", "--data", "d", "--encoder", "none", "--root", "a", "--root", "b"]


async def test_a_server_takes_no_module_from_the_folder_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("json", "random", "queue", "h2", "pydantic"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken from the working folder')")
    monkeypatch.chdir(tmp_path)
    setup = Setup(data=str(tmp_path / "library"), encoder="none", environment={"CARREL_MODELS": str(tmp_path / "m")})
    async with Desk(setup) as desk:
        assert (await desk.call("library_status")).data["collections"] == []


async def test_a_real_server_starts_answers_and_is_gone_when_the_desk_closes(tmp_path: Path):
    setup = Setup(data=str(tmp_path / "library"), encoder="none", environment={"CARREL_MODELS": str(tmp_path / "m")})
    async with Desk(setup) as desk:
        status = await desk.call("library_status")
        assert status.data["collections"] == []
        began = time.perf_counter()
    assert time.perf_counter() - began < 20


async def test_a_server_that_refuses_its_settings_tells_why_in_one_line(tmp_path: Path):
    async with Desk(Setup(environment={"CARREL_CONTACT": "nobody"})) as desk:
        with pytest.raises(ClientError, match=r"carrel-search did not start: .*CARREL_CONTACT") as caught:
            await desk.call("library_status")
    assert "\n" not in caught.value.message


async def test_an_address_where_nobody_listens_is_told_with_what_to_do(unused_port: int):
    async with Desk(Setup(urls={"search": f"http://127.0.0.1:{unused_port}/mcp"})) as desk:
        with pytest.raises(ClientError, match="carrel-search --transport http"):
            await desk.call("library_status")


async def test_a_server_that_dies_in_a_call_is_an_error_and_no_hang():
    code = (
        "import os\nfrom mcp.server.mcpserver import MCPServer\nserver = MCPServer('d')\n"
        "@server.tool()\ndef library_status() -> str:\n    os._exit(3)\nserver.run('stdio')\n"
    )

    def connect(_: str) -> Client:
        from mcp import StdioServerParameters

        return Client(StdioServerParameters(command=sys.executable, args=["-c", code]))

    async with Desk(Setup(), connect=connect) as desk:
        with pytest.raises(ToolFailed) as caught:
            await asyncio.wait_for(desk.call("library_status"), 20)
    assert caught.value.kind == "unavailable"


async def test_many_calls_at_once_start_a_server_only_once(tmp_path: Path):
    started = []

    def connect(name: str) -> Client:
        started.append(name)
        server = MCPServer("one")

        @server.tool()
        def library_status() -> str:
            return "fine"

        return Client(server)

    async with Desk(Setup(), connect=connect) as desk:
        replies = await asyncio.gather(*(desk.call("library_status") for _ in range(8)))
    assert [reply.text for reply in replies] == ["fine"] * 8
    assert started == ["search"]


def test_an_interrupt_ends_the_command_with_130_and_no_trace(tmp_path: Path):
    code = (
        "import sys, asyncio\n"
        "from carrel_client import cli, desk\n"
        "async def hang(self, *a, **k):\n"
        "    print('ready', file=sys.stderr, flush=True); await asyncio.sleep(60)\n"
        "desk.Desk.call = hang\n"
        "sys.exit(cli.run_command(['fetch', 'https://example.org/'], cli.Session()))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(10) == 130
    assert "Traceback" not in rest


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path):
    code = "import sys\nfrom carrel_client import cli\nsys.exit(cli.run_command(['hosts'], cli.Session()))\n"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(20) in (0, 1)
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
