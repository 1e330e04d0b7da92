"""I have text: give me vectors. `load_encoder` opens an encoder; `carrel.models.install` puts one on this machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from carrel.errors import Unavailable
from carrel.models.encoder import DEFAULT_NAME, Encoder
from carrel.models.sparse import SparseEncoder, SparseVectors

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DEFAULT_NAME", "Encoder", "SparseEncoder", "SparseVectors", "load_encoder", "load_sparse_encoder"]


def load_encoder(name: str, models: Path) -> Encoder:
    """Open the encoder ``name`` from the folder ``models``; it takes about 0.3 s, most of it imports.

    An encoder that `install` put there runs on ONNX Runtime; any other name is handed to sentence-transformers.

    Raises Unavailable when the default encoder is not installed or any is damaged, Unsupported when another name is
    asked for and the extra ``.[models]`` is not installed.
    """
    folder = models / name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name) else None
    if folder is not None and folder.is_dir():
        from carrel.models.onnx_encoder import OnnxEncoder

        return OnnxEncoder.load(folder)
    if name == DEFAULT_NAME:
        raise Unavailable("the encoder all-MiniLM-L6-v2 is not installed; run `carrel models install`")
    from carrel.models.sentence_encoder import SentenceEncoder

    return SentenceEncoder.load(name)


def load_sparse_encoder(name: str, models: Path) -> SparseEncoder:
    """Open the learned-sparse model ``name`` from this machine, by sentence-transformers; nothing is fetched.

    Raises Unavailable when it is not here or damaged, Unsupported when the extra ``.[models]`` is not installed.
    """
    from carrel.models.splade_encoder import SpladeEncoder

    return SpladeEncoder.load(name, models)
