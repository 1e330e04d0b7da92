"""``carrel-search`` and ``python -m carrel_search``."""

from carrel.mcp import run
from carrel_search.server import create_server


def main() -> None:
    """Serve until the host hangs up."""
    run(create_server, prog="carrel-search")


if __name__ == "__main__":
    main()
