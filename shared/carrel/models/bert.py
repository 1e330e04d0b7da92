"""What a BERT is: its sizes, and its tensors by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from carrel.errors import BadRequest, Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    Tensors = Mapping[str, NDArray[np.float32]]

__all__ = ["BertShape", "Dense", "Weights", "read_shape"]


@dataclass(frozen=True, slots=True)
class BertShape:
    """The sizes in a BERT's config.json."""

    hidden: int
    layers: int
    heads: int
    inner: int
    positions: int
    vocabulary: int
    types: int
    epsilon: float


def read_shape(config: object) -> BertShape:
    """Read config.json's content. Raises Unsupported for any architecture that is not a plain BERT with GELU."""
    if not isinstance(config, dict):
        raise BadRequest("that model folder's config.json is not a JSON object; fetch the model folder again")
    plain = (
        config.get("model_type") == "bert"
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and not config.get("is_decoder", False)
    )
    if not plain:
        raise Unsupported("only BERT encoders with GELU can be built without torch; others need sentence-transformers")
    try:
        shape = BertShape(
            hidden=_natural(config["hidden_size"]),
            layers=_natural(config["num_hidden_layers"]),
            heads=_natural(config["num_attention_heads"]),
            inner=_natural(config["intermediate_size"]),
            positions=_natural(config["max_position_embeddings"]),
            vocabulary=_natural(config["vocab_size"]),
            types=_natural(config["type_vocab_size"]),
            epsilon=float(config["layer_norm_eps"]),
        )
    except (KeyError, TypeError, ValueError):
        raise BadRequest("that model folder's config.json lacks a BERT's sizes; fetch the model folder again") from None
    if shape.hidden % shape.heads:
        raise BadRequest("that model folder's config.json is inconsistent; fetch the model folder again")
    return shape


def _natural(value: object) -> int:
    if type(value) is not int or not 0 < value < 1 << 24:
        raise ValueError
    return value


class Weights:
    """Tensors by name, with or without the ``bert.`` prefix that some exports put before each."""

    def __init__(self, tensors: Tensors, shape: BertShape) -> None:
        self.shape = shape
        self._tensors = {name.removeprefix("bert."): tensor for name, tensor in tensors.items()}

    def get(self, name: str, *sizes: int) -> NDArray[np.float32]:
        """Return a tensor. Raises BadRequest when it is missing, of another shape, or holds no finite numbers."""
        import numpy as np

        tensor = self._tensors.get(name)
        if tensor is None or tensor.shape != sizes or not np.isfinite(tensor).all():
            raise BadRequest("that model.safetensors does not match its config.json; fetch the model folder again")
        return tensor

    def words(self) -> NDArray[np.float32]:
        """Word vectors, vocabulary x hidden."""
        return self.get("embeddings.word_embeddings.weight", self.shape.vocabulary, self.shape.hidden)

    def places(self) -> NDArray[np.float32]:
        """Position vectors, positions x hidden, with the vector of type 0 added, which every token here has."""
        import numpy as np

        shape = self.shape
        types = self.get("embeddings.token_type_embeddings.weight", shape.types, shape.hidden)
        places = self.get("embeddings.position_embeddings.weight", shape.positions, shape.hidden)
        both: NDArray[np.float32] = np.add(places, types[0], dtype=np.float32)
        return both

    def attention(self, layer: int) -> Dense:
        """Query, key and value of one layer, joined along the outputs."""
        import numpy as np

        size = self.shape.hidden
        names = [f"encoder.layer.{layer}.attention.self.{part}" for part in ("query", "key", "value")]
        return Dense(
            np.concatenate([self.get(f"{name}.weight", size, size) for name in names]),
            np.concatenate([self.get(f"{name}.bias", size) for name in names]),
        )


@dataclass(frozen=True, slots=True)
class Dense:
    """A linear map: ``matrix`` is outputs x inputs, ``bias`` one number per output."""

    matrix: NDArray[np.float32]
    bias: NDArray[np.float32]
