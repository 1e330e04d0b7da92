"""What every encoder offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from carrel.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DEFAULT_NAME", "Encoder", "sound"]

DEFAULT_NAME = "all-MiniLM-L6-v2"


class Encoder(Protocol):
    """Text to vectors. Safe to call from several threads at once.

    ``fingerprint`` names everything a vector depends on (weights, tokenizer, pooling, recipe): vectors of equal
    fingerprints may share an index. ``dimension`` is the length of a vector, ``max_tokens`` where texts are cut.
    """

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode passages: shape ``(len(texts), dimension)``, rows of length one, in the order of ``texts``."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode queries: like ``encode``, with the query prompt where the model has one."""
        ...


def sound(made: Any, texts: int, dimension: int) -> NDArray[np.float32]:
    """What an encoder gave for so many texts: ``(texts, dimension)``. Raises BadRequest unless it has this shape and
    every vector finite numbers and a direction."""
    import numpy as np

    if np.shape(made) != (texts, dimension):  # or one vector would be taken for all of them
        raise BadRequest("the encoder gave vectors of another number or size than asked; use another encoder")
    vectors = np.asarray(made, np.float32)
    lengths = np.linalg.norm(vectors, axis=1)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise BadRequest("the encoder gave vectors that are not finite numbers, or are all zero; use another one")
    return vectors
