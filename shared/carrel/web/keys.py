"""I have two URLs: do they most likely name one page?"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote, urlsplit

__all__ = ["loose_key"]

_TRACKING = re.compile(
    r"utm_\w+|gclid|dclid|gbraid|wbraid|fbclid|msclkid|yclid|twclid|igshid|mc_[ce]id|_ga|_gl|_hs(?:enc|mi)|mkt_tok|"
    r"ref_src|ref_url|vero_id|oly_(?:anon|enc)_id|wt_mc|srsltid",
    re.I,
)
_INDEX = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?)$", re.I)
_PORTS = {"http": 80, "https": 443}


def loose_key(url: str) -> str:
    """A form of an http(s) URL that addresses of one page mostly share; two keys that differ say nothing for sure.

    Without scheme, ``www.``, the scheme's own port, fragment, names of campaigns, order of the query, index file and
    last slash. It names a page for comparison and is never fetched. A text that is no URL is its own key.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return url
    host = (parts.hostname or "").rstrip(".").removeprefix("www.")
    if not host:
        return url
    place = host if port in (None, _PORTS.get(parts.scheme)) else f"{host}:{port}"
    path = _INDEX.sub("/", quote(unquote(parts.path), safe="/:@!$&'()*+,;=~-._")).rstrip("/")
    pairs = sorted(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(pair[0]))
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)
    return f"{place}{path}?{query}" if query else f"{place}{path}"
