"""library_status."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from carrel.errors import CarrelError
from carrel.index import Collection as Stored
from carrel.index import LazyLibrary, Library
from carrel.mcp import CarrelServer
from carrel.settings import Settings
from carrel_search.jobs import add_reply, job_reply
from carrel_search.replies import Collection, StatusReply

__all__ = ["add_status", "collection_reply"]


def add_status(server: CarrelServer, shelf: LazyLibrary, settings: Settings) -> None:
    """Give the server its status tool."""

    @server.tool(title="Library status", tail="collections")
    def library_status(
        collection: Annotated[str, Field(description="only this one")] = "",
        job: Annotated[str, Field(description="handle from add_documents or crawl_site")] = "",
    ) -> StatusReply:
        """What is in the library, which share of it has vectors, which encoder is used, and how a job stands."""
        library = shelf()
        if collection:
            library.collection(collection)  # raises NotFound, naming the collections there are
        encoder, encoder_note = settings.encoder, None
        try:
            if settings.encoder != "none":
                encoder = library.encoder().name
        except CarrelError as error:
            encoder_note = f"searching by words only: {error}"
        found = library.jobs.get(job) if job else None
        return StatusReply(
            snapshot=library.generation(),
            encoder=encoder,
            encoder_note=encoder_note,
            collections=[
                collection_reply(library, each) for each in library.collections() if collection in ("", each.name)
            ],
            roots=[str(root) for root in settings.roots],
            problems=library.problems() or None,
            job=job_reply(library, found) if found else None,
            added=add_reply(library, found) if found else None,
        )


def collection_reply(library: Library, status: Stored) -> Collection:
    """A collection as replies show it."""
    return Collection(
        name=status.name,
        documents=status.documents,
        passages=status.passages,
        encoded=status.encoded,
        snapshot=status.journalled,
        oldest_snapshot=status.oldest if status.journalled else None,
        language=status.language or None,
        encoder=status.encoder or status.model or None,
        sparse=status.sparse or None,
        sparse_encoded=library.sparse_encoded(status.name) if status.sparse else None,
    )
