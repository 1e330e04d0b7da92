"""The command line of a door."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from carrel.errors import BadRequest, IncompatibleIndex
from carrel.mcp import CarrelServer, run
from carrel.settings import Settings


class Stop(Exception):
    """Thrown where the server would start to serve, with the settings it got."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings


def stopping(settings: Settings) -> CarrelServer:
    raise Stop(settings)


def settings_of(*argv: str) -> Settings:
    with pytest.raises(Stop) as stopped:
        run(stopping, prog="carrel-test", argv=argv)
    return stopped.value.settings


def small(settings: Settings) -> CarrelServer:
    server = CarrelServer("small", instructions="", settings=settings)

    @server.tool(text=True)
    def look_up() -> str:
        """Look up."""
        return ""

    return server


def test_options_override_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CARREL_DATA", str(tmp_path / "from-environment"))
    monkeypatch.setenv("CARREL_ROOTS", "/somewhere")
    monkeypatch.setenv("CARREL_ENCODER", "other")
    settings = settings_of()
    assert (settings.data, settings.encoder, settings.read_only) == (tmp_path / "from-environment", "other", False)
    (tmp_path / "b").mkdir()
    settings = settings_of(
        "--data", str(tmp_path / "a"), "--root", str(tmp_path), "--root", str(tmp_path / "b"), "--encoder", "none",
        "--read-only",
    )  # fmt: skip
    assert settings.data == tmp_path / "a"
    assert settings.roots == (tmp_path, tmp_path / "b")
    assert (settings.encoder, settings.read_only) == ("none", True)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--transport", "carrier-pigeon"], "invalid choice: 'carrier-pigeon'"),
        (["--port", "70000"], "must be a number from 0 to 65535"),
        (["--port", "-1"], "must be a number from 0 to 65535"),
        (["--transprot", "http"], "unrecognized arguments"),
        (["--read"], "unrecognized arguments"),
        (["--root", "no-such-folder"], "--root no-such-folder is not a folder"),
        (
            ["--record", "no-such-folder/run.warc"],
            "--record no-such-folder/run.warc lies in a folder that does not exist",
        ),
        (["--tools", "look_up,nothing"], "there is no tool nothing; the tools are look_up"),
        (["--without", "nothing"], "there is no tool nothing; the tools are look_up"),
        (["--transport", "http", "--host", "0.0.0.0"], "set CARREL_TOKEN"),
        (["--transport", "http", "--allow-host", "http://a/b"], "--allow-host http://a/b is not a host name"),
        (["--transport", "sse", "--host", "192.0.2.1"], "set CARREL_TOKEN"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_status_2(
    argv: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARREL_TOKEN", "short")
    with pytest.raises(SystemExit) as ended:
        run(small, prog="carrel-test", argv=argv)
    out, errors = capsys.readouterr()
    assert ended.value.code == 2
    assert (out, errors.count("\n")) == ("", 1)
    assert errors.startswith("carrel-test: ")
    assert words in errors


@pytest.mark.parametrize(("failure", "code"), [(BadRequest("mend it"), 2), (IncompatibleIndex("rebuild it"), 1)])
def test_a_server_that_cannot_be_created_says_why(
    failure: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def create(settings: Settings) -> CarrelServer:
        raise failure

    with pytest.raises(SystemExit) as ended:
        run(create, prog="carrel-test", argv=[])
    assert ended.value.code == code
    assert capsys.readouterr().err == f"carrel-test: {failure}\n"


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_are_printed_and_status_0(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(small, prog="carrel-test", argv=[option])
    assert ended.value.code == 0
    assert capsys.readouterr().out.splitlines()[0].startswith(("usage: carrel-test", "carrel-test 0."))


def test_a_bad_environment_is_one_sentence_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARREL_CONTACT", "nobody")
    with pytest.raises(SystemExit) as ended:
        run(small, prog="carrel-test", argv=[])
    assert ended.value.code == 2
    assert "CARREL_CONTACT must be an e-mail address" in capsys.readouterr().err


def test_an_address_in_use_is_named_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit) as ended:
        port = taken.getsockname()[1]
        run(small, prog="carrel-test", argv=["--transport", "http", "--port", str(port)])
    assert ended.value.code == 1
    message = f"carrel-test: cannot listen on 127.0.0.1 port {port}; choose another --port or --host\n"
    assert capsys.readouterr().err == message
