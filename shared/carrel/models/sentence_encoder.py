"""Any model that sentence-transformers knows, for those who installed the extra ``.[models]``."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carrel.errors import Unavailable, Unsupported

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SentenceEncoder", "model_fingerprint"]


class SentenceEncoder:
    """An `Encoder` over sentence-transformers. One text batch at a time; several threads may call."""

    def __init__(self, name: str, model: Any) -> None:
        """Wrap a loaded ``SentenceTransformer``."""
        self.name = name
        self.dimension = int(_dimension(model))
        self.max_tokens = int(model.max_seq_length or 512)
        self.fingerprint = model_fingerprint(name, model)
        self._model = model
        self._lock = threading.Lock()

    @classmethod
    def load(cls, name: str) -> SentenceEncoder:
        """Load a model by its hub name or folder.

        Raises Unsupported when the extra ``.[models]`` is not installed, Unavailable when the model cannot be obtained.
        """
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise Unsupported(
                'that encoder needs the extra "models": run `pip install ".[models]"` in Carrel\'s folder, or use '
                "all-MiniLM-L6-v2"
            ) from None
        try:
            model = SentenceTransformer(name)
        except Exception as error:
            raise Unavailable(
                "that encoder could not be loaded; check its name and the network, or use all-MiniLM-L6-v2"
            ) from error
        return cls(name, model)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode passages with the model's document prompt: ``(len(texts), dimension)``, rows of length one."""
        return self._encode(texts, "encode_document")

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode queries with the model's query prompt."""
        return self._encode(texts, "encode_query")

    def _encode(self, texts: Sequence[str], method: str) -> NDArray[np.float32]:
        import numpy as np

        if not texts:
            return np.empty((0, self.dimension), np.float32)
        encode = getattr(self._model, method)
        with self._lock:
            vectors = encode(
                [text.encode("utf-8", "replace").decode("utf-8") for text in texts],
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return np.asarray(vectors, dtype=np.float32).reshape(len(texts), self.dimension)


def _dimension(model: Any) -> Any:
    named = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
    return named()


def model_fingerprint(name: str, model: Any) -> str:
    """Hash the name, the prompts, the shape and every weight: retrained in place, it is another encoder."""
    digest = hashlib.sha256()
    facts = [Path(name).name, dict(model.prompts or {}), model.max_seq_length, _dimension(model)]
    digest.update(json.dumps(facts, sort_keys=True, default=str).encode())
    for key, tensor in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(tensor.detach().cpu().contiguous().float().numpy().tobytes())
    return digest.hexdigest()
