"""What an evaluation runs on: the models its settings name, and the facts that its figures depend on."""

from __future__ import annotations

import importlib
import platform
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from importlib import metadata
from typing import Any

from carrel.errors import BadRequest
from carrel.evaluation.running import Shelf
from carrel.models import Encoder, load_encoder
from carrel.rerank import Scorers, pipeline_named, read_pipelines
from carrel.retrieve import Reranking
from carrel.settings import Settings

__all__ = ["encoder", "facts", "reranking"]


def encoder(settings: Settings) -> Callable[[], Encoder] | None:
    """What loads the encoder; None for searches by words alone."""
    return None if settings.encoder == "none" else partial(load_encoder, settings.encoder, settings.models)


def reranking(settings: Settings) -> Callable[[str], Reranking | None]:
    """Reranking by name. A stage that cannot run is an error here, for its figures would be another pipeline's."""
    scorers = Scorers(settings.models)

    def named(name: str) -> Reranking | None:
        made = pipeline_named(name, read_pipelines(settings.pipelines))
        if made.host is not None:
            raise BadRequest("the host ranks in a conversation and cannot be measured here; take out rerank=host")
        return None if made.name == "none" else Reranking(replace(made, strict=True), scorers)

    return cache(named)


def facts(shelf: Shelf, *, depth: int, seed: int) -> dict[str, Any]:
    """What the figures were measured on."""
    there = shelf.library.collection(shelf.collections["usual"])
    packages = ("carrel", "ir-measures", "onnxruntime", "tantivy", "lancedb", "numpy")
    return {
        "documents": there.documents,
        "passages": there.passages,
        "encoder": f"{there.encoder} {there.fingerprint[:16]}".strip(),
        "analyser": there.analyser,
        "snapshot": there.journalled,
        "hits per question": depth,
        "seed": seed,
        "index on disk": f"{shelf.bytes / 2**20:.1f} MiB",
        "peak memory of the process": _peak(),
        "versions": ", ".join(f"{name} {_version(name)}" for name in packages),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _peak() -> str:
    """The most memory this process has had; empty where the system does not tell."""
    try:
        resource = importlib.import_module("resource")
    except ImportError:
        return ""
    most: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{most / (2**20 if sys.platform == 'darwin' else 2**10):.0f} MiB"
