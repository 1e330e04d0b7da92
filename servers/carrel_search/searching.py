"""search_library."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from carrel.errors import BadRequest
from carrel.index import Filters, LazyLibrary
from carrel.mcp import CarrelServer, fit, next_cursor, read_cursor
from carrel.records import Hit, SourceKind, Sufficiency
from carrel.retrieve import Diversity, Granularity, Mode, Signals, excerpt, search
from carrel_search.ranking import Rerankers, order_room, work_order
from carrel_search.replies import CollectionName, HitReply, SearchReply, SufficiencyReply

__all__ = ["add_search"]

_HEADINGS = re.compile(r"\A(?:#{1,6} .*\n+(?=\S))*")  # the title and section of a hit say them already
_SNIPPET = 480  # characters of a hit's excerpt in a concise reply
_HOST_SNIPPET = 280  # and of a candidate that the host is asked to rank
_LONGEST_HIT = 6_000  # characters of a hit in a detailed one; a section may be a whole book
_COPIES = 4  # that a hit names
_BUDGET = 12_000  # characters of a reply
_CURSOR_ROOM = 60
_MOST_HITS = 100_000  # of one listing: what a cursor's number leaves for the place beside the snapshot


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
        question = (queries, collection, mode, granularity, *limits, signals, rerank, varied)
        plan = rerankers.plan(rerank)
        # Pages of one listing come from one snapshot, whatever is added meanwhile.
        pinned, offset = divmod(read_cursor(cursor, *question), _MOST_HITS)
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
        at = ranking.generation * _MOST_HITS
        reply = SearchReply(
            hits=[
                _for_host(hit, queries) if ordering else _hit(hit, queries, detailed=format == "detailed")
                for hit in ranking.hits[:count]
            ],
            collection=collection,
            snapshot=ranking.generation,
            coverage={arm: round(share, 3) for arm, share in ranking.coverage.items()},
            sufficiency=_sufficiency(ranking.sufficiency),
            notes=list(ranking.notes) or None,
            next_cursor=next_cursor(at + offset + count, *question) if len(ranking.hits) > count else None,
        )
        room = _BUDGET - _CURSOR_ROOM - (order_room(ordering) if ordering else 0)
        fitting = len(fit(reply, "hits", room).hits)
        if fitting < len(reply.hits):
            # What does not fit comes with the next call: a hit that was found is never dropped.
            reply.hits = reply.hits[:fitting]
            reply.next_cursor = next_cursor(at + offset + fitting, *question)
        if ordering:
            reply.work_order = work_order(ordering, collection, ranking.generation, reply.hits)
        return reply


def _one_or_many(queries: object) -> object:
    """Models often send one query as a bare string; there is only one thing it can mean."""
    return [queries] if isinstance(queries, str) else queries


_Words = Annotated[list[str], BeforeValidator(_one_or_many)]


def _date(text: str) -> str:
    digits = text.strip()
    if digits and not all(part.isdecimal() for part in digits.split("-")):
        raise BadRequest("a date is written as 2024, 2024-05 or 2024-05-31")
    return digits


def _for_host(hit: Hit, queries: list[str]) -> HitReply:
    """A candidate of a work order: short, with BM25 as a hint."""
    words = hit.arms.get("lexical")
    arms = {"lexical": (words.rank, round(words.score, 2))} if words else None
    return _hit(hit, queries, detailed=False, snippet=_HOST_SNIPPET).model_copy(update={"arms": arms})


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
