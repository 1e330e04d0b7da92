"""Learned-sparse models by name (SPLADE, Formal et al. 2021), for those who installed the extra ``.[models]``."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from carrel.errors import Unavailable, Unsupported
from carrel.models.folders import NEEDS_EXTRA, model_folder
from carrel.models.sentence_encoder import model_fingerprint
from carrel.models.sparse import SparseVectors, joined, sparse_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["SpladeEncoder"]

_MOST_TERMS = 512  # of one text; trained models give passages about 120, queries 40
_BATCH = 16  # texts whose weights for the whole vocabulary are in memory at once


class SpladeEncoder:
    """A `SparseEncoder` over sentence-transformers. One text batch at a time; several threads may call."""

    def __init__(self, name: str, model: Any) -> None:
        """Wrap a loaded ``SparseEncoder``."""
        self.name = name
        self.fingerprint = model_fingerprint(name, model)
        self._model = model
        self._lock = threading.Lock()

    @classmethod
    def load(cls, name: str, models: Path) -> SpladeEncoder:
        """Load a model from this machine: a folder in ``models``, a hub name, or an absolute path.

        Raises Unsupported when the extra ``.[models]`` is not installed, Unavailable when the model is not here, is
        damaged or of another kind.
        """
        folder = model_folder(name, models)
        try:
            import sentence_transformers
        except ImportError:
            raise Unsupported(NEEDS_EXTRA) from None
        try:
            model = sentence_transformers.SparseEncoder(str(folder), local_files_only=True)
        except Exception as error:
            raise Unavailable(
                "the learned-sparse model could not be loaded; fetch it again, or name one of the right kind"
            ) from error
        return cls(name, model)

    def encode(self, texts: Sequence[str]) -> SparseVectors:
        """See `SparseEncoder`."""
        return self._encode("encode_document", texts)

    def encode_queries(self, texts: Sequence[str]) -> SparseVectors:
        """See `SparseEncoder`."""
        return self._encode("encode_query", texts)

    def _encode(self, method: str, texts: Sequence[str]) -> SparseVectors:
        import numpy as np

        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        options = {"show_progress_bar": False, "convert_to_sparse_tensor": False, "batch_size": _BATCH}
        parts = []
        for first in range(0, len(clean), _BATCH):
            try:
                with self._lock:
                    made = getattr(self._model, method)(clean[first : first + _BATCH], **options)
                matrix = made.float().cpu().numpy()
                if not np.isfinite(matrix).all():
                    raise ValueError("not numbers")
                parts.append(sparse_vectors(matrix, _MOST_TERMS))
            except Exception as error:
                raise Unavailable("the learned-sparse model failed on these texts") from error
        return joined(parts)
