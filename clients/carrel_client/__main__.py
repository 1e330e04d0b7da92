"""The ``carrel`` command. Exit codes: 0 done, 1 failed or a negative answer, 2 wrong usage, 130 stopped by Ctrl-C."""

from __future__ import annotations

import os
import sys

from carrel_client.cli import Session, run_command

__all__ = ["main"]


def main() -> None:
    """Run the command line with this process's arguments and environment."""
    sys.exit(run_command(sys.argv[1:], Session(environment=dict(os.environ))))


if __name__ == "__main__":
    main()
