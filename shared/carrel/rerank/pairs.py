"""Rerankers of sentence-transformers: cross-encoders, which read query and passage at once, and learned-sparse ones."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carrel.errors import CarrelError, Unavailable, Unsupported
from carrel.models.folders import NEEDS_EXTRA, model_folder
from carrel.rerank.scorers import Patience

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["CrossScorer", "SparseScorer"]

_BATCH = 8  # pairs between two looks at the clock
_REMEMBERED = 20_000  # scores; the pages of one listing ask for the same


class CrossScorer:
    """A cross-encoder (Nogueira and Cho 2019): the best judge and the slowest. It scores by its own scale."""

    def __init__(self, model: Any) -> None:
        """Wrap a loaded ``CrossEncoder`` with one output."""
        self._model = model
        self._known: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def load(cls, name: str, models: Path) -> CrossScorer:
        """Load a model from this machine. Raises Unavailable (not here, or damaged) or Unsupported (extra missing, or
        a classifier with several outputs)."""
        model = _loaded("CrossEncoder", name, models)
        if int(getattr(model, "num_labels", 1)) != 1:
            raise Unsupported("that cross-encoder sorts into classes; reranking needs one with a single score")
        return cls(model)

    def score(self, queries: Sequence[str], texts: Sequence[str], patience: Patience) -> NDArray[np.float64]:
        """See `Scorer`."""
        import numpy as np

        pairs = [(_clean(query), _clean(text)) for query in queries for text in texts]
        with self._lock:
            names = [_named(pair) for pair in pairs]
            self._learn(
                {name: pair for name, pair in zip(names, pairs, strict=True) if name not in self._known}, patience
            )
            scores = [self._known[name] for name in names]
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return np.asarray(scores, np.float64).reshape(len(queries), len(texts))

    def _learn(self, unknown: dict[bytes, tuple[str, str]], patience: Patience) -> None:
        names = sorted(unknown, key=lambda name: (len(unknown[name][1]), name))  # alike in length: little padding
        for first in range(0, len(names), _BATCH):
            patience.check()
            batch = names[first : first + _BATCH]
            try:
                told = self._model.predict(
                    [unknown[name] for name in batch], batch_size=_BATCH, show_progress_bar=False, convert_to_numpy=True
                )
            except Exception as error:
                raise Unavailable("the cross-encoder failed on these passages") from error
            # Rounded, so that what stood beside a pair in its batch does not decide between equals.
            self._known.update((name, round(float(score), 5)) for name, score in zip(batch, told, strict=True))


class SparseScorer:
    """A learned-sparse model (SPLADE, Formal et al. 2021) over the candidates: weighted words, and those they imply."""

    def __init__(self, model: Any) -> None:
        """Wrap a loaded ``SparseEncoder``."""
        self._model = model
        self._lock = threading.Lock()

    @classmethod
    def load(cls, name: str, models: Path) -> SparseScorer:
        """Load a model from this machine; raises as `CrossScorer.load`."""
        return cls(_loaded("SparseEncoder", name, models))

    def score(self, queries: Sequence[str], texts: Sequence[str], patience: Patience) -> NDArray[np.float64]:
        """See `Scorer`: the dot product of the weights of words."""
        import numpy as np

        with self._lock:
            asked = self._encode("encode_query", queries)
            parts = []
            for first in range(0, len(texts), _BATCH):
                patience.check()
                parts.append(self._encode("encode_document", texts[first : first + _BATCH]) @ asked.T)
        scores: NDArray[np.float64] = np.round(np.concatenate(parts).T, 5)
        return scores

    def _encode(self, method: str, texts: Sequence[str]) -> NDArray[np.float64]:
        import numpy as np

        options = {"show_progress_bar": False, "convert_to_sparse_tensor": False, "batch_size": _BATCH}
        try:
            vectors = getattr(self._model, method)([_clean(text) for text in texts], **options)
            return np.asarray(vectors.float().cpu().numpy(), np.float64)
        except Exception as error:
            raise Unavailable("the learned-sparse model failed on these passages") from error


def _loaded(kind: str, name: str, models: Path) -> Any:
    folder = model_folder(name, models)
    try:
        import sentence_transformers
    except ImportError:
        raise Unsupported(NEEDS_EXTRA) from None
    try:
        return getattr(sentence_transformers, kind)(str(folder), local_files_only=True)
    except CarrelError:
        raise
    except Exception as error:
        raise Unavailable("the reranker could not be loaded; fetch it again, or name one of the right kind") from error


def _named(pair: tuple[str, str]) -> bytes:
    query, text = (part.encode() for part in pair)
    return hashlib.blake2b(len(query).to_bytes(4, "big") + query + text, digest_size=16).digest()


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
