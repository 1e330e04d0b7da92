"""I have the setup of a command: where does its library lie, and is there one?"""

from __future__ import annotations

from pathlib import Path

import platformdirs

from carrel_client.desk import Setup
from carrel_client.errors import ClientError

__all__ = ["library_folder", "lies_here", "need_library"]

_STORE = "store.sqlite"  # what every library has


def library_folder(setup: Setup) -> Path:
    """The folder the servers keep the library in: the one given, that of ``CARREL_DATA``, or the platform's."""
    given = setup.data or setup.environment.get("CARREL_DATA")
    return Path(given or platformdirs.user_data_dir("carrel", appauthor=False)).expanduser().absolute()


def lies_here(setup: Setup) -> bool:
    """Whether there is a library in that folder."""
    return (library_folder(setup) / _STORE).exists()


def need_library(setup: Setup) -> None:
    """Raise ClientError where there is no library: a server would make an empty one, at a mistyped place too."""
    if not lies_here(setup):
        raise ClientError(f"there is no library at {library_folder(setup)}; `carrel sync FOLDER` makes one")
