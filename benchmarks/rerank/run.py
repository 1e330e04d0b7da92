"""What does late interaction cost at a search? Fifty candidates judged cold, from the disk, and from memory.

    python -m benchmarks.rerank.run [--model NAME_OR_FOLDER] [--candidates 50] [--sets 12] [--words 150]

Each set of candidates is judged once cold (the model reads every passage), once with an empty memory (the vectors come
from the disk, whose pages the system may still hold), and five times from memory. Without ``--model`` it is a ColBERT
of MiniLM's size with random weights (6 layers, 384 numbers, projected to 128): the work is the same as with trained
ones. ``prepared`` is what ``carrel collections prepare`` does to a collection of the same passages. It needs the extra
``models``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from carrel import ingest
from carrel.index import Library
from carrel.rerank import Patience, Pipeline, Scorers, Stage
from carrel.rerank.late import LateInteraction
from carrel.retrieve import prepare

LAYERS, WIDTH, HEADS, INNER, DIMENSION, LONGEST = 6, 384, 12, 1536, 128, 512
MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]"]
WORDS = [f"{start}{middle}{end}" for start in "bdfgklmn" for middle in ("a", "e", "io", "u") for end in "lnrst"]
QUERY = 12  # words
AGAIN = 5  # judgements of each set from memory
GOOD = 600.0  # seconds


def main() -> None:
    """Measure and print the figures, as JSON and in words."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="", help="a hub name or a folder (default: a synthetic one)")
    parser.add_argument("--candidates", type=int, default=50)
    parser.add_argument("--sets", type=int, default=12)
    parser.add_argument("--words", type=int, default=150, help="of a passage")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as scratch:
        folder = Path(scratch).resolve()
        model = options.model or str(synthetic(folder / "model"))
        figures = measure(folder, model, options.candidates, options.sets, options.words)
    print(json.dumps(figures))
    print(
        f"{options.candidates} candidates, median ms: cold {figures['cold_ms']:.0f}, from disk "
        f"{figures['disk_ms']:.1f}, from memory {figures['memory_ms']:.1f}; {figures['kb_per_passage']:.1f} KB a "
        f"passage on disk; prepared at {figures['prepared_per_s']:.0f} passages a second"
    )


def measure(scratch: Path, model: str, candidates: int, sets: int, words: int) -> dict[str, float | int]:
    """Judge made passages each way and give the median milliseconds of a set."""
    draw = random.Random(4)
    passages = [_sentence(draw, words) for _ in range(candidates * sets)]
    queries = [_sentence(draw, QUERY) for _ in range(sets)]
    stage = Stage("late", model, candidates, seconds=GOOD)
    times: dict[str, list[float]] = {"cold": [], "disk": [], "memory": []}
    # Two libraries, so that what one has read is new to the other.
    searched = _library(scratch / "searched", passages)
    named = [digest for batch in searched.passages("default") for digest, _ in batch]
    asked = [(query, dict(zip(named[at::sets], passages[at::sets], strict=True))) for at, query in enumerate(queries)]
    for way in ("cold", "disk"):
        scorer = _loaded(scratch, stage)
        scorer.score(queries[:1], ["what every first call loads"], Patience(GOOD))
        times[way] = [_judge(searched, scorer, *each) for each in asked]
        searched.tokens.forget()  # waits for what is written in the background
    times["memory"] = [_judge(searched, scorer, *each) for each in asked for _ in range(AGAIN)]
    taken = searched.tokens.taken()
    searched.close()
    prepared = _library(scratch / "prepared", passages)
    loaded = Scorers(scratch)
    loaded.of(stage)
    start = time.perf_counter()
    prepare(prepared, "default", Pipeline("late", (stage,)), loaded, lambda done, total: None)
    seconds = time.perf_counter() - start
    prepared.close()
    return {
        "candidates": candidates,
        **{f"{way}_ms": 1_000 * median(each) for way, each in times.items()},
        "kb_per_passage": taken / len(passages) / 1_000,
        "prepared_per_s": len(passages) / seconds,
    }


def _loaded(models: Path, stage: Stage) -> LateInteraction:
    scorer = Scorers(models).of(stage)
    assert isinstance(scorer, LateInteraction)
    return scorer


def _judge(library: Library, scorer: LateInteraction, query: str, texts: dict[int, str]) -> float:
    """Judge passages as a stage does; its seconds."""
    patience = Patience(GOOD)
    start = time.perf_counter()
    scorer.prepare(texts, library.tokens, patience)
    scorer.score([query], list(texts.values()), patience)
    return time.perf_counter() - start


def _sentence(draw: random.Random, words: int) -> str:
    return " ".join(draw.choices(WORDS, k=words))


def _library(data: Path, passages: Sequence[str]) -> Library:
    library = Library(data, background=False)
    library.add([ingest.note(text, title="") for text in passages])
    return library


def synthetic(folder: Path) -> Path:
    """A checkpoint as the authors of ColBERT save one, of MiniLM's size, with random weights."""
    try:
        import torch
        from safetensors.torch import save_file
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
        from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
    except ImportError:
        sys.exit('this needs the extra "models": pip install ".[models]"')
    folder.mkdir(parents=True)
    words = Tokenizer(models.WordPiece({word: at for at, word in enumerate([*MARKS, *WORDS])}, unk_token="[UNK]"))
    words.normalizer = normalizers.BertNormalizer(lowercase=True)
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    named = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(
        tokenizer_object=words, mask_token="[MASK]", model_max_length=LONGEST, **named
    ).save_pretrained(str(folder))
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=30_522,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        max_position_embeddings=LONGEST,
    )
    body = BertModel(config, add_pooling_layer=False)
    tensors = {f"bert.{name}": tensor.contiguous() for name, tensor in body.state_dict().items()}
    tensors["linear.weight"] = torch.randn(DIMENSION, WIDTH)
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps({**config.to_dict(), "architectures": ["HF_ColBERT"]}))
    (folder / "artifact.metadata").write_text(json.dumps({"query_maxlen": 32, "doc_maxlen": 220}))
    return folder


if __name__ == "__main__":
    main()
