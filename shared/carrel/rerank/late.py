"""Late interaction: a vector per token, passages kept ready, queries matched by MaxSim (Khattab and Zaharia 2020)."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carrel.errors import CarrelError, Unavailable, Unsupported
from carrel.models.folders import NEEDS_EXTRA, model_folder
from carrel.rerank.codes import Coded, coded, packed, unpacked
from carrel.rerank.maxsim import maxsim
from carrel.rerank.recipe import Layer, Recipe, fingerprint, read_recipe
from carrel.rerank.rows import Rows
from carrel.rerank.scorers import Patience, Shelf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LateInteraction"]

_ROOM = 256 << 20  # bytes of passages kept ready: about 10,000 of 200 tokens and 128 numbers each


class LateInteraction:
    """A ColBERT-type model. The vectors of passages stay in memory, newest first, and on the shelf that is given.

    They are rounded at once, so that a score is the same whether they were made now, or read.
    """

    def __init__(
        self,
        recipe: Recipe,
        tokenizer: Any,
        body: Any,
        project: Callable[[Any], Any],
        *,
        fingerprint: str = "",
        room: int = _ROOM,
    ):
        """Wrap a loaded transformer and its projection; ``room`` is in bytes."""
        self.fingerprint = fingerprint
        self._recipe = recipe
        self._tokenizer = tokenizer
        self._rows = Rows(body, project)
        self._markers = [_token(tokenizer, marker) for marker in (recipe.query_marker, recipe.passage_marker)]
        unknown = getattr(tokenizer, "unk_token_id", None)
        self._skipped = {tokenizer.convert_tokens_to_ids(word) for word in recipe.skipped} - {unknown, None}
        self._kept: OrderedDict[bytes, Coded] = OrderedDict()
        self._room = room
        self._used = 0
        self._lock = threading.Lock()

    @classmethod
    def load(cls, name: str, models: Path) -> LateInteraction:
        """Load a model from this machine. Raises Unavailable (not here, or damaged) or Unsupported (extra missing, or a
        model of another kind)."""
        folder = model_folder(name, models)
        recipe = read_recipe(folder)
        try:
            from transformers import AutoModel, AutoTokenizer
        except ImportError:
            raise Unsupported(NEEDS_EXTRA) from None
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(recipe.body), local_files_only=True)
            body, said = AutoModel.from_pretrained(
                str(recipe.body), local_files_only=True, use_safetensors=True, dtype="float32", output_loading_info=True
            )
            if any("pooler" not in name for name in said["missing_keys"]):  # they would be random
                raise Unavailable("the late-interaction model lacks some of its weights; fetch it again")
            named = fingerprint(recipe)
            return cls(recipe, tokenizer, body.eval(), _projection(recipe.layers), fingerprint=named)
        except CarrelError:
            raise
        except Exception as error:
            raise Unavailable("the late-interaction model could not be loaded; fetch it again") from error

    def score(self, queries: Sequence[str], texts: Sequence[str], patience: Patience) -> NDArray[np.float64]:
        """See `Scorer`: MaxSim, -1 to 1."""
        import numpy as np

        try:
            with self._lock:
                asked = [self._rows.start(*self._query(text)) for text in queries]
                passages = self._passages(texts, patience)
            vectors = [each.result() for each in asked]
        except CarrelError:
            raise
        except Exception as error:
            raise Unavailable("the late-interaction model failed on these passages") from error
        return np.stack([maxsim(query, passages) for query in vectors])

    def prepare(self, texts: Mapping[int, str], shelf: Shelf, patience: Patience) -> Future[None] | None:
        """See `Prepares`."""
        named = {digest: _name(text) for digest, text in texts.items()}
        with self._lock:
            absent = [digest for digest, name in named.items() if name not in self._kept]
            for digest, content in shelf.read(self.fingerprint, absent).items():
                with contextlib.suppress(ValueError):  # no token vectors: made anew, and written over
                    self._keep(named[digest], unpacked(content))
            missing = {named[digest]: texts[digest] for digest in absent if named[digest] not in self._kept}
            made: dict[bytes, Coded] = {}
            try:
                self._make(missing, patience, made)
            except CarrelError:
                raise
            except Exception as error:
                raise Unavailable("the late-interaction model failed on these passages") from error
            finally:  # what was made before patience ended is there for the next search
                by_digest = {digest: packed(made[named[digest]]) for digest in absent if named[digest] in made}
                written = shelf.write(self.fingerprint, by_digest)
        return written

    def _query(self, text: str) -> tuple[list[int], list[int]]:
        recipe = self._recipe
        ids = self._ids(text, self._markers[0], recipe.query_tokens)
        seen = [1] * len(ids)
        if recipe.expands and (spare := recipe.query_tokens - len(ids)) > 0:
            mask = self._tokenizer.mask_token_id
            ids += [self._tokenizer.pad_token_id if mask is None else mask] * spare
            seen += [int(recipe.attends)] * spare
        return ids, seen

    def _passages(self, texts: Sequence[str], patience: Patience) -> list[Coded]:
        """Token vectors of passages, without skipped words: those kept, and the others made now."""
        names = [_name(text) for text in texts]
        ready = {name: self._kept[name] for name in names if name in self._kept}
        for name in ready:
            self._kept.move_to_end(name)
        missing = {name: text for name, text in zip(names, texts, strict=True) if name not in ready}
        self._make(missing, patience, ready)
        return [ready[name] for name in names]

    def _make(self, texts: Mapping[bytes, str], patience: Patience, into: dict[bytes, Coded]) -> None:
        """Make the vectors of texts one by one, put them ``into``, and keep them in memory."""
        ids = {name: self._ids(text, self._markers[1], self._recipe.passage_tokens) for name, text in texts.items()}
        started = {name: self._rows.start(each, [1] * len(each)) for name, each in ids.items()}
        try:
            for name, vectors in started.items():
                patience.check()
                told = [place for place, token in enumerate(ids[name]) if token not in self._skipped]
                into[name] = coded(vectors.result()[told])
                self._keep(name, into[name])  # also when patience ends before the last: the next search goes on
        finally:
            for vectors in started.values():  # those not yet begun, when patience ended
                vectors.cancel()

    def _keep(self, name: bytes, vectors: Coded) -> None:
        if name in self._kept:
            self._used -= self._kept.pop(name).nbytes
        self._kept[name] = vectors
        self._used += vectors.nbytes
        while self._used > self._room:
            _, dropped = self._kept.popitem(last=False)
            self._used -= dropped.nbytes

    def _ids(self, text: str, marker: int, tokens: int) -> list[int]:
        """Token numbers, the marker behind the first; at most ``tokens``."""
        ids = self._tokenizer(_clean(text), truncation=True, max_length=tokens - 1)["input_ids"]
        return [*ids[:1], marker, *ids[1:]]


def _name(text: str) -> bytes:
    return hashlib.blake2b(_clean(text).encode(), digest_size=16).digest()


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _token(tokenizer: Any, marker: str) -> int:
    number = tokenizer.convert_tokens_to_ids(marker)
    if number is None or number == getattr(tokenizer, "unk_token_id", None):
        raise Unavailable("the model's tokenizer does not know its own marker; fetch the model again")
    return int(number)


def _projection(layers: Sequence[Layer]) -> Callable[[Any], Any]:
    """The layers as one function over (tokens, width)."""
    import torch
    from safetensors.torch import load_file

    parts = [(layer, load_file(str(layer.file))) for layer in layers]

    def project(x: Any) -> Any:
        for layer, held in parts:
            y = torch.nn.functional.linear(x, held["linear.weight"], held.get("linear.bias"))
            y = getattr(torch.nn, layer.activation)()(y)
            if layer.residual:
                aside = held.get("residual.weight")
                y = y + (x if aside is None else torch.nn.functional.linear(x, aside))
            x = y
        return x

    for _, held in parts:
        held["linear.weight"]  # a checkpoint without it is told at loading, not at the first search
    return project
