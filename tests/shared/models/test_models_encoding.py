"""What an installed encoder gives."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from carrel.errors import CarrelError
from carrel.models import DEFAULT_NAME, load_encoder
from carrel.models.bert import Weights, read_shape
from carrel.models.build import RECIPE
from carrel.models.graph import build_graph
from carrel.models.install import verify
from carrel.models.safetensors import read_safetensors
from carrel.settings import Settings

TEXTS = ["the cat sat on the mat", "a study desk in a library is called a carrel", "dog", "", "red " * 80, "zebra 東京"]


def _inputs(rows):
    width = max(map(len, rows))
    ids = np.array([row + [0] * (width - len(row)) for row in rows], np.int64)
    mask = np.array([[1] * len(row) + [0] * (width - len(row)) for row in rows], np.int64)
    return {"input_ids": ids, "attention_mask": mask}


def test_the_float_graph_computes_what_the_paper_says(shared_tiny):
    import json

    shape = read_shape(json.loads((shared_tiny.folder / "config.json").read_text()))
    graph = build_graph(Weights(read_safetensors(shared_tiny.folder / "model.safetensors"), shape))
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    vectors = session.run(None, _inputs([shared_tiny.tokens(text) for text in TEXTS]))[0]
    expected = np.stack([shared_tiny.reference(text) for text in TEXTS])
    assert np.abs(vectors - expected).max() < 1e-5


def test_the_installed_encoder_stays_near_the_reference_in_the_order_of_its_texts(shared_tiny, shared_models):
    vectors = load_encoder("tiny", shared_models).encode(TEXTS)
    expected = np.stack([shared_tiny.reference(text) for text in TEXTS])
    assert vectors.shape == (len(TEXTS), 32) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors * expected).sum(axis=1).min() > 0.99


def test_a_text_has_the_same_vector_alone_and_among_others(shared_models):
    encoder = load_encoder("tiny", shared_models)
    together = encoder.encode([*TEXTS, *(f"one two {word}" for word in ["red", "blue", "cat", "dog", "mat"] * 8)])
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert np.abs(together[: len(TEXTS)] - alone).max() < 1e-6


def test_more_texts_than_one_window_come_back_in_order(shared_models):
    encoder = load_encoder("tiny", shared_models)
    texts = [("cat " * (number % 7) + "dog " * (number % 3)).strip() for number in range(4200)]
    vectors = encoder.encode(texts)
    first = {text: number for number, text in reversed(list(enumerate(texts)))}
    assert np.abs(vectors - vectors[[first[text] for text in texts]]).max() < 1e-6
    assert np.abs(vectors[-1] - encoder.encode([texts[-1]])[0]).max() < 1e-6


def test_threads_share_an_encoder(shared_models):
    encoder = load_encoder("tiny", shared_models)
    expected = encoder.encode(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        for vectors in pool.map(lambda _: encoder.encode(TEXTS), range(40)):
            assert np.abs(vectors - expected).max() < 1e-6


def test_no_text_gives_no_row(shared_models):
    assert load_encoder("tiny", shared_models).encode([]).shape == (0, 32)


@pytest.mark.parametrize(
    "text",
    ["\ud800 cat", "\0\0\0", "x" * 5_000_000, " " * 5_000_000 + "cat", "é" * 1_000_000, "\u202e\u200b", "{}%s\\"],
    ids=["surrogate", "nul", "one word", "spaces", "accents", "invisible", "format"],
)
def test_hostile_text_gets_a_finite_vector(shared_models, text):
    vectors = load_encoder("tiny", shared_models).encode([text, "cat"])
    assert np.isfinite(vectors).all()
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_text_far_beyond_the_window_is_not_even_read(shared_models):
    encoder = load_encoder("tiny", shared_models)
    assert np.array_equal(encoder.encode([" " * 100_000 + "cat"]), encoder.encode([""]))


def test_queries_and_passages_share_a_space(shared_models):
    encoder = load_encoder("tiny", shared_models)
    assert np.array_equal(encoder.encode_queries(["the cat"]), encoder.encode(["the cat"]))


def test_a_changed_graph_has_a_new_recipe(shared_models):
    """Whoever changes the graph or its rounding sees this fail: change RECIPE with it, then this digest."""
    [model] = (shared_models / "tiny").glob("model-*.onnx")
    graph = onnx.load(model).graph
    digest = hashlib.sha256("\n".join(f"{node.op_type}{list(node.output)}" for node in graph.node).encode())
    for constant in sorted(graph.initializer, key=lambda constant: constant.name):
        digest.update(constant.name.encode() + constant.raw_data)
    assert (RECIPE, digest.hexdigest()[:16]) == ("bert-mean-l2-int8/3", "5d360644d2010591")


def test_no_pair_of_neighbouring_weights_can_overflow_sixteen_bits(shared_models):
    [model] = (shared_models / "tiny").glob("model-*.onnx")
    matrices = [
        onnx.numpy_helper.to_array(constant).astype(int)
        for constant in onnx.load(model).graph.initializer
        if constant.name.endswith(".matrix")
    ]
    assert len(matrices) == 8
    for matrix in matrices:
        pairs = matrix.T.reshape(matrix.shape[1], -1, 2)
        assert 255 * np.maximum(pairs, 0).sum(axis=2).max() <= 32767
        assert 255 * np.minimum(pairs, 0).sum(axis=2).min() >= -32768


def _python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )


def test_encoding_imports_neither_torch_nor_sentence_transformers(shared_models):
    code = (
        "import sys; from pathlib import Path; from carrel.models import load_encoder\n"
        f"vectors = load_encoder('tiny', Path({str(shared_models)!r})).encode(['cat'])\n"
        "sys.stdout.write(repr((vectors.shape, sorted({'torch', 'sentence_transformers', 'onnx'} & set(sys.modules)))))"
    )
    done = _python(code)
    assert (done.stdout, done.returncode) == ("((1, 32), [])", 0), done.stderr


def test_nothing_leaves_the_machine_and_nobody_keeps_a_file_about_it(shared_models, tmp_path):
    """ONNX Runtime on its own keeps a device id in the user's cache and asks for its maker's address."""
    code = (
        "import sys\n"
        "asked, reaching = [], {'socket.' + name for name in ('connect', 'getaddrinfo', 'gethostbyname', 'sendto')}\n"
        "sys.addaudithook(lambda name, _: asked.append(name) if name in reaching else None)\n"
        "from pathlib import Path; from carrel import ingest; from carrel.index import Library\n"
        "from carrel.models import load_encoder; from carrel.retrieve import search\n"
        f"library = Library(Path({str(tmp_path / 'data')!r}), background=False,\n"
        f"    encoder=lambda: load_encoder('tiny', Path({str(shared_models)!r})))\n"
        "library.add([ingest.note('A carrel is a desk.', title='Carrels')])\n"
        "library.encode('default')\n"
        "found = search(library, ['desk'], mode='hybrid')\n"
        "sys.stdout.write(repr((len(found.hits), sorted(found.coverage), asked)))"
    )
    home = tmp_path / "home"
    home.mkdir()
    done = _python(code, HOME=str(home), XDG_CACHE_HOME=str(home / "cache"))
    assert (done.stdout, done.returncode) == ("(1, ['dense', 'lexical'], [])", 0), done.stderr
    assert [path.name for path in home.rglob("*")] == []


def test_importing_the_room_imports_nothing_heavy():
    done = _python(
        "import sys, carrel.models\n"
        "heavy = {'numpy', 'onnx', 'onnxruntime', 'tokenizers', 'huggingface_hub', 'torch', 'sentence_transformers'}\n"
        "sys.stdout.write(repr(sorted(heavy & set(sys.modules))))"
    )
    assert (done.stdout, done.returncode) == ("[]", 0), done.stderr


@pytest.fixture(scope="module")
def real():
    models = Settings.from_environment(os.environ).models
    try:
        verify(models, DEFAULT_NAME)
    except CarrelError:
        pytest.skip("all-MiniLM-L6-v2 is not installed here; run `python -m carrel.models install`")
    return load_encoder(DEFAULT_NAME, Path(models))


def test_the_real_model_knows_what_belongs_together(real):
    vectors = real.encode(
        [
            "How do I restore a deleted branch in git?",
            "Bring back a git branch after removing it",
            "Aspirin lowers the risk of a second heart attack.",
            "Acetylsalicylic acid protects patients after a myocardial infarction.",
        ]
    )
    likeness = vectors @ vectors.T
    assert (real.dimension, real.max_tokens) == (384, 256)
    assert min(likeness[0, 1], likeness[2, 3]) > 0.4
    assert likeness[:2, 2:].max() < 0.15


def test_the_real_model_does_not_see_beyond_its_window(real):
    long = "word " * 254
    assert np.abs(real.encode([long])[0] - real.encode([long + "and something else entirely"])[0]).max() < 1e-6
