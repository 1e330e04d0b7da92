"""``carrel-scholar`` and ``python -m carrel_scholar``."""

from carrel.mcp import run
from carrel_scholar.server import create_server


def main() -> None:
    """Serve until the host hangs up."""
    run(create_server, prog="carrel-scholar")


if __name__ == "__main__":
    main()
