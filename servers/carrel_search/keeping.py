"""add_documents and remove_documents."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Annotated

import anyio
from pydantic import Field

from carrel import ingest
from carrel.errors import BadRequest
from carrel.index import LazyLibrary, Library
from carrel.mcp import CarrelServer, Context, fit, progress
from carrel.records import Document, parse_ref
from carrel.settings import Settings
from carrel.web import WebClient
from carrel_search.jobs import Additions, add_reply, raise_if_all_failed
from carrel_search.replies import AddReply, CollectionName, RemoveReply

__all__ = ["add_adding", "add_removing"]

_LISTED_CHARS = 11_000  # of a reply; the counts tell what the lists leave out
_NOTHING_TO_REMOVE = "this collection holds nothing of that; give refs or a source just as a hit shows them"
_PATIENCE = 20.0  # seconds an addition is waited for before its job handle is returned; hosts give up at about 60


def add_adding(
    server: CarrelServer,
    shelf: LazyLibrary,
    additions: Additions,
    settings: Settings,
    web: Callable[[], WebClient],
) -> None:
    """Give the server its tool that adds; ``web`` makes the clients that fetch URLs."""

    unreadable: ingest.Unreadable = {}  # additions run one after the other, so it needs no lock

    @server.tool(title="Add documents", writes=True, open_world=True)
    def add_documents(
        ctx: Context,
        sources: Annotated[
            list[str], Field(max_length=1000, description="files, folders or globs inside the allowed roots; URLs")
        ] = [],
        text: Annotated[str, Field(description="text to keep as a document of its own")] = "",
        title: Annotated[str, Field(description="title of that text")] = "",
        collection: CollectionName = "default",
        tags: Annotated[list[str], Field(max_length=20)] = [],
        include: Annotated[list[str], Field(max_length=100, description="take only these of a folder: '*.md'")] = [],
        exclude: Annotated[list[str], Field(max_length=100, description="leave out these: 'drafts/'")] = [],
        sync: Annotated[bool, Field(description="also drop documents whose file left these folders")] = False,
        drop: Annotated[
            list[ingest.Drop], Field(max_length=2, description="sync drops too: what patterns exclude, or most at once")
        ] = [],
        dry_run: Annotated[bool, Field(description="only say what would change")] = False,
    ) -> AddReply:
        """Put documents into the library: searchable by words at once, by meaning as vectors are made (see the job).
        Unchanged sources cost nothing; changed ones replace the old; what is skipped is listed with the reason."""
        if not sources and not text:
            raise BadRequest("nothing to add; give sources (paths, folders, globs) or text")
        notes = [ingest.note(text, title=title, tags=tuple(tags))] if text else []
        library, report = shelf(), progress(ctx)
        running = additions.start(
            collection,
            lambda on_progress, cancelled: ingest.add(
                library,
                sources,
                roots=settings.roots,
                collection=collection,
                tags=tuple(tags),
                notes=notes,
                read_url=partial(_read_url, web),
                include=include,
                exclude=exclude,
                sync=sync,
                drop=drop,
                dry_run=dry_run,
                unreadable=unreadable,
                on_progress=on_progress,
                cancelled=cancelled,
            ),
        )
        running.wait(_PATIENCE, report)
        reply = add_reply(library, library.jobs.get(running.job_id))
        raise_if_all_failed(reply, [*sources, *([title] if notes else [])], sync=sync)
        return fit(fit(reply, "documents", _LISTED_CHARS), "skipped", _LISTED_CHARS)


def _below(library: Library, collection: str, folder: str) -> dict[str, int]:
    """``doc_id -> passages`` of the documents whose file lies, or lay, below a folder."""
    known = library.known_files(collection, folder.rstrip("/\\") + os.sep)
    return library.find(collection, doc_ids=[file.doc_id for file in known.values()]) if known else {}


def _read_url(web: Callable[[], WebClient], url: str) -> Document:
    """Fetch one page in a loop of its own: additions run in threads that belong to no event loop."""

    async def read() -> Document:
        async with web() as client:
            return ingest.page_document(await client.read(url))

    return anyio.run(read)


def add_removing(server: CarrelServer, shelf: LazyLibrary) -> None:
    """Give the server its tool that removes."""

    @server.tool(title="Remove documents", writes=True, destructive=True)
    def remove_documents(
        refs: Annotated[list[str], Field(max_length=1000)] = [],
        source: Annotated[str, Field(description="path or URL as a hit shows it, or a folder's path")] = "",
        collection: CollectionName = "default",
        whole_collection: bool = False,
        erase: Annotated[bool, Field(description="also erase the text: old references stop resolving")] = False,
        dry_run: Annotated[bool, Field(description="only count")] = True,
    ) -> RemoveReply:
        """Take documents out of a collection, by refs, by source, or all of them. Counts only, unless dry_run=false."""
        if bool(refs) + bool(source) + whole_collection != 1:
            raise BadRequest("give exactly one of refs, source and whole_collection")
        library = shelf()
        wanted = [parse_ref(ref).doc_id for ref in refs]
        found = library.find(collection, doc_ids=wanted, source=source)
        if source and not found:
            found = _below(library, collection, source)
        erased, snapshot = 0, library.generation()
        if not dry_run and (found or whole_collection):
            did = library.remove(collection, list(found), forget=erase, drop=whole_collection)
            erased, snapshot = did.forgotten, did.generation
        return RemoveReply(
            collection=collection,
            dry_run=dry_run,
            documents=len(found),
            passages=sum(found.values()),
            erased=erased,
            snapshot=snapshot,
            refs=list(found)[:100],
            note=None if found or whole_collection else _NOTHING_TO_REMOVE,
        )
