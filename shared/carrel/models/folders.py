"""Where a model's files lie on this machine. Nothing is fetched while a search waits."""

from __future__ import annotations

import re
from pathlib import Path

from carrel.errors import NotFound, Unavailable, Unsupported

__all__ = ["NEEDS_EXTRA", "model_folder"]

NEEDS_EXTRA = 'it needs the extra "models": run `pip install ".[models]"` in Carrel\'s folder'

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[\w.-]{1,96})?")


def model_folder(name: str, models: Path) -> Path:
    """The folder of a model: under ``models``, an absolute path, or the hub's cache.

    Raises Unavailable, with the command that fetches it, when it is not on this machine, and Unsupported when the extra
    is not installed.
    """
    if Path(name).expanduser().is_absolute():
        folder = Path(name).expanduser()
        if not folder.is_dir():
            raise Unavailable("the folder that is named as the model is not there")
        return folder
    if not _HUB_NAME.fullmatch(name) or ".." in name:
        raise Unavailable("that model is neither a hub name (owner/name) nor an absolute path")
    if (folder := models / name).is_dir():
        return folder
    try:
        return _in_hub_cache(name)
    except NotFound:
        raise Unavailable(f"the model {name} is not on this machine; `hf download {name}` brings it") from None


def _in_hub_cache(name: str) -> Path:
    try:
        import huggingface_hub
    except ImportError:
        raise Unsupported(NEEDS_EXTRA) from None
    try:
        return Path(huggingface_hub.snapshot_download(name, local_files_only=True))
    except Exception as error:
        raise NotFound("the hub's cache does not hold the model") from error
