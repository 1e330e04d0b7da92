"""From a URL to a stored document: the store first, then the network, and every page read becomes evidence."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import anyio

from carrel.errors import CarrelError, NotFound, Refused, Unresolved
from carrel.index import LazyLibrary
from carrel.ingest import HTML, Render, shown_document
from carrel.records import Document, Page
from carrel.settings import Settings
from carrel.web import ACCEPT_HTML, ACCEPT_PAGE, Archive, Browser, OpenWeb, WebClient, capture_of, check_url

__all__ = ["Pages", "Reading"]

FRESH_SECONDS = 3600.0
"""How long a page read before is shown again without asking its site."""

MAX_HELD = 32
_PARSED_AT_ONCE = 2
"""Pages parsed side by side. Twenty of 5 MB at once would take turns at the interpreter's lock until none is done."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A page as a document. ``read_at``: Unix seconds. ``stored``: no request was made. ``notes``: what to say.

    ``evidence`` is False when the page could not be kept, so that its references resolve nowhere else.
    """

    document: Document
    read_at: float
    stored: bool = False
    evidence: bool = True
    notes: tuple[str, ...] = ()


class Pages:
    """Reads pages through ``client`` and keeps them in the library that ``shelf`` opens.

    ``clock`` gives Unix seconds. Also holds the last few pages itself, for a library that cannot be written.
    """

    def __init__(
        self,
        settings: Settings,
        shelf: LazyLibrary,
        client: WebClient | None,
        clock: Callable[[], float],
        browser: Browser | None = None,
    ) -> None:
        self._settings = settings
        self._shelf = shelf
        self._given = client is not None
        self.world = OpenWeb(settings, clock=clock)
        self.client = client or self.world.client()
        self._archive = Archive(self.client, base=settings.provider_urls.get("archive", ""))
        self._browser = browser or Browser(
            executable=settings.browser,
            sandbox=settings.browser_sandbox,
            agent=self.client.agent,
            allow_hosts=settings.allow_hosts,
        )
        self._clock = clock
        self._parsing = anyio.CapacityLimiter(_PARSED_AT_ONCE)
        self._held: OrderedDict[str, Reading] = OrderedDict()  # by the address asked for

    async def aclose(self) -> None:
        if not self._given:
            await self.client.aclose()
        self.world.close()

    async def read(self, url: str, *, fresh: bool = False, any_age: bool = False, render: Render = "auto") -> Reading:
        """The page at ``url``: a copy less than an hour old (``any_age``: any copy) unless ``fresh``, else fetched.

        ``render``: whether a browser runs the page's scripts; auto does so when there is next to no text without
        them. Raises what `WebClient.read`, `Browser.render` and `carrel.documents.parse` raise.
        """
        asked = check_url(url, allow_hosts=self._settings.allow_hosts).text
        if not fresh:
            found = await self._known(asked)
            young = found is not None and self._is_fresh(found)
            if found is not None and (any_age or young) and _serves(found.document, render, any_age):
                return replace(found, stored=True)
        document, page, note = await self._shown(asked, fresh, self._allowed(render))
        # abandoned: whoever stops waiting at a deadline gets an answer; what is kept meanwhile stays whole
        reading = await anyio.to_thread.run_sync(
            self._take_in,
            document,
            page,
            note,
            abandon_on_cancel=True,
        )
        self._hold(asked, reading)
        return reading

    async def index(self, document: Document, collection: str) -> int:
        """Put a page into a collection; returns how many passages it has there. Raises Refused when read-only."""
        if self._settings.read_only:
            raise Refused("this server is read-only; start it without --read-only to add pages to the library")
        return await anyio.to_thread.run_sync(lambda: self._shelf().add([document], collection).passages)

    def _allowed(self, render: Render) -> Render:
        """What scripts load is in no recording, so none run over one."""
        if not self.client.recorded:
            return render
        if render == "always":
            raise Refused("a recorded page cannot be rendered: what its scripts load was not recorded")
        return "never"

    async def _shown(self, asked: str, fresh: bool, render: Render) -> tuple[Document, Page, str]:
        accept = ACCEPT_HTML if render == "always" else ACCEPT_PAGE

        async def rendered(page: Page) -> Page:
            return await self._browser.render(page, lambda address: self.client.read(address, accept=ACCEPT_HTML))

        page = await self._fetch(asked, fresh, accept)
        return await shown_document(page, render, rendered, lanes=self._parsing)

    async def _fetch(self, asked: str, fresh: bool, accept: str) -> Page:
        """The page. Where it is gone, with its site or alone, the error names a capture, if the archive has one."""
        try:
            return await self.client.read(asked, fresh=fresh, accept=accept)
        except (NotFound, Unresolved) as error:
            capture = await self._archive.closest(asked) if self._settings.archive else None
            if capture is None:
                raise
            raise type(error)(
                f'{error}; the Internet Archive captured it on {capture.date}: read_page(url="{capture.url}")'
            ) from None

    async def _known(self, asked: str) -> Reading | None:
        """The page as read before. A recording and the library tell of different days, so they are not mixed."""
        held = self._held.get(asked)
        if held is not None or self.client.recorded:
            return held
        return await anyio.to_thread.run_sync(self._from_library, asked)

    def _is_fresh(self, found: Reading) -> bool:
        if self._settings.reality == "cached":
            return abs(self._clock() - found.read_at) < FRESH_SECONDS  # a clock may be set back
        return self._settings.reality == "frozen"

    def _read_at(self, page: Page) -> float:
        """When the page was fetched; of a page that came just now, by the server's own clock."""
        if page.origin == "network" and not self.client.recorded:
            return self._clock()
        return datetime.fromisoformat(page.fetched_at).timestamp()

    def _from_library(self, asked: str) -> Reading | None:
        try:
            found = self._shelf().latest(asked)
        except CarrelError:
            return None  # no library to look into; the reading itself will say so
        if found is None or found[0].source_kind != "web":
            return None
        return Reading(found[0], found[1], notes=_notes(found[0]))

    def _take_in(self, document: Document, page: Page, note: str) -> Reading:
        notes = (*_page_notes(page), *_notes(document), *([note] if note else []))
        evidence = True
        if self._settings.read_only:
            evidence, notes = False, (*notes, "not kept as evidence: the server is read-only")
        else:
            try:
                self._shelf().keep(document)
            except CarrelError as error:
                evidence, notes = False, (*notes, f"not kept as evidence: {error}")
        stored = page.origin == "store"
        return Reading(document, self._read_at(page), stored=stored, evidence=evidence, notes=notes)

    def _hold(self, asked: str, reading: Reading) -> None:
        for address in {asked, reading.document.source}:
            self._held[address] = reading
            self._held.move_to_end(address)
        while len(self._held) > MAX_HELD:
            self._held.popitem(last=False)


