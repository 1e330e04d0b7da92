"""Which addresses belong to a crawl?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fnmatch import translate
from urllib.parse import urlsplit

from carrel.errors import BadRequest, CarrelError
from carrel.web import WebUrl, check_url

__all__ = ["Scope"]

_MAX_URL = 2_000
_MAX_SEGMENTS = 20
_REPEATS = 3  # of one path segment: /a/b/a/b/a/b is what a calendar or a wrong relative link makes
_QUERIES = 100  # addresses of one path that differ in the query only
_NO_TEXT = re.compile(
    r"\.(?:png|jpe?g|gif|webp|avif|ico|bmp|tiff?|svgz?|mp[34]|m4[av]|webm|og[gv]|wav|flac|mov|avi|mkv|zip|gz|tgz|bz2|xz|7z|"
    r"rar|tar|dmg|exe|msi|deb|rpm|apk|iso|jar|whl|css|js|mjs|map|woff2?|ttf|otf|eot|wasm|bin|swf)$",
    re.I,
)


class Scope:
    """Pages of one host (with and without ``www.``), below the folder of ``base`` or where ``include`` says.

    ``include`` and ``exclude`` are patterns of the path and query, in which ``*`` stands for anything.
    """

    def __init__(
        self, base: str, *, include: Sequence[str] = (), exclude: Sequence[str] = (), allow_hosts: Sequence[str] = ()
    ) -> None:
        start = check_url(base, allow_hosts=allow_hosts)
        self._allow_hosts = allow_hosts
        self._place = _place(start)
        self._folder = start.path.partition("?")[0].rpartition("/")[0] + "/"
        self._include = [_pattern(each) for each in include]
        self._exclude = [_pattern(each) for each in exclude]
        self._queries: dict[str, set[str]] = {}

    def checked(self, url: str) -> str | None:
        """The address as it will be asked for, or None when it is not of this crawl."""
        try:
            found = check_url(url.partition("#")[0], allow_hosts=self._allow_hosts)
        except CarrelError:
            return None
        return found.text if _place(found) == self._place and self._wanted(found) else None

    def host_of(self, url: str) -> bool:
        """Whether an address is of the crawl's host, wherever on it."""
        try:
            return _place(check_url(url, allow_hosts=self._allow_hosts)) == self._place
        except CarrelError:
            return False

    def may_name(self, url: str) -> bool:
        """Whether the site may have an address asked for: a public one, or one of its own host. The exemption of other
        hosts is for what the user asks."""
        try:
            found = check_url(url, allow_hosts=self._allow_hosts)
        except CarrelError:
            return False
        return not found.listed or _place(found) == self._place

    def _wanted(self, url: WebUrl) -> bool:
        path, _, query = url.path.partition("?")
        if len(url.text) > _MAX_URL or _NO_TEXT.search(path) or _is_trap(path):
            return False
        if any(pattern.fullmatch(url.path) for pattern in self._exclude):
            return False
        if self._include:
            if not any(pattern.fullmatch(url.path) for pattern in self._include):
                return False
        elif not path.startswith(self._folder):
            return False
        known = self._queries.setdefault(path, set())
        if len(known) < _QUERIES:
            known.add(query)
        return query in known


def _place(url: WebUrl) -> tuple[str, int]:
    """Host and port; http and https of one host are one place."""
    return url.host.removeprefix("www."), 80 if url.port in (80, 443) else url.port


def _is_trap(path: str) -> bool:
    segments = [segment for segment in path.split("/") if segment]
    return len(segments) > _MAX_SEGMENTS or max(Counter(segments).values(), default=0) > _REPEATS


def _pattern(text: str) -> re.Pattern[str]:
    wanted = text.strip()
    if "://" in wanted:
        parts = urlsplit(wanted)
        wanted = f"{parts.path}?{parts.query}" if parts.query else parts.path
    if not wanted or len(wanted) > 200:
        raise BadRequest("a pattern is a path in which * stands for anything, such as /docs/*")
    return re.compile(translate(wanted if wanted.startswith(("/", "*")) else f"/{wanted}"))
