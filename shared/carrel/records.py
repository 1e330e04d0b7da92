"""The nouns of Carrel, frozen. Verbs live in the rooms.

Offsets everywhere are Unicode code points into a document's stored ``text``: start inclusive, end exclusive.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from carrel.errors import BadRequest

__all__ = [
    "Access",
    "ArmScore",
    "Author",
    "Document",
    "EvidenceRef",
    "Hit",
    "Link",
    "Page",
    "PageOrigin",
    "Passage",
    "Ranking",
    "Section",
    "SourceKind",
    "Sufficiency",
    "Work",
    "WorkStatus",
    "document_id",
    "parse_ref",
]

SourceKind = Literal["file", "web", "scholar", "text"]
PageOrigin = Literal["network", "confirmed", "store", "recording"]

_REF = re.compile(r"(?P<doc>[a-z2-7]{16})(?::(?P<start>\d{1,12})-(?P<end>\d{1,12}))?")


def document_id(source: str, text: str) -> str:
    """Name a document by its content: 16 base32 characters (80 bits) of SHA-256 over source and text."""
    digest = hashlib.sha256(f"{source}\0{text}".encode("utf-8", "surrogatepass")).digest()
    return base64.b32encode(digest[:10]).decode("ascii").lower()


@dataclass(frozen=True, slots=True, order=True)
class EvidenceRef:
    """A whole document (``start`` and ``end`` None) or the span ``[start, end)`` of its text."""

    doc_id: str
    start: int | None = None
    end: int | None = None

    def __str__(self) -> str:
        return self.doc_id if self.start is None else f"{self.doc_id}:{self.start}-{self.end}"


def parse_ref(text: str) -> EvidenceRef:
    """Read ``doc_id`` or ``doc_id:start-end``; a ``carrel://documents/…`` or ``carrel://passages/…`` URI works too.

    Raises BadRequest when the text has neither shape or the span is empty or reversed.
    """
    plain = text.strip().strip("`[]<>")
    plain = re.sub(r"^carrel://(?:documents|passages)/", "", plain)
    plain = re.sub(r"^([a-z2-7]{16})/(\d+-\d+)$", r"\1:\2", plain)
    match = _REF.fullmatch(plain)
    if match is None:
        raise BadRequest("that is not a reference; use doc_id or doc_id:start-end as a search or read reply gives it")
    if match["start"] is None:
        return EvidenceRef(match["doc"])
    start, end = int(match["start"]), int(match["end"])
    if end <= start:
        raise BadRequest("the span of that reference is empty; its end must be greater than its start")
    return EvidenceRef(match["doc"], start, end)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and everything under it up to the next heading of any level.

    ``start`` is where the heading begins (0 for the text before the first heading, which has an empty heading and
    level 0); sections are in order, touch, and cover the text. ``path`` is the headings from the top down to this one.
    """

    heading: str
    level: int
    start: int
    end: int
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """One hyperlink of a page: absolute ``url``, its anchor text, and a little text around it."""

    url: str
    text: str
    context: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One source text with identity, as ingested.

    ``page_starts`` holds, for paged media, the offset at which each page begins (first is 0). ``metadata`` holds
    short string facts a reader may want (extractor, charset, hidden_chars …), never content.
    """

    doc_id: str
    source: str
    source_kind: SourceKind
    media_type: str
    title: str
    text: str = field(repr=False)  # asyncio writes the repr of results; a text may have megabytes
    sections: tuple[Section, ...] = ()
    date: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    language: str = ""
    page_starts: tuple[int, ...] = ()
    links: tuple[Link, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """A contiguous span of a document: what is indexed and returned. ``heading`` is its section's path."""

    doc_id: str
    start: int
    end: int
    text: str
    heading: tuple[str, ...] = ()

    @property
    def ref(self) -> EvidenceRef:
        return EvidenceRef(self.doc_id, self.start, self.end)


