"""``carrel-web`` and ``python -m carrel_web``."""

from carrel.mcp import run
from carrel_web.server import create_server


def main() -> None:
    """Serve until the host hangs up."""
    run(create_server, prog="carrel-web")


if __name__ == "__main__":
    main()
