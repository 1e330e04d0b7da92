"""``carrel-citations`` and ``python -m carrel_citations``."""

from carrel.mcp import run
from carrel_citations.server import create_server


def main() -> None:
    """Serve until the host hangs up."""
    run(create_server, prog="carrel-citations")


if __name__ == "__main__":
    main()
