"""A collection made ready for a pipeline ahead: what its models need not know the query for is done once, for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from carrel.errors import BadRequest
from carrel.index import Library
from carrel.rerank import Patience, Pipeline, Prepares, Scorers
from carrel.retrieve.reranking import judged_text

__all__ = ["Prepared", "prepare"]

_SECONDS = 3_600.0  # for a few dozen passages: nobody waits, so only a model that hangs is told
_USUAL = 26_000  # bytes of a passage's vectors: 200 tokens of 128 numbers
_AT_ONCE = 32  # passages, after which what was made is on the disk and a stop loses nothing


@dataclass(frozen=True, slots=True)
class Prepared:
    """Of ``passages``, ``made`` were read by a model now and the others before, but for ``left``, for which there was
    no room."""

    collection: str
    passages: int
    made: int
    left: int


def prepare(
    library: Library, collection: str, pipeline: Pipeline, scorers: Scorers, report: Callable[[int, int], None]
) -> Prepared:
    """Have a pipeline's late-interaction models read every passage of a collection that they have not read yet.

    May be stopped at any moment and begun again: it goes on where it was. Raises BadRequest for a pipeline without such
    a model or a library that keeps nothing, and as `Scorers.of`.
    """
    kinds = [scorers.of(stage) for stage in pipeline.stages if stage.kind == "late"]
    models = [each for each in kinds if isinstance(each, Prepares)]
    if not models:
        raise BadRequest(f"the pipeline {pipeline.name} has no stage that can be prepared: only late ones can")
    shelf = library.tokens
    if not shelf.room:
        raise BadRequest("nothing is kept of token vectors here; set CARREL_TOKENS_MB above 0")
    there = library.collection(collection)
    done = made = left = 0
    large = _AT_ONCE * _USUAL
    for batch in library.passages(collection):
        texts = {digest: judged_text(row) for digest, row in batch}
        for model in models:
            lacking = shelf.lacking(model.fingerprint, list(texts))
            for first in range(0, len(lacking), _AT_ONCE):
                few = lacking[first : first + _AT_ONCE]
                before = shelf.spare
                if before < large:
                    left += len(few)
                    continue
                written = model.prepare({digest: texts[digest] for digest in few}, shelf, Patience(_SECONDS))
                if written is not None:
                    written.result()
                made += len(few)
                large = before - shelf.spare
        done += len(batch)
        report(done, there.passages)
    return Prepared(there.name, done, made, left)
