from __future__ import annotations

import importlib.metadata as metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest

from carrel_client.distributions import shipped_documents
from carrel_client.errors import ClientError
from carrel_client.hosts import server_command
from carrel_client.model import encoders, model_command


def test_doctor_finds_the_servers_and_says_that_the_library_is_empty(carrel):
    ran = carrel("doctor", "--json")
    assert ran.code == 0
    states = {row["check"]: row["state"] for row in ran.json}
    assert {"carrel-search", "carrel-web", "carrel-scholar", "carrel-citations", "library", "encoder"} <= set(states)
    assert states["encoder"] == "warn"
    assert "empty" in next(row["detail"] for row in ran.json if row["check"] == "library")


def test_the_hosts_block_starts_each_server_by_an_absolute_path(carrel, tmp_path: Path):
    servers = carrel("hosts", "--json", "--data", str(tmp_path)).json["mcpServers"]
    assert set(servers) == {"carrel-search", "carrel-web", "carrel-scholar", "carrel-citations"}
    for server in servers.values():
        assert Path(server["command"]).is_absolute()
        assert str(tmp_path) in server["args"]


def test_without_console_scripts_a_server_is_started_as_a_module(tmp_path: Path):
    python = str(tmp_path / "python")
    assert server_command("web", executable=python) == [python, "-P", "-m", "carrel_web"]


def _program(tmp_path: Path, code: str) -> list[str]:
    script = tmp_path / "models.py"
    script.write_text(code)
    return [sys.executable, str(script)]


def test_the_model_commands_progress_is_heard_and_its_answer_returned(tmp_path: Path):
    heard: list[tuple[float, str]] = []
    lines = [{"progress": 0.5, "message": "half"}, {"encoders": [{"name": "tiny"}]}]
    program = _program(tmp_path, f"print('noise')\nfor line in {[json.dumps(line) for line in lines]!r}: print(line)\n")
    answer = model_command("install", {}, lambda done, _, said: heard.append((done, said)), program=program)
    assert heard == [(0.5, "half")]
    assert encoders(answer) == [{"name": "tiny"}]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "import json, sys; print(json.dumps({'error': {'message': 'nothing to install from'}})); sys.exit(1)",
            "nothing to",
        ),
        ("raise ValueError('broken program')", "broken program"),
        ("import sys; sys.exit(4)", "verify failed"),
    ],
)
def test_a_model_command_that_fails_is_told_in_its_own_words(tmp_path: Path, code: str, words: str):
    with pytest.raises(ClientError, match=words):
        model_command("verify", {}, lambda *_: None, program=_program(tmp_path, code))


def _distribution(site: Path, name: str, body: str, **files: str) -> metadata.Distribution:
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n\n{body}")
    recorded = [f"{info.name}/METADATA"]
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
        recorded.append(path)
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in recorded))
    return metadata.Distribution.at(info)


def test_descriptions_and_guides_are_found_and_licences_and_scraps_are_not(tmp_path: Path):
    site = tmp_path / "site-packages"
    long = "A sentence that says something. " * 30
    found = shipped_documents(
        [
            _distribution(site, "harbour", long, **{"harbour/GUIDE.md": long, "harbour/LICENSE.txt": long}),
            _distribution(site, "scrap", "Too short."),
            _distribution(site, "ferry", long, **{"ferry/notes.md": "tiny", "ferry/tests/cases.md": long}),
        ]
    )
    names = [str(path.relative_to(site)) for path in found.files]
    assert names == ["ferry-1.0.dist-info/METADATA", "harbour-1.0.dist-info/METADATA", "harbour/GUIDE.md"]
    assert found.roots == (site,)


def test_what_this_machine_ships_is_enough_for_a_demonstration():
    found = shipped_documents()
    assert len(found.files) >= 20
    assert all(path.is_file() for path in found.files)


def test_the_command_line_never_loads_the_engine_or_the_servers():
    code = (
        "import sys, carrel_client.cli as c\n"
        "for name in c._HOMES: c.cli.get_command(None, name)\n"
        "bad = [m for m in sys.modules if m.split('.')[0] in ('carrel', 'carrel_search', 'carrel_web', 'mcp')]\n"
        "sys.exit(str(bad) if bad else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_papers_that_nobody_could_be_asked_about_are_not_called_missing(carrel):
    ran = carrel("papers", "10.1000/182")
    assert ran.code == 1
    assert "could not look" in ran.out
    assert "not found" not in ran.out
    assert "crossref" in ran.err


def test_a_private_address_is_refused_in_one_line(carrel):
    ran = carrel("fetch", "http://10.0.0.1/", "--json")
    assert ran.code == 1
    assert ran.json["error"]["kind"] == "refused"


def test_the_hosts_lines_have_a_block_for_vs_code(carrel, tmp_path: Path):
    ran = carrel("hosts", "--json", "--root", str(tmp_path)).json
    servers = ran["vscode"]["servers"]
    assert {server["type"] for server in servers.values()} == {"stdio"}
    assert servers["carrel-search"]["args"] == ran["mcpServers"]["carrel-search"]["args"]
    shown = carrel("hosts", "--root", str(tmp_path)).out
    assert '"servers": {' in shown
    assert f"files from {tmp_path}" in shown


def test_who_gives_no_root_is_told_how_the_assistant_may_read_files(carrel):
    assert "carrel hosts --root FOLDER" in carrel("hosts").out


def test_a_root_is_made_absolute_and_must_be_there(carrel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes").mkdir()
    assert carrel("hosts", "--root", "notes", "--json").json["mcpServers"]["carrel-search"]["args"][-1] == str(
        tmp_path / "notes"
    )
    ran = carrel("hosts", "--root", "nowhere")
    assert ran.code == 2
    assert "there is no folder nowhere" in ran.err
