"""I have the bytes of a sitemap or a feed: which pages does it name?

Sitemaps (sitemaps.org 0.9: index, urlset, one address a line), RSS 0.9 to 2.0 and Atom (RFC 4287), on expat, which
fetches nothing; a document that declares entities is refused, so that none can multiply.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin
from xml.parsers import expat

from carrel.errors import CarrelError, Refused, Unsupported
from carrel.records import Page
from carrel.web import unpacked

__all__ = ["MAX_BYTES", "MAX_URLS", "Listing", "feeds_of", "is_listing", "read_listing", "sitemaps_of"]

MAX_BYTES = 50 * 1024 * 1024  # sitemaps.org: 50 MB, and 50,000 addresses in a file
MAX_URLS = 50_000
_MAX_URL = 2_048  # sitemaps.org
_MAX_DEPTH = 64
_MAX_ELEMENTS = 20 * MAX_URLS  # an entry of a feed has about ten; a million take some three seconds
_PIECE = 65_536  # bytes for the parser at once: it holds the interpreter's lock meanwhile
_MAX_TOKEN = 1 << 20  # bytes without an element or a letter: one endless comment or tag
_XML = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:\?xml|!DOCTYPE|!--|rss\b|feed\b|rdf:RDF\b|urlset\b|sitemapindex\b)")
_ROOT = re.compile(rb"<(?:\w+:)?(rss|feed|RDF|urlset|sitemapindex)[\s>]")
# no "<" inside a tag: each character is looked at for one tag only, however many there are without an end
_FEED = re.compile(r"<link\b[^<>]{0,500}\btype\s*=\s*[\"']?application/(?:rss|atom)\+xml[^<>]{0,500}>", re.I)
_HREF = re.compile(r"\bhref\s*=\s*(?:\"([^\"]{1,2000})\"|'([^']{1,2000})'|([^\s>]{1,2000}))", re.I)
_ENTRIES = {"sitemap", "url", "item", "entry"}


@dataclass(frozen=True, slots=True)
class Listing:
    """What a sitemap or feed names: ``pages``, and of a sitemap index more ``sitemaps``; absolute addresses, each once.

    ``whole`` is False where it was cut off, damaged or too long. ``size``: bytes that were read, unpacked.
    """

    pages: tuple[str, ...] = ()
    sitemaps: tuple[str, ...] = ()
    whole: bool = True
    size: int = 0


def is_listing(page: Page) -> bool:
    """Whether a page is a sitemap or a feed, by its first bytes; a packed one by its name."""
    head = page.body[:2_000]
    if head[:2] == b"\x1f\x8b":
        return page.final_url.endswith(".xml.gz")
    return _XML.match(head) is not None and _ROOT.search(head) is not None


def read_listing(body: bytes, *, url: str, whole: bool = True) -> Listing:
    """Read a sitemap or feed that came from ``url``, packed with gzip or not; ``whole`` tells if it came in full.

    Raises Refused for declared entities, Unsupported for what is neither.
    """
    body, packed_whole = unpacked(body, MAX_BYTES)
    whole = whole and packed_whole and len(body) <= MAX_BYTES
    body = body[:MAX_BYTES]
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return _Reader(url).read(body, whole)
    lines = [line.strip() for line in body.decode("utf-8", "replace").split("\n", MAX_URLS + 1)[: MAX_URLS + 1]]
    pages = dict.fromkeys(line for line in lines if line.startswith(("http://", "https://")) and len(line) <= _MAX_URL)
    if not pages or len(pages) < len([line for line in lines if line]) / 2:
        raise Unsupported("that is neither a sitemap nor a feed")
    return Listing(tuple(pages)[:MAX_URLS], (), whole and len(pages) <= MAX_URLS, len(body))


class _Stop(Exception):
    pass


class _Reader:
    """Gathers addresses from expat's events."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._path: list[str] = []
        self._text: list[str] = []
        self._size = 0
        self._elements = 0
        self._named = 0
        self._heard = 0  # place of the last piece of the body in which there was something
        self._place = 0
        self._pages: dict[str, None] = {}
        self._sitemaps: dict[str, None] = {}
        self._refused: CarrelError | None = None

    def read(self, body: bytes, whole: bool) -> Listing:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._words
        parser.EntityDeclHandler = self._entity
        parser.buffer_text = True
        try:
            for self._place in range(0, len(body), _PIECE):
                parser.Parse(body[self._place : self._place + _PIECE], False)
                if self._place - self._heard > _MAX_TOKEN:
                    raise _Stop
            parser.Parse(b"", True)
        except _Stop:
            whole = False
        except (expat.ExpatError, ValueError, LookupError):  # damaged, or in an encoding that nobody knows
            whole = False
        if self._refused is not None:
            raise self._refused
        return Listing(tuple(self._pages), tuple(self._sitemaps), whole, len(body))

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if not self._path and local not in ("sitemapindex", "urlset", "rss", "RDF", "feed"):
            self._refused = Unsupported("that is neither a sitemap nor a feed")
            raise _Stop
        self._heard = self._place
        self._elements += 1
        if len(self._path) >= _MAX_DEPTH or self._elements > _MAX_ELEMENTS:
            raise _Stop
        self._path.append(local)
        self._text, self._size = [], 0
        if local == "link" and self._path[-2:-1] == ["entry"] and attributes.get("rel", "alternate") == "alternate":
            self._found(attributes.get("href", ""), self._pages)

    def _words(self, text: str) -> None:
        self._heard = self._place
        self._size += len(text)
        if self._size <= _MAX_URL:
            self._text.append(text)

    def _end(self, name: str) -> None:
        local, inside = self._path.pop(), self._path[-1] if self._path else ""
        if local in ("loc", "link") and inside in _ENTRIES and self._size <= _MAX_URL:
            self._found("".join(self._text), self._sitemaps if inside == "sitemap" else self._pages)
        self._text, self._size = [], 0

    def _found(self, address: str, where: dict[str, None]) -> None:
        if not address.strip():
            return
        self._named += 1
        if self._named > MAX_URLS:
            raise _Stop
        try:
            where.setdefault(urljoin(self._url, address.strip()))
        except ValueError:
            return

    def _entity(self, *declared: object) -> None:
        self._refused = Refused("that sitemap or feed declares entities, so it is not read")
        raise _Stop


def sitemaps_of(robots: str) -> tuple[str, ...]:
    """The sitemaps that a robots.txt names (sitemaps.org; RFC 9309 section 2.2.4 lets it)."""
    return tuple(dict.fromkeys(re.findall(r"(?im)^[ \t]*sitemap[ \t]*:[ \t]*(\S{1,2000})", robots)))


def feeds_of(head: str, url: str) -> tuple[str, ...]:
    """The feeds that the beginning of a page names."""
    found: dict[str, None] = {}
    for link in _FEED.findall(head):
        if match := _HREF.search(link):
            try:
                found.setdefault(urljoin(url, next(filter(None, match.groups()))))
            except ValueError:
                continue
    return tuple(found)
