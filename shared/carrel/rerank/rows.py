"""Token numbers to token vectors, several texts at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Rows"]

_MOST_THREADS = 8


class Rows:
    """A transformer and its projection, run for one text per thread.

    Texts are never padded into one batch, so that a text's vectors do not depend on its neighbours; and torch works
    with one thread in each, which on a busy machine is many times faster than several that wait for each other.
    """

    def __init__(self, body: Any, project: Callable[[Any], Any]) -> None:
        """Wrap a loaded model."""
        import torch

        self._body = body
        self._project = project
        threads = min(os.cpu_count() or 1, _MOST_THREADS)
        usual = torch.get_num_threads()
        ready = threading.Barrier(threads + 1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="carrel-late")
        for _ in range(threads):
            self._pool.submit(_one_thread, ready)
        ready.wait()
        torch.set_num_threads(usual)  # for every other thread, as it was

    def start(self, ids: Sequence[int], seen: Sequence[int]) -> Future[NDArray[np.float32]]:
        """Begin to make the vectors of tokens: (tokens, dimension), rows of length one. ``seen`` is the attention
        mask."""
        return self._pool.submit(self._make, ids, seen)

    def _make(self, ids: Sequence[int], seen: Sequence[int]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            out = self._body(input_ids=torch.tensor([ids]), attention_mask=torch.tensor([seen]))
            vectors = self._project(out.last_hidden_state[0])
            made: NDArray[np.float32] = torch.nn.functional.normalize(vectors.float(), dim=-1).numpy()
            return made


def _one_thread(ready: threading.Barrier) -> None:
    import torch

    torch.set_num_threads(1)
    ready.wait()
