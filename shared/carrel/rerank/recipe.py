"""How a late-interaction model wants its texts prepared, read from the files it comes with."""

from __future__ import annotations

import hashlib
import json
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carrel.errors import Unavailable, Unsupported

__all__ = ["Layer", "Recipe", "fingerprint", "read_recipe"]

_MOST_TOKENS = 8_192
_TELLING = (".safetensors", ".json", ".txt", ".model", ".metadata")  # weights, sizes, words and markers
_ROUNDED = "late vectors 1"  # changes with `codes`
_ACTIVATIONS = ("Identity", "GELU", "ReLU", "Tanh", "SiLU")


@dataclass(frozen=True, slots=True)
class Layer:
    """One linear map over token vectors. ``file`` is a safetensors file that holds ``linear.weight``."""

    file: Path
    activation: str = "Identity"
    residual: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """Markers that tell queries from passages, lengths in tokens, and what becomes of masks and punctuation.

    ``expands``: queries are filled up with [MASK] to their length, which then ask too (Khattab and Zaharia 2020, 3.2).
    ``attends``: other tokens see these. ``skipped``: words whose vectors passages do not keep.
    """

    body: Path
    layers: tuple[Layer, ...]
    query_marker: str
    passage_marker: str
    query_tokens: int
    passage_tokens: int
    expands: bool
    attends: bool
    skipped: tuple[str, ...]


def read_recipe(folder: Path) -> Recipe:
    """Read a checkpoint of PyLate (modules.json) or of the ColBERT authors (artifact.metadata).

    Raises Unsupported for a model that is none, Unavailable for one whose files are damaged or not all there.
    """
    try:
        if (folder / "artifact.metadata").is_file() and not (folder / "modules.json").is_file():
            return _colbert(folder, _object(folder / "artifact.metadata"))
        if (folder / "modules.json").is_file():
            return _pylate(folder, _object(folder / "config_sentence_transformers.json"))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Unavailable("the model's own configuration is damaged; fetch the model again") from None
    raise Unsupported("that model keeps no vector per token; late reranking needs a ColBERT or PyLate model")


def fingerprint(recipe: Recipe) -> str:
    """Names all that the vectors of a passage depend on: the recipe, the model's files, and how vectors are rounded."""
    folders = dict.fromkeys((recipe.body, *(layer.file.parent for layer in recipe.layers)))
    files = [file for folder in folders for file in sorted(folder.iterdir()) if file.suffix in _TELLING]
    said = [_ROUNDED, recipe.passage_marker, str(recipe.passage_tokens), *sorted(recipe.skipped)]
    said += [f"{layer.activation} {layer.residual}" for layer in recipe.layers]
    whole = hashlib.sha256("\n".join(said).encode("utf-8", "replace"))
    for file in files:
        with file.open("rb") as content:
            whole.update(file.name.encode("utf-8", "replace") + hashlib.file_digest(content, "sha256").digest())
    return whole.hexdigest()


def _colbert(folder: Path, said: dict[str, Any]) -> Recipe:
    return Recipe(
        body=folder,
        layers=(Layer(folder / "model.safetensors"),),
        query_marker=str(said.get("query_token_id") or "[unused0]"),
        passage_marker=str(said.get("doc_token_id") or "[unused1]"),
        query_tokens=_tokens(said.get("query_maxlen"), 32),
        passage_tokens=_tokens(said.get("doc_maxlen"), 220),
        expands=True,
        attends=bool(said.get("attend_to_mask_tokens", False)),
        skipped=tuple(string.punctuation) if said.get("mask_punctuation", True) else (),
    )


def _pylate(folder: Path, said: dict[str, Any]) -> Recipe:
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    body, *rest = [(str(each["type"]), folder / str(each["path"])) for each in modules]
    layers = [path for kind, path in rest if kind.rpartition(".")[2] == "Dense"]
    if not layers or len(layers) != sum(not kind.endswith(".Normalize") for kind, _ in rest):
        raise Unsupported("that model keeps no vector per token; late reranking needs a ColBERT or PyLate model")
    skipped = said.get("skiplist_words")
    return Recipe(
        body=body[1],
        layers=tuple(_layer(path) for path in layers),
        query_marker=str(said.get("query_prefix") or "[Q] "),
        passage_marker=str(said.get("document_prefix") or "[D] "),
        query_tokens=_tokens(said.get("query_length"), 32),
        passage_tokens=_tokens(said.get("document_length"), 180),
        expands=bool(said.get("do_query_expansion", True)),
        attends=bool(said.get("attend_to_expansion_tokens", False)),
        skipped=tuple(map(str, skipped)) if skipped is not None else tuple(string.punctuation),
    )


def _layer(path: Path) -> Layer:
    said = _object(path / "config.json")
    activation = str(said.get("activation_function", "Identity")).rpartition(".")[2]
    if activation not in _ACTIVATIONS:
        raise Unsupported("that model's projection has an activation that late reranking does not know")
    return Layer(path / "model.safetensors", activation, bool(said.get("use_residual", False)))


def _object(path: Path) -> dict[str, Any]:
    said = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(said, dict):
        raise TypeError
    return said


def _tokens(said: object, default: int) -> int:
    count = default if said is None else int(str(said))
    if not 4 <= count <= _MOST_TOKENS:
        raise ValueError
    return count
