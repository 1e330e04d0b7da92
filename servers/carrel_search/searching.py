"""search_library."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from carrel.errors import BadRequest
from carrel.index import Filters, LazyLibrary
from carrel.mcp import CarrelServer, fit, next_cursor, read_cursor, size
from carrel.records import Hit, SourceKind, Sufficiency
from carrel.rerank import Stage
from carrel.retrieve import Diversity, Granularity, Mode, Signals, excerpt, search
from carrel_search.ranking import Rerankers, short_name, work_order
from carrel_search.replies import CollectionName, HitReply, SearchReply, SufficiencyReply

__all__ = ["add_search"]

_HEADINGS = re.compile(r"\A(?:#{1,6} .*\n+(?=\S))*")  # the title and section of a hit say them already
_SNIPPET = 480  # characters of a hit's excerpt in a concise reply
_HOST_SNIPPETS = (280, 200, 140)  # and of a candidate that the host is asked to rank: the most for which all fit
_LONGEST_HIT = 6_000  # characters of a hit in a detailed one; a section may be a whole book
_COPIES = 4  # that a hit names
_BUDGET = 12_000  # characters of a reply
_CURSOR_ROOM = 60
_NOTES, _LONGEST_NOTE = 10, 300  # of a reply; some repeat what was asked, which may be long
_MOST_HITS = 100_000  # of one listing: what a cursor's number leaves for the place beside stages and snapshot
_STAGE_SETS = 1 << 6  # sets of stages that may have ordered a listing: a pipeline has six at most


def add_search(server: CarrelServer, shelf: LazyLibrary, rerankers: Rerankers) -> None:
    """Give the server its search tool."""

    @server.tool(title="Search the library", max_chars=_BUDGET)
    def search_library(
        queries: Annotated[
            list[str],
            BeforeValidator(_one_or_many),
            Field(min_length=1, max_length=8, description="wordings of one need, fused"),
        ],
        collection: CollectionName = "default",
        k: Annotated[int, Field(ge=1, le=50)] = 8,
        mode: Mode = "hybrid",
        granularity: Annotated[Granularity, Field(description="size of a hit")] = "passage",
        rerank: Annotated[str, Field(description="none, late, cross, host or a configured pipeline")] = "none",
        must: Annotated[_Words, Field(description="words or phrases in every hit")] = [],
        must_not: _Words = [],
        expansions: Annotated[_Words, Field(description="related words")] = [],
        hypothetical: Annotated[str, Field(description="passage as the answer may read")] = "",
        like: Annotated[_Words, Field(description="refs of relevant passages")] = [],
        per_document: Annotated[int, Field(ge=0, le=50, description="hits of one document before others; 0: any")] = 0,
        diversity: Annotated[float, Field(ge=0, le=1, description="0 relevance .. 1 novelty of text, site")] = 0.0,
        source_kind: Literal["any", "file", "web", "scholar", "text"] = "any",
        media_type: Annotated[str, Field(description="e.g. application/pdf")] = "",
        tags: Annotated[list[str], Field(max_length=20, description="any of these")] = [],
        after: Annotated[str, Field(description="ISO date, inclusive")] = "",
        before: Annotated[str, Field(description="ISO date, exclusive")] = "",
        author: str = "",
        as_of: Annotated[int, Field(ge=0, description="an earlier reply's snapshot; 0: newest")] = 0,
        cursor: str = "",
        format: Annotated[Literal["concise", "detailed"], Field(description="detailed: whole text, arms")] = "concise",
    ) -> SearchReply:
        """Find passages by meaning and words (hybrid of vectors and BM25). Hits carry ref, title, source and a verbatim
        snippet. Use it before answering from the user's documents."""
        kinds: tuple[SourceKind, ...] = () if source_kind == "any" else (source_kind,)
        filters = Filters(kinds, (media_type,) if media_type else (), tuple(tags), _date(after), _date(before), author)
        signals = Signals(hypothetical, tuple(expansions), tuple(must), tuple(must_not), tuple(like))
        limits = (source_kind, media_type, tags, after, before, author, as_of)
        varied = Diversity(per_document=per_document, relevance=1.0 - diversity)
        plan = rerankers.plan(rerank)
        question = (queries, collection, mode, granularity, *limits, signals, plan and plan.pipeline, varied)
        # Pages of one listing come from one snapshot and the same stages, whatever is added or fails meanwhile.
        begun, offset = divmod(read_cursor(cursor, *question), _MOST_HITS)
        pinned, stages = divmod(begun, _STAGE_SETS)
        if plan and cursor:
            plan = replace(plan, begun=_stages(stages))
        ordering = plan.pipeline.host if plan and not offset else None  # later pages go on behind what the host orders
        count = max(k, ordering.cut) if ordering else k
        ranking = search(
            shelf(),
            queries,
            collection=collection,
            k=count + 1,
            offset=offset,
            mode=mode,
            granularity=granularity,
            filters=filters,
            signals=signals,
            as_of=pinned or as_of,
            reranking=plan,
            diversity=varied,
        )
        at = (ranking.generation * _STAGE_SETS + sum(1 << place for place in ranking.stages)) * _MOST_HITS
        reply = SearchReply(
            hits=[_hit(hit, queries, detailed=format == "detailed") for hit in ranking.hits[:count]],
            collection=collection,
            snapshot=ranking.generation,
            coverage={arm: round(share, 3) for arm, share in ranking.coverage.items()},
            sufficiency=_sufficiency(ranking.sufficiency),
            notes=_told(ranking.notes) or None,
            next_cursor=next_cursor(at + offset + count, *question) if len(ranking.hits) > count else None,
        )
        # What does not fit comes with the next call: a hit that was found is never dropped.
        if ordering:
            fitted = _with_work(reply, ordering, ranking.hits[:count], queries)
        else:
            fitted = fit(reply, "hits", _BUDGET - _CURSOR_ROOM)
        if len(fitted.hits) < len(reply.hits):
            fitted.next_cursor = next_cursor(at + offset + len(fitted.hits), *question)
        return fitted