def _serves(document: Document, render: Render, any_age: bool) -> bool:
    """Whether a copy read before is what this way of reading would give."""
    if render == "auto":
        return any_age or document.metadata.get("note") != "empty_shell"
    wanted = render == "always"
    return ("rendered" in document.metadata) == wanted or (wanted and document.media_type not in HTML)


def _page_notes(page: Page) -> tuple[str, ...]:
    if page.url.startswith("https:") and page.final_url.startswith("http:"):
        return ("the site redirected from https to http: anyone between could have changed this page",)
    return ()


_LOOKS = {
    "login": "a page to log in",
    "robot check": "a check that keeps programs out",
    "missing page": "the page of an error (the site says there is no such page, yet answered with success)",
    "payment": "a page that asks for payment",
    "front page": "the site's front page, to which it sent us",
}
_NOTED = {
    "empty_shell": "almost no text: the page probably needs JavaScript, which was not run",
    "hidden_shown": "the page hides its own text until scripts run; it is shown here, and a reader might not see it",
    "too_long": "the page is longer than 5 million characters; the rest was left out",
}


def _notes(document: Document) -> tuple[str, ...]:
    """What a reader must know of how the text came about."""
    from carrel.citations import classify

    facts = document.metadata
    notes = []
    if day := capture_of(document.source):
        notes.append(f"this is the Internet Archive's capture of {day}, not what the site says now")
    looks = facts.get("looks_like", "missing page" if classify(document) == "error_page" else "")
    if looks in _LOOKS:
        notes.append(f"this looks like {_LOOKS[looks]}, not like the content asked for")
    if "truncated" in facts:
        notes.append(f"the page came cut off {facts['truncated']}")
    if "rendered" in facts:
        notes.append(f"rendered: this is what its scripts showed, not what the site sent ({facts['rendered']})")
    if facts.get("note", "") in _NOTED:
        notes.append(_NOTED[facts["note"]])
    if facts.get("extractor") == "plain":
        notes.append("the page's markup is damaged or hostile, so it was reduced to plain text")
    if "guess" in facts.get("charset", "") or "unreadable" in facts.get("charset", ""):
        notes.append(f"charset {facts['charset']}: some letters may be wrong")
    return tuple(notes)


def iso_time(seconds: float) -> str:
    """Unix seconds as an ISO 8601 minute in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%MZ")
