"""What an installed encoder consists of, and whether it is still that."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from carrel.errors import BadRequest, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Manifest", "checked_name", "fingerprint_of", "read_manifest", "read_verified", "write_manifest"]

MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """``manifest.json`` beside the model. Hashes are SHA-256 in hex; ``source_sha256`` is of the model.safetensors."""

    name: str
    fingerprint: str
    recipe: str
    dimension: int
    max_tokens: int
    pooling: str
    source_sha256: str
    model_sha256: str
    tokenizer_sha256: str
    format: int = FORMAT

    @property
    def model_file(self) -> str:
        """The model's file name; it holds the hash, so that a new model never overwrites one that is being read."""
        return f"model-{self.model_sha256[:16]}.onnx"

    @property
    def tokenizer_file(self) -> str:
        """The tokenizer's file name."""
        return f"tokenizer-{self.tokenizer_sha256[:16]}.json"


def fingerprint_of(source_sha256: str, tokenizer_sha256: str, *, recipe: str, pooling: str, max_tokens: int) -> str:
    """Name all that a vector depends on.

    Made from the source and the recipe, not from the built file: two machines whose ``onnx`` writes the same graph in
    other bytes still share an index.
    """
    parts = json.dumps([source_sha256, tokenizer_sha256, recipe, pooling, max_tokens])
    return hashlib.sha256(parts.encode()).hexdigest()


def checked_name(name: str) -> str:
    """Return ``name`` if it can safely name a folder. Raises BadRequest when it cannot."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise BadRequest("an encoder's name is letters, digits, dots, dashes and underscores; choose such a name")
    return name


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json`` into ``folder``."""
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read ``manifest.json``. Raises Unavailable when it is missing, damaged or of another format."""
    try:
        fields = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest(**fields)
    except (OSError, ValueError, TypeError, RecursionError):
        raise Unavailable(_mend(folder.name)) from None
    if not _sound(manifest):
        raise Unavailable(_mend(folder.name))
    return manifest


def _sound(manifest: Manifest) -> bool:
    kinds = Manifest.__annotations__
    hashes = (manifest.model_sha256, manifest.tokenizer_sha256, manifest.source_sha256, manifest.fingerprint)
    return (
        all(type(getattr(manifest, key)) is (int if kind == "int" else str) for key, kind in kinds.items())
        and manifest.format == FORMAT
        and manifest.dimension > 0
        and manifest.max_tokens > 2
        and all(re.fullmatch("[0-9a-f]{64}", digest) for digest in hashes)
    )


def read_verified(folder: Path, manifest: Manifest) -> tuple[bytes, bytes]:
    """Read the model and the tokenizer, each exactly once, and check their hashes.

    Raises Unavailable when one is missing or altered.
    """
    try:
        model = (folder / manifest.model_file).read_bytes()
        tokenizer = (folder / manifest.tokenizer_file).read_bytes()
    except OSError:
        raise Unavailable(_mend(folder.name)) from None
    hashes = hashlib.sha256(model).hexdigest(), hashlib.sha256(tokenizer).hexdigest()
    if hashes != (manifest.model_sha256, manifest.tokenizer_sha256):
        raise Unavailable(_mend(folder.name))
    return model, tokenizer


def _mend(name: str) -> str:
    shown = name if re.fullmatch(r"[A-Za-z0-9._-]{1,100}", name) else "that name"
    return f"the installed encoder {shown} is damaged; run `carrel models install` to put it right"
