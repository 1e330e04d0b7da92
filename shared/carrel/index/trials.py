"""Texts an encoder takes, told from those on which it fails: a bad one must not keep the others from their vectors."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from carrel.errors import BadRequest, Unavailable
from carrel.index import catalogue
from carrel.index.catalogue import Collection
from carrel.index.store import Store
from carrel.models.encoder import sound
from carrel.models.sparse import SparseVectors, sound_sparse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["asked", "asked_sparse", "note_failing", "set_aside", "take_up", "taken"]

_PLAIN = ["a plain sentence", "and another one"]

T = TypeVar("T")


def taken(encode: Callable[[list[str]], T], texts: Sequence[str]) -> list[tuple[list[int], T]]:
    """What ``encode`` makes of the texts, each part with their places: of all at once, or where that fails, of each
    alone that it takes.

    Raises BadRequest, where there is one that of ``encode``, when it does not even take plain texts.
    """
    try:
        return [(list(range(len(texts))), encode(list(texts)))]
    except Exception as error:  # noqa: BLE001 - models raise what they like
        _look_at(encode, error)
    found = []
    for place, text in enumerate(texts):
        try:
            found.append(([place], encode([text])))
        except Exception:  # noqa: BLE001, S112 - who asked sees which are missing
            continue
    return found


def _look_at(encode: Callable[[list[str]], object], failed: Exception) -> None:
    """Raise what was wrong with the model, unless it must be the texts."""
    try:
        encode(_PLAIN)
    except Exception:  # noqa: BLE001
        if isinstance(failed, BadRequest):
            raise failed from None
        raise BadRequest("the model fails on every text; use another one, or install it again") from failed


def asked(
    encode: Callable[[list[str]], NDArray[np.float32]], texts: Sequence[str], dimension: int
) -> NDArray[np.float32]:
    """The vectors of what somebody asks for. Raises Unavailable where the encoder fails on it."""
    try:
        return sound(encode(list(texts)), len(texts), dimension)
    except Exception as error:
        raise Unavailable(
            "the encoder fails on that text; put it in other words, or search with mode='lexical'"
        ) from error


def asked_sparse(encode: Callable[[list[str]], SparseVectors], texts: Sequence[str]) -> SparseVectors:
    """The sparse vectors of what somebody asks for. Raises Unavailable where the model fails on it."""
    try:
        return sound_sparse(encode(list(texts)), len(texts))
    except Unavailable:
        raise
    except Exception as error:
        raise Unavailable("the learned-sparse model fails on that text; put it in other words") from error


def set_aside(store: Store, collection: Collection, rows: Sequence[Sequence[Any]]) -> None:
    """Leave these passages (as `WANTED` names them) without a vector, and note that among the problems."""
    with store.change():
        count = store.run(
            "UPDATE passages SET encoded=3 WHERE encoded=0 AND passage_id IN (SELECT value FROM json_each(?))",
            (json.dumps([row[0] for row in rows]),),
        ).rowcount
        catalogue.note_set_aside(store, collection.number, count)
    note_failing(store, "encoder", collection, rows[0])


def take_up(store: Store, collection: Collection) -> None:
    """Have what was set aside tried again."""
    with store.change():
        count = store.run(
            "UPDATE passages SET encoded=0 WHERE encoded=3 AND collection_no=?", (collection.number,)
        ).rowcount
        catalogue.note_set_aside(store, collection.number, -count)


def note_failing(store: Store, model: str, collection: Collection, row: Sequence[Any]) -> None:
    """Note among the problems that a model fails on passages of a collection, such as the one of ``row``."""
    begins = f"the {model} fails on passages of '{collection.name}', "
    if any(words.startswith(begins) for words in store.problems()):
        return
    _, _, doc_no, start, end, *_ = row
    found = store.row("SELECT doc_id FROM documents WHERE doc_no=?", (doc_no,))
    where = f"such as {found[0]}:{start}-{end}" if found else "since removed"
    store.note_problem(f"{begins}{where}; the other arms find them")