@dataclass(frozen=True, slots=True)
class ArmScore:
    """Where one first-stage arm put a passage: ``rank`` from 1, ``score`` on that arm's own scale."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with its place in a ranking. ``arms`` tells which arm found it (``lexical``, ``dense`` …) and where a
    reranker put it (``late``, ``cross``, ``sparse``); ``page`` is the page it begins on, from 1, where the document has
    pages. ``also_in`` are passages that say the same, word for word, and are no hits of their own."""

    passage: Passage
    rank: int
    score: float
    title: str = ""
    source: str = ""
    date: str = ""
    arms: Mapping[str, ArmScore] = field(default_factory=dict)
    page: int | None = None
    also_in: tuple[EvidenceRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Sufficiency:
    """Whether what was found is evidence for what was asked. ``level``: sufficient, weak, none or uncalibrated.

    ``probability`` (0..1) is that of a question the collection can answer, where half of all questions are; None when
    uncalibrated. What it was judged by (``basis``): meaning and words, words, meaning or nothing.
    """

    level: Literal["sufficient", "weak", "none", "uncalibrated"]
    probability: float | None
    basis: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """Hits best first, ties broken by reference.

    ``generation`` names the snapshot that answered. ``coverage`` is, per arm, the share of the collection's passages
    it can see (0..1); an arm below 1, or absent, is why a ranking may be incomplete, and ``notes`` says so in words.
    ``sufficiency`` is of the whole ranking, whichever part of it these hits are. ``stages`` are the places, from 0, of
    the reranking pipeline's stages that had a part in the order.
    """

    hits: tuple[Hit, ...]
    generation: int
    coverage: Mapping[str, float]
    notes: tuple[str, ...] = ()
    sufficiency: Sufficiency | None = None
    stages: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """What a URL gave. ``status`` is the HTTP status; ``url`` was asked, ``final_url`` answered after ``redirects``.

    ``body`` is decoded of transfer and content codings, not of its charset. ``truncated`` says that the size cap or a
    cut-off stream ended it. ``headers`` has lower-case names. ``origin`` tells who was asked: the site for all of it
    (``network``) or for whether a stored copy still holds (``confirmed``), or nobody; ``fetched_at`` is of that copy.
    ``rendered`` says by what browser, and how, its scripts were run; ``body`` is then what they made. Empty where they
    were not run.
    """

    url: str
    final_url: str
    status: int
    media_type: str
    charset: str
    body: bytes
    headers: Mapping[str, str]
    fetched_at: str
    redirects: tuple[str, ...] = ()
    truncated: bool = False
    origin: PageOrigin = "network"
    rendered: str = ""


@dataclass(frozen=True, slots=True)
class Author:
    """A person (``family``, ``given``) or a group (``family`` only)."""

    family: str
    given: str = ""
    orcid: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """A legal copy of the full text. ``version``: publishedVersion, acceptedVersion, submittedVersion or empty."""

    url: str
    media_type: str = ""
    version: str = ""
    licence: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class WorkStatus:
    """What is known of a work's standing, and as of when.

    ``state``: retracted, expression_of_concern, corrected, withdrawn, reinstated or none_known.
    """

    state: str
    date: str = ""
    reason: str = ""
    notice: str = ""
    provider: str = ""
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """A publication, merged from what providers said.

    ``identifiers`` maps scheme (doi, arxiv, pmid, pmcid, openalex, s2 …) to canonical form. ``provenance`` maps a
    field name to the provider it was taken from; ``conflicts`` lists "field: provider=value; provider=value".
    """

    title: str
    authors: tuple[Author, ...] = ()
    year: int | None = None
    date: str = ""
    venue: str = ""
    publisher: str = ""
    type: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    abstract: str = ""
    language: str = ""
    identifiers: Mapping[str, str] = field(default_factory=dict)
    cited_by: int | None = None
    references: tuple[str, ...] = ()
    status: WorkStatus | None = None
    access: tuple[Access, ...] = ()
    url: str = ""
    found_by: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    conflicts: tuple[str, ...] = ()
