"""I have the head of a page: what does it say about itself?

Title, authors, date, language, canonical address, description, site. All of it is text from outside that lands in short
fields, so every value is squeezed to one line and cut.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from carrel.documents.html.markdown import absolute

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

__all__ = ["Facts", "facts"]

MAX_FIELD = 300
MAX_AUTHORS = 20
MAX_JSON_LD = 500_000
MAX_NODES = 2_000
_SPACE = re.compile(r"\s+")
_ARTICLES = re.compile(
    r"(?:.*Article|.*Posting|Report|Book|Chapter|Thesis|Recipe|Review|Dataset|Course|FAQPage|QAPage|WebPage|.*Page|VideoObject|"
    r"SoftwareApplication|Product|Event|Movie|CreativeWork|HowTo|Question)"
)
_DATE = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?(?=$|[T\s])")
_DATE_KEYS = [
    "citation_publication_date",
    "citation_date",
    "article:published_time",
    "og:published_time",
    "datepublished",
    "date",
    "dc.date",
    "dc.date.issued",
    "dcterms.created",
    "dcterms.date",
    "parsely-pub-date",
    "sailthru.date",
    "pubdate",
    "publish_date",
    "publish-date",
    "publication_date",
    "article:published",
    "date.created",
    "article:modified_time",
    "last-modified",
]
_AUTHOR_KEYS = ("citation_author", "author", "article:author", "dc.creator", "dcterms.creator", "parsely-author", "byl")
_TITLE_KEYS = ("citation_title", "og:title", "dc.title", "twitter:title")
_CUTS = (" | ", " – ", " — ", " - ", " :: ", " · ", " » ", " • ")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page says of itself; empty where it does not."""

    title: str = ""
    authors: tuple[str, ...] = ()
    date: str = ""
    language: str = ""
    canonical: str = ""
    description: str = ""
    site: str = ""
    kind: str = ""


def facts(parser: LexborHTMLParser, linked_data: Sequence[str] = (), *, url: str = "", heading: str = "") -> Facts:
    """Read the head. ``heading`` is the text of the page's first level-one heading, if it has one."""
    metas = _metas(parser)
    linked = _linked_data(linked_data)
    node = parser.css_first("title")
    titles = (
        [metas[key][0] for key in _TITLE_KEYS if key in metas],
        _short(node.text() if node is not None else ""),
    )
    return Facts(
        title=_title(titles[0], titles[1], _short(heading), linked),
        authors=_authors(metas, linked),
        date=_date(parser, metas, linked),
        language=_language(parser, metas),
        canonical=_canonical(parser, url),
        description=_first(metas, ("og:description", "description", "dc.description"), 500),
        kind=_kind(metas, linked),
        site=_first(metas, ("og:site_name", "application-name", "citation_journal_title"), 100),
    )


def _kind(metas: Mapping[str, list[str]], linked: list[dict[str, Any]]) -> str:
    """What schema.org or OpenGraph type the page gives itself, the most telling first."""
    return next((kind for item in linked for kind in _types(item) if kind), "")[:60] or _first(metas, ("og:type",), 60)


def _short(text: str, limit: int = MAX_FIELD) -> str:
    return _SPACE.sub(" ", html.unescape(text[: limit * 8])).strip()[:limit].strip()


def _metas(parser: LexborHTMLParser) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in parser.css("meta")[:MAX_NODES]:
        attributes = node.attributes
        content = _short(attributes.get("content") or "", 500)
        names = attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or ""
        for name in names.lower().split():
            if content:
                found.setdefault(name, []).append(content)
    return found


def _first(metas: Mapping[str, list[str]], keys: tuple[str, ...] | list[str], limit: int) -> str:
    return next((metas[key][0][:limit] for key in keys if key in metas), "")


def _title(given: list[str], tag: str, heading: str, linked: list[dict[str, Any]]) -> str:
    """Prefer what the page says for sharing, when the heading or the title tag bears it out."""
    candidates = [*given, *(_short(item["headline"]) for item in linked if isinstance(item.get("headline"), str))]
    for candidate in candidates:
        if candidate and (candidate == heading or candidate in tag):
            return _without_site(candidate, heading)
    if heading and tag and _fold(heading) in _fold(tag):
        return heading
    best = next((c for c in candidates if c), "") or tag or heading
    return _without_site(best, heading)


def _without_site(title: str, heading: str) -> str:
    """Cut " | Site name" off where the heading shows where the title proper ends."""
    for cut in _CUTS:
        left, found, _ = title.rpartition(cut)
        if found and heading and _fold(left) == _fold(heading):
            return left
    return title


