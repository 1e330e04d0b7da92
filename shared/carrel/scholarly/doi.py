"""doi.org: the register of every DOI, whatever agency gave it out. What it does not know does not exist."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from carrel.errors import Unavailable
from carrel.records import Page
from carrel.scholarly.courier import Clock, Courier, Getter, each
from carrel.scholarly.crossref import csl_work
from carrel.scholarly.identifiers import Identifier
from carrel.scholarly.providers import Lookup, Query, Record, Shelf, SourceStatus
from carrel.scholarly.shapes import first, json_object, number

__all__ = ["DoiRegistry"]

_CSL = "application/vnd.citationstyles.csl+json"
_KNOWN = 1, 200  # handle response codes: success; the handle exists but has no such values
_UNKNOWN = 100  # handle not found


class DoiRegistry:
    """Tells whether a DOI is registered and, by content negotiation, what its agency says of it."""

    name = "doi"

    def __init__(self, client: Getter, clock: Clock, *, base: str = "") -> None:
        self._courier = Courier(
            self.name, (base or "https://doi.org").rstrip("/"), client, clock, {"handle": 0.1, "metadata": 0.1}
        )

    def reads(self, identifier: Identifier) -> bool:
        """DOIs, and arXiv numbers by the DOI that arXiv registers for each."""
        return identifier.scheme in ("doi", "arxiv")

    def settles(self, identifier: Identifier) -> bool:
        """For DOIs, yes. A new arXiv paper's DOI comes days after the paper."""
        return identifier.scheme == "doi"

    async def get(self, identifiers: Sequence[Identifier], ends: float) -> Lookup:
        """Ask the register, then the agency."""
        return await each(self._courier, identifiers, lambda i: self._single(i, ends))

    async def find(self, query: Query, ends: float) -> Shelf:
        """The register cannot be searched."""
        del query, ends
        return Shelf(SourceStatus(self.name, "skipped", "doi.org has no search"))

    async def _single(self, identifier: Identifier, ends: float) -> Record | None:
        doi = identifier.value if identifier.scheme == "doi" else f"10.48550/arxiv.{identifier.value}"
        handle = await self._courier.ask(f"/api/handles/{quote(doi)}", kind="handle", ends=ends, params={"type": "URL"})
        if not self._registered(handle):
            return None
        page = await self._courier.ask(
            f"/{quote(doi)}", kind="metadata", ends=ends, accept=_CSL, answers=(200, 204, 404, 406)
        )
        if page.status != 200:
            raise Unavailable("the DOI is registered, but its agency gave no metadata; open it at doi.org")
        message = json_object(page, self.name)
        if not first(message.get("title")):
            raise Unavailable("the DOI is registered, but its agency gave no title; open it at doi.org")
        return Record(self.name, csl_work({"DOI": doi} | dict(message), self.name))

    def _registered(self, page: Page) -> bool:
        code = number(json_object(page, self.name).get("responseCode"))
        if code == _UNKNOWN and page.status == 404:
            return False
        if code in _KNOWN:
            return True
        raise Unavailable("doi.org could not say whether the DOI is registered; try again later")
