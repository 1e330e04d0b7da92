"""Candidates in order become hits of the wanted size: documents, sections, passages or sentences."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from carrel.index import PassageSpan as Span
from carrel.index import View, terms
from carrel.records import EvidenceRef, Hit, Passage, Section
from carrel.retrieve.excerpts import best_sentence
from carrel.retrieve.pooling import Pool

__all__ = ["Granularity", "shaped"]

Granularity = Literal["document", "section", "passage", "sentence"]

_NONE: Mapping[int, tuple[EvidenceRef, ...]] = MappingProxyType({})


def shaped(
    granularity: Granularity,
    view: View,
    pool: Pool,
    order: Sequence[int],
    queries: Sequence[str],
    need: int,
    copies: Mapping[int, tuple[EvidenceRef, ...]] = _NONE,
) -> list[Hit]:
    """The first ``need`` hits of the wanted size for passages in ``order``; each has the score of its best passage.

    ``copies`` are references of what says the same as a passage.
    """
    if granularity == "document":
        order = _first_of_each(order, lambda key: view.rows[key].doc_no)
    if granularity == "section":
        return _sections(view, pool, order, need, copies)
    hits = _hits(view, pool, order[:need], copies)
    if granularity == "sentence":
        asked = set(terms(" ".join(queries)))
        return [replace(hit, passage=best_sentence(hit.passage, asked)) for hit in hits]
    return hits


def _first_of_each(order: Sequence[int], what: Callable[[int], object]) -> list[int]:
    first: dict[object, int] = {}
    for key in order:
        first.setdefault(what(key), key)
    return list(first.values())


def _hits(view: View, pool: Pool, keys: Sequence[int], copies: Mapping[int, tuple[EvidenceRef, ...]]) -> list[Hit]:
    rows = view.hydrate(keys)
    return [
        Hit(row.passage, 0, pool.fused[key], row.title, row.source, row.date, pool.arms(key), row.page, also_in)
        for key, row, also_in in ((key, rows[key], copies.get(key, ())) for key in keys)
    ]


def _sections(
    view: View, pool: Pool, order: Sequence[int], need: int, copies: Mapping[int, tuple[EvidenceRef, ...]]
) -> list[Hit]:
    chosen: dict[tuple[int, int], tuple[int, Section]] = {}
    sections: dict[int, tuple[Section, ...]] = {}
    spans = view.spans(order)
    for key in order:
        doc_no = view.rows[key].doc_no
        if doc_no not in sections:
            sections[doc_no] = view.sections(doc_no)
        section = _section_at(sections[doc_no], spans[key])
        chosen.setdefault((doc_no, section.start), (key, section))
        if len(chosen) >= need:
            break
    hits = _hits(view, pool, [key for key, _ in chosen.values()], copies)
    return [
        _whole_section(view, hit, view.rows[key].doc_no, section)
        for hit, (key, section) in zip(hits, chosen.values(), strict=True)
    ]


def _whole_section(view: View, hit: Hit, doc_no: int, section: Section) -> Hit:
    text = view.text(doc_no, section.start, section.end)
    passage = Passage(hit.passage.doc_id, section.start, section.end, text, section.path)
    return replace(hit, passage=passage)


def _section_at(sections: Sequence[Section], span: Span) -> Section:
    place = bisect_right(sections, span.start, key=lambda section: section.start) - 1
    return sections[place] if place >= 0 else Section("", 0, span.start, span.end)