def _fold(text: str) -> str:
    return re.sub(r"\W+", " ", text.casefold()).strip()


# -- JSON-LD ---------------------------------------------------------------------------------------------------------


def _linked_data(blocks: Sequence[str]) -> list[dict[str, Any]]:
    """Objects of schema.org types that describe a page, best first: articles before pages."""
    found: list[dict[str, Any]] = []
    room = MAX_JSON_LD
    for text in blocks[:50]:
        room -= len(text)
        if room < 0:
            break
        found.extend(_objects(_forgiving_json(text)))
    found = [item for item in found if any(_ARTICLES.fullmatch(kind) for kind in _types(item))]
    return sorted(found, key=lambda item: any(kind.endswith("Page") for kind in _types(item)))


def _forgiving_json(text: str) -> object:
    """Parse JSON as pages have it: in comments or CDATA, with a semicolon or control characters."""
    text = re.sub(
        r"^\s*(?:<!--|(?://|/\*)?\s*<!\[CDATA\[(?:\s*\*/)?)|(?:-->|(?://|/\*)?\s*\]\]>(?:\s*\*/)?)\s*$", "", text
    )
    try:
        value: object = json.loads(text.strip().rstrip(";"), strict=False)
    except (ValueError, RecursionError):
        return None
    return value


def _objects(value: object) -> Iterator[dict[str, Any]]:
    stack, seen = [value], 0
    while stack and seen < MAX_NODES:
        seen += 1
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(reversed(item[:200]))
        elif isinstance(item, dict):
            yield item
            stack.extend(item[key] for key in ("@graph", "mainEntity", "mainEntityOfPage") if key in item)


def _types(item: Mapping[str, Any]) -> list[str]:
    kind = item.get("@type", "")
    return [k for k in (kind if isinstance(kind, list) else [kind]) if isinstance(k, str)]


# -- authors, date, language, address --------------------------------------------------------------------------------


def _authors(metas: Mapping[str, list[str]], linked: list[dict[str, Any]]) -> tuple[str, ...]:
    names: list[str] = []
    for item in linked:
        names = [name for name in _people(item.get("author")) if name]
        if names:
            break
    if not names:
        key = next((key for key in _AUTHOR_KEYS if key in metas), "")
        names = metas.get(key, [])
    cleaned = (_short(re.sub(r"^(?:by|von|par|di|por)\s+", "", name, flags=re.I), 100) for name in names)
    return tuple(dict.fromkeys(name for name in cleaned if name and not name.startswith(("http", "@"))))[:MAX_AUTHORS]


def _people(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        name = value.get("name")
        return _people(name) if isinstance(name, (str, list)) else []
    if isinstance(value, list):
        return [name for item in value[:MAX_AUTHORS] if not isinstance(item, list) for name in _people(item)]
    return []


def _date(parser: LexborHTMLParser, metas: Mapping[str, list[str]], linked: list[dict[str, Any]]) -> str:
    for key in ("datePublished", "dateCreated", "uploadDate", "dateModified"):
        for item in linked:
            if isinstance(item.get(key), str) and (date := _iso_date(item[key])):
                return date
    for key in _DATE_KEYS:
        for value in metas.get(key, [])[:1]:
            if date := _iso_date(value):
                return date
    for node in parser.css("time[datetime]")[:5]:
        if date := _iso_date(node.attributes.get("datetime") or ""):
            return date
    return ""


def _iso_date(text: str) -> str:
    """``YYYY-MM-DD``, ``YYYY-MM`` or ``YYYY`` from the start of an ISO or slashed date; empty when it is neither."""
    plain = text.strip().replace("/", "-")[:40]
    match = _DATE.match(plain)
    if match is None:
        return plain if re.fullmatch(r"(?:1[5-9]|20)\d\d", plain) else ""
    if not 1 <= int(match[2]) <= 12 or not 1 <= int(match[3] or 1) <= 31:
        return ""
    return "-".join(part for part in match.groups() if part)


def _language(parser: LexborHTMLParser, metas: Mapping[str, list[str]]) -> str:
    top = parser.css_first("html")
    value = (top.attributes.get("lang") or top.attributes.get("xml:lang") or "") if top is not None else ""
    value = value or _first(metas, ("og:locale", "content-language", "language", "dc.language"), 20)
    match = re.match(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*", value.strip()[:20])
    return match[0].replace("_", "-") if match else ""


def _canonical(parser: LexborHTMLParser, url: str) -> str:
    for node in parser.css("link[rel][href]")[:200]:
        if "canonical" in (node.attributes.get("rel") or "").lower().split():
            return absolute(url, node.attributes.get("href") or "")
    return ""
