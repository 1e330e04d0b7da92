"""Tiny rerankers with random weights, laid out as their makers lay them out; and rerankers that are plain functions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carrel.rerank import Patience

TEXT = "the a fox owl red bird birds eats eat small rodents berries barn hunts at night mice hearing alone what do of"
WORDS = sorted(set(re.findall("[a-z]+", TEXT)))
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]", "[Q] ", "[D] "]
POINTS = [",", ".", "?", "!", "#"]
HIDDEN = 32


def tokenizer(words: Sequence[str] = WORDS) -> Any:
    """A WordPiece tokenizer that knows the words, the marks and the special tokens."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *POINTS, *words])}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    named = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=made, mask_token="[MASK]", model_max_length=128, **named)


def bert_config(words: Sequence[str] = WORDS, **sizes: int) -> Any:
    """The sizes of a tiny BERT, or of a larger one."""
    from transformers import BertConfig

    usual = {
        "hidden_size": HIDDEN,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 128,
        "vocab_size": len(SPECIAL) + len(POINTS) + len(words),
        "initializer_range": 0.2,
    }
    return BertConfig(**{**usual, **sizes})


def colbert(folder: Path, *, dimension: int = 16, seed: int = 1, config: Any = None, **said: Any) -> Path:
    """A checkpoint as the authors of ColBERT save one: a BERT under ``bert.``, ``linear.weight``, artifact.metadata."""
    import torch
    from safetensors.torch import save_file
    from transformers import BertModel

    torch.manual_seed(seed)
    folder.mkdir(parents=True)
    body = BertModel(config or bert_config(), add_pooling_layer=False)
    width = body.config.hidden_size
    tensors = {f"bert.{name}": tensor.contiguous() for name, tensor in body.state_dict().items()}
    tensors["linear.weight"] = torch.randn(dimension, width)
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps({**body.config.to_dict(), "architectures": ["HF_ColBERT"]}))
    tokenizer().save_pretrained(str(folder))
    usual = {"query_maxlen": 12, "doc_maxlen": 40, "mask_punctuation": True, "attend_to_mask_tokens": False}
    (folder / "artifact.metadata").write_text(json.dumps({**usual, **said}))
    return folder


def pylate(folder: Path, *, layers: Sequence[dict[str, Any]] = ({},), seed: int = 2, **said: Any) -> Path:
    """A checkpoint as PyLate saves one: the transformer, a folder per Dense layer, modules.json."""
    import torch
    from safetensors.torch import save_file
    from transformers import BertModel

    torch.manual_seed(seed)
    BertModel(bert_config(), add_pooling_layer=False).save_pretrained(str(folder))
    tokenizer().save_pretrained(str(folder))
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    width = HIDDEN
    for number, options in enumerate(layers, start=1):
        path = folder / f"{number}_Dense"
        path.mkdir()
        config = {"in_features": width, "out_features": 16, "bias": False, **options}
        config.setdefault("activation_function", "torch.nn.modules.linear.Identity")
        tensors = {"linear.weight": torch.randn(16, width)}
        if config["bias"]:
            tensors["linear.bias"] = torch.randn(16)
        if config.get("use_residual") and width != 16:
            tensors["residual.weight"] = torch.randn(16, width)
        save_file(tensors, str(path / "model.safetensors"))
        (path / "config.json").write_text(json.dumps(config))
        modules.append({"idx": number, "name": str(number), "path": path.name, "type": "pylate.models.Dense.Dense"})
        width = 16
    (folder / "modules.json").write_text(json.dumps(modules))
    usual = {"query_prefix": "[Q] ", "document_prefix": "[D] ", "query_length": 12, "document_length": 40}
    (folder / "config_sentence_transformers.json").write_text(json.dumps({**usual, **said}))
    return folder


def cross(folder: Path, *, seed: int = 3, labels: int = 1) -> Path:
    """A cross-encoder: a BERT with a classifier of ``labels`` outputs."""
    import torch
    from transformers import BertForSequenceClassification

    torch.manual_seed(seed)
    config = bert_config()
    config.num_labels = labels
    BertForSequenceClassification(config).save_pretrained(str(folder))
    tokenizer().save_pretrained(str(folder))
    return folder


def splade(folder: Path, *, seed: int = 4) -> Path:
    """A learned-sparse model: a BERT with its word predictor, pooled by SPLADE."""
    import torch
    from sentence_transformers import SparseEncoder
    from sentence_transformers.sparse_encoder.modules import MLMTransformer, SpladePooling
    from transformers import BertForMaskedLM

    torch.manual_seed(seed)
    body = folder.with_name(folder.name + "-body")
    BertForMaskedLM(bert_config()).save_pretrained(str(body))
    tokenizer().save_pretrained(str(body))
    SparseEncoder(modules=[MLMTransformer(str(body)), SpladePooling("max")]).save(str(folder))
    return folder


class Plain:
    """A reranker that is a function of query and text; it counts what it was asked."""

    def __init__(self, judge: Callable[[str, str], float]) -> None:
        self.judge = judge
        self.asked = 0

    def score(self, queries: Sequence[str], texts: Sequence[str], patience: Patience) -> NDArray[np.float64]:
        patience.check()
        self.asked += len(queries) * len(texts)
        return np.array([[self.judge(query, text) for text in texts] for query in queries], np.float64)
