"""Rerankers with real, tiny models: what they score is what their papers say; skipped without the extra ``models``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from carrel.errors import TimedOut, Unavailable, Unsupported
from carrel.rerank import Patience, Scorers, Stage
from carrel.rerank.codes import coded, packed, unpacked
from carrel.rerank.late import LateInteraction
from carrel.rerank.maxsim import maxsim
from carrel.rerank.recipe import read_recipe

QUERIES = ["what do fox eat?", "barn owl hunts at night, the red bird of the small fox eats mice"]
TEXTS = [
    "The fox eats small rodents, birds and berries.",
    "Owl hunts at night! Hearing alone.",
    "",
    "?,.!",
    "fox " * 200,
    "a lone \ud800 surrogate",
]
GOOD = Patience(100.0)


@pytest.fixture
def loaded() -> None:
    """For tests that need the packages of the extra."""
    pytest.importorskip("torch", reason='needs the extra "models"')
    pytest.importorskip("sentence_transformers", reason='needs the extra "models"')


def test_maxsim_is_the_mean_of_the_best_match_of_each_query_token() -> None:
    random = np.random.default_rng(0)

    def unit(rows: int) -> np.ndarray:
        made = random.standard_normal((rows, 96))
        return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)

    query, exact = unit(32), [unit(rows) for rows in (1, 85, 86, 300)]
    slow = [
        np.mean([max(float(np.dot(q.astype(np.float64), row.astype(np.float64))) for row in passage) for q in query])
        for passage in exact
    ]
    passages = [coded(each) for each in exact]
    assert maxsim(query, passages) == pytest.approx(slow, abs=5e-4)
    assert maxsim(query, passages[::-1]).tolist() == maxsim(query, passages).tolist()[::-1]
    assert maxsim(query, [coded(np.zeros((0, 96), np.float32))]).tolist() == [-1.0]
    assert maxsim(np.zeros((0, 96), np.float32), passages).tolist() == [-1.0] * 4


def test_coded_vectors_come_back_from_their_bytes_and_other_bytes_do_not() -> None:
    random = np.random.default_rng(1)
    for rows in (0, 1, 37):
        exact = random.standard_normal((rows, 24)).astype(np.float32)
        made = coded(exact)
        back = unpacked(packed(made))
        assert back.codes.tolist() == made.codes.tolist() and back.scales.tolist() == made.scales.tolist()
        assert np.abs(back.codes * back.scales[:, None] - exact).max(initial=0.0) < 0.02
    assert coded(np.zeros((2, 8))).codes.tolist() == [[0] * 8] * 2
    for odd in (b"", b"\0\0\0\0", b"\7\0\0\0abc", packed(coded(np.ones((2, 8))))[:-1]):
        with pytest.raises(ValueError):
            unpacked(odd)
    with pytest.raises(ValueError, match="no number"):
        coded(np.full((1, 8), np.nan))


def by_the_paper(folder: Path, query: str, text: str, *, marks: tuple[str, str], attends: bool) -> float:
    """Khattab and Zaharia 2020, section 3.2, written down plainly: padded query, punctuation filtered, sum over max."""
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModel, AutoTokenizer

    words, body = AutoTokenizer.from_pretrained(str(folder)), AutoModel.from_pretrained(str(folder)).eval()
    dense = next(iter(folder.glob("*_Dense/model.safetensors")), folder / "model.safetensors")
    matrix = load_file(str(dense))["linear.weight"]

    def vectors(tokens: list[str], real: int) -> torch.Tensor:
        mask = torch.tensor([[1 if place < real or attends else 0 for place in range(len(tokens))]])
        with torch.no_grad():
            out = body(input_ids=torch.tensor([words.convert_tokens_to_ids(tokens)]), attention_mask=mask)
        return torch.nn.functional.normalize(out.last_hidden_state[0] @ matrix.T, dim=1)

    asked = ["[CLS]", marks[0], *words.tokenize(query)[: 12 - 3], "[SEP]"]
    asked += ["[MASK]"] * (12 - len(asked))
    real = asked.index("[SEP]") + 1
    told = ["[CLS]", marks[1], *words.tokenize(text)[: 40 - 3], "[SEP]"]
    keep = [place for place, token in enumerate(told) if token not in {",", ".", "?", "!", "#"}]
    best = (vectors(asked, real) @ vectors(told, len(told))[keep].T).max(dim=1).values
    return float(best.mean())


@pytest.mark.parametrize("kind", ["colbert", "colbert that attends", "pylate"])
def test_late_interaction_scores_as_the_paper_says(loaded: None, tmp_path: Path, kind: str) -> None:
    import rerank_kit

    attends = kind == "colbert that attends"
    if kind == "pylate":
        rerank_kit.pylate(tmp_path / "model")
    else:
        rerank_kit.colbert(tmp_path / "model", attend_to_mask_tokens=attends)
    scorer = Scorers(tmp_path).of(Stage("late", "model"))
    found = scorer.score(QUERIES, TEXTS[:5], GOOD)
    marks = ("[Q] ", "[D] ") if kind == "pylate" else ("[unused0]", "[unused1]")
    for row, query in zip(found, QUERIES, strict=True):
        for score, text in zip(row, TEXTS[:5], strict=True):
            assert score == pytest.approx(
                by_the_paper(tmp_path / "model", query, text, marks=marks, attends=attends), abs=2e-3
            )


def test_late_scores_do_not_depend_on_what_stands_beside_a_text_or_came_before(loaded: None, tmp_path: Path) -> None:
    import rerank_kit

    rerank_kit.colbert(tmp_path / "model")
    first, second = (Scorers(tmp_path).of(Stage("late", "model")) for _ in range(2))
    together = first.score(QUERIES, TEXTS, GOOD)
    assert first.score(QUERIES, TEXTS, GOOD).tolist() == together.tolist()
    alone = [second.score(QUERIES[:1], [text], GOOD)[0, 0] for text in reversed(TEXTS)]
    assert alone[::-1] == together[0].tolist()


def test_several_threads_may_rerank_at_once(loaded: None, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    import torch

    import rerank_kit

    rerank_kit.colbert(tmp_path / "late")
    rerank_kit.cross(tmp_path / "cross")
    usual = torch.get_num_threads()
    for kind in ("late", "cross"):
        alone = Scorers(tmp_path).of(Stage(kind, kind)).score(QUERIES, TEXTS, GOOD).tolist()  # type: ignore[arg-type]
        shared = Scorers(tmp_path)

        def ask(turn: int) -> list[list[float]]:
            scorer = shared.of(Stage(kind, kind))  # type: ignore[arg-type]  # noqa: B023
            return scorer.score(QUERIES, TEXTS, GOOD).tolist()

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(ask, range(8))) == [alone] * 8
    with ThreadPoolExecutor(1) as fresh:  # the one-thread workers leave every other thread as it was
        assert fresh.submit(torch.get_num_threads).result() == torch.get_num_threads() == usual


def test_passages_kept_ready_stay_within_their_room_and_are_not_made_twice(loaded: None, tmp_path: Path) -> None:
    import rerank_kit
    from carrel.rerank.late import LateInteraction
    from carrel.rerank.recipe import read_recipe as recipe_of

    rerank_kit.colbert(tmp_path / "model")
    loaded_one = LateInteraction.load("model", tmp_path)
    small = LateInteraction(
        recipe_of(tmp_path / "model"),
        loaded_one._tokenizer,
        loaded_one._rows._body,
        loaded_one._rows._project,
        room=3_000,
    )
    texts = [f"{word} eats mice" for word in rerank_kit.WORDS]
    assert small.score(QUERIES, texts, GOOD).tolist() == loaded_one.score(QUERIES, texts, GOOD).tolist()
    assert small._used == sum(vectors.nbytes for vectors in small._kept.values()) <= 3_000
    made = []
    start = loaded_one._rows.start
    loaded_one._rows.start = lambda ids, seen: made.append(ids) or start(ids, seen)  # type: ignore[method-assign,func-returns-value]
    loaded_one.score(QUERIES[:1], texts, GOOD)
    assert len(made) == 1  # the query


class Drawer(dict[tuple[str, int], bytes]):
    """A shelf in memory."""

    def read(self, model: str, digests: Sequence[int]) -> dict[int, bytes]:
        return {digest: self[model, digest] for digest in digests if (model, digest) in self}

    def write(self, model: str, made: Mapping[int, bytes]) -> None:
        self.update({(model, digest): content for digest, content in made.items()})


def test_passages_are_read_by_a_model_once_ever_and_score_the_same_from_the_shelf(loaded: None, tmp_path: Path) -> None:
    import rerank_kit

    rerank_kit.colbert(tmp_path / "model")
    fresh = Scorers(tmp_path).of(Stage("late", "model")).score(QUERIES, TEXTS, GOOD).tolist()
    shelf, texts = Drawer(), dict(enumerate(TEXTS))
    for turn in range(2):
        scorer = Scorers(tmp_path).of(Stage("late", "model"))
        assert isinstance(scorer, LateInteraction)
        made = []
        start = scorer._rows.start
        scorer._rows.start = lambda ids, seen, start=start, made=made: made.append(ids) or start(ids, seen)  # type: ignore[method-assign,misc]
        scorer.prepare(texts, shelf, GOOD)
        assert len(made) == (0 if turn else len(set(TEXTS)))
        assert scorer.score(QUERIES, TEXTS, GOOD).tolist() == fresh
        assert len(made) == (0 if turn else len(set(TEXTS))) + 2
    shelf[scorer.fingerprint, 0] = b"something else"
    scorer = Scorers(tmp_path).of(Stage("late", "model"))
    scorer.prepare(texts, shelf, GOOD)  # type: ignore[attr-defined]
    assert scorer.score(QUERIES, TEXTS, GOOD).tolist() == fresh and len(shelf) == len(TEXTS)


def test_patience_ends_preparing_and_what_was_made_is_on_the_shelf(loaded: None, tmp_path: Path) -> None:
    import rerank_kit

    rerank_kit.colbert(tmp_path / "model")
    scorer = LateInteraction.load("model", tmp_path)
    ticks, shelf = iter(range(1_000)), Drawer()
    with pytest.raises(TimedOut):
        scorer.prepare(dict(enumerate(TEXTS)), shelf, Patience(3, lambda: next(ticks)))
    assert len(shelf) == 3


def test_vectors_are_named_by_all_that_they_depend_on(loaded: None, tmp_path: Path) -> None:
    import rerank_kit

    made = {
        LateInteraction.load(str(rerank_kit.colbert(tmp_path / name, **said)), tmp_path).fingerprint
        for name, said in {
            "one": {},
            "seed": {"seed": 7},
            "dimension": {"dimension": 8},
            "length": {"doc_maxlen": 41},
            "punctuation": {"mask_punctuation": False},
            "marker": {"doc_token_id": "[unused0]"},
        }.items()
    }
    assert len(made) == 6 and all(len(each) == 64 for each in made)
    again = rerank_kit.colbert(tmp_path / "again")
    assert LateInteraction.load(str(again), tmp_path).fingerprint in made


def test_layers_with_bias_activation_and_residual_are_applied_in_turn(loaded: None, tmp_path: Path) -> None:
    import torch

    import rerank_kit
    from carrel.rerank.late import _projection

    layers = ({"bias": True, "activation_function": "torch.nn.modules.activation.GELU"}, {"use_residual": True})
    folder = rerank_kit.pylate(tmp_path / "model", layers=layers)
    from safetensors.torch import load_file

    one, two = (load_file(str(folder / f"{n}_Dense" / "model.safetensors")) for n in (1, 2))
    x = torch.randn(5, rerank_kit.HIDDEN)
    middle = torch.nn.functional.gelu(x @ one["linear.weight"].T + one["linear.bias"])
    wanted = middle @ two["linear.weight"].T + middle
    assert torch.allclose(_projection(read_recipe(folder).layers)(x), wanted, atol=1e-5)
    assert np.isfinite(Scorers(tmp_path).of(Stage("late", "model")).score(QUERIES, TEXTS, GOOD)).all()


def test_patience_ends_a_late_stage_and_what_was_made_is_kept(loaded: None, tmp_path: Path) -> None:
    import rerank_kit

    rerank_kit.colbert(tmp_path / "model")
    scorer = Scorers(tmp_path).of(Stage("late", "model"))
    ticks = iter(range(1_000))
    with pytest.raises(TimedOut, match="lower the stage's cut"):
        scorer.score(QUERIES, TEXTS, Patience(3, lambda: next(ticks)))
    assert len(scorer._kept) == 3  # type: ignore[attr-defined]
    assert scorer.score(QUERIES, TEXTS, GOOD).shape == (2, 6)


def test_a_cross_encoder_scores_pairs_as_sentence_transformers_does(loaded: None, tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    import rerank_kit

    rerank_kit.cross(tmp_path / "model")
    scorer = Scorers(tmp_path).of(Stage("cross", "model"))
    found = scorer.score(QUERIES, TEXTS, GOOD)
    alone = CrossEncoder(str(tmp_path / "model")).predict([(QUERIES[1], TEXTS[0])], show_progress_bar=False)
    assert found.shape == (2, 6) and found[1, 0] == pytest.approx(float(alone[0]), abs=1e-4)
    again = Scorers(tmp_path).of(Stage("cross", "model")).score(QUERIES[1:], TEXTS[::-1], GOOD)
    assert again[0].tolist()[::-1] == found[1].tolist()
    with pytest.raises(TimedOut):
        scorer.score(["fox"], TEXTS, Patience(-1))


def test_a_cross_encoder_of_classes_is_refused(loaded: None, tmp_path: Path) -> None:
    import rerank_kit

    rerank_kit.cross(tmp_path / "classes", labels=3)
    with pytest.raises(Unsupported, match="single score"):
        Scorers(tmp_path).of(Stage("cross", "classes"))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_sparse_model_scores_by_the_dot_product_of_its_words(loaded: None, tmp_path: Path) -> None:
    from sentence_transformers import SparseEncoder

    import rerank_kit

    rerank_kit.splade(tmp_path / "model")
    found = Scorers(tmp_path).of(Stage("sparse", "model")).score(QUERIES, TEXTS, GOOD)
    model = SparseEncoder(str(tmp_path / "model"))
    asked, told = model.encode_query([QUERIES[0]]).to_dense(), model.encode_document([TEXTS[1]]).to_dense()
    assert found.shape == (2, 6)
    assert found[0, 1] == pytest.approx(float((asked @ told.T)[0, 0]), rel=1e-4)


def test_a_model_that_is_not_here_is_named_with_what_brings_it(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    for kind in ("late", "cross", "sparse"):
        with pytest.raises(Unavailable, match="hf download owner/never-made"):
            Scorers(tmp_path).of(Stage(kind, "owner/never-made"))  # type: ignore[arg-type]
    for odd in ("../elsewhere", "a/b/c", "", "x y"):
        with pytest.raises(Unavailable, match="neither a hub name"):
            Scorers(tmp_path).of(Stage("late", odd))
    with pytest.raises(Unavailable, match="is not there"):
        Scorers(tmp_path).of(Stage("late", str(tmp_path / "nowhere")))


def test_without_the_extra_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "artifact.metadata").write_text("{}")
    for module in ("sentence_transformers", "transformers"):
        monkeypatch.setitem(sys.modules, module, None)
    for kind in ("late", "cross", "sparse"):
        with pytest.raises(Unsupported, match=r"pip install \"\.\[models\]\""):
            Scorers(tmp_path).of(Stage(kind, "model"))  # type: ignore[arg-type]


def test_a_folder_that_is_no_such_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(Unsupported, match="no vector per token"):
        read_recipe(tmp_path / "plain")
    damaged = {
        "not json": "{",
        "a list": "[]",
        "a length that is none": '{"query_maxlen": "many"}',
        "a huge length": '{"doc_maxlen": 10000000}',
        "a deep one": "[" * 100_000,
    }
    for name, text in damaged.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "artifact.metadata").write_text(text)
        with pytest.raises(Unavailable, match="damaged"):
            read_recipe(tmp_path / name)


def test_a_sentence_encoder_is_not_taken_for_a_late_interaction_model(tmp_path: Path) -> None:
    (tmp_path / "config_sentence_transformers.json").write_text("{}")
    (tmp_path / "modules.json").write_text(
        '[{"type": "sentence_transformers.models.Transformer", "path": ""},'
        ' {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]'
    )
    with pytest.raises(Unsupported, match="no vector per token"):
        read_recipe(tmp_path)


def test_a_late_model_without_its_weights_is_refused_not_made_up(loaded: None, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    import rerank_kit

    folder = rerank_kit.colbert(tmp_path / "model")
    tensors = load_file(str(folder / "model.safetensors"))
    kept = {name: tensor for name, tensor in tensors.items() if "layer.1" not in name}
    save_file(kept, str(folder / "model.safetensors"), metadata={"format": "pt"})
    with pytest.raises(Unavailable, match="lacks some of its weights"):
        Scorers(tmp_path).of(Stage("late", "model"))
    save_file({"other": tensors["linear.weight"]}, str(folder / "model.safetensors"), metadata={"format": "pt"})
    with pytest.raises(Unavailable):
        Scorers(tmp_path).of(Stage("late", "model"))


def test_a_model_is_loaded_once(tmp_path: Path) -> None:
    from rerank_kit import Plain

    asked = []
    scorers = Scorers(tmp_path, loaders={"late": lambda model, models: asked.append(model) or Plain(lambda q, t: 0.0)})  # type: ignore[func-returns-value]
    assert scorers.of(Stage("late", "a")) is scorers.of(Stage("late", "a", cut=5))
    assert scorers.of(Stage("late", "b")) is not scorers.of(Stage("late", "a"))
    assert asked == ["a", "b"]
