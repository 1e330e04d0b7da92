"""What the client raises on purpose: one line that says what to do, and the exit code that goes with it."""

from __future__ import annotations

__all__ = ["EXIT_FAILED", "EXIT_OK", "EXIT_USAGE", "ClientError", "ToolFailed"]

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2


class ClientError(Exception):
    """The command cannot go on. ``exit_code`` is 1, or 2 when the command line itself is at fault."""

    kind = "failed"

    def __init__(self, message: str, *, exit_code: int = EXIT_FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


class ToolFailed(ClientError):
    """A server answered a tool call with an error. ``kind`` is the word the server gave (not_found, unavailable …)."""

    def __init__(self, message: str, *, tool: str, kind: str, retryable: bool = False) -> None:
        super().__init__(message)
        self.tool = tool
        self.kind = kind
        self.retryable = retryable
