"""A tiny BERT made from a seed, laid out as sentence-transformers saves one, and a reference for it in plain numpy."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import erf
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

TEXT = "the a study desk in library is called carrel cat sat on mat dog ran far and wide one two three red blue"
WORDS = re.findall("[a-z]+", TEXT)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
HIDDEN, INNER, LAYERS, HEADS, POSITIONS = 32, 64, 2, 4, 64
MAX_TOKENS = 48

_vector_erf = np.vectorize(erf)


def save_safetensors(path: Path, tensors: dict[str, np.ndarray], dtypes: dict[str, str] | None = None) -> None:
    kinds = {"f4": "F32", "f2": "F16", "f8": "F64", "i8": "I64"}
    header, body = {}, b""
    for name, tensor in tensors.items():
        raw = np.ascontiguousarray(tensor).tobytes()
        kind = (dtypes or {}).get(name) or kinds[tensor.dtype.str[1:]]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    head = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + body)


def _tensors(seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) * 0.2).astype(np.float32)

    made = {
        "embeddings.position_ids": np.arange(POSITIONS, dtype=np.int64)[None],
        "embeddings.word_embeddings.weight": normal(len(SPECIAL) + len(WORDS), HIDDEN),
        "embeddings.position_embeddings.weight": normal(POSITIONS, HIDDEN),
        "embeddings.token_type_embeddings.weight": normal(2, HIDDEN),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        norms += [f"{at}.attention.output.LayerNorm", f"{at}.output.LayerNorm"]
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            made[f"{at}.attention.{part}.weight"] = normal(HIDDEN, HIDDEN)
            made[f"{at}.attention.{part}.bias"] = normal(HIDDEN)
        made[f"{at}.intermediate.dense.weight"] = normal(INNER, HIDDEN)
        made[f"{at}.intermediate.dense.bias"] = normal(INNER)
        made[f"{at}.output.dense.weight"] = normal(HIDDEN, INNER)
        made[f"{at}.output.dense.bias"] = normal(HIDDEN)
    for norm in norms:
        made[f"{norm}.weight"] = 1 + normal(HIDDEN)
        made[f"{norm}.bias"] = normal(HIDDEN)
    return made


def _tokenizer() -> Tokenizer:
    vocabulary = {word: number for number, word in enumerate(SPECIAL + WORDS)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


@dataclass(frozen=True)
class TinyBert:
    """``folder`` holds the model; ``reference`` is what its vectors must be."""

    folder: Path
    tensors: dict[str, np.ndarray]
    tokenizer: Tokenizer

    save = staticmethod(save_safetensors)

    def tokens(self, text: str) -> list[int]:
        self.tokenizer.enable_truncation(MAX_TOKENS)
        return self.tokenizer.encode(text).ids

    def reference(self, text: str) -> np.ndarray:
        """Devlin et al. 2019 written down word for word, in float64, one text at a time."""
        weights = {name: tensor.astype(np.float64) for name, tensor in self.tensors.items()}
        ids = self.tokens(text)

        def norm(name: str, x: np.ndarray) -> np.ndarray:
            mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
            return (x - mean) / np.sqrt(variance + 1e-12) * weights[f"{name}.weight"] + weights[f"{name}.bias"]

        def dense(name: str, x: np.ndarray) -> np.ndarray:
            return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

        x = weights["embeddings.word_embeddings.weight"][ids]
        x = x + weights["embeddings.position_embeddings.weight"][: len(ids)]
        x = norm("embeddings.LayerNorm", x + weights["embeddings.token_type_embeddings.weight"][0])
        for layer in range(LAYERS):
            at, size = f"encoder.layer.{layer}", HIDDEN // HEADS
            query, key, value = (dense(f"{at}.attention.self.{part}", x) for part in ("query", "key", "value"))
            mixed = np.empty_like(x)
            for head in range(HEADS):
                cut = slice(head * size, (head + 1) * size)
                scores = np.exp(query[:, cut] @ key[:, cut].T / np.sqrt(size))
                mixed[:, cut] = scores / scores.sum(-1, keepdims=True) @ value[:, cut]
            x = norm(f"{at}.attention.output.LayerNorm", x + dense(f"{at}.attention.output.dense", mixed))
            wide = dense(f"{at}.intermediate.dense", x)
            wide = wide * (1 + _vector_erf(wide / np.sqrt(2))) / 2
            x = norm(f"{at}.output.LayerNorm", x + dense(f"{at}.output.dense", wide))
        mean = x.mean(0)
        return mean / np.linalg.norm(mean)


def make_tiny(folder: Path, seed: int = 7) -> TinyBert:
    folder.mkdir(parents=True, exist_ok=True)
    tensors, tokenizer = _tensors(seed), _tokenizer()
    save_safetensors(folder / "model.safetensors", tensors)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS,
        "vocab_size": len(SPECIAL) + len(WORDS),
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": MAX_TOKENS}))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    return TinyBert(folder, tensors, tokenizer)


@pytest.fixture
def tiny(tmp_path: Path) -> TinyBert:
    return make_tiny(tmp_path / "tiny")


@pytest.fixture(scope="session")
def shared_tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyBert:
    """For tests that change nothing."""
    return make_tiny(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def shared_models(shared_tiny: TinyBert, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with the tiny encoder installed, for tests that change nothing."""
    from carrel.models.install import install

    models_folder = tmp_path_factory.mktemp("models")
    install(models_folder, source=str(shared_tiny.folder))
    return models_folder
