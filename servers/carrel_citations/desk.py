"""Getting at cited sources: the library first, then the open web, then the registers of literature.

Whatever could be read is kept as evidence, so that every reference in a reply opens in every server.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import anyio.to_thread

from carrel.citations.bibliography import Reference, with_identity
from carrel.citations.finding import Bearing, look_for_evidence
from carrel.citations.paths import path_of, sources_of
from carrel.citations.sources import SourceText, classify
from carrel.citations.verify import SourceState
from carrel.errors import BadRequest, CarrelError, NotFound, Unavailable
from carrel.index import LazyLibrary
from carrel.ingest import note, page_document
from carrel.models import Encoder
from carrel.records import Document, Page, Ranking, Work, parse_ref
from carrel.scholarly import Scholar, abstract_document, match_reference, open_scholar, parse_identifier
from carrel.settings import Settings
from carrel.web import OpenWeb, WebClient

__all__ = ["Desk"]

_REF = re.compile(r"`?(?:carrel://\w+/)?[a-z2-7]{16}(?:[:/]\d+-\d+)?`?")
_NO_SUCH_PATH = "could not look: no document of that path is in the library"
_MOST_SOURCES = 8
_DEADLINE = 20.0  # seconds for one page
_SCHOLARLY_WORDS = 5  # words from which a plain reference says enough to be looked for
_EXISTS = {
    "verified": "found", "verified_with_corrections": "found", "mismatch": "mismatch", "unconfirmed": "unconfirmed",
    "likely_fabricated": "likely_fabricated", "unavailable": "could_not_look",
}  # fmt: skip


class Desk:
    """`carrel.citations.Sources` over a library, a web client and a scholar, each opened when first needed."""

    def __init__(
        self, settings: Settings, shelf: LazyLibrary, client: WebClient | None = None, scholar: Scholar | None = None
    ) -> None:
        self._settings = settings
        self._shelf = shelf
        self._client = client
        self._scholar = scholar
        self._own: list[WebClient] = []
        self._world = OpenWeb(settings)

    async def aclose(self) -> None:
        for client in self._own:
            await client.aclose()
        self._world.close()

    def encoder(self) -> Encoder:
        """The library's encoder. Raises Unavailable where there is none."""
        return self._shelf().encoder()

    def look(self, claim: str, collection: str, k: int) -> tuple[Ranking, list[Bearing]]:
        """See `carrel.citations.finding.look_for_evidence`, in the library."""
        return look_for_evidence(self._shelf(), claim, collection=collection, k=k, encoder=self.encoder)

    # -- what a tool's caller names -----------------------------------------------------------------------------------

    async def open(self, source: str) -> SourceText:
        """The source a caller names: a reference, a URL, an identifier of a work, or the text itself.

        Raises the error that says why it cannot be had; an abstract counts as had.
        """
        source = source.strip()
        if not source:
            raise BadRequest("name a source: a reference (doc_id:start-end), a URL, a DOI, or the text itself")
        if (paths := path_of(source)) and (stored := await anyio.to_thread.run_sync(partial(self._at_path, paths))):
            return stored
        if _REF.fullmatch(source):
            return await anyio.to_thread.run_sync(partial(self._from_library, source))
        if re.match(r"https?://", source, re.I) and not re.search(r"\s", source):
            found = await self._from_url(source)
            if found.document is None:
                raise Unavailable(found.reason.removeprefix("could not look: "))
            return found
        if len(source) < 200 and "\n" not in source and (identifier := _identifier(source)):
            return await self._opened_work(identifier)
        if paths:
            raise NotFound("no document of that path is in the library; add the file first, or pass its text")
        document = await anyio.to_thread.run_sync(partial(note, source))
        return SourceText("found", "ok", document)

    async def _opened_work(self, identifier: str) -> SourceText:
        found = await self._from_register(with_identity(Reference(identifier, identifier, 0, 0)))
        if found.document is None:
            raise (NotFound if found.existence == "not_found" else Unavailable)(found.reason)
        return found

    async def open_all(self, sources: Sequence[str]) -> tuple[list[SourceText], list[tuple[str, CarrelError]]]:
        """The sources that could be had, and those that could not, with why."""
        had: list[SourceText] = []
        missing: list[tuple[str, CarrelError]] = []
        for source in sources[:_MOST_SOURCES]:
            try:
                had.append(await self.open(source))
            except CarrelError as error:
                missing.append((source, error))
        return had, missing

    # -- what a report cites ------------------------------------------------------------------------------------------

    async def resolve(self, reference: Reference) -> SourceText:
        """See `carrel.citations.Sources`: never raises for a source that cannot be had."""
        if reference.placeholder and not reference.ref:
            return SourceText("not_checked", reason="the address is a placeholder, not a source")
        try:
            if reference.ref:
                return await self._cited(reference.ref)
            if reference.paths:
                stored = await anyio.to_thread.run_sync(partial(self._at_path, reference.paths))
                if stored is not None:
                    return stored
            if reference.identifier:
                return await self._from_register(reference)
            if reference.url:
                return await self._from_url(reference.url)
            if reference.paths:
                return SourceText("could_not_look", reason=_NO_SUCH_PATH)
            return await self._from_description(reference)
        except NotFound as error:
            return SourceText("not_found", "dead", reason=str(error))
        except CarrelError as error:
            return SourceText("could_not_look", "unavailable", reason=f"could not look: {error}")

    async def _cited(self, ref: str) -> SourceText:
        try:
            return await anyio.to_thread.run_sync(partial(self._from_library, ref))
        except NotFound as error:  # another library may hold it: that is no proof that it does not exist
            raise Unavailable(str(error)) from error

    def _from_library(self, ref: str) -> SourceText:
        parsed = parse_ref(ref)
        span = self._shelf().resolve(parsed)
        state: SourceState = "abstract" if span.document.source_kind == "scholar" else "ok"
        named = None if parsed.start is None else (span.start, span.end)
        return SourceText("found", state, span.document, named, complete=_whole(span.document))

    def _at_path(self, paths: Sequence[str]) -> SourceText | None:
        """The document of the library that was added from one of these paths."""
        for path in paths:
            for source in sources_of(path, self._settings.roots):
                found = self._shelf().latest(source)
                if found is not None:
                    return SourceText("found", "ok", found[0], complete=_whole(found[0]))
        return None

    async def _from_url(self, url: str) -> SourceText:
        document = await anyio.to_thread.run_sync(partial(self._stored, url))
        if document is None:
            page = await self._web().read(url, deadline=_DEADLINE)
            document = await anyio.to_thread.run_sync(partial(self._parse_page, page))
        return _seen(document)

    def _stored(self, url: str) -> Document | None:
        plain = url.split("#:~:", 1)[0]
        for address in dict.fromkeys((plain, plain.rstrip("/"), plain + "/")):
            found = self._shelf().latest(address)
            if found is not None:
                return found[0]
        return None

    def _parse_page(self, page: Page) -> Document:
        document = page_document(page)
        return document if classify(document) == "error_page" else self._kept(document)

    def _kept(self, document: Document) -> Document:
        if not self._settings.read_only:
            self._shelf().keep(document)
        return document

    async def _from_register(self, reference: Reference) -> SourceText:
        """A reference with a DOI, an arXiv number or a PMID: does that work exist, and is it the one described?"""
        if reference.url and (stored := await anyio.to_thread.run_sync(partial(self._stored, reference.url))):
            return _seen(stored)
        described = len(_words(reference)) >= _SCHOLARLY_WORDS
        if described:
            return await self._matched(reference.text)
        answer = (await self._scholars().get([reference.identifier]))[0]
        if answer.work is not None:
            return await self._work(answer.work, "")
        if answer.state == "not_found":
            return SourceText("not_found", "dead", reason=answer.detail or "no work has this identifier")
        return SourceText(
            "could_not_look",
            reason="could not look: " + (answer.detail or "no register answered").removeprefix("could not look: "),
        )

    async def _from_description(self, reference: Reference) -> SourceText:
        if len(_words(reference)) < _SCHOLARLY_WORDS:
            return SourceText(
                "not_checked", reason="the reference names no address and says too little to be looked for"
            )
        return await self._matched(reference.text)

    async def _matched(self, text: str) -> SourceText:
        match = await match_reference(self._scholars(), text[:2_000])
        exists = _EXISTS[match.verdict]
        if exists == "found" and match.work is not None:
            wrong = [c.field for c in match.candidates[0].fields if not c.agrees] if match.candidates else []
            note = f"to correct: {', '.join(wrong)}" if match.verdict == "verified_with_corrections" and wrong else ""
            return await self._work(match.work, note)
        unsaid = exists == "could_not_look" and not match.reason.startswith("could not look")
        return SourceText(exists, reason=("could not look: " if unsaid else "") + match.reason)  # type: ignore[arg-type]

    async def _work(self, work: Work, remark: str) -> SourceText:
        standing = work.status.state if work.status is not None else "none_known"
        told = "; ".join(filter(None, (remark, "" if standing == "none_known" else standing.replace("_", " "))))
        made = abstract_document(work)
        if made is None:
            return SourceText("found", reason="the work exists, but no text of it is open here", note=told)
        document = await anyio.to_thread.run_sync(partial(self._kept, made[0]))
        return SourceText("found", "abstract", document, note=told)

    def _web(self) -> WebClient:
        if self._client is None:
            self._client = self._world.client()
            self._own.append(self._client)
        return self._client

    def _scholars(self) -> Scholar:
        if self._scholar is None:
            self._scholar, client = open_scholar(self._settings, web=self._world)
            self._own.append(client)
        return self._scholar


def _whole(document: Document) -> bool:
    """Whether a stored text is all there is: plain text of the user's own, out of which nothing had to be extracted."""
    plain = document.media_type.startswith("text/") and document.media_type != "text/html"
    return plain and document.source_kind in ("file", "text")


def _seen(document: Document) -> SourceText:
    """A page as a source: the page of an error or a barrier tells nothing of what was cited."""
    state = classify(document)
    if state == "error_page":
        reason = "could not look: the page shows an error or a barrier, not the source"
        return SourceText("could_not_look", state, reason=reason)
    return SourceText("found", state, document)


def _words(reference: Reference) -> list[str]:
    bare = re.sub(r"https?://\S+|\bdoi:\S+|\barxiv:\S+|\b10\.\d{4,}/\S+", " ", reference.text, flags=re.I)
    return re.findall(r"[^\W\d_]{2,}", bare)


def _identifier(text: str) -> str:
    try:
        identifier = parse_identifier(text)
    except BadRequest:
        return ""
    return str(identifier) if identifier.scheme in ("doi", "arxiv", "pmid", "pmcid") else ""
