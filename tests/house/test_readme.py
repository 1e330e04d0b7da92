"""What the README says is true: its commands run, its tools exist, its links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.client.sse import sse_client

from carrel.settings import Settings
from kit import REPOSITORY, Host

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
COMMANDS = [
    line
    for block in re.findall(r"^```bash\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
NEEDS_NETWORK = ("fetch", "papers")  # offline they must say that they could not look, in words


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    models = Settings.from_environment(os.environ).models
    environment = {
        **os.environ,
        "CARREL_DATA": str(folder / "data"),
        "CARREL_MODELS": str(models),
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_the_make_targets_exist() -> None:
    targets = [shlex.split(line)[1] for line in COMMANDS if line.startswith("make ")]
    assert targets == ["demo", "test"]
    for target in targets:
        finished = subprocess.run(
            ["make", "--dry-run", target], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
        )
        assert finished.returncode == 0, finished.stderr


def test_the_commands_run_one_after_the_other(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "clients" / "examples" / "notes", tmp_path / "clients" / "examples" / "notes")
    ours = [line for line in COMMANDS if not line.startswith("make ")]
    assert len(ours) >= 8
    for line in ours:
        program, *arguments = shlex.split(line)
        assert program.startswith(".venv/bin/"), f"not a command of this repository: {line}"
        finished = _run([str(BIN / Path(program).name), *arguments], tmp_path)
        assert "Traceback" not in finished.stderr, finished.stderr
        if arguments[0] in NEEDS_NETWORK and finished.returncode == 1:
            assert re.search(r"could not|unavailable|not reach", finished.stdout + finished.stderr), finished
        else:
            assert finished.returncode == 0, (line, finished.stdout, finished.stderr)


def test_the_host_configuration_is_valid_and_names_real_commands() -> None:
    (block,) = re.findall(r"^```json\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    servers = json.loads(block)["mcpServers"]
    assert len(servers) == 4
    for name, entry in servers.items():
        assert Path(entry["command"]).name == name
        assert (BIN / name).exists()


@pytest.mark.parametrize("server", ["search", "web", "scholar", "citations"])
async def test_the_table_of_tools_is_complete(server: str, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", models=tmp_path, encoder="none")
    built = import_module(f"carrel_{server}.server").create_server(settings)
    async with Client(Host(built).server) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
    await built.aclose()
    row = next(line for line in README.splitlines() if line.startswith(f"| `carrel-{server}`"))
    assert re.findall(r"`(\w+)`", row.split("|")[2]) == names


def test_links_lead_to_files_that_are_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (REPOSITORY / target).exists(), target


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_every_server_serves_the_address_that_the_readme_gives(transport: str, tmp_path: Path) -> None:
    path = {"http": "/mcp", "sse": "/sse"}[transport]
    assert f"`--transport {transport}" in README or f"--transport {transport} " in README
    assert f"127.0.0.1:8801{path}`" in README
    for server in ("search", "web", "scholar", "citations"):
        command = [str(BIN / f"carrel-{server}"), "--transport", transport, "--port", "0", "--data", str(tmp_path)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL) as process:
            assert process.stderr is not None
            line = next((each for each in process.stderr if "http://" in each), "")
            address = line[line.index("http://") :].strip()
            try:
                assert address.endswith(path)
                assert anyio.run(_tools_at, address)
            finally:
                process.terminate()


async def _tools_at(address: str) -> list[str]:
    async with Client(sse_client(address) if address.endswith("/sse") else address) as client:
        return [tool.name for tool in (await client.list_tools()).tools]
