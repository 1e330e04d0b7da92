"""The default encoder: a built model on ONNX Runtime, without torch."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from carrel.errors import Unavailable
from carrel.models.manifest import Manifest, read_manifest, read_verified

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["OnnxEncoder"]

# Texts tokenised and sorted together; bounds the memory of one call, whatever its length.
_WINDOW = 2048
# Texts run together, and padded tokens run together: more gains nothing on CPUs and costs memory.
_BATCH = 16
# 256 tokens are about 1,200 characters; what lies beyond this is cut before the tokenizer has to walk through it.
_MAX_CHARS_PER_TOKEN = 64
_MAX_THREADS = 16


class OnnxEncoder:
    """An `Encoder` over an installed folder. Several threads may encode at once."""

    def __init__(self, manifest: Manifest, model: bytes, tokenizer: bytes, *, threads: int) -> None:
        """Take the verified bytes of both files. ``threads``: how many cores one encoding may use.

        Raises Unavailable when ONNX Runtime or the tokenizer cannot read them.
        """
        self.name = manifest.name
        self.fingerprint = manifest.fingerprint
        self.dimension = manifest.dimension
        self.max_tokens = manifest.max_tokens
        self._tokenizer = _tokenizer(tokenizer, manifest.max_tokens)
        # A query is too small to share: on one thread it is sooner done, and at less cost.
        self._session = _session(model, 1)
        self._model, self._threads = model, threads
        self._lock = threading.Lock()
        self._for_many: Any = None
        if self._session.get_outputs()[0].shape[-1] != self.dimension:
            raise Unavailable("the installed encoder is damaged; run `carrel models install` to put it right")

    @classmethod
    def load(cls, folder: Path, *, threads: int = 0) -> OnnxEncoder:
        """Open an installed folder. Raises Unavailable when it is missing a file or was altered.

        ``threads``: 0 means every core this process may use, up to 16.
        """
        try:
            manifest, model, tokenizer = _read(folder)
        except Unavailable:  # perhaps a new installation took the place of what the manifest named
            manifest, model, tokenizer = _read(folder)
        return cls(manifest, model, tokenizer, threads=threads or min(_cores(), _MAX_THREADS))

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode passages or queries: ``(len(texts), dimension)``, rows of length one, in order."""
        return self._run(self._session_for_many(), texts)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode queries: this model has no query prompt, so the vectors are those of ``encode``."""
        return self._run(self._session, texts)

    def _session_for_many(self) -> Any:
        with self._lock:
            if self._for_many is None:
                self._for_many = self._session if self._threads == 1 else _session(self._model, self._threads)
                self._model = b""
            return self._for_many

    def _run(self, session: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        vectors = np.empty((len(texts), self.dimension), np.float32)
        for start in range(0, len(texts), _WINDOW):
            window = texts[start : start + _WINDOW]
            for rows, batch in self._batches(window):
                vectors[[start + row for row in rows]] = session.run(None, batch)[0]
        return vectors

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], dict[str, NDArray[np.int64]]]]:
        """Yield row numbers and model inputs, longest texts first, so that a batch pads to texts of its own length."""
        limit = self.max_tokens * _MAX_CHARS_PER_TOKEN
        encodings = self._tokenizer.encode_batch([_clean(text[:limit]) for text in texts])
        tokens = [encoding.ids for encoding in encodings]
        order = sorted(range(len(tokens)), key=lambda row: -len(tokens[row]))
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            yield rows, _pad([tokens[row] for row in rows])


def _read(folder: Path) -> tuple[Manifest, bytes, bytes]:
    manifest = read_manifest(folder)
    return manifest, *read_verified(folder, manifest)


def _pad(rows: Sequence[Sequence[int]]) -> dict[str, NDArray[np.int64]]:
    import numpy as np

    ids = np.zeros((len(rows), max(len(row) for row in rows)), np.int64)
    mask = np.zeros_like(ids)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
        mask[place, : len(row)] = 1
    return {"input_ids": ids, "attention_mask": mask}


def _clean(text: str) -> str:
    """Replace lone surrogates, which the tokenizer refuses."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def _cores() -> int:
    """Count the cores this process may use, not those of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _tokenizer(content: bytes, max_tokens: int) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str(content.decode("utf-8"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_tokens)
    except Exception as error:
        raise Unavailable("the installed tokenizer cannot be read; run `carrel models install` again") from error
    return tokenizer


def _session(model: bytes, threads: int) -> Any:
    # Its import already collects facts about the machine and asks for the address to send them to.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Spinning threads would eat the cores between two short queries.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Unavailable("this ONNX Runtime cannot read the installed model; run `carrel models install`") from error
