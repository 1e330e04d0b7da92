"""A server as a host meets it: a process of its own, JSON-RPC lines over its pipes, and nothing in between."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

PROTOCOL = "2025-06-18"


class Server:
    """``carrel_<name>`` on stdio with its own data folder; a context manager. ``started`` is when it was launched."""

    def __init__(self, name: str, data: Path, options: Sequence[str] = ()) -> None:
        command = [sys.executable, "-m", f"carrel_{name}", "--data", str(data), "--log-level", "ERROR", *options]
        self.started = time.perf_counter()
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._number = 0

    def __enter__(self) -> Server:
        hello = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        self.request("initialize", hello)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def request(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request and return its result; exits with the server's own words when it is refused."""
        self._number += 1
        self._send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if message.get("id") == self._number and ("result" in message or "error" in message):
                if "error" in message:
                    sys.exit(f"{method}: {message['error']['message']}")
                result: dict[str, Any] = message["result"]
                return result
        sys.exit(f"the server ended before it answered {method}")

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its structured content; exits with its words when it fails."""
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            sys.exit(f"{tool}: {result['content'][0]['text']}")
        content: dict[str, Any] = result["structuredContent"]
        return content

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()


def add_and_encode(server: Server, sources: Sequence[str], *, quiet: bool = False) -> tuple[float, float]:
    """Add sources and wait for their vectors; returns the seconds until searchable by words, and until by meaning."""
    began = time.perf_counter()
    job = server.call("add_documents", sources=list(sources))["job"]["job"]
    lexical = 0.0
    while True:
        status = server.call("library_status", job=job)
        now = time.perf_counter() - began
        state = status["job"]["state"]
        if state in ("failed", "interrupted"):
            sys.exit(f"adding {state}: {status['job'].get('note')}")
        if state in ("encoding", "done") and not lexical:
            lexical = now
        if state == "done":
            if status["added"]["skipped_total"]:
                sys.stderr.write(f"\n{status['added']['skipped_total']} sources were skipped\n")
            return lexical, now
        if not quiet:
            sys.stderr.write(f"\r{state} {status['job']['done']} of {status['job']['total']}, {now:.0f} s ")
        time.sleep(0.05)
