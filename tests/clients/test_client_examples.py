from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "clients" / "examples"


class _Model(BaseHTTPRequestHandler):
    """A pretend language model: it first searches the library, then answers with what the tool said."""

    asked: list[dict]
    seen_keys: list[str]
    status = 200

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body)
        self.seen_keys.append(self.headers.get("Authorization", ""))
        last = body["messages"][-1]
        if last["role"] == "user":
            names = {"search_library": '{"queries": ["ferry transports"]}', "no_such_tool": "{}", "library_status": "{"}
            calls = [
                {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
                for n, (name, arguments) in enumerate(names.items())
            ]
            message = {"role": "assistant", "content": None, "tool_calls": calls}
        else:
            message = {"role": "assistant", "content": "The model answers."}
        reply = json.dumps({"choices": [{"message": message}]}).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def model() -> Iterator[tuple[str, type[_Model]]]:
    handler = type("Model", (_Model,), {"asked": [], "seen_keys": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", handler
    server.shutdown()
    server.server_close()
    thread.join()


def run(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / script), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "CARREL_ENCODER": "none", **environment},
        check=False,
    )


def test_the_agent_loop_offers_every_tool_runs_the_calls_and_prints_the_answer(model, tmp_path: Path):
    url, handler = model
    done = run(
        "agent_loop.py",
        "Which transports?",
        AGENT_BASE_URL=url,
        AGENT_MODEL="pretend",
        AGENT_API_KEY="k",
        CARREL_DATA=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "The model answers."
    offered = {tool["function"]["name"] for tool in handler.asked[0]["tools"]}
    assert {"search_library", "read_page", "find_papers", "audit_report"} <= offered
    answers = [message["content"] for message in handler.asked[1]["messages"] if message["role"] == "tool"]
    assert len(answers) == 3
    assert "there is no tool no_such_tool" in answers[1]
    assert "not JSON" in answers[2]
    assert handler.seen_keys == ["Bearer k", "Bearer k"]


def test_the_agent_loop_without_an_endpoint_says_what_to_set():
    done = run("agent_loop.py", "x", AGENT_BASE_URL="", AGENT_MODEL="")
    assert done.returncode == 1
    assert "AGENT_BASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_quickstart_adds_a_folder_and_prints_the_best_passage(notes: Path, tmp_path: Path):
    done = run(
        "quickstart.py",
        str(notes),
        "Which transports does Harbour support?",
        CARREL_DATA=str(tmp_path / "lib"),
        XDG_DATA_HOME=str(tmp_path / "home"),
    )
    assert done.returncode == 0, done.stderr
    assert "Harbour SDK" in done.stdout
    assert "three transports" in done.stdout
    assert (tmp_path / "lib").exists(), "the library named by the environment is the one used"
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("fault", ["folder", "empty", "data", "settings", "question"])
def test_the_quickstart_ends_a_failure_with_one_sentence(fault: str, notes: Path, tmp_path: Path):
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "file").touch()
    folder = {"folder": tmp_path / "nowhere", "empty": empty}.get(fault, notes)
    data = tmp_path / ("file" if fault == "data" else "lib")
    contact = {"CARREL_CONTACT": "nobody"} if fault == "settings" else {}
    question = "zzzz qqqq" if fault == "question" else "Which transports?"
    done = run("quickstart.py", str(folder), question, CARREL_DATA=str(data), **contact)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and done.stderr.strip()


@pytest.mark.parametrize(
    ("address", "words"),
    [("http://127.0.0.1:1/v1", "could not be reached"), ("http://[::1", "is not an address")],
)
def test_the_agent_loop_ends_a_failure_with_one_sentence(address: str, words: str, tmp_path: Path):
    done = run("agent_loop.py", "x", AGENT_BASE_URL=address, AGENT_MODEL="m", CARREL_DATA=str(tmp_path))
    assert done.returncode == 1
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
