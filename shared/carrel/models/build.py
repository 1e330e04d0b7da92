"""I have a model folder: make the encoder that runs without torch."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from carrel.errors import BadRequest, Unsupported
from carrel.models.bert import BertShape, Weights, read_shape
from carrel.models.calibrate import CALIBRATION_TEXTS, calibrate
from carrel.models.graph import build_graph
from carrel.models.manifest import Manifest, fingerprint_of, write_manifest
from carrel.models.safetensors import read_safetensors

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["build", "sha256_of"]

# Change this whenever the graph or its rounding changes: vectors made before and after must not share an index.
RECIPE = "bert-mean-l2-int8/3"
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
_MAX_JSON_BYTES = 64 << 20


def build(source: Path, target: Path, *, name: str) -> Manifest:
    """Build model, tokenizer and manifest from the folder ``source`` into the existing, empty folder ``target``.

    ``source`` is laid out as sentence-transformers saves it: model.safetensors, tokenizer.json, config.json, and
    optionally sentence_bert_config.json and the pooling's config.json. Raises BadRequest when a file is missing or
    damaged, Unsupported when the model is not a mean-pooled, normalised BERT.
    """
    shape = read_shape(_json(source, "config.json"))
    _check_pooling(source)
    max_tokens = _max_tokens(source, shape)
    tokenizer = _file(source, TOKENIZER).read_bytes()
    texts = _tokens(tokenizer, shape, max_tokens)
    weights = Weights(read_safetensors(_file(source, WEIGHTS)), shape)
    model = build_graph(weights, calibrate(weights, texts))
    source_sha256, tokenizer_sha256 = sha256_of(source / WEIGHTS), hashlib.sha256(tokenizer).hexdigest()
    manifest = Manifest(
        name=name,
        fingerprint=fingerprint_of(
            source_sha256, tokenizer_sha256, recipe=RECIPE, pooling="mean", max_tokens=max_tokens
        ),
        recipe=RECIPE,
        dimension=shape.hidden,
        max_tokens=max_tokens,
        pooling="mean",
        source_sha256=source_sha256,
        model_sha256=hashlib.sha256(model).hexdigest(),
        tokenizer_sha256=tokenizer_sha256,
    )
    (target / manifest.model_file).write_bytes(model)
    (target / manifest.tokenizer_file).write_bytes(tokenizer)
    write_manifest(target, manifest)
    return manifest


def sha256_of(path: Path) -> str:
    """Hash a file's content without holding it in memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise BadRequest(f"that model folder has no {name}; fetch the whole folder")
    return path


def _json(folder: Path, name: str) -> Any:
    raw = _file(folder, name).read_bytes()[:_MAX_JSON_BYTES]
    try:
        return json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadRequest(f"that model folder's {name} is not JSON; fetch the folder again") from None


def _check_pooling(source: Path) -> None:
    """Refuse any other pooling than the mean. A folder that does not say gets the mean, its library's default."""
    if not (source / "1_Pooling" / "config.json").is_file():
        return
    config = _json(source, "1_Pooling/config.json")
    modes = (
        {k for k, v in config.items() if k.startswith("pooling_mode_") and v is True}
        if isinstance(config, dict)
        else set()
    )
    if modes != {"pooling_mode_mean_tokens"}:
        raise Unsupported("only mean pooling can be built without torch; others need sentence-transformers")


def _tokens(tokenizer: bytes, shape: BertShape, max_tokens: int) -> list[list[int]]:
    """Cut the calibration texts into tokens, which also proves that tokenizer and vocabulary fit."""
    from tokenizers import Tokenizer

    try:
        cutter = Tokenizer.from_str(tokenizer.decode("utf-8"))
        cutter.no_padding()
        cutter.enable_truncation(max_tokens)
        texts = [encoding.ids for encoding in cutter.encode_batch(list(CALIBRATION_TEXTS))]
    except Exception as error:
        raise BadRequest("that model folder's tokenizer.json cannot be read; fetch the folder again") from error
    if not any(texts) or max(max(text, default=0) for text in texts) >= shape.vocabulary:
        raise BadRequest("that model folder's tokenizer.json does not fit the model; fetch the folder again")
    return texts


def _max_tokens(source: Path, shape: BertShape) -> int:
    """Read where the model's makers cut texts; without word of theirs, the number of positions."""
    if not (source / "sentence_bert_config.json").is_file():
        return shape.positions
    config = _json(source, "sentence_bert_config.json")
    limit = config.get("max_seq_length") if isinstance(config, dict) else None
    return min(limit, shape.positions) if type(limit) is int and limit > 2 else shape.positions
