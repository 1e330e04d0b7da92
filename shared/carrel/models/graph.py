"""I have a BERT's tensors: give me the ONNX graph of its sentence encoder.

Embeddings, the transformer layers (Devlin et al. 2019), mean pooling over the attention mask and division by the
L2 norm (Reimers and Gurevych 2019), as one graph: ``input_ids``, ``attention_mask`` (int64, batch x tokens) to
``embedding`` (float32, batch x dimension). Operators of the ``com.microsoft`` domain are documented in onnxruntime's
docs/ContribOperators.md; they are what its own optimiser would fuse the plain ones into.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from carrel.models.bert import Dense
from carrel.models.quantise import factors, quantise_matrix, quantise_rows, rounding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from carrel.models.bert import Weights
    from carrel.models.quantise import Range

__all__ = ["build_graph"]

_MICROSOFT = "com.microsoft"
_OPSET = 18
# The oldest IR that carries this opset's types; every onnxruntime we allow reads it.
_IR_VERSION = 10


def build_graph(weights: Weights, ranges: Mapping[str, Range] | None = None) -> bytes:
    """Emit the serialised ONNX model; equal tensors and ranges give equal bytes.

    ``ranges``: what calibration saw; with them, matrices and word vectors become int8 and a matrix's input uint8.
    Without them, all is float32. Raises BadRequest when a tensor is missing or not of the configuration's shape.
    """
    return _Graph(weights, ranges).serialise()


class _Graph:
    """Collects nodes and constants; each method adds one piece and returns the name of its output."""

    def __init__(self, weights: Weights, ranges: Mapping[str, Range] | None) -> None:
        self._weights = weights
        self._shape = weights.shape
        self._ranges = ranges
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def serialise(self) -> bytes:
        from onnx import TensorProto, helper

        hidden = self._embeddings()
        for layer in range(self._shape.layers):
            hidden = self._layer(layer, hidden)
        self._pooling(hidden)
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
            for name in ("input_ids", "attention_mask")
        ]
        output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", self._shape.hidden])
        graph = helper.make_graph(self._nodes, "sentence-encoder", inputs, [output], self._constants)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="carrel", ir_version=_IR_VERSION)
        serialised: bytes = model.SerializeToString(deterministic=True)
        return serialised

    def _node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        return self._nodes_of(operator, inputs, [output], **attributes)[0]

    def _nodes_of(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], *, domain: str = "", **attributes: Any
    ) -> Sequence[str]:
        from onnx import helper

        node = helper.make_node(operator, list(inputs), list(outputs), name=outputs[0], domain=domain, **attributes)
        self._nodes.append(node)
        return outputs

    def _constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        import numpy as np
        from onnx import numpy_helper

        # ascontiguousarray would turn a scalar into a vector.
        self._constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def _embeddings(self) -> str:
        import numpy as np
        from onnx import TensorProto

        words = self._words(self._weights.words())
        length = self._node("Shape", ["input_ids"], "length", start=1, end=2)
        zero = self._constant("zero", np.zeros(1, np.int64))
        table = self._constant("positions", self._weights.places())
        places = self._node("Slice", [table, zero, length, zero], "places")
        total = self._node("Add", [words, places], "embedded")
        self._node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
        return self._layer_norm("hidden.0", "embeddings.LayerNorm", total)

    def _vector(self, source: str) -> str:
        return self._constant(source, self._weights.get(source, self._shape.hidden))

    def _words(self, table: NDArray[np.float32]) -> str:
        from onnx import TensorProto

        if self._ranges is None:
            return self._node("Gather", [self._constant("words", table), "input_ids"], "word")
        numbers, scales = quantise_rows(table)
        rounded = self._node("Gather", [self._constant("words", numbers), "input_ids"], "word.int8")
        scale = self._node("Gather", [self._constant("words.scale", scales[:, None]), "input_ids"], "word.scale")
        return self._node("Mul", [self._node("Cast", [rounded], "word.float", to=TensorProto.FLOAT), scale], "word")

    def _layer(self, layer: int, hidden: str) -> str:
        shape, at, name = self._shape, f"layer.{layer}", f"encoder.layer.{layer}"
        attended, even = self._attention(layer, hidden)
        output = self._dense(f"{name}.attention.output.dense", shape.hidden, shape.hidden)
        mixed = self._product(f"{at}.mixed", attended, output, even)
        middle = self._normal(f"{at}.middle", f"{name}.attention.output", mixed, hidden)
        wide = self._product(f"{at}.wide", middle, self._dense(f"{name}.intermediate.dense", shape.inner, shape.hidden))
        active = self._node("Gelu", [wide], f"{at}.active", domain=_MICROSOFT)
        output = self._dense(f"{name}.output.dense", shape.hidden, shape.inner)
        narrow = self._product(f"{at}.narrow", active, output)
        return self._normal(f"hidden.{layer + 1}", f"{name}.output", narrow, middle)

    def _dense(self, source: str, rows: int, columns: int) -> Dense:
        return Dense(self._weights.get(f"{source}.weight", rows, columns), self._weights.get(f"{source}.bias", rows))

    def _attention(self, layer: int, hidden: str) -> tuple[str, NDArray[np.float32] | None]:
        """Return attention's output and the factors it has already been divided by (None: by nothing).

        Attention is linear in its values, so evening out its output costs nothing when the values' matrix does it.
        """
        at, joined = f"layer.{layer}", self._weights.attention(layer)
        even = self._evened(layer)
        if even is not None:
            joined = _divide_values(joined, even)
        total = self._product(f"{at}.joined", hidden, joined)
        names = [f"{at}.query", f"{at}.key", f"{at}.value"]
        parts = self._nodes_of("Split", [total], names, axis=-1, num_outputs=3)
        inputs = [*parts, "", "mask"]
        heads = self._shape.heads
        return self._node("MultiHeadAttention", inputs, f"{at}.attended", domain=_MICROSOFT, num_heads=heads), even

    def _evened(self, layer: int) -> NDArray[np.float32] | None:
        if self._ranges is None:
            return None
        size = self._shape.hidden
        output = self._weights.get(f"encoder.layer.{layer}.attention.output.dense.weight", size, size)
        return factors(self._ranges[f"layer.{layer}.mixed"], output)

    def _normal(self, name: str, source: str, update: str, hidden: str) -> str:
        """LayerNorm(update + hidden). SkipLayerNormalization, which is both in one, takes twice as long on a CPU."""
        total = self._node("Add", [update, hidden], f"{name}.total")
        return self._layer_norm(name, f"{source}.LayerNorm", total)

    def _layer_norm(self, name: str, source: str, values: str) -> str:
        constants = [self._vector(f"{source}.{part}") for part in ("weight", "bias")]
        inputs, epsilon = [values, *constants], self._shape.epsilon
        return self._node("LayerNormalization", inputs, name, axis=-1, epsilon=epsilon)

    def _product(self, name: str, hidden: str, dense: Dense, divided: NDArray[np.float32] | None = None) -> str:
        """``hidden`` times the transpose of the matrix, plus the bias.

        ``divided``: the factors by which ``hidden`` is divided already.
        """
        bias = self._constant(f"{name}.bias", dense.bias)
        if self._ranges is None:
            product = self._node(
                "MatMul", [hidden, self._constant(f"{name}.matrix", dense.matrix.T)], f"{name}.product"
            )
            return self._node("Add", [product, bias], name)
        seen = self._ranges[name]
        even = factors(seen, dense.matrix) if divided is None else divided
        if divided is None:
            hidden = self._node("Mul", [hidden, self._constant(f"{name}.factors", 1 / even)], f"{name}.even")
        rule = rounding(seen, even)
        scale, zero = self._constant(f"{name}.input.scale", rule.scale), self._constant(f"{name}.input.zero", rule.zero)
        numbers = self._node("QuantizeLinear", [hidden, scale, zero], f"{name}.uint8")
        rounded, scales = quantise_matrix(dense.matrix * even)
        matrix, output = self._constant(f"{name}.matrix", rounded.T), self._constant(f"{name}.scale", scales)
        # The empty name: weights have no zero point.
        inputs = [numbers, matrix, scale, output, zero, "", bias]
        return self._node("MatMulIntegerToFloat", inputs, name, domain=_MICROSOFT)

    def _pooling(self, hidden: str) -> str:
        """Mean over the tokens that are not padding, then division by the L2 norm."""
        import numpy as np
        from onnx import TensorProto

        weight = self._node("Cast", ["attention_mask"], "weight", to=TensorProto.FLOAT)
        column = self._node("Unsqueeze", [weight, self._constant("last", np.array([2], np.int64))], "weight.column")
        kept = self._node("Mul", [hidden, column], "kept")
        over_tokens = self._constant("over.tokens", np.array([1], np.int64))
        total = self._node("ReduceSum", [kept, over_tokens], "total", keepdims=0)
        count = self._node("ReduceSum", [weight, over_tokens], "count", keepdims=1)
        mean = self._node("Div", [total, count], "mean")
        return self._node("LpNormalization", [mean], "embedding", axis=-1, p=2)


def _divide_values(joined: Dense, even: NDArray[np.float32]) -> Dense:
    """Divide the values' third of a joined projection by ``even``."""
    import numpy as np

    whole = np.concatenate([np.ones(2 * len(even), np.float32), even])
    return Dense(joined.matrix / whole[:, None], joined.bias / whole)
