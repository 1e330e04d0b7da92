"""Safetensors as they should not be, and encoders of sentence-transformers."""

from __future__ import annotations

import json
import sys
import types

import numpy as np
import pytest

from carrel.errors import BadRequest, Unavailable, Unsupported
from carrel.models import load_encoder
from carrel.models.safetensors import read_safetensors


def _file(header, body=b"", length=None):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(raw) if length is None else length).to_bytes(8, "little") + raw + body


def _one(**changes):
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}


HOSTILE = {
    "nothing": b"",
    "seven bytes": b"1234567",
    "a length beyond the file": _file(_one(), bytes(8), length=1 << 62),
    "a length of all ones": b"\xff" * 8 + bytes(100),
    "a length of nothing": _file(_one(), bytes(8), length=0),
    "a header that is no JSON": _file(b"{nonsense", bytes(8)),
    "a header that is no UTF-8": _file(b"\xff\xfe{}", bytes(8)),
    "a header that is a list": _file([1, 2]),
    "a header of brackets": _file(b"[" * 200_000),
    "an entry that is a number": _file({"a": 3}),
    "an entry without a shape": _file({"a": {"dtype": "F32", "data_offsets": [0, 8]}}, bytes(8)),
    "offsets beyond the file": _file(_one(data_offsets=[0, 1 << 60]), bytes(8)),
    "negative offsets": _file(_one(data_offsets=[-8, 0]), bytes(8)),
    "offsets of fractions": _file(_one(data_offsets=[0.0, 8.0]), bytes(8)),
    "offsets of truth values": _file(_one(data_offsets=[False, True], shape=[0]), bytes(1)),
    "reversed offsets": _file(_one(data_offsets=[8, 0]), bytes(8)),
    "three offsets": _file(_one(data_offsets=[0, 4, 8]), bytes(8)),
    "a shape that is larger": _file(_one(shape=[3]), bytes(8)),
    "a shape of huge numbers": _file(_one(shape=[1 << 40, 1 << 40]), bytes(8)),
    "a gap": _file({**_one(), "b": {"dtype": "F32", "shape": [1], "data_offsets": [12, 16]}}, bytes(16)),
    "an overlap": _file({**_one(), "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}, bytes(12)),
    "bytes left over": _file(_one(), bytes(9)),
    "bytes missing": _file(_one(), bytes(7)),
}


@pytest.mark.parametrize("case", HOSTILE, ids=str)
def test_a_damaged_safetensors_file_is_called_damaged(tmp_path, case):
    path = tmp_path / "model.safetensors"
    path.write_bytes(HOSTILE[case])
    with pytest.raises(BadRequest, match="damaged"):
        read_safetensors(path)


def test_half_precision_reads_as_float32(tmp_path, tiny):
    values = np.array([[1.5, -2.25], [0.0, 3e-3]], np.float32)
    upper = (values.view(np.uint32) >> 16).astype(np.uint16)
    path = tmp_path / "model.safetensors"
    tiny.save(
        path,
        {"half": values.astype(np.float16), "brain": upper, "double": values.astype(np.float64), "whole": np.arange(3)},
        {"brain": "BF16"},
    )
    read = read_safetensors(path)
    assert sorted(read) == ["brain", "double", "half"]
    assert all(tensor.dtype == np.float32 and tensor.shape == (2, 2) for tensor in read.values())
    assert np.array_equal(read["double"], values)
    assert np.abs(read["half"] - values).max() < 1e-5 and np.abs(read["brain"] - values).max() < 2e-5


def test_an_unknown_number_type_is_unsupported(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(_file(_one(dtype="F8_E4M3", data_offsets=[0, 2]), bytes(2)))
    with pytest.raises(Unsupported):
        read_safetensors(path)


def test_weights_that_are_not_numbers_are_refused(tmp_path, tiny):
    from carrel.models.install import install

    spoilt = tiny.tensors["encoder.layer.1.output.dense.weight"].copy()
    spoilt[3, 3] = np.nan
    tiny.save(tiny.folder / "model.safetensors", {**tiny.tensors, "encoder.layer.1.output.dense.weight": spoilt})
    with pytest.raises(BadRequest):
        install(tmp_path / "m", source=str(tiny.folder))


def test_another_encoder_without_the_extra_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    for name in ("BAAI/bge-small-en-v1.5", "../elsewhere", "all-mpnet-base-v2"):
        with pytest.raises(Unsupported, match=r"pip install \"\.\[models\]\""):
            load_encoder(name, tmp_path)


class _Tensor:
    def __init__(self, values):
        self._values = np.asarray(values, np.float32)

    def numpy(self):
        return self._values

    def detach(self):
        return self

    cpu = contiguous = float = detach


class _Model:
    """Stands in for SentenceTransformer: the prompt decides the first number of a vector, the text the second."""

    weights = 1.0

    def __init__(self, name):
        if name == "missing":
            raise OSError("https://secret.example/token=abc")
        self.max_seq_length = 128
        self.prompts = {"query": "query: ", "document": ""}

    def get_embedding_dimension(self):
        return 3

    def state_dict(self):
        return {"w": _Tensor([self.weights])}

    def encode_document(self, texts, **options):
        assert options == {"normalize_embeddings": True, "convert_to_numpy": True, "show_progress_bar": False}
        return np.array([[0.0, len(text), 0.0] for text in texts])

    def encode_query(self, texts, **options):
        return np.array([[1.0, len(text), 0.0] for text in texts])


@pytest.fixture
def pretend(monkeypatch):
    module = types.ModuleType("sentence_transformers")
    module.SentenceTransformer = _Model  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)


def test_the_adapter_uses_the_prompts_of_the_model(pretend, tmp_path):
    encoder = load_encoder("some/model", tmp_path)
    assert (encoder.name, encoder.dimension, encoder.max_tokens) == ("some/model", 3, 128)
    assert encoder.encode(["ab", "c\ud800"]).tolist() == [[0, 2, 0], [0, 2, 0]]
    assert encoder.encode_queries(["ab"]).tolist() == [[1, 2, 0]]
    assert encoder.encode([]).shape == (0, 3)


def test_the_adapter_tells_retrained_weights_apart(pretend, tmp_path, monkeypatch):
    first = load_encoder("some/model", tmp_path).fingerprint
    assert load_encoder("some/model", tmp_path).fingerprint == first
    monkeypatch.setattr(_Model, "weights", 2.0)
    assert load_encoder("some/model", tmp_path).fingerprint != first


def test_a_model_that_cannot_be_loaded_tells_nothing_from_outside(pretend, tmp_path):
    with pytest.raises(Unavailable) as caught:
        load_encoder("missing", tmp_path)
    assert "secret" not in str(caught.value)


def test_a_learned_sparse_model_gives_the_weights_that_sentence_transformers_gives(tmp_path):
    pytest.importorskip("torch", reason='needs the extra "models"')
    pytest.importorskip("sentence_transformers", reason='needs the extra "models"')
    import rerank_kit
    from carrel.models import load_sparse_encoder

    rerank_kit.splade(tmp_path / "splade")
    rerank_kit.splade(tmp_path / "other", seed=5)
    encoder, other = (load_sparse_encoder(name, tmp_path) for name in ("splade", "other"))
    assert encoder.fingerprint != other.fingerprint
    assert encoder.fingerprint == load_sparse_encoder(str(tmp_path / "splade"), tmp_path / "no").fingerprint
    texts = ["the fox eats small rodents", "", "a lone \ud800 surrogate", "fox " * 300] * 6
    found = encoder.encode(texts)
    matrix = encoder._model.encode_document(
        [text.encode("utf-8", "replace").decode() for text in texts], convert_to_sparse_tensor=False
    ).numpy()
    for row, start, end in zip(matrix, found.offsets[:-1], found.offsets[1:], strict=True):
        assert found.terms[start:end].tolist() == np.flatnonzero(row).tolist()
        assert found.weights[start:end] == pytest.approx(row[row > 0], abs=1e-4)
    assert len(encoder.encode_queries(["fox"]).offsets) == 2


def test_a_learned_sparse_model_that_is_not_here_is_named_with_what_brings_it(tmp_path, monkeypatch):
    from carrel.models import load_sparse_encoder

    (tmp_path / "empty").mkdir()
    with pytest.raises((Unavailable, Unsupported), match=r"hf download owner/none|extra"):
        load_sparse_encoder("owner/none", tmp_path)
    with pytest.raises(Unavailable, match="neither a hub name"):
        load_sparse_encoder("../secret", tmp_path)
    with pytest.raises((Unavailable, Unsupported), match=r"could not be loaded|extra"):
        load_sparse_encoder("empty", tmp_path)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(Unsupported, match="extra"):
        load_sparse_encoder("empty", tmp_path)
