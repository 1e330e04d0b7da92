"""search_library."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from carrel.errors import BadRequest
from carrel.index import Filters, LazyLibrary
from carrel.mcp import CarrelServer, fit, next_cursor, read_cursor
from carrel.records import Hit, SourceKind
from carrel.retrieve import Granularity, Mode, excerpt, search
from carrel_search.replies import CollectionName, HitReply, SearchReply

__all__ = ["add_search"]

_HEADINGS = re.compile(r"\A(?:#{1,6} .*\n+(?=\S))*")  # the title and section of a hit say them already
_SNIPPET = 480  # characters of a hit's excerpt in a concise reply
_LONGEST_HIT = 6_000  # characters of a hit in a detailed one; a section may be a whole book
_BUDGET = 12_000  # characters of a reply
_CURSOR_ROOM = 60
_MOST_HITS = 100_000  # of one listing: what a cursor's number leaves for the place beside the snapshot


def add_search(server: CarrelServer, shelf: LazyLibrary) -> None:
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
        question = (queries, collection, mode, granularity, source_kind, media_type, tags, after, before, author, as_of)
        # Pages of one listing come from one snapshot, whatever is added meanwhile.
        pinned, offset = divmod(read_cursor(cursor, *question), _MOST_HITS)
        ranking = search(
            shelf(),
            queries,
            collection=collection,
            k=k + 1,
            offset=offset,
            mode=mode,
            granularity=granularity,
            filters=filters,
            as_of=pinned or as_of,
        )
        at = ranking.generation * _MOST_HITS
        reply = SearchReply(
            hits=[_hit(hit, queries, detailed=format == "detailed") for hit in ranking.hits[:k]],
            collection=collection,
            snapshot=ranking.generation,
            coverage={arm: round(share, 3) for arm, share in ranking.coverage.items()},
            notes=list(ranking.notes) or None,
            next_cursor=next_cursor(at + offset + k, *question) if len(ranking.hits) > k else None,
        )
        fitting = len(fit(reply, "hits", _BUDGET - _CURSOR_ROOM).hits)
        if fitting == len(reply.hits):
            return reply
        # What does not fit comes with the next call: a hit that was found is never dropped.
        following = next_cursor(at + offset + fitting, *question)
        return reply.model_copy(update={"hits": reply.hits[:fitting], "next_cursor": following})


def _one_or_many(queries: object) -> object:
    """Models often send one query as a bare string; there is only one thing it can mean."""
    return [queries] if isinstance(queries, str) else queries


def _date(text: str) -> str:
    digits = text.strip()
    if digits and not all(part.isdecimal() for part in digits.split("-")):
        raise BadRequest("a date is written as 2024, 2024-05 or 2024-05-31")
    return digits


def _hit(hit: Hit, queries: list[str], *, detailed: bool) -> HitReply:
    text = hit.passage.text
    start, end = excerpt(text, queries, _LONGEST_HIT if detailed else _SNIPPET)
    shown = text[start:end] if detailed else _HEADINGS.sub("", text[start:end])
    snippet = ("… " if start else "") + shown.strip() + (" …" if end < len(text) else "")
    section = " > ".join(part for part in hit.passage.heading if part != hit.title)
    return HitReply(
        ref=str(hit.passage.ref),
        title=hit.title,
        source=hit.source,
        score=round(hit.score, 4),
        snippet=snippet,
        section=section or None,
        page=hit.page,
        date=hit.date or None,
        arms={arm: (each.rank, round(each.score, 4)) for arm, each in hit.arms.items()} if detailed else None,
    )
