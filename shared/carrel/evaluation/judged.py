"""A collection of somebody's own library and their judgements: which document is which."""

from __future__ import annotations

from pathlib import PurePath

from carrel.evaluation.nouns import Qrels
from carrel.index import Library

__all__ = ["names_of_documents"]


def names_of_documents(library: Library, collection: str, qrels: Qrels) -> dict[str, str]:
    """What each document of a collection is called in the judgements, by doc_id.

    A judgement may name a document by its id, its source, or the last part of its source where that is unique.
    Raises NotFound for an unknown collection.
    """
    judged = {name for grades in qrels.values() for name in grades}
    by_tail: dict[str, list[str]] = {}
    called: dict[str, str] = {}
    for doc_id in sorted(library.find(collection)):
        source = library.document(doc_id).source
        for name in (doc_id, source):
            if name in judged:
                called[doc_id] = name
        for tail in {PurePath(source).name, PurePath(source).stem} & judged:
            by_tail.setdefault(tail, []).append(doc_id)
    for tail, doc_ids in by_tail.items():
        if len(doc_ids) == 1:
            called.setdefault(doc_ids[0], tail)
    return called