def _one_or_many(queries: object) -> object:
    """Models often send one query as a bare string; there is only one thing it can mean."""
    return [queries] if isinstance(queries, str) else queries


_Words = Annotated[list[str], BeforeValidator(_one_or_many)]


def _stages(said: int) -> tuple[int, ...]:
    """The places of the stages in a cursor's number."""
    return tuple(place for place in range(said.bit_length()) if said >> place & 1)


def _date(text: str) -> str:
    digits = text.strip()
    if digits and not all(part.isdecimal() for part in digits.split("-")):
        raise BadRequest("a date is written as 2024, 2024-05 or 2024-05-31")
    return digits


def _told(notes: Sequence[str]) -> list[str]:
    shown = [note if len(note) <= _LONGEST_NOTE else f"{note[:_LONGEST_NOTE]} …" for note in notes[:_NOTES]]
    return shown + ([f"and {len(notes) - _NOTES} more notes"] if len(notes) > _NOTES else [])


def _with_work(reply: SearchReply, stage: Stage, found: Sequence[Hit], queries: list[str]) -> SearchReply:
    """The reply with a work order, within its budget: shorter snippets first, then fewer hits."""
    wanted = min(stage.cut, len(found))
    room = _BUDGET - (_CURSOR_ROOM if reply.next_cursor is None else 0)
    made = reply
    for snippet in _HOST_SNIPPETS if found else ():
        hits = [_for_host(hit, queries, snippet) for hit in found]
        longer = [_asking(reply, stage, hits[:count], wanted, snippet) for count in range(1, len(hits) + 1)]
        fitting = bisect_right(longer, room, key=size)
        made = longer[max(fitting - 1, 0)]
        if fitting >= wanted:
            break
    return made


def _asking(reply: SearchReply, stage: Stage, hits: list[HitReply], wanted: int, snippet: int) -> SearchReply:
    work = work_order(stage, reply.collection, reply.snapshot, hits)
    notes = [*(reply.notes or []), *_shortened(len(hits), wanted, snippet)]
    return reply.model_copy(update={"hits": hits, "work_order": work, "notes": notes or None})


def _shortened(count: int, wanted: int, snippet: int) -> list[str]:
    """What a work order leaves out so that it fits."""
    notes = [f"snippets are cut to {snippet} characters to make room"] if snippet < _HOST_SNIPPETS[0] else []
    if count < wanted:
        notes.append(f"there is room for {count} of {wanted} candidates; the others follow behind them, by next_cursor")
    return notes


def _for_host(hit: Hit, queries: list[str], snippet: int) -> HitReply:
    """A candidate of a work order: short, with BM25 as a hint."""
    words = hit.arms.get("lexical")
    arms = {"lexical": (words.rank, round(words.score, 2))} if words else None
    made = _hit(hit, queries, detailed=False, snippet=snippet)
    section = made.section and short_name(made.section)
    said = {"title": short_name(made.title), "source": short_name(made.source), "section": section}
    return made.model_copy(update={"arms": arms, **said})


def _hit(hit: Hit, queries: list[str], *, detailed: bool, snippet: int = _SNIPPET) -> HitReply:
    text = hit.passage.text
    start, end = excerpt(text, queries, _LONGEST_HIT if detailed else snippet)
    shown = text[start:end] if detailed else _HEADINGS.sub("", text[start:end])
    said = ("… " if start else "") + shown.strip() + (" …" if end < len(text) else "")
    section = " > ".join(part for part in hit.passage.heading if part != hit.title)
    return HitReply(
        ref=str(hit.passage.ref),
        title=hit.title,
        source=hit.source,
        score=round(hit.score, 4),
        snippet=said,
        section=section or None,
        page=hit.page,
        date=hit.date or None,
        arms={arm: (each.rank, round(each.score, 4)) for arm, each in hit.arms.items()} if detailed else None,
        also_in=[str(ref) for ref in hit.also_in[:_COPIES]] or None,
        copies=len(hit.also_in) if len(hit.also_in) > _COPIES else None,
    )


def _sufficiency(found: Sufficiency | None) -> SufficiencyReply | None:
    return SufficiencyReply(level=found.level, probability=found.probability) if found else None
