"""submit_ranking, and the work orders it answers: the host puts candidates in order, without sampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from carrel.errors import BadRequest, NotFound
from carrel.index import LazyLibrary, Library
from carrel.mcp import CarrelServer
from carrel.records import Document, EvidenceRef, parse_ref
from carrel.rerank import (
    Outcome,
    Pipeline,
    Scorers,
    Stage,
    WorkOrder,
    aggregated,
    blocks_of,
    open_handle,
    pipeline_named,
    seal,
)
from carrel.retrieve import Reranking
from carrel_search.replies import Disagreement, HitReply, RankedHit, RankedReply, WorkOrderReply

__all__ = ["Rerankers", "add_ranking", "short_name", "work_order"]

_HOW = (
    "put each block in order of how well the hits of these numbers answer the query, best first, then call "
    "submit_ranking with the handle and one list of numbers per block; lexical arms are BM25 hints"
)
_MOST_LISTS = 60
_NAME = 120  # characters of what a candidate, its section or its source is called
_MOST_NAMES = 2_000  # in all lists together


@dataclass(frozen=True, slots=True)
class Rerankers:
    """The pipelines a server offers, and what runs their models."""

    pipelines: Mapping[str, Pipeline]
    scorers: Scorers

    def plan(self, name: str) -> Reranking | None:
        """How to rerank by the pipeline of that name; None for the one that changes nothing. Raises BadRequest."""
        pipeline = pipeline_named(name, self.pipelines)
        return None if pipeline.name == "none" else Reranking(pipeline, self.scorers)


def short_name(name: str) -> str:
    """A long name by its beginning and its end, where paths and titles differ."""
    half = _NAME // 2
    return name if len(name) <= _NAME else f"{name[:half]} … {name[-half:]}"


def work_order(stage: Stage, collection: str, snapshot: int, hits: Sequence[HitReply]) -> WorkOrderReply | None:
    """What the host is asked to do with the first of these hits, which get numbers; None with nothing to order."""
    asked = hits[: stage.cut]
    if len(asked) < 2:
        return None
    for number, hit in enumerate(asked, start=1):
        hit.number = number
    refs = tuple(parse_ref(hit.ref) for hit in asked)
    handle = seal(WorkOrder(collection, snapshot, stage.block, stage.rounds, refs))
    blocks = [[place + 1 for place in block] for block in blocks_of(len(refs), stage.block, stage.rounds)]
    return WorkOrderReply(handle=handle, blocks=blocks, how=_HOW)


def add_ranking(server: CarrelServer, shelf: LazyLibrary) -> None:
    """Give the server the tool that answers work orders."""

    @server.tool(title="Submit a ranking", tail="hits")
    def submit_ranking(
        handle: str,
        order: Annotated[
            list[list[str]],
            BeforeValidator(_lists),
            Field(min_length=1, max_length=_MOST_LISTS, description="per block: hit numbers or refs, best first"),
        ],
    ) -> RankedReply:
        """Answer a work order of search_library(rerank='host'); returns the final ranking."""
        work = open_handle(handle)
        lists, notes = _places(work, order)
        outcome = aggregated(len(work.refs), lists)
        hits, lost = _hits(shelf(), work, outcome)
        if outcome.unplaced:
            numbers = ", ".join(str(place + 1) for place in outcome.unplaced)
            notes.append(f"in no list, so behind the others in the order they had: {numbers}")
        if lost:
            notes.append(f"{lost} of the candidates are no longer in the library")
        return RankedReply(
            hits=hits,
            collection=work.collection,
            snapshot=work.generation,
            disagreement=Disagreement(
                pairs_twice=outcome.compared_twice,
                contradicted=outcome.contradicted,
                overturned=round(outcome.overturned, 3),
            ),
            notes=notes or None,
        )


def _lists(order: Any) -> Any:
    """One flat list is one block; numbers may come as numbers."""
    if isinstance(order, list) and order and not any(isinstance(each, list) for each in order):
        order = [order]
    if not isinstance(order, list) or not all(isinstance(each, list) for each in order):
        return order
    return [[str(name) if type(name) is int else name for name in each] for each in order]


def _places(work: WorkOrder, order: Sequence[Sequence[str]]) -> tuple[list[list[int]], list[str]]:
    """The lists as places among the candidates, and what was wrong with them. Raises BadRequest for nothing usable."""
    if sum(map(len, order)) > _MOST_NAMES:
        raise BadRequest("that order is far longer than the work order; give each block's numbers once")
    known = {ref: place for place, ref in enumerate(work.refs)}
    strangers: dict[int, int] = {}
    repeats, lists = 0, []
    for number, names in enumerate(order, start=1):
        found = [_place(name, known) for name in names]
        if unknown := found.count(None):
            strangers[number] = unknown
        there = [place for place in found if place is not None]
        lists.append(list(dict.fromkeys(there)))
        repeats += len(there) - len(lists[-1])
    if not any(lists):
        raise BadRequest(
            f"nothing in that order is a candidate of this work order; use the numbers 1 to {len(work.refs)} of its "
            "hits, or their refs"
        )
    notes = [f"list {number}: {count} left out, not of this work order" for number, count in strangers.items()]
    return lists, notes + ([f"{repeats} repeated within a list; the first place counts"] if repeats else [])


def _place(name: str, known: Mapping[EvidenceRef, int]) -> int | None:
    plain = name.strip().strip("[]#")
    if plain.isascii() and plain.isdecimal() and len(plain) < 9:
        return int(plain) - 1 if 1 <= int(plain) <= len(known) else None
    try:
        return known.get(parse_ref(name))
    except BadRequest:
        return None


def _hits(library: Library, work: WorkOrder, outcome: Outcome) -> tuple[list[RankedHit], int]:
    """The final hits, and how many candidates have been erased since. Raises NotFound when all of them have."""
    documents: dict[str, Document | None] = {}
    for ref in work.refs:
        if ref.doc_id not in documents:
            documents[ref.doc_id] = _document(library, ref.doc_id)
    hits: list[RankedHit] = []
    for place in outcome.order:
        ref = work.refs[place]
        if (document := documents[ref.doc_id]) is None:
            continue
        arms = {"first_stage": (place + 1, round(1.0 - place / len(work.refs), 4))}
        if place not in outcome.unplaced:
            arms["host"] = (outcome.order.index(place) + 1, round(outcome.scores[place], 4))
        score = round(outcome.scores[place], 4)
        title, source = short_name(document.title), short_name(document.source)
        hits.append(RankedHit(ref=str(ref), title=title, source=source, score=score, arms=arms))
    if not hits:
        raise NotFound("none of that work order's candidates is in this library; search again")
    return hits, len(work.refs) - len(hits)


def _document(library: Library, doc_id: str) -> Document | None:
    try:
        return library.document(doc_id)
    except NotFound:
        return None
